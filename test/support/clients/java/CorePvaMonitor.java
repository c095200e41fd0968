import java.util.BitSet;
import org.epics.pva.client.ClientChannelState;
import org.epics.pva.client.PVAChannel;
import org.epics.pva.client.PVAClient;
import org.epics.pva.data.PVAStructure;

/**
 * Watches PVs with core-pva: one JSON object for each change, also of connection, until stdin ends.
 *
 * usage: java CorePvaMonitor NAME...
 */
final class CorePvaMonitor {
    private CorePvaMonitor() {
    }

    public static void main(String[] names) throws Exception {
        PVAClient client = new PVAClient();
        for (String name : names) {
            client.getChannel(name, CorePvaMonitor::stateChanged);
        }
        System.in.readAllBytes();
        System.exit(0);
    }

    /** A channel that loses its server forgets its subscriptions and is INIT. */
    private static void stateChanged(PVAChannel channel, ClientChannelState state) {
        if (state == ClientChannelState.INIT) {
            Line.error(channel.getName(), "disconnected");
        } else if (state == ClientChannelState.CONNECTED) {
            try {
                channel.subscribe("", CorePvaMonitor::valueChanged);
            } catch (Exception error) {
                Line.error(channel.getName(), error.toString());
            }
        }
    }

    private static void valueChanged(
            PVAChannel channel, BitSet changes, BitSet overruns, PVAStructure data) {
        if (data != null) {
            Line.value(channel.getName(), CorePvaGet.plain(data), "");
        }
    }
}
