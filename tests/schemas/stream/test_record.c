#include "ops/runtime/kafka_conf.h"
#include "tests/schemas/example.h"

static const struct actor key_actor = {.kind = ACTOR_KEY, .id = EX_KEY, .name = "Entra"};
static const struct actor operator_actor = {.kind = ACTOR_OPERATOR, .name = "root", .host = "ops-1"};
static const struct record_room dispatch = {EX_ROOM, "Dispatch"};
static const struct record_user ana = {EX_USER, "ana@example.com"};

struct world {
    struct arena *arena;
    struct record_list list;
    int64_t membership_seq, audit_seq;
    struct record_context c;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->arena = arena_new();
    w->membership_seq = 8126;
    w->audit_seq = 40111;
    w->c = (struct record_context){
        .workspace = EX_WORKSPACE,
        .txn = EX_TXN,
        .actor = &key_actor,
        .reason = "scim",
        .traceparent = "",
        .time_us = EX_TIME,
        .epoch = STREAM_EPOCH_FIRST,
        .membership_seq = &w->membership_seq,
        .audit_seq = &w->audit_seq,
        .arena = w->arena,
        .out = &w->list,
    };
    *state = w;
    return 0;
}

static int teardown(void **state) {
    struct world *w = *state;
    record_list_clear(&w->list);
    arena_free(w->arena);
    free(w);
    return 0;
}

static void example_of(const struct world *w, size_t i, const char *name) {
    const struct record *r = &w->list.rows[i];
    struct headers h;
    headers_record(&h, r, EX_WORKSPACE, EX_TXN, w->c.traceparent);
    ex_check(name, record_topic_name(r->topic), r->key, &h, r->value);
}

/* One membership event and the state that it leaves in usher.rooms: both under the next number. */
static void assert_pair(const struct world *w, const char *event, const char *state) {
    assert_int_equal(w->list.n, 2);
    assert_int_equal(w->list.rows[0].topic, RECORD_MEMBERSHIP);
    assert_int_equal(w->list.rows[1].topic, RECORD_ROOMS);
    assert_int_equal(w->list.rows[0].seq, 8127);
    assert_int_equal(w->list.rows[1].seq, 8127);
    assert_int_equal(w->membership_seq, 8127);
    assert_int_equal(w->audit_seq, 40111);
    example_of(w, 0, event);
    example_of(w, 1, state);
}

static void test_room_created(void **state) {
    struct world *w = *state;
    record_room_created(&w->c, &dispatch);
    assert_pair(w, "membership.room-created", "rooms.room");
}

static void test_room_renamed(void **state) {
    struct world *w = *state;
    record_room_renamed(&w->c, &dispatch, "Dispatch (old)");
    assert_pair(w, "membership.room-renamed", "rooms.room");
}

static void test_room_deleted(void **state) {
    struct world *w = *state;
    record_room_deleted(&w->c, &dispatch);
    assert_null(w->list.rows[1].value);
    assert_pair(w, "membership.room-deleted", "rooms.room-tombstone");
}

static void test_member_added(void **state) {
    struct world *w = *state;
    w->c.traceparent = EX_TRACE;
    record_member_added(&w->c, &dispatch, &ana, true, NULL);
    assert_pair(w, "membership.member-added", "rooms.member");
}

static void test_member_removed(void **state) {
    struct world *w = *state;
    record_member_removed(&w->c, &dispatch, &ana, true, "user_deactivated");
    assert_null(w->list.rows[1].value);
    assert_pair(w, "membership.member-removed", "rooms.member-tombstone");
}

static void test_transmit_changed(void **state) {
    struct world *w = *state;
    w->c.actor = &operator_actor;
    w->c.reason = "api";
    record_member_transmit_changed(&w->c, &dispatch, &ana, false, NULL);
    assert_pair(w, "membership.transmit-changed", "rooms.member-muted");
}

