#include "ops/runtime/jws.h"
#include "schemas/patch/patch.h"
#include "schemas/stream/record_event.h"
#include "tests/schemas/example.h"
#include "tests/schemas/support.h"

#define NOTICE(name) "urn:ietf:params:scim:event:prov:" name ":notice"
#define FULL(name) "urn:ietf:params:scim:event:prov:" name ":full"
#define PROV(name) "urn:ietf:params:scim:event:prov:" name

static const struct actor key_actor = {.kind = ACTOR_KEY, .id = EX_KEY, .name = "Entra"};

struct world {
    struct arena *arena;
    struct record_list list;
    int64_t events_seq;
    struct record_context c;
    struct event_subject user, room;
};

static int setup(void **state) {
    struct world *w = calloc(1, sizeof *w);
    w->arena = arena_new();
    w->events_seq = 512;
    w->c = (struct record_context){
        .workspace = EX_WORKSPACE,
        .txn = EX_TXN,
        .actor = &key_actor,
        .reason = "scim",
        .traceparent = "",
        .time_us = EX_TIME,
        .epoch = STREAM_EPOCH_FIRST,
        .events_seq = &w->events_seq,
        .events_mode = EVENTS_NOTICE,
        .events_issuer = "https://usher.example.com",
        .events_txn = EX_TXN,
        .arena = w->arena,
        .out = &w->list,
    };
    w->user = (struct event_subject){resource_type_of(RESOURCE_USER), EX_USER, "701984"};
    w->room = (struct event_subject){resource_type_of(RESOURCE_ROOM), EX_ROOM, NULL};
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

/* The one event that is there, under the next number; its claims. */
static json_t *claims_of(struct world *w, const char *type) {
    assert_int_equal(w->list.n, 1);
    const struct record *r = &w->list.rows[0];
    assert_int_equal(r->topic, RECORD_EVENTS);
    assert_int_equal(r->seq, 513);
    assert_int_equal(w->events_seq, 513);
    assert_string_equal(r->key, EX_WORKSPACE);
    assert_string_equal(r->ce_id, EX_WORKSPACE "/events/513");
    assert_string_equal(r->ce_type, type);
    json_t *claims = json_loads(r->value, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(claims);
    return claims;
}

static json_t *payload_of(struct world *w, const char *type) {
    json_t *claims = claims_of(w, type), *events = json_object_get(claims, "events");
    assert_int_equal(json_object_size(events), 1);
    json_t *payload = json_incref(json_object_get(events, type));
    json_decref(claims);
    assert_non_null(payload);
    return payload;
}

static void assert_payload(struct world *w, const char *type, const char *want) {
    json_t *have = payload_of(w, type), *due = quick(want);
    assert_json(type, have, due);
    json_decref(have);
    json_decref(due);
}

static void example(const struct world *w, const char *name) {
    const struct record *r = &w->list.rows[0];
    struct headers h;
    headers_record(&h, r, EX_WORKSPACE, EX_TXN, w->c.traceparent);
    ex_check(name, record_topic_name(r->topic), r->key, &h, r->value);
}

static json_t *ana(void) {
    return quick(
        "{'schemas':['urn:ietf:params:scim:schemas:core:2.0:User'],'externalId':'701984',"
        "'userName':'ana@example.com','name':{'familyName':'Lund','givenName':'Ana'},'active':true}");
}

static void change(struct world *w, enum event_change_kind kind, const struct event_subject *s,
                   const json_t *before, const json_t *after, bool members, json_t *data) {
    struct event_change e = {.kind = kind, .subject = *s, .version = 3, .members = members, .data = data};
    struct resource_change *rows;
    e.nchanges = resource_diff(s->rt, before, after, w->arena, &rows);
    e.changes = rows;
    record_event_change(&w->c, &e);
}

/* K1, K3, Y1, Y2: the claims, and none that is forbidden or discouraged. */
static void the_claims_of_a_token(void **state) {
    struct world *w = *state;
    json_t *doc = ana();
    change(w, EVENT_CREATE, &w->user, NULL, doc, false, NULL);
    json_decref(doc);
    json_t *have = claims_of(w, NOTICE("create"));
    json_t *want = quick("{'iss':'https://usher.example.com','aud':['" EX_WORKSPACE "'],'iat':1795342530,"
                         "'jti':'" EX_WORKSPACE "/events/513','txn':'" EX_TXN "',"
                         "'sub_id':{'format':'scim','uri':'/Users/" EX_USER "','externalId':'701984'},"
                         "'events':{'urn:ietf:params:scim:event:prov:create:notice':{"
                         "'attributes':['externalId','userName','name.familyName','name.givenName','active'],"
                         "'version':''}}}");
    json_object_set_new(json_object_get(json_object_get(want, "events"), NOTICE("create")), "version",
                        json_string("W/\"3\""));
    assert_json("claims", have, want);
    json_decref(have);
    json_decref(want);
    example(w, "events.create-notice");
}

/* Y3: the final representation, with its id. */
static void a_full_create_has_the_resource(void **state) {
    struct world *w = *state;
    json_t *doc = ana();
    w->c.events_mode = EVENTS_FULL;
    change(w, EVENT_CREATE, &w->user, NULL, doc, false, event_data_create(&w->user, doc, 1, EX_TIME, NULL));
    json_decref(doc);
    json_t *payload = payload_of(w, FULL("create"));
    json_t *data = json_object_get(payload, "data");
    assert_string_equal(json_string_value(json_object_get(data, "id")), EX_USER);
    assert_string_equal(json_string_value(json_object_get(data, "userName")), "ana@example.com");
    assert_string_equal(json_string_value(json_object_get(json_object_get(data, "meta"), "resourceType")),
                        "User");
    assert_null(json_object_get(payload, "attributes"));
    json_decref(payload);
    example(w, "events.create-full");
}

static void a_room_with_members(void **state) {
    struct world *w = *state;
    json_t *doc = quick("{'displayName':'Dispatch'}"), *members = quick("['" EX_USER "']");
    change(w, EVENT_CREATE, &w->room, NULL, doc, true, NULL);
    json_t *payload = payload_of(w, NOTICE("create")), *paths = quick("['displayName','members']");
    assert_json("paths", json_object_get(payload, "attributes"), paths);
    json_decref(paths);
    json_decref(payload);

    json_t *data = event_data_create(&w->room, doc, 1, EX_TIME, members);
    json_t *want = quick("[{'value':'" EX_USER "'}]");
    assert_json("members", json_object_get(data, "members"), want);
    json_decref(data);
    data = event_data_put(w->room.rt, doc, members);
    assert_json("members", json_object_get(data, "members"), want);
    json_decref(data);
    data = event_data_put(w->room.rt, doc, NULL);
    assert_null(json_object_get(data, "members"));
    json_decref(data);
    json_decref(want);
    json_decref(doc);
    json_decref(members);
}

static void a_put(void **state) {
    struct world *w = *state;
    json_t *before = ana(), *after = ana();
    json_object_set_new(after, "title", json_string("Dispatcher"));
    change(w, EVENT_PUT, &w->user, before, after, false, event_data_put(w->user.rt, after, NULL));
    json_t *payload = payload_of(w, NOTICE("put"));
    assert_null(json_object_get(payload, "data")); /* a notice is asked for */
    json_decref(payload);
    example(w, "events.put-notice");
    record_list_clear(&w->list);
    w->events_seq = 512;
    w->c.events_mode = EVENTS_FULL;
    change(w, EVENT_PUT, &w->user, before, after, false, event_data_put(w->user.rt, after, NULL));
    payload = payload_of(w, FULL("put"));
    assert_json("data", json_object_get(payload, "data"), after);
    json_decref(payload);
    json_decref(before);
    json_decref(after);
    example(w, "events.put-full");
}

/* Operations as a client sent them, normalised as the ingest does. */
static json_t *ops_of(const struct resource_type *rt, const char *operations) {
    json_t *body = quick("{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],'Operations':[]}"),
           *ops;
    struct err err = {0};
    json_object_set_new(body, "Operations", quick(operations));
    if (patch_normalise(rt, DIALECT_RFC, body, EX_USER, &ops, &err) != ERR_OK)
        fail_msg("%s", err_text(&err));
    json_decref(body);
    return ops;
}

static void a_patch(void **state) {
    struct world *w = *state;
    json_t *before = ana(), *after = ana();
    json_object_set_new(json_object_get(after, "name"), "familyName", json_string("Berg"));
    json_t *ops = ops_of(w->user.rt, "[{'op':'replace','path':'name.familyName','value':'Berg'}]");
    change(w, EVENT_PATCH, &w->user, before, after, false, NULL);
    json_t *payload = payload_of(w, NOTICE("patch")), *paths = quick("['name.familyName']");
    assert_json("paths", json_object_get(payload, "attributes"), paths);
    json_decref(paths);
    json_decref(payload);
    example(w, "events.patch-notice");
    record_list_clear(&w->list);
    w->events_seq = 512;
    w->c.events_mode = EVENTS_FULL;
    change(w, EVENT_PATCH, &w->user, before, after, false, event_data_patch(w->user.rt, ops));
    payload = payload_of(w, FULL("patch"));
    json_t *data = quick("{'schemas':['urn:ietf:params:scim:api:messages:2.0:PatchOp'],"
                         "'Operations':[{'op':'replace','path':'name.familyName','value':'Berg'}]}");
    assert_json("data", json_object_get(payload, "data"), data);
    json_decref(data);
    json_decref(payload);
    json_decref(ops);
    json_decref(before);
    json_decref(after);
    example(w, "events.patch-full");
}

/* Y4: who is in a room is told as a patch of the Group. */
static void membership_is_a_patch_of_the_group(void **state) {
    struct world *w = *state;
    json_t *doc = quick("{'displayName':'Dispatch'}");
    change(w, EVENT_PATCH, &w->room, doc, doc, true, NULL);
    json_t *payload = payload_of(w, NOTICE("patch")), *paths = quick("['members']");
    assert_json("paths", json_object_get(payload, "attributes"), paths);
    json_decref(paths);
    json_decref(payload);
    json_decref(doc);
    example(w, "events.patch-members");

    json_t *ops = ops_of(w->room.rt, "[{'op':'add','path':'members','value':[{'value':'" EX_USER "'}]},"
                                     "{'op':'remove','path':'members[value eq \\u0022" EX_USER_2 "\\u0022]'},"
                                     "{'op':'remove','path':'members'}]");
    json_t *data = event_data_patch(w->room.rt, ops), *list = json_object_get(data, "Operations");
    json_t *want = quick("{'op':'add','path':'members','value':[{'value':'" EX_USER "'}]}");
    assert_json("add", json_array_get(list, 0), want);
    assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "op")), "remove");
    assert_null(json_object_get(json_array_get(list, 2), "value"));
    json_decref(want);
    json_decref(data);
    json_decref(ops);
}

