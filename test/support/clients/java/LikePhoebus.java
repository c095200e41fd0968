import java.io.FileInputStream;
import java.io.InputStream;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Locale;
import java.util.Properties;

/**
 * Starts another program of ours with a file of preferences as Phoebus starts its clients with it, after
 * PropertyPreferenceLoader, JCA_Preferences and PVA_Preferences of Phoebus 5.0.5: its own modules are
 * not to be had from Maven Central.
 *
 * usage: java LikePhoebus SETTINGS PROGRAM WORD...
 */
final class LikePhoebus {
    private static final String CA = "org.phoebus.pv.ca";
    private static final String PVA = "org.phoebus.pv.pva";
    /** With the defaults of pv_ca_preferences.properties. */
    private static final String[] CA_SETTINGS = {
        "addr_list=", "auto_addr_list=true", "connection_timeout=30", "beacon_period=15",
        "repeater_port=5065", "server_port=5064", "max_array_bytes=100000000", "name_servers=",
    };
    private static final String[] PVA_SETTINGS = {
        "epics_pva_addr_list", "epics_pva_auto_addr_list", "epics_pva_name_servers",
        "epics_pva_enable_ipv6", "epics_pva_server_port", "epics_pva_broadcast_port",
        "epics_pva_conn_tmo", "epics_pva_tcp_socket_tmo",
    };

    private LikePhoebus() {
    }

    public static void main(String[] words) throws Exception {
        Properties file = new Properties();
        try (InputStream stream = new FileInputStream(words[0])) {
            file.load(stream);
        }
        for (String name : file.stringPropertyNames()) {
            if (name.lastIndexOf('/') < 0) {
                throw new Exception("Expected 'package_name/setting = value', got property '" + name + "'");
            }
        }
        if (!Boolean.getBoolean("jca.use_env")) {
            for (String setting : CA_SETTINGS) {
                String[] parts = setting.split("=", 2);
                set("com.cosylab.epics.caj.CAJContext." + parts[0],
                    file.getProperty(CA + "/" + parts[0], parts[1]));
            }
        }
        for (String setting : PVA_SETTINGS) {
            set(setting.toUpperCase(Locale.ROOT), file.getProperty(PVA + "/" + setting, ""));
        }
        Method main = Class.forName(words[1]).getDeclaredMethod("main", String[].class);
        main.setAccessible(true);
        main.invoke(null, (Object) Arrays.copyOfRange(words, 2, words.length));
    }

    private static void set(String property, String value) {
        if (!value.isEmpty()) {
            System.setProperty(property, value);
        }
    }
}