/* The example in the text of the contract, with its ids written out. */
static void test_contract_member_removed(void **state) {
    struct world *w = *state;
    record_member_removed(&w->c, &dispatch, &ana, true, "user_deactivated");
    assert_string_equal(
        w->list.rows[0].value,
        "{\"type\":\"usher.member.removed\",\"workspace\":\"" EX_WORKSPACE
        "\",\"epoch\":1,\"seq\":8127,\"time\":\"2026-11-22T10:15:30.123456Z\",\"txn\":\"" EX_TXN
        "\",\"room\":{\"id\":\"" EX_ROOM "\",\"name\":\"Dispatch\"},\"user\":{\"id\":\"" EX_USER
        "\",\"userName\":\"ana@example.com\"},\"transmit\":true,\"reason\":\"user_deactivated\","
        "\"actor\":{\"kind\":\"key\",\"id\":\"" EX_KEY "\",\"name\":\"Entra\"}}");
    assert_string_equal(w->list.rows[0].key, EX_ROOM);
    assert_string_equal(w->list.rows[0].ce_id, EX_WORKSPACE "/membership/8127");
    assert_string_equal(w->list.rows[0].ce_subject, "rooms/" EX_ROOM "/members/" EX_USER);
    assert_string_equal(w->list.rows[1].key, EX_WORKSPACE "/" EX_ROOM "/" EX_USER);
}

static void test_numbers_follow(void **state) {
    struct world *w = *state;
    for (int i = 0; i < 100; i++)
        record_member_added(&w->c, &dispatch, &ana, true, NULL);
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(w->list.rows[i].seq, 8127 + (int64_t)i / 2);
}

static void test_audit_member_removed(void **state) {
    struct world *w = *state;
    record_audit_change(
        &w->c,
        &(struct audit_change){
            .action = ACTION_MEMBER_REMOVED,
            .target = {TARGET_ROOM, EX_ROOM, "Dispatch"},
            .subject = {TARGET_USER, EX_USER, "ana@example.com"},
            .outcome = "applied",
            .changes_json = "[{\"path\":\"members\",\"op\":\"remove\",\"from\":\"" EX_USER "\",\"to\":null}]",
        });
    assert_int_equal(w->audit_seq, 40112);
    assert_string_equal(
        w->list.rows[0].value,
        "{\"kind\":\"change\",\"workspace\":\"" EX_WORKSPACE
        "\",\"epoch\":1,\"seq\":40112,\"time\":\"2026-11-22T10:15:30.123456Z\",\"txn\":\"" EX_TXN
        "\",\"actor\":{\"kind\":\"key\",\"id\":\"" EX_KEY
        "\",\"name\":\"Entra\"},\"action\":\"member.removed\","
        "\"target\":{\"type\":\"Room\",\"id\":\"" EX_ROOM "\",\"name\":\"Dispatch\"},"
        "\"subject\":{\"type\":\"User\",\"id\":\"" EX_USER "\",\"name\":\"ana@example.com\"},"
        "\"outcome\":\"applied\",\"reason\":null,"
        "\"changes\":[{\"path\":\"members\",\"op\":\"remove\",\"from\":\"" EX_USER "\",\"to\":null}]}");
    example_of(w, 0, "audit.change-member-removed");
}

static void test_audit_user_updated(void **state) {
    struct world *w = *state;
    json_t *doc = json_pack("{s:s, s:b, s:{s:s}}", "title", "D\xc3\xa9put\xc3\xa9 \"x\"", "active", 0, "name",
                            "givenName", "Ana");
    struct resource_change rows[] = {
        {"title", "add", NULL, json_object_get(doc, "title")},
        {"active", "replace", json_true(), json_object_get(doc, "active")},
        {"name", "remove", json_object_get(doc, "name"), NULL},
    };
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_USER_UPDATED,
                                                      .target = {TARGET_USER, EX_USER, "ana@example.com"},
                                                      .outcome = "applied",
                                                      .changes = rows,
                                                      .nchanges = 3});
    example_of(w, 0, "audit.change-user-updated");
    json_decref(doc);
}