static void gone_and_switched(void **state) {
    struct world *w = *state;
    record_event_deleted(&w->c, &w->user);
    assert_payload(w, PROV("delete"), "{}");
    example(w, "events.delete");
    record_list_clear(&w->list);
    w->events_seq = 512;
    record_event_active(&w->c, &w->user, false);
    assert_payload(w, PROV("deactivate"), "{}");
    example(w, "events.deactivate");
    record_list_clear(&w->list);
    w->events_seq = 512;
    record_event_active(&w->c, &w->user, true);
    assert_payload(w, PROV("activate"), "{}");
    example(w, "events.activate");
}

static void a_workspace_without_events(void **state) {
    struct world *w = *state;
    json_t *doc = ana();
    w->c.events_mode = EVENTS_OFF;
    change(w, EVENT_CREATE, &w->user, NULL, doc, false, event_data_create(&w->user, doc, 1, EX_TIME, NULL));
    record_event_deleted(&w->c, &w->user);
    record_event_active(&w->c, &w->user, true);
    assert_int_equal(w->list.n, 0);
    assert_int_equal(w->events_seq, 512);
    json_decref(doc);
}

/* Y7: what is too much for a message is told by name. */
static void large_data_becomes_a_notice(void **state) {
    struct world *w = *state;
    json_t *doc = quick("{'displayName':'Dispatch'}"), *members = json_array();
    for (size_t i = 0; i < EVENT_DATA_MAX / 30; i++)
        json_array_append_new(members, json_string(EX_USER));
    w->c.events_mode = EVENTS_FULL;
    change(w, EVENT_PUT, &w->room, doc, doc, true, event_data_put(w->room.rt, doc, members));
    json_t *payload = payload_of(w, NOTICE("put"));
    assert_null(json_object_get(payload, "data"));
    json_decref(payload);
    json_decref(doc);
    json_decref(members);
}

