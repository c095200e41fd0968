import gov.aps.jca.Channel;
import gov.aps.jca.Context;
import gov.aps.jca.JCALibrary;
import gov.aps.jca.Monitor;
import gov.aps.jca.dbr.DBRType;
import gov.aps.jca.event.ConnectionEvent;
import gov.aps.jca.event.MonitorEvent;
import java.util.HashSet;
import java.util.Set;

/**
 * Watches numbers with CAJ: one JSON object for each change, also of connection, until stdin ends.
 *
 * usage: java CajMonitor NAME...
 */
final class CajMonitor {
    /** CAJ itself renews the subscription of a channel that comes back. */
    private static final Set<Channel> subscribed = new HashSet<>();

    private CajMonitor() {
    }

    public static void main(String[] names) throws Exception {
        Context context = JCALibrary.getInstance().createContext(JCALibrary.CHANNEL_ACCESS_JAVA);
        for (String name : names) {
            context.createChannel(name, CajMonitor::connectionChanged);
        }
        context.flushIO();
        System.in.readAllBytes();
        context.destroy();
        System.exit(0);
    }

    private static synchronized void connectionChanged(ConnectionEvent event) {
        Channel channel = (Channel) event.getSource();
        if (!event.isConnected()) {
            Line.error(channel.getName(), "disconnected");
        } else if (subscribed.add(channel)) {
            try {
                channel.addMonitor(DBRType.DOUBLE, 1, Monitor.VALUE, CajMonitor::valueChanged);
                channel.getContext().flushIO();
            } catch (Exception error) {
                Line.error(channel.getName(), error.toString());
            }
        }
    }

    private static void valueChanged(MonitorEvent event) {
        String name = ((Channel) event.getSource()).getName();
        if (event.getStatus().isSuccessful()) {
            Line.value(name, ((double[]) event.getDBR().getValue())[0], "");
        } else {
            Line.error(name, event.getStatus().getMessage());
        }
    }
}
