import de.captaingoldfish.scim.sdk.client.ScimClientConfig;
import de.captaingoldfish.scim.sdk.client.ScimRequestBuilder;
import de.captaingoldfish.scim.sdk.client.response.ServerResponse;
import de.captaingoldfish.scim.sdk.common.constants.enums.Comparator;
import de.captaingoldfish.scim.sdk.common.constants.enums.HttpMethod;
import de.captaingoldfish.scim.sdk.common.constants.enums.PatchOp;
import de.captaingoldfish.scim.sdk.common.resources.EnterpriseUser;
import de.captaingoldfish.scim.sdk.common.resources.Group;
import de.captaingoldfish.scim.sdk.common.resources.User;
import de.captaingoldfish.scim.sdk.common.resources.base.ScimObjectNode;
import de.captaingoldfish.scim.sdk.common.resources.complex.Name;
import de.captaingoldfish.scim.sdk.common.resources.multicomplex.Member;
import de.captaingoldfish.scim.sdk.common.response.BulkResponse;
import de.captaingoldfish.scim.sdk.common.response.ListResponse;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * scim-sdk-client: what its own isSuccess says of usher's answers, which are judged by status, content type and
 * body. SCIM_URL and SCIM_TOKEN say where.
 */
final class ScimSdkRun {
  private static final String USERS = "/Users";
  private static final String GROUPS = "/Groups";
  private static ScimRequestBuilder scim;
  private static User ana;
  private static Group room;
  private static final List<User> MANY = new ArrayList<>();

  private ScimSdkRun() {}

  private static <N extends ScimObjectNode> ServerResponse<N> success(ServerResponse<N> answer, int status) {
    Checks.that(answer.isSuccess(), "no success: " + answer.getHttpStatus() + " " + answer.getResponseBody());
    Checks.same(status, answer.getHttpStatus(), "the status");
    return answer;
  }

  private static void refused(ServerResponse<?> answer, int status, String scimType) {
    Checks.that(!answer.isSuccess(), "success: " + answer.getResponseBody());
    Checks.same(status, answer.getHttpStatus(), "the status");
    Checks.that(answer.getErrorResponse() != null, "no SCIM error: " + answer.getResponseBody());
    Checks.same(status, answer.getErrorResponse().getStatus(), "the error's status");
    Checks.same(scimType, answer.getErrorResponse().getScimType().orElse(null), "scimType");
  }

  private static User create(String userName) {
    User given = User.builder().userName(userName).displayName("Of " + userName)
        .name(Name.builder().givenName("Ana").familyName("Ruiz").build())
        .enterpriseUser(EnterpriseUser.builder().department("Dispatch").build()).build();
    return success(scim.create(User.class, USERS).setResource(given).sendRequest(), 201).getResource();
  }

  private static List<String> members() {
    List<String> ids = new ArrayList<>();
    success(scim.get(Group.class, GROUPS, room.getId().get()).sendRequest(), 200).getResource().getMembers()
        .forEach(m -> ids.add(m.getValue().get()));
    return ids;
  }

  private static void users() throws Exception {
    Checks.check("create", () -> {
      ana = create("ana@sdk.example");
      Checks.same("Dispatch", ana.getEnterpriseUser().get().getDepartment().get(), "department");
    });
    Checks.check("create again", () -> refused(scim.create(User.class, USERS)
        .setResource(User.builder().userName("ANA@sdk.example").build()).sendRequest(), 409, "uniqueness"));
    Checks.check("get", () -> Checks.same("ana@sdk.example", success(
        scim.get(User.class, USERS, ana.getId().get()).sendRequest(), 200).getResource().getUserName().get(), "userName"));
    Checks.check("patch", () -> Checks.same("Lead", success(scim.patch(User.class, USERS, ana.getId().get())
        .addOperation().op(PatchOp.REPLACE).path("title").value("Lead").build().sendRequest(), 200)
        .getResource().getTitle().get(), "title"));
    Checks.check("deactivate and reactivate", () -> {
      for (String active : List.of("false", "true")) {
        Checks.same(active, success(scim.patch(User.class, USERS, ana.getId().get()).addOperation()
            .op(PatchOp.REPLACE).path("active").value(active).build().sendRequest(), 200).getResource()
            .isActive().get(), "active");
      }
    });
    Checks.check("replace under its version", () -> {
      User now = success(scim.get(User.class, USERS, ana.getId().get()).sendRequest(), 200).getResource();
      String version = now.getMeta().get().getVersion().get().getEntityTag();
      now.setNickName("Annie");
      success(scim.update(User.class, USERS, ana.getId().get()).setETagForIfMatch(version).setResource(now)
          .sendRequest(), 200);
      refused(scim.update(User.class, USERS, ana.getId().get()).setETagForIfMatch(version).setResource(now)
          .sendRequest(), 412, null);
    });
  }