/* Q5, Q10a, Q11a: outcomes. */

static struct command command_of(enum command_type type, const char *method) {
    struct command c = {.type = type, .rt = resource_type_of(RESOURCE_USER), .id = ex_uuid(EX_USER)};
    snprintf(c.async.txn, sizeof c.async.txn, "%s", EX_TXN);
    snprintf(c.async.method, sizeof c.async.method, "%s", method);
    snprintf(c.async.base, sizeof c.async.base, "https://usher.example.com/scim/v2");
    return c;
}

static void an_outcome(void **state) {
    struct world *w = *state;
    struct command c = command_of(COMMAND_USER_CREATE, "POST");
    struct reply reply = {.version = 1};
    w->c.events_mode = EVENTS_OFF; /* it was asked for */
    record_event_outcome(&w->c, &c, &reply, "701984");
    json_t *payload = payload_of(w, EVENT_ASYNC);
    json_t *want =
        quick("{'method':'POST','version':'','location':'https://usher.example.com/scim/v2/Users/" EX_USER
              "','status':'201'}");
    json_object_set_new(want, "version", json_string("W/\"1\""));
    assert_json("payload", payload, want);
    json_decref(payload);
    json_decref(want);
    example(w, "events.async");
}

static void an_outcome_of_a_bulk(void **state) {
    struct world *w = *state;
    struct command c = command_of(COMMAND_USER_DELETE, "DELETE");
    struct reply reply = {0};
    snprintf(c.async.bulk_id, sizeof c.async.bulk_id, "last");
    w->c.events_txn = EX_TXN ":4";
    record_event_outcome(&w->c, &c, &reply, NULL);
    json_t *claims = claims_of(w, EVENT_ASYNC);
    assert_string_equal(json_string_value(json_object_get(claims, "txn")), EX_TXN ":4");
    json_decref(claims);
    assert_payload(
        w, EVENT_ASYNC,
        "{'method':'DELETE','bulkId':'last','location':'https://usher.example.com/scim/v2/Users/" EX_USER
        "','status':'204'}");
    example(w, "events.async-bulk");
}