/* What becomes of the seat stands in the record of what took or freed it; no other record has the member. */
static void test_audit_seat(void **state) {
    struct world *w = *state;
    struct audit_change change = {
        .action = ACTION_USER_DEACTIVATED,
        .seat = AUDIT_SEAT_FREED,
        .target = {TARGET_USER, EX_USER, "ana@example.com"},
        .outcome = "applied",
        .changes_json = "[{\"path\":\"active\",\"op\":\"replace\",\"from\":true,\"to\":false}]"};
    record_audit_change(&w->c, &change);
    example_of(w, 0, "audit.change-user-deactivated");
    change.seat = AUDIT_SEAT_TAKEN;
    record_audit_change(&w->c, &change);
    assert_non_null(strstr(w->list.rows[1].value, "\"seat\":\"taken\",\"target\":"));
    change.seat = AUDIT_SEAT_SAME;
    record_audit_change(&w->c, &change);
    assert_null(strstr(w->list.rows[2].value, "seat"));
}

static void test_audit_refused(void **state) {
    struct world *w = *state;
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_COMMAND_REFUSED,
                                                      .target = {TARGET_USER, EX_USER, NULL},
                                                      .outcome = "refused",
                                                      .reason = "uniqueness",
                                                      .changes_json = "[]"});
    assert_string_equal(w->list.rows[0].ce_subject, "users/" EX_USER);
    example_of(w, 0, "audit.change-command-refused");
}

static void test_audit_settings(void **state) {
    struct world *w = *state;
    w->c.actor = &operator_actor;
    record_audit_change(
        &w->c, &(struct audit_change){
                   .action = ACTION_SETTINGS_CHANGED,
                   .target = {TARGET_WORKSPACE, EX_WORKSPACE, "demo"},
                   .outcome = "applied",
                   .changes_json = "[{\"path\":\"seats\",\"op\":\"replace\",\"from\":50,\"to\":null}]"});
    example_of(w, 0, "audit.change-settings");
}

/* What keys, owners and seats leave behind. */
static void test_audit_control(void **state) {
    struct world *w = *state;
    record_audit_change(
        &w->c, &(struct audit_change){.action = ACTION_GUARD_TRIPPED,
                                      .target = {TARGET_KEY, EX_KEY, "Entra"},
                                      .outcome = "applied",
                                      .changes_json =
                                          "[{\"path\":\"users\",\"op\":\"replace\",\"from\":20,\"to\":21}]"});
    example_of(w, 0, "audit.change-guard-tripped");
}

static void test_audit_recount(void **state) {
    struct world *w = *state;
    w->c.actor = &operator_actor;
    record_audit_change(
        &w->c, &(struct audit_change){
                   .action = ACTION_SEATS_RECOUNTED,
                   .target = {TARGET_WORKSPACE, EX_WORKSPACE, "demo"},
                   .outcome = "applied",
                   .changes_json = "[{\"path\":\"seatsUsed\",\"op\":\"replace\",\"from\":50,\"to\":42}]"});
    example_of(w, 0, "audit.change-seats-recounted");
}

static void test_audit_owner(void **state) {
    struct world *w = *state;
    w->c.actor = &operator_actor;
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_OWNER_CREATED,
                                                      .target = {TARGET_OWNER, EX_USER, "Ann"},
                                                      .outcome = "applied",
                                                      .changes_json = "[]"});
    example_of(w, 0, "audit.change-owner-created");
}

/* A record about nothing in particular is about its command. */
static void test_audit_without_target(void **state) {
    struct world *w = *state;
    record_audit_change(
        &w->c,
        &(struct audit_change){.action = ACTION_COMMAND_REFUSED, .outcome = "refused", .reason = "internal"});
    assert_string_equal(w->list.rows[0].ce_subject, "commands/" EX_TXN);
    assert_non_null(strstr(
        w->list.rows[0].value,
        "\"target\":null,\"subject\":null,\"outcome\":\"refused\",\"reason\":\"internal\",\"changes\":[]"));
}

static struct audit_request request_example(void) {
    return (struct audit_request){
        .workspace = EX_WORKSPACE,
        .workspace_name = "acme",
        .instance = "ingest-1-3312-20261122T101502Z",
        .n = 991,
        .time_us = EX_TIME,
        .txn = EX_TXN,
        .key_id = EX_KEY,
        .key_name = "Entra",
        .key_class = "scim",
        .method = "PATCH",
        .path = "/scim/v2/Groups/" EX_ROOM,
        .room = EX_ROOM,
        .status = 204,
        .duration_us = 2710,
        .source_ip = "203.0.113.7",
        .user_agent = "Microsoft.SCIM/1.0",
        .bytes_in = 412,
        .operations = 1,
    };
}