  private static void lists() throws Exception {
    Checks.check("list by filter, GET and POST", () -> {
      ServerResponse<ListResponse<User>> got = success(scim.list(User.class, USERS)
          .filter("userName", Comparator.EQ, "ana@sdk.example").build().get().sendRequest(), 200);
      Checks.same(1, got.getResource().getTotalResults(), "totalResults");
      got = success(scim.list(User.class, USERS).filter("userName", Comparator.EQ, "ana@sdk.example").build().post()
          .sendRequest(), 200);
      Checks.same(1, got.getResource().getTotalResults(), "totalResults of .search");
    });
    Checks.check("all pages", () -> {
      for (int i = 0; i < 12; i++) {
        MANY.add(create("many" + i + "@sdk.example"));
      }
      Set<String> ids = new HashSet<>();
      for (int start = 1; start <= 13; start += 5) {
        success(scim.list(User.class, USERS).startIndex(start).count(5).get().sendRequest(), 200).getResource()
            .getListedResources().forEach(u -> ids.add(u.getId().get()));
      }
      Checks.same(13, ids.size(), "the number of users on the pages");
      ServerResponse<ListResponse<User>> all = scim.list(User.class, USERS).get().getAll();
      Checks.same(13, success(all, 200).getResource().getListedResources().size(), "the number of all");
      MANY.forEach(u -> Checks.that(ids.contains(u.getId().get()), "a user is on no page: " + u.getId()));
    });
  }

  private static void rooms() throws Exception {
    Checks.check("create a room", () -> room = success(scim.create(Group.class, GROUPS).setResource(Group.builder()
        .displayName("Room of the SDK").members(List.of(Member.builder().value(ana.getId().get()).build())).build())
        .sendRequest(), 201).getResource());
    Checks.check("add a member, answered 204", () -> {
      success(scim.patch(Group.class, GROUPS, room.getId().get()).addOperation().op(PatchOp.ADD).path("members")
          .valueNode(Member.builder().value(MANY.get(0).getId().get()).build()).build().sendRequest(), 204);
      Checks.same(new TreeSet<>(List.of(ana.getId().get(), MANY.get(0).getId().get())), new TreeSet<>(members()), "the members");
    });
    Checks.check("remove a member, answered 204", () -> {
      success(scim.patch(Group.class, GROUPS, room.getId().get()).addOperation().op(PatchOp.REMOVE)
          .path("members[value eq \"" + ana.getId().get() + "\"]").build().sendRequest(), 204);
      Checks.same(List.of(MANY.get(0).getId().get()), members(), "the members");
    });
  }

  private static void rest() throws Exception {
    Checks.check("bulk with bulkId", () -> {
      String group = Group.builder().displayName("Room of a Bulk")
          .members(List.of(Member.builder().value("bulkId:u").build())).build().toString();
      ServerResponse<BulkResponse> done = success(scim.bulk().bulkRequestOperation(GROUPS).method(HttpMethod.POST)
          .bulkId("g").data(group).next().bulkRequestOperation(USERS).method(HttpMethod.POST).bulkId("u")
          .data(User.builder().userName("bulk@sdk.example").build().toString()).sendRequest(), 200);
      done.getResource().getBulkResponseOperations()
          .forEach(o -> Checks.same(201, o.getStatus(), "the status of " + o.getBulkId().get()));
      Checks.same(2, done.getResource().getBulkResponseOperations().size(), "the number of operations");
    });
    Checks.check("delete, then 404", () -> {
      success(scim.delete(User.class, USERS, ana.getId().get()).sendRequest(), 204);
      refused(scim.get(User.class, USERS, ana.getId().get()).sendRequest(), 404, null);
    });
  }

  public static void main(String[] words) throws Exception {
    ScimClientConfig config = ScimClientConfig.builder().requestTimeout(60).socketTimeout(60).connectTimeout(60)
        .httpHeaders(Map.of("Authorization", "Bearer " + Checks.env("SCIM_TOKEN"))).build();
    try (ScimRequestBuilder client = new ScimRequestBuilder(Checks.env("SCIM_URL"), config)) {
      scim = client;
      Checks.check("discovery", () -> {
        Checks.that(scim.loadServiceProviderConfiguration().getPatchConfig().isSupported(), "no PATCH");
        success(scim.loadMetaConfiguration().sendRequest(), 200);
      });
      users();
      lists();
      rooms();
      rest();
    }
  }
}