static void a_refusal(void **state) {
    struct world *w = *state;
    struct command c = command_of(COMMAND_USER_CREATE, "POST");
    struct reply reply = {.code = ERR_UNIQUENESS, .detail = "userName \"ana\" is already in use"};
    record_event_outcome(&w->c, &c, &reply, NULL);
    json_t *claims = claims_of(w, EVENT_ASYNC), *want = quick("{'format':'scim','uri':'/Users'}");
    assert_json("sub_id", json_object_get(claims, "sub_id"), want);
    json_decref(want);
    json_decref(claims);
    assert_string_equal(w->list.rows[0].ce_subject, "commands/" EX_TXN);
    assert_payload(
        w, EVENT_ASYNC,
        "{'method':'POST','status':'409','response':{'schemas':['urn:ietf:params:scim:api:messages:2.0:Error'],"
        "'status':'409','scimType':'uniqueness','detail':'userName \\u0022ana\\u0022 is already in use'}}");
    example(w, "events.async-refused");
}

/* Q6, Q8: an operation of a Bulk that the ingest refused already has its outcome too. */
static void a_refusal_of_the_ingest(void **state) {
    struct world *w = *state;
    struct command c = command_of(COMMAND_REQUEST_REFUSED, "POST");
    struct reply reply = {.code = ERR_INVALID_PATH, .detail = "There is nothing at /Uzers"};
    c.id.s[0] = '\0';
    c.rt = NULL;
    record_event_outcome(&w->c, &c, &reply, NULL);
    json_t *claims = claims_of(w, EVENT_ASYNC), *want = quick("{'format':'scim','uri':'/Bulk'}");
    assert_json("sub_id", json_object_get(claims, "sub_id"), want);
    json_decref(want);
    json_decref(claims);
    json_t *payload = payload_of(w, EVENT_ASYNC);
    assert_null(json_object_get(payload, "location"));
    assert_string_equal(json_string_value(json_object_get(payload, "status")), "400");
    json_decref(payload);
}

