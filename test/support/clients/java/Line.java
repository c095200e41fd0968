/** What a client says about a PV: one JSON object a line. */
final class Line {
    private Line() {
    }

    static void value(String name, Object value, String units) {
        String more = units == null || units.isEmpty() ? "" : ",\"units\":" + text(units);
        print(name, "true,\"value\":" + json(value) + more);
    }

    static void error(String name, String error) {
        print(name, "false,\"error\":" + text(error));
    }

    /** Several PVs report from several threads. */
    private static synchronized void print(String name, String rest) {
        System.out.println("{\"name\":" + text(name) + ",\"ok\":" + rest + "}");
    }

    private static String json(Object value) {
        return value instanceof Number ? value.toString() : text(String.valueOf(value));
    }

    private static String text(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        for (char letter : text.toCharArray()) {
            if (letter < ' ' || letter == '"' || letter == '\\') {
                quoted.append(String.format("\\u%04x", (int) letter));
            } else {
                quoted.append(letter);
            }
        }
        return quoted.append('"').toString();
    }
}
