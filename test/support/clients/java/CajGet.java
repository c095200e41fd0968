import gov.aps.jca.Channel;
import gov.aps.jca.Context;
import gov.aps.jca.JCALibrary;
import gov.aps.jca.TimeoutException;
import gov.aps.jca.dbr.DBR;
import gov.aps.jca.dbr.DBRType;
import gov.aps.jca.dbr.DBR_CTRL_Double;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads PVs with CAJ and prints one JSON object a line, in the order asked.
 *
 * usage: java CajGet TIMEOUT_SECONDS NAME...
 */
final class CajGet {
    private CajGet() {
    }

    public static void main(String[] words) throws Exception {
        double timeout = Double.parseDouble(words[0]);
        Context context = JCALibrary.getInstance().createContext(JCALibrary.CHANNEL_ACCESS_JAVA);
        Map<String, Channel> channels = new LinkedHashMap<>();
        for (int i = 1; i < words.length; i++) {
            channels.put(words[i], context.createChannel(words[i]));
        }
        boolean areConnected = isDone(context, timeout);
        Map<String, DBR> values = new LinkedHashMap<>();
        for (Map.Entry<String, Channel> channel : channels.entrySet()) {
            if (channel.getValue().getConnectionState() == Channel.CONNECTED) {
                values.put(channel.getKey(), channel.getValue().get(typeOf(channel.getValue()), 1));
            }
        }
        boolean areRead = isDone(context, timeout);
        for (String name : channels.keySet()) {
            DBR value = values.get(name);
            if (value == null) {
                Line.error(name, areConnected ? "disconnected" : "no server found");
            } else if (!areRead) {
                Line.error(name, "no value");
            } else if (value instanceof DBR_CTRL_Double) {
                DBR_CTRL_Double number = (DBR_CTRL_Double) value;
                Line.value(name, number.getDoubleValue()[0], number.getUnits());
            } else {
                Line.value(name, ((String[]) value.getValue())[0], "");
            }
        }
        context.destroy();
        System.exit(0);
    }

    private static DBRType typeOf(Channel channel) {
        return channel.getFieldType().isSTRING() ? DBRType.STRING : DBR_CTRL_Double.TYPE;
    }

    private static boolean isDone(Context context, double timeout) throws Exception {
        try {
            context.pendIO(timeout);
            return true;
        } catch (TimeoutException error) {
            return false;
        }
    }
}