/* What went wrong inside is nobody's business. */
static void inner_errors_are_not_told(void **state) {
    struct world *w = *state;
    struct command c = command_of(COMMAND_USER_PATCH, "PATCH");
    struct reply reply = {.code = ERR_DB_DATA, .detail = "relation users"};
    record_event_outcome(&w->c, &c, &reply, NULL);
    assert_null(strstr(w->list.rows[0].value, "relation"));
    json_t *payload = payload_of(w, EVENT_ASYNC);
    assert_string_equal(json_string_value(json_object_get(payload, "status")), "500");
    assert_non_null(json_object_get(payload, "location")); /* RFC 7644 section 3.7.3 */
    json_decref(payload);
}

static void statuses(void **state) {
    (void)state;
    assert_int_equal(outcome_status(COMMAND_USER_CREATE, ERR_OK), 201);
    assert_int_equal(outcome_status(COMMAND_RESOURCE_CREATE, ERR_OK), 201);
    assert_int_equal(outcome_status(COMMAND_USER_REPLACE, ERR_OK), 200);
    assert_int_equal(outcome_status(COMMAND_USER_PATCH, ERR_OK), 200);
    assert_int_equal(outcome_status(COMMAND_ROOM_PATCH, ERR_OK), 204);
    assert_int_equal(outcome_status(COMMAND_ROOM_DELETE, ERR_OK), 204);
    assert_int_equal(outcome_status(COMMAND_USER_CREATE, ERR_SEATS), 403);
    assert_int_equal(outcome_status(COMMAND_USER_PATCH, ERR_DB_LOST), 503);
}

/* X3, Y4: what no reader may see. */
static const struct attr secret_subs[] = {
    {.name = "hint", .type = ATTR_STRING},
    {.name = "pin", .type = ATTR_STRING, .mutability = ATTR_WRITE_ONLY, .returned = ATTR_RETURNED_NEVER},
};
static const struct attr secret_attrs[] = {
    {.name = "label", .type = ATTR_STRING},
    {.name = "code", .type = ATTR_STRING, .mutability = ATTR_WRITE_ONLY, .returned = ATTR_RETURNED_NEVER},
    {.name = "lock", .type = ATTR_COMPLEX, .subs = secret_subs, .nsubs = 2},
    {.name = "locks", .type = ATTR_COMPLEX, .multi = true, .subs = secret_subs, .nsubs = 2},
};
static const struct schema secret_schema = {"urn:x:Safe", "Safe", "", secret_attrs, 4, false};
static const struct resource_type safe = {
    .kind = RESOURCE_CUSTOM, .index = 9, .name = "Safe", .endpoint = "/Safes", .schema = &secret_schema};

