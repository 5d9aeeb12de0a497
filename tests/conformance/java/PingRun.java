import com.fasterxml.jackson.databind.node.TextNode;
import com.unboundid.scim2.client.ScimService;
import com.unboundid.scim2.common.exceptions.ScimException;
import com.unboundid.scim2.common.messages.ListResponse;
import com.unboundid.scim2.common.messages.PatchOperation;
import com.unboundid.scim2.common.messages.PatchRequest;
import com.unboundid.scim2.common.types.EnterpriseUserExtension;
import com.unboundid.scim2.common.types.GroupResource;
import com.unboundid.scim2.common.types.Member;
import com.unboundid.scim2.common.types.Name;
import com.unboundid.scim2.common.types.UserResource;
import com.unboundid.scim2.common.utils.JsonUtils;
import jakarta.ws.rs.client.Client;
import jakarta.ws.rs.client.ClientBuilder;
import jakarta.ws.rs.client.ClientRequestFilter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/** Ping's scim2-sdk-client, which throws where an answer is not what it is due. SCIM_URL and SCIM_TOKEN say where. */
final class PingRun {
  private static final String USERS = "Users";
  private static final String GROUPS = "Groups";
  private static ScimService scim;
  private static UserResource ana;
  private static GroupResource room;
  private static final List<UserResource> MANY = new ArrayList<>();

  private PingRun() {}

  private static void refused(Checks.Body body, int status, String scimType) throws Exception {
    try {
      body.run();
    } catch (ScimException e) {
      Checks.same(status, e.getScimError().getStatus(), "the status");
      Checks.same(scimType, e.getScimError().getScimType(), "scimType");
      return;
    }
    throw new AssertionError("it was not refused");
  }

  private static UserResource create(String userName) throws Exception {
    UserResource given = new UserResource().setUserName(userName)
        .setName(new Name().setGivenName("Ana").setFamilyName("Ruiz"));
    given.setExtension(new EnterpriseUserExtension().setDepartment("Dispatch"));
    return scim.create(USERS, given);
  }

  private static Set<String> members() throws Exception {
    Set<String> ids = new TreeSet<>();
    List<Member> there = scim.retrieve(GROUPS, room.getId(), GroupResource.class).getMembers();
    if (there != null) {
      there.forEach(m -> ids.add(m.getValue()));
    }
    return ids;
  }

  private static void users() throws Exception {
    Checks.check("create", () -> {
      ana = create("ana@ping.example");
      Checks.same("Dispatch", ana.getExtension(EnterpriseUserExtension.class).getDepartment(), "department");
      Checks.that(ana.getMeta().getLocation() != null, "no location");
    });
    Checks.check("create again", () -> refused(() -> create("ANA@ping.example"), 409, "uniqueness"));
    Checks.check("get", () -> Checks.same("ana@ping.example",
        scim.retrieve(USERS, ana.getId(), UserResource.class).getUserName(), "userName"));
    Checks.check("patch", () -> Checks.same("Lead", scim.modifyRequest(ana)
        .addOperation(PatchOperation.replace("title", TextNode.valueOf("Lead"))).invoke().getTitle(), "title"));
    Checks.check("deactivate and reactivate", () -> {
      for (boolean active : new boolean[] {false, true}) {
        Checks.same(active, scim.modify(USERS, ana.getId(), new PatchRequest(PatchOperation.replace("active", active)),
            UserResource.class).getActive(), "active");
      }
    });
    Checks.check("replace under its version", () -> {
      UserResource now = scim.retrieve(USERS, ana.getId(), UserResource.class).setNickName("Annie");
      Checks.same("Annie", scim.replaceRequest(now).ifMatch().invoke().getNickName(), "nickName");
      refused(() -> scim.replaceRequest(now).ifMatch().invoke(), 412, null);
    });
  }