static void request_check(const struct audit_request *r, const char *traceparent, const char *name) {
    struct jbuf b = {0};
    struct headers h;
    record_audit_request(r, &b);
    headers_audit_request(&h, r, traceparent);
    ex_check(name, "usher.audit", audit_request_key(r), &h, b.p);
    jb_free(&b);
}

static void test_audit_request(void **state) {
    (void)state;
    struct audit_request r = request_example();
    struct jbuf b = {0};
    record_audit_request(&r, &b);
    assert_string_equal(
        b.p,
        "{\"kind\":\"request\",\"workspace\":\"" EX_WORKSPACE
        "\",\"workspaceName\":\"acme\",\"instance\":\"ingest-1-3312-20261122T101502Z\",\"n\":991,"
        "\"time\":\"2026-11-22T10:15:30.123456Z\",\"txn\":\"" EX_TXN "\",\"key\":{\"id\":\"" EX_KEY
        "\",\"name\":\"Entra\",\"class\":\"scim\"},\"method\":\"PATCH\",\"path\":\"/scim/v2/Groups/" EX_ROOM
        "\",\"query\":null,\"room\":\"" EX_ROOM
        "\",\"status\":204,\"error\":null,\"scimType\":null,\"rateLimited\":false,\"durationUs\":2710,"
        "\"sourceIp\":\"203.0.113.7\",\"userAgent\":\"Microsoft.SCIM/1.0\",\"bytesIn\":412,\"bytesOut\":0,"
        "\"operations\":1}");
    jb_free(&b);
    request_check(&r, EX_TRACE, "audit.request");
}

static void test_audit_request_unknown_credential(void **state) {
    (void)state;
    struct audit_request r = request_example();
    r.workspace = r.workspace_name = r.key_id = r.key_name = r.key_class = NULL;
    r.prefix = "ush_7Gk2Qz9B";
    r.status = 401;
    r.error = "UNAUTHORIZED";
    r.detail = "The bearer token is not known";
    r.bytes_out = 180;
    r.n = 992;
    request_check(&r, NULL, "audit.request-unknown-credential");
    assert_string_equal(audit_request_key(&r), UUID_NIL);
}

/* Of a nested path both ids; the error as the client was told, with its code. */
static void test_audit_request_refused(void **state) {
    (void)state;
    struct audit_request r = request_example();
    r.key_class = "api";
    r.method = "PUT";
    r.path = "/api/v1/rooms/" EX_ROOM "/members/" EX_USER;
    r.user = EX_USER;
    r.status = 404;
    r.error = "NOT_FOUND";
    r.detail = "There is no user " EX_USER;
    r.n = 995;
    request_check(&r, NULL, "audit.request-refused");
}

static void test_audit_request_of_many(void **state) {
    (void)state;
    struct audit_request r = request_example();
    r.workspace = r.workspace_name = r.key_id = r.key_name = r.key_class = r.user_agent = r.room = NULL;
    r.method = r.path = "";
    r.status = 429;
    r.error = "RATE_LIMITED";
    r.detail = "More than 60 requests without a good credential within 10 seconds from this address";
    r.rate_limited = true;
    r.duration_us = 9874310;
    r.bytes_in = r.bytes_out = r.operations = 0;
    r.n = 993;
    r.requests = 1841;
    request_check(&r, NULL, "audit.request-many");
}

static void test_audit_request_superseded(void **state) {
    (void)state;
    struct audit_request r = request_example();
    r.status = 503;
    r.error = "UNAVAILABLE";
    r.detail = "The request could not be recorded in time";
    r.n = 993;
    r.supersedes = 991;
    request_check(&r, NULL, "audit.request-supersedes");
}

