import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;

/** One JSON line for each check, as tests/conformance/suites.py reads them. */
final class Checks {
  /** What a check does. It throws where something is wrong. */
  interface Body {
    void run() throws Exception;
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private Checks() {}

  static void check(String name, Body body) throws Exception {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("check", name);
    try {
      body.run();
      line.put("ok", true);
    } catch (Throwable wrong) {
      line.put("ok", false);
      line.put("detail", wrong.toString());
    }
    System.out.println(JSON.writeValueAsString(line));
  }

  static void same(Object due, Object found, String what) {
    if (!String.valueOf(due).equals(String.valueOf(found))) {
      throw new AssertionError(what + " is " + found + ", not " + due);
    }
  }

  static void that(boolean good, Object what) {
    if (!good) {
      throw new AssertionError(String.valueOf(what));
    }
  }

  static String env(String name) {
    String value = System.getenv(name);
    that(value != null, name + " is not set");
    return value;
  }
}