  private static void lists() throws Exception {
    Checks.check("list by filter, GET and POST", () -> {
      String filter = "userName eq \"ana@ping.example\"";
      Checks.same(1, scim.search(USERS, filter, UserResource.class).getTotalResults(), "totalResults");
      Checks.same(1, scim.searchRequest(USERS).filter(filter).invokePost(UserResource.class).getTotalResults(),
          "totalResults of .search");
    });
    Checks.check("pages by index", () -> {
      for (int i = 0; i < 12; i++) {
        MANY.add(create("many" + i + "@ping.example"));
      }
      Set<String> ids = new HashSet<>();
      for (int start = 1; start <= 13; start += 5) {
        scim.searchRequest(USERS).page(start, 5).invoke(UserResource.class).forEach(u -> ids.add(u.getId()));
      }
      Checks.same(13, ids.size(), "the number of users on the pages");
    });
    Checks.check("pages by cursor", () -> {
      Set<String> ids = new HashSet<>();
      ListResponse<UserResource> page = scim.searchRequest(USERS).firstPageCursorWithCount(5).invoke(UserResource.class);
      page.forEach(u -> ids.add(u.getId()));
      while (page.getNextCursor() != null) {
        page = scim.searchRequest(USERS).pageWithCursor(page.getNextCursor(), 5).invoke(UserResource.class);
        page.forEach(u -> ids.add(u.getId()));
      }
      Checks.same(13, ids.size(), "the number of users on the pages");
    });
  }

  private static void rooms() throws Exception {
    Checks.check("create a room", () -> room = scim.create(GROUPS, new GroupResource().setDisplayName("Room of Ping")
        .setMembers(new Member().setValue(ana.getId()))));
    Checks.check("add a member", () -> {
      scim.modifyRequest(GROUPS, room.getId()).addOperation(PatchOperation.add("members", JsonUtils.valueToNode(
          List.of(new Member().setValue(MANY.get(0).getId()))))).invoke(Void.class);
      Checks.same(new TreeSet<>(Set.of(ana.getId(), MANY.get(0).getId())), members(), "the members");
    });
    Checks.check("remove a member by a filter", () -> {
      scim.modifyRequest(GROUPS, room.getId())
          .addOperation(PatchOperation.remove("members[value eq \"" + ana.getId() + "\"]")).invoke(Void.class);
      Checks.same(Set.of(MANY.get(0).getId()), members(), "the members");
    });
    Checks.check("remove a member by a list", () -> {
      scim.modifyRequest(GROUPS, room.getId()).addOperation(PatchOperation.remove("members")
          .setRemoveOpValue(JsonUtils.valueToNode(List.of(new Member().setValue(MANY.get(0).getId()))))).invoke(Void.class);
      Checks.same(Set.of(), members(), "the members");
    });
    Checks.check("rename, with the room in the answer", () -> Checks.same("Hall of Ping", scim.modifyRequest(room)
        .addOperation(PatchOperation.replace("displayName", "Hall of Ping")).attributes("displayName").invoke()
        .getDisplayName(), "displayName"));
    Checks.check("delete, then 404", () -> {
      scim.delete(USERS, ana.getId());
      refused(() -> scim.retrieve(USERS, ana.getId(), UserResource.class), 404, null);
    });
  }

  public static void main(String[] words) throws Exception {
    String bearer = "Bearer " + Checks.env("SCIM_TOKEN");
    Client http = ClientBuilder.newBuilder().connectTimeout(60, TimeUnit.SECONDS).readTimeout(60, TimeUnit.SECONDS)
        // Jersey speaks over HttpURLConnection, which does not know PATCH by itself.
        .property("jersey.config.client.httpUrlConnection.setMethodWorkaround", true)
        .register((ClientRequestFilter) request -> request.getHeaders().putSingle("Authorization", bearer)).build();
    scim = new ScimService(http.target(Checks.env("SCIM_URL")));
    Checks.check("discovery", () -> {
      Checks.that(scim.getServiceProviderConfig().getPatch().isSupported(), "no PATCH");
      Checks.that(scim.getResourceTypes().getTotalResults() >= 2, "fewer than two resource types");
      Checks.that(scim.getSchemas().getTotalResults() >= 3, "fewer than three schemas");
      Checks.same("User", scim.getResourceType("User").getName(), "the name of the resource type");
    });
    users();
    lists();
    rooms();
    http.close();
  }
}
