import com.cosylab.epics.caj.cas.util.DefaultServerImpl;
import com.cosylab.epics.caj.cas.util.MemoryProcessVariable;
import gov.aps.jca.JCALibrary;
import gov.aps.jca.cas.ServerContext;
import gov.aps.jca.dbr.DBR_Byte;
import gov.aps.jca.dbr.DBR_Double;
import gov.aps.jca.dbr.DBR_Enum;
import gov.aps.jca.dbr.DBR_Float;
import gov.aps.jca.dbr.DBR_Int;
import gov.aps.jca.dbr.DBR_Short;
import gov.aps.jca.dbr.DBR_String;

/** A CAJ server with the PVs of the capture; binds every address, so run it in a namespace. */
public class CajServer {
  public static void main(String[] args) throws Exception {
    DefaultServerImpl server = new DefaultServerImpl();
    ServerContext context =
        JCALibrary.getInstance().createServerContext(JCALibrary.CHANNEL_ACCESS_SERVER_JAVA, server);
    MemoryProcessVariable d =
        new MemoryProcessVariable("V:DOUBLE", null, DBR_Double.TYPE, new double[] {8.5});
    d.setUpperDispLimit(10.0);
    d.setLowerDispLimit(-10.0);
    d.setUpperAlarmLimit(9.0);
    d.setLowerAlarmLimit(-9.0);
    d.setUpperWarningLimit(8.0);
    d.setLowerWarningLimit(-8.0);
    d.setUpperCtrlLimit(12.0);
    d.setLowerCtrlLimit(-5.0);
    d.setUnits("mm");
    d.setPrecision((short) 3);
    server.registerProcessVariable(d);
    server.registerProcessVariable(
        new MemoryProcessVariable("V:STATE", null, DBR_Enum.TYPE, new short[] {2}) {
          public String[] getEnumLabels() {
            return new String[] {"idle", "running", "fault"};
          }
        });
    server.createMemoryProcessVariable("V:LONG", DBR_Int.TYPE, new int[] {-42});
    server.createMemoryProcessVariable("V:STRING", DBR_String.TYPE, new String[] {"hello"});
    server.createMemoryProcessVariable("V:CHARS", DBR_Byte.TYPE, new byte[] {97, 98, 99});
    server.createMemoryProcessVariable("V:FLOATS", DBR_Float.TYPE, new float[] {0.5f, -1.5f});
    server.createMemoryProcessVariable("V:SHORTS", DBR_Short.TYPE, new short[] {1, -2, 3});
    System.out.println("UP");
    context.run(0);
  }
}
