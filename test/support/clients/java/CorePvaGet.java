import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.epics.pva.client.PVAChannel;
import org.epics.pva.client.PVAClient;
import org.epics.pva.data.PVANumber;
import org.epics.pva.data.PVAString;
import org.epics.pva.data.PVAStructure;

/**
 * Reads PVs with core-pva and prints one JSON object a line, in the order asked.
 *
 * usage: java CorePvaGet TIMEOUT_SECONDS NAME...
 */
final class CorePvaGet {
    private CorePvaGet() {
    }

    public static void main(String[] words) throws Exception {
        long deadline = System.nanoTime() + (long) (Double.parseDouble(words[0]) * 1e9);
        PVAClient client = new PVAClient();
        Map<String, PVAChannel> channels = new LinkedHashMap<>();
        for (int i = 1; i < words.length; i++) {
            channels.put(words[i], client.getChannel(words[i]));
        }
        for (Map.Entry<String, PVAChannel> channel : channels.entrySet()) {
            try {
                channel.getValue().connect().get(leftOf(deadline), TimeUnit.NANOSECONDS);
                show(channel.getKey(), channel.getValue().read("").get(5, TimeUnit.SECONDS));
            } catch (TimeoutException error) {
                Line.error(channel.getKey(), "timeout, " + channel.getValue().getState());
            } catch (ExecutionException error) {
                Line.error(channel.getKey(), String.valueOf(error.getCause()));
            }
        }
        System.exit(0);
    }

    private static long leftOf(long deadline) {
        return Math.max(0, deadline - System.nanoTime());
    }

    private static void show(String name, PVAStructure data) {
        PVAStructure display = data.get("display");
        PVAString units = display == null ? null : display.get("units");
        Line.value(name, plain(data), units == null ? "" : units.get());
    }

    static Object plain(PVAStructure data) {
        Object value = data.get("value");
        if (value instanceof PVANumber) {
            return ((PVANumber) value).getNumber();
        }
        return value instanceof PVAString ? ((PVAString) value).get() : value;
    }
}