static void secrets_stay_secret(void **state) {
    struct world *w = *state;
    struct event_subject s = {&safe, EX_USER, NULL};
    json_t *doc =
        quick("{'schemas':['urn:x:Safe'],'label':'a','code':'S3CRET','lock':{'hint':'h','pin':'S3CRET'},"
              "'locks':[{'hint':'i','pin':'S3CRET'}]}");
    json_t *ops = quick("[{'op':'replace','path':'code','value':'S3CRET'},"
                        "{'op':'replace','path':'lock.pin','value':'S3CRET'},"
                        "{'op':'replace','path':'lock','value':{'hint':'j','pin':'S3CRET'}},"
                        "{'op':'replace','path':'locks[hint eq \\u0022i\\u0022].pin','value':'S3CRET'},"
                        "{'op':'add','path':'locks','value':[{'hint':'k','pin':'S3CRET'}]}]");
    w->c.events_mode = EVENTS_FULL;
    change(w, EVENT_CREATE, &s, NULL, doc, false, event_data_create(&s, doc, 1, EX_TIME, NULL));
    change(w, EVENT_PUT, &s, NULL, doc, false, event_data_put(&safe, doc, NULL));
    change(w, EVENT_PATCH, &s, NULL, doc, false, event_data_patch(&safe, ops));
    assert_int_equal(w->list.n, 3);
    for (size_t i = 0; i < w->list.n; i++) {
        assert_null(strstr(w->list.rows[i].value, "S3CRET"));
        assert_non_null(strstr(w->list.rows[i].ce_type, ":full"));
        assert_non_null(strstr(w->list.rows[i].value, "\"hint\""));
    }
    assert_string_equal(w->list.rows[0].ce_subject, "resources/" EX_USER);
    /* Nothing of it may be told: then its name (a notice). */
    json_array_clear(ops);
    json_array_append_new(ops, quick("{'op':'replace','path':'code','value':'S3CRET'}"));
    assert_null(event_data_patch(&safe, ops));
    json_decref(doc);
    json_decref(ops);
}

/* What a reader gets verifies with the published key and is what was stored. */
static void signed_as_it_is(void **state) {
    struct world *w = *state;
    record_event_deleted(&w->c, &w->user);
    struct jws_key *k = jws_key_new();
    struct jbuf token = {0}, claims = {0};
    jws_sign(k, EVENT_TYPE, w->list.rows[0].value, strlen(w->list.rows[0].value), &token);
    assert_true(jws_verify(k, token.p, token.n, &claims));
    assert_string_equal(claims.p, w->list.rows[0].value);
    jb_free(&token);
    jb_free(&claims);
    jws_key_free(k);
}

static void modes(void **state) {
    (void)state;
    enum events_mode m = EVENTS_OFF;
    assert_true(events_mode_parse("full", &m) && m == EVENTS_FULL);
    assert_true(events_mode_parse("notice", &m) && m == EVENTS_NOTICE);
    assert_true(events_mode_parse("off", &m) && m == EVENTS_OFF);
    assert_false(events_mode_parse("", &m));
    assert_false(events_mode_parse("Full", &m));
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(the_claims_of_a_token),
        T(a_full_create_has_the_resource),
        T(a_room_with_members),
        T(a_put),
        T(a_patch),
        T(membership_is_a_patch_of_the_group),
        T(gone_and_switched),
        T(a_workspace_without_events),
        T(large_data_becomes_a_notice),
        T(an_outcome),
        T(an_outcome_of_a_bulk),
        T(a_refusal),
        T(a_refusal_of_the_ingest),
        T(inner_errors_are_not_told),
        T(statuses),
        T(secrets_stay_secret),
        T(signed_as_it_is),
        T(modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