static void test_audit_request_of_a_bulk(void **state) {
    (void)state;
    struct audit_request r = request_example();
    r.n = 994;
    r.bytes_in = 0;
    r.bulk = "0193a1c2-4d5e-7001-8a9b-0c1d2e3f4051";
    request_check(&r, NULL, "audit.request-bulk-operation");
}

/* Rule 0.13: what nobody knows is stored nowhere, and said so. */
static void test_audit_request_ignored(void **state) {
    (void)state;
    static const char *const ignored[] = {"urn:example:acme:2.0:User",
                                          "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:floor",
                                          NULL};
    struct audit_request r = request_example();
    r.n = 995;
    r.method = "POST";
    r.path = "/scim/v2/Users";
    r.status = 201;
    r.ignored = ignored;
    request_check(&r, NULL, "audit.request-ignored");
}

/* A header value is bytes; the record is UTF-8 all the same. */
static void test_audit_request_foreign_bytes(void **state) {
    (void)state;
    static const struct {
        const char *given, *kept;
    } cases[] = {
        {"caf\xc3\xa9", "caf\xc3\xa9"},
        {"caf\xe9", "caf\xef\xbf\xbd"},
        {"\xff", "\xef\xbf\xbd"},
        {"a\xc3", "a\xef\xbf\xbd"},
        {"quote\" back\\ tab\t", "quote\" back\\ tab\t"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct audit_request r = request_example();
        struct jbuf b = {0};
        r.user_agent = cases[i].given;
        record_audit_request(&r, &b);
        json_t *v = json_loads(b.p, 0, NULL);
        assert_non_null(v);
        assert_string_equal(json_string_value(json_object_get(v, "userAgent")), cases[i].kept);
        json_decref(v);
        jb_free(&b);
    }
}

static void assert_same(const char *a, const char *b) {
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_string_equal(a, b);
}

/* A redelivery must give the same bytes: keys, headers and values survive the store, tombstones too. */
static void test_store_round_trip(void **state) {
    struct world *w = *state;
    const struct record_room odd = {EX_ROOM, "line\nbreak \"quoted\" \\ \xf0\x9f\x8e\xa7 \x01"};
    record_member_removed(&w->c, &odd, &ana, false, NULL);
    record_room_deleted(&w->c, &odd);
    record_audit_change(&w->c, &(struct audit_change){.action = ACTION_ROOM_DELETED,
                                                      .target = {TARGET_ROOM, EX_ROOM, odd.name},
                                                      .outcome = "applied"});
    struct jbuf b = {0};
    struct record_list back = {0};
    const char *traceparent = NULL;
    struct err err = {0};
    record_list_encode(w->list.rows, w->list.n, EX_TRACE, &b);
    assert_int_equal(record_list_decode(b.p, w->arena, &back, &traceparent, &err), ERR_OK);
    assert_string_equal(traceparent, EX_TRACE);
    assert_int_equal(back.n, w->list.n);
    for (size_t i = 0; i < back.n; i++) {
        const struct record *x = &w->list.rows[i], *y = &back.rows[i];
        assert_int_equal(x->topic, y->topic);
        assert_int_equal(x->seq, y->seq);
        assert_int_equal(x->time_us, y->time_us);
        assert_same(x->key, y->key);
        assert_same(x->value, y->value);
        assert_same(x->ce_id, y->ce_id);
        assert_same(x->ce_type, y->ce_type);
        assert_same(x->ce_subject, y->ce_subject);
    }
    record_list_clear(&back);
    jb_free(&b);
}

static void test_store_empty(void **state) {
    struct world *w = *state;
    struct jbuf b = {0};
    const char *traceparent = NULL;
    struct err err = {0};
    record_list_encode(NULL, 0, "", &b);
    assert_int_equal(record_list_decode(b.p, w->arena, &w->list, &traceparent, &err), ERR_OK);
    assert_int_equal(w->list.n, 0);
    assert_string_equal(traceparent, "");
    jb_free(&b);
}

static void test_store_wrong(void **state) {
    struct world *w = *state;
    static const char *const cases[] = {
        "",
        "{}",
        "[]",
        "[1]",
        "[\"\"",
        "[\"\",{}]",
        "[\"\",[]]",
        "[\"\",[\"usher.membership\",\"k\",\"i\",\"t\",\"s\",1,2]]",
        "[\"\",[\"usher.membership\",\"k\",\"i\",\"t\",\"s\",1,2,null,null]]",
        "[\"\",[\"usher.membership\",\"k\",\"i\",\"t\",\"s\",1,2,{}]]",
        "[\"\",[\"usher.membership\",null,\"i\",\"t\",\"s\",1,2,null]]",
        "[\"\",[\"usher.membership\",\"k\",\"i\",\"t\",\"s\",\"1\",2,null]]",
        "[\"\",[\"usher.commands\",\"k\",\"i\",\"t\",\"s\",1,2,null]]",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *traceparent = NULL;
        struct err err = {0};
        if (record_list_decode(cases[i], w->arena, &w->list, &traceparent, &err) != ERR_DECODE)
            fail_msg("accepted: %s", cases[i]);
        assert_true(err.detail[0] != '\0');
    }
}

/* schemas may not know Kafka, so the names stand twice. */
static void test_topic_names(void **state) {
    (void)state;
    assert_string_equal(record_topic_name(RECORD_MEMBERSHIP), TOPIC_MEMBERSHIP);
    assert_string_equal(record_topic_name(RECORD_ROOMS), TOPIC_ROOMS);
    assert_string_equal(record_topic_name(RECORD_EVENTS), TOPIC_EVENTS);
    assert_string_equal(record_topic_name(RECORD_AUDIT), TOPIC_AUDIT);
}

/* The states of usher.rooms once more, under a number that moves no counter. */
static void test_told_again(void **state) {
    struct world *w = *state;
    record_room_again(&w->c, &dispatch, 8127);
    record_member_again(&w->c, EX_ROOM, &ana, false, 8127);
    record_room_again(&w->c, &(struct record_room){EX_ROOM, NULL}, 8127);
    record_member_again(&w->c, EX_ROOM, &(struct record_user){EX_USER, NULL}, false, 8127);
    assert_int_equal(w->list.n, 4);
    example_of(w, 0, "rooms.room");
    example_of(w, 1, "rooms.member-muted");
    example_of(w, 2, "rooms.room-tombstone");
    example_of(w, 3, "rooms.member-tombstone");
    assert_int_equal(w->membership_seq, 8126);
}

static void test_epoch(void **state) {
    struct world *w = *state;
    const struct record_epoch_before before = {STREAM_EPOCH_FIRST, 8127};
    w->c.epoch = STREAM_EPOCH_FIRST + 1;
    w->c.reason = "restore";
    record_epoch(&w->c, RECORD_MEMBERSHIP, 9127, &before);
    record_epoch(&w->c, RECORD_AUDIT, 9127, &before);
    record_epoch(&w->c, RECORD_EVENTS, 9127, &before);
    example_of(w, 0, "membership.epoch");
    assert_string_equal(w->list.rows[1].ce_id, EX_WORKSPACE "/audit/9127");
    assert_string_equal(w->list.rows[2].ce_id, EX_WORKSPACE "/events/9127");
    assert_int_equal(w->membership_seq, 8126);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_told_again),
        T(test_epoch),
        T(test_room_created),
        T(test_room_renamed),
        T(test_room_deleted),
        T(test_member_added),
        T(test_member_removed),
        T(test_transmit_changed),
        T(test_contract_member_removed),
        T(test_numbers_follow),
        T(test_audit_member_removed),
        T(test_audit_user_updated),
        T(test_audit_seat),
        T(test_audit_refused),
        T(test_audit_settings),
        T(test_audit_control),
        T(test_audit_recount),
        T(test_audit_owner),
        T(test_audit_without_target),
        T(test_audit_request),
        T(test_audit_request_unknown_credential),
        T(test_audit_request_refused),
        T(test_audit_request_of_many),
        T(test_audit_request_superseded),
        T(test_audit_request_of_a_bulk),
        T(test_audit_request_ignored),
        T(test_audit_request_foreign_bytes),
        T(test_store_round_trip),
        T(test_store_empty),
        T(test_store_wrong),
        T(test_topic_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
