#include "tests/schemas/example.h"
#include "tests/schemas/own_types.h"

static const struct actor key_actor = {.kind = ACTOR_KEY, .id = EX_KEY, .name = "Entra"};
static const struct actor operator_actor = {.kind = ACTOR_OPERATOR, .name = "root", .host = "ops-1"};

static json_t *parse(const char *text) {
    json_t *v = text != NULL ? json_loads(text, 0, NULL) : NULL;
    assert_true(text == NULL || v != NULL);
    return v;
}

#define USER_DOC                                                                                             \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"userName\":\"ana@example.com\","        \
    "\"name\":{\"givenName\":\"Ana\",\"familyName\":\"L\xc3\xb3pez\"},\"active\":true}"
#define ROOM_DOC                                                                                             \
    "{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"displayName\":\"Dispatch\"}"
#define NEW_KEY                                                                                              \
    "{\"name\":\"Entra\",\"scopes\":[\"scim:users:read\",\"scim:users:write\"],"                             \
    "\"tokenHash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\","                    \
    "\"prefix\":\"ush_3kTMd9Xa\",\"expires\":1826878530000000,\"dialect\":\"entra\"}"

#define DEVICE_DOC "{\"schemas\":[\"" DEVICE "\"],\"serial\":\"A-1\",\"weight\":1.5}"
#define EX_BULK "0193a1c2-4d5e-7001-8a9b-0c1d2e3f4051"

/* What the ingest and usherctl send, type by type. The three after the types show the members that any of
 * them may carry. */
static const struct example {
    const char *name;
    enum command_type type;
    const char *id, *resource, *ops, *members;
} examples[] = {
    {"commands.user-create", COMMAND_USER_CREATE, EX_USER, USER_DOC, NULL, NULL},
    {"commands.user-replace", COMMAND_USER_REPLACE, EX_USER, USER_DOC, NULL, NULL},
    {"commands.user-patch", COMMAND_USER_PATCH, EX_USER, NULL,
     "[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]", NULL},
    {"commands.user-delete", COMMAND_USER_DELETE, EX_USER, NULL, NULL, NULL},
    {"commands.room-create", COMMAND_ROOM_CREATE, EX_ROOM, ROOM_DOC, NULL,
     "[\"" EX_USER "\",\"" EX_USER_2 "\"]"},
    {"commands.room-replace", COMMAND_ROOM_REPLACE, EX_ROOM, ROOM_DOC, NULL, "[]"},
    {"commands.room-patch", COMMAND_ROOM_PATCH, EX_ROOM, NULL,
     "[{\"op\":\"remove\",\"path\":\"members[value eq \\\"" EX_USER "\\\"]\"}]", NULL},
    {"commands.room-delete", COMMAND_ROOM_DELETE, EX_ROOM, NULL, NULL, NULL},
    {"commands.resource-create", COMMAND_RESOURCE_CREATE, EX_USER_2, DEVICE_DOC, NULL, NULL},
    {"commands.resource-replace", COMMAND_RESOURCE_REPLACE, EX_USER_2, DEVICE_DOC, NULL, NULL},
    {"commands.resource-patch", COMMAND_RESOURCE_PATCH, EX_USER_2, NULL,
     "[{\"op\":\"replace\",\"path\":\"weight\",\"value\":2.5}]", NULL},
    {"commands.resource-delete", COMMAND_RESOURCE_DELETE, EX_USER_2, NULL, NULL, NULL},
    {"commands.request-refused", COMMAND_REQUEST_REFUSED, EX_USER, NULL, NULL, NULL},
    {"commands.workspace-create", COMMAND_WORKSPACE_CREATE, EX_WORKSPACE, "{\"name\":\"demo\",\"seats\":50}",
     NULL, NULL},
    {"commands.workspace-set", COMMAND_WORKSPACE_SET, EX_WORKSPACE,
     "{\"seats\":null,\"rate\":1200,\"seatMode\":\"on_provision\",\"defaultRole\":\"viewer\","
     "\"requireEmail\":true,"
     "\"restoreRooms\":true,\"uniqueRooms\":false}",
     NULL, NULL},
    {"commands.key-create", COMMAND_KEY_CREATE, EX_KEY, NEW_KEY, NULL, NULL},
    {"commands.key-revoke", COMMAND_KEY_REVOKE, EX_KEY, NULL, NULL, NULL},
    {"commands.key-set", COMMAND_KEY_SET, EX_KEY, "{\"jwksUri\":\"https://idp.example.com/jwks.json\"}", NULL,
     NULL},
    {"commands.key-rotate", COMMAND_KEY_ROTATE, EX_KEY,
     "{\"tokenHash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\","
     "\"prefix\":\"ush_3kTMd9Xa\",\"overlapUntil\":1826878530000000}",
     NULL, NULL},
    {"commands.owner-create", COMMAND_OWNER_CREATE, EX_KEY,
     "{\"name\":\"Ines Falk\",\"role\":\"owner\","
     "\"tokenHash\":\"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\","
     "\"prefix\":\"uso_3kTMd9Xa\",\"expires\":null}",
     NULL, NULL},
    {"commands.owner-revoke", COMMAND_OWNER_REVOKE, EX_KEY, NULL, NULL, NULL},
    {"commands.user-login", COMMAND_USER_LOGIN, EX_USER, "{\"at\":1763806530123456}", NULL, NULL},
    {"commands.member-put", COMMAND_MEMBER_PUT, EX_ROOM, "{\"user\":\"" EX_USER "\",\"transmit\":false}",
     NULL, NULL},
    {"commands.member-delete", COMMAND_MEMBER_DELETE, EX_ROOM, "{\"user\":\"" EX_USER "\"}", NULL, NULL},
    {"commands.guard-release", COMMAND_GUARD_RELEASE, EX_KEY, NULL, NULL, NULL},
    {"commands.audit-export", COMMAND_AUDIT_EXPORT, EX_WORKSPACE, "{\"format\":\"csv\",\"kind\":\"changes\"}",
     NULL, NULL},
    {"commands.audit-resume", COMMAND_AUDIT_RESUME, EX_WORKSPACE,
     "{\"tree\":\"changes\",\"why\":\"Kafka lost seq 41\",\"stopped\":\"seq 42 of epoch 1 came where 41 of epoch 1 was "
     "due, at offset 7\"}",
     NULL, NULL},
    {"commands.dry-run", COMMAND_MEMBER_DELETE, EX_ROOM, "{\"user\":\"" EX_USER "\"}", NULL, NULL},
    {"commands.precondition", COMMAND_USER_REPLACE, EX_USER, USER_DOC, NULL, NULL},
    {"commands.bulk-operation", COMMAND_ROOM_CREATE, EX_ROOM, ROOM_DOC, NULL, "[\"" EX_USER "\"]"},
    {"commands.asynchronous", COMMAND_USER_DELETE, EX_USER, NULL, NULL, NULL},
};
#define NEXAMPLES (sizeof examples / sizeof examples[0])
#define EX_DRY (NEXAMPLES - 4)
#define EX_PRECONDITION (NEXAMPLES - 3)
#define EX_OPERATION (NEXAMPLES - 2)
#define EX_ASYNC (NEXAMPLES - 1)

/* What clients' headers and Bulks add. */
static void add_conditions(struct command *c, size_t at) {
    if (c->type >= COMMAND_RESOURCE_CREATE && c->type <= COMMAND_RESOURCE_DELETE)
        c->rt = own_type("Device");
    c->dry = at == EX_DRY;
    if (at == EX_PRECONDITION) {
        c->cleared = parse("[\"externalId\"]");
        c->if_match = parse("[3,4]");
        c->if_none_match = parse("[7]");
    }
    if (at == EX_OPERATION) {
        c->needs = parse("[{\"id\":\"" EX_USER "\",\"bulkId\":\"ana\"}]");
        c->bulk = ex_uuid(EX_BULK);
        c->bulk_fail_on = 2;
    }
    if (at == EX_ASYNC || c->type == COMMAND_REQUEST_REFUSED) {
        c->not_after_us = 0;
        c->reply_partition = -1;
        strcpy(c->async.txn, at == EX_ASYNC ? EX_TXN : EX_BULK ":3");
        strcpy(c->async.method, at == EX_ASYNC ? "DELETE" : "PUT");
        strcpy(c->async.bulk_id, at == EX_ASYNC ? "" : "ana");
        strcpy(c->async.base, "https://usher.example/scim/v2");
    }
    if (c->type == COMMAND_REQUEST_REFUSED) {
        c->rt = resource_type_of(RESOURCE_USER);
        c->refusal = ERR_INVALID_VALUE;
        strcpy(c->refusal_detail, "'userName' is required");
    }
}

static struct command example_command(const struct example *e) {
    bool scim = e->type < COMMAND_WORKSPACE_CREATE;
    struct command c = {
        .type = e->type,
        .txn = ex_uuid(EX_TXN),
        .workspace = ex_uuid(EX_WORKSPACE),
        .actor = scim ? key_actor : operator_actor,
        .dialect = scim ? DIALECT_ENTRA : DIALECT_RFC,
        .reason = scim ? "scim" : "api",
        .reply_partition = scim ? 7 : -1,
        .time_us = EX_TIME,
        .not_after_us = EX_TIME + 4000000,
        .id = ex_uuid(e->id),
        .resource = parse(e->resource),
        .ops = parse(e->ops),
        .members = parse(e->members),
    };
    if (e->type == COMMAND_USER_CREATE)
        strcpy(c.traceparent, EX_TRACE);
    add_conditions(&c, (size_t)(e - examples));
    return c;
}

static void assert_same_tree(const json_t *a, const json_t *b) {
    if (a == NULL || b == NULL)
        assert_ptr_equal(a, b);
    else
        assert_true(json_equal(a, b));
}

static void assert_same_conditions(const struct command *a, const struct command *b) {
    if (b->rt != NULL)
        assert_ptr_equal(a->rt, b->rt);
    assert_same_tree(a->cleared, b->cleared);
    assert_same_tree(a->if_match, b->if_match);
    assert_same_tree(a->if_none_match, b->if_none_match);
    assert_same_tree(a->needs, b->needs);
    assert_string_equal(a->bulk.s, b->bulk.s);
    assert_int_equal(a->bulk_fail_on, b->bulk_fail_on);
    assert_string_equal(a->async.txn, b->async.txn);
    assert_string_equal(a->async.method, b->async.method);
    assert_string_equal(a->async.bulk_id, b->async.bulk_id);
    assert_string_equal(a->async.base, b->async.base);
    assert_int_equal(a->refusal, b->refusal);
    assert_string_equal(a->refusal_detail, b->refusal_detail);
}

static void test_examples_round_trip(void **state) {
    (void)state;
    for (size_t i = 0; i < NEXAMPLES; i++) {
        struct command c = example_command(&examples[i]), d;
        struct headers h;
        struct jbuf b = {0}, again = {0};
        struct err err = {0};
        command_encode(&c, &b);
        headers_command(&h, &c);
        ex_check(examples[i].name, "usher.commands", EX_WORKSPACE, &h, b.p);
        if (command_decode(b.p, b.n, &d, &err) != ERR_OK)
            fail_msg("%s: %s", examples[i].name, err.detail);
        assert_int_equal(d.type, c.type);
        assert_int_equal(d.dry, c.dry);
        assert_string_equal(d.txn.s, c.txn.s);
        assert_string_equal(d.workspace.s, c.workspace.s);
        assert_string_equal(d.id.s, c.id.s);
        assert_int_equal(d.actor.kind, c.actor.kind);
        assert_string_equal(d.actor.id, c.actor.id);
        assert_string_equal(d.actor.name, c.actor.name);
        assert_int_equal(d.dialect, c.dialect);
        assert_string_equal(d.reason, c.reason);
        assert_int_equal(d.reply_partition, c.reply_partition);
        assert_int_equal(d.time_us, c.time_us);
        assert_int_equal(d.not_after_us, c.not_after_us);
        assert_string_equal(d.traceparent, c.traceparent);
        assert_same_tree(d.resource, c.resource);
        assert_same_tree(d.ops, c.ops);
        assert_same_tree(d.members, c.members);
        assert_same_conditions(&d, &c);
        command_encode(&d, &again); /* and the order of members stays */
        assert_string_equal(again.p, b.p);
        command_clear(&c);
        command_clear(&d);
        jb_free(&b);
        jb_free(&again);
    }
}

/* The file of each type says what the codec writes, to the byte: a type of command needs no code here. */
static void test_every_type_has_an_example(void **state) {
    (void)state;
    (void)own_type("Device");
    for (int t = 0; t < COMMAND_TYPE_COUNT; t++) {
        char name[64], path[200];
        snprintf(name, sizeof name, "commands.%s", command_row((enum command_type)t)->name);
        for (char *p = strchr(name, '.') + 1; *p != '\0'; p++)
            *p = *p == '.' ? '-' : *p;
        snprintf(path, sizeof path, "schemas/examples/%s.json", name);
        char *file = ex_read(path), *value = file != NULL ? strstr(file, "\"value\":\n") : NULL;
        if (value == NULL)
            fail_msg("%s is missing, or not in the form of the others", path);
        value += strlen("\"value\":\n");
        struct command c;
        struct err err = {0};
        struct headers h;
        struct jbuf b = {0};
        if (command_decode(value, strcspn(value, "\n"), &c, &err) != ERR_OK)
            fail_msg("%s: %s", path, err.detail);
        assert_int_equal(c.type, t);
        command_encode(&c, &b);
        headers_command(&h, &c);
        ex_check(name, "usher.commands", c.workspace.s, &h, b.p);
        command_clear(&c);
        jb_free(&b);
        free(file);
    }
}

static void test_never_expires(void **state) {
    (void)state;
    struct command c = example_command(&examples[3]), d;
    struct jbuf b = {0};
    struct err err = {0};
    c.not_after_us = 0;
    command_encode(&c, &b);
    assert_non_null(strstr(b.p, "\"notAfter\":null"));
    assert_int_equal(command_decode(b.p, b.n, &d, &err), ERR_OK);
    assert_int_equal(d.not_after_us, 0);
    command_clear(&d);
    jb_free(&b);
}

/* What preconditions, Bulk and asynchronous requests add (rules V2, B4). */
static void test_conditions(void **state) {
    (void)state;
    static const char *const none[] = {"\"*\"", "[3,4]"};
    for (size_t i = 0; i < 2; i++) {
        struct command c = example_command(&examples[1]), d;
        struct jbuf b = {0};
        struct err err = {0};
        c.cleared = parse("[\"externalId\"]");
        c.if_match = parse("[]");
        c.if_none_match = json_loads(none[i], JSON_DECODE_ANY, NULL);
        c.needs = parse("[{\"id\":\"" EX_ROOM "\",\"bulkId\":\"x\"}]");
        c.bulk = ex_uuid(EX_TXN);
        c.bulk_fail_on = 2;
        command_encode(&c, &b);
        if (command_decode(b.p, b.n, &d, &err) != ERR_OK)
            fail_msg("%s: %s", b.p, err.detail);
        assert_same_tree(d.cleared, c.cleared);
        assert_same_tree(d.if_match, c.if_match);
        assert_same_tree(d.if_none_match, c.if_none_match);
        assert_same_tree(d.needs, c.needs);
        assert_string_equal(d.bulk.s, EX_TXN);
        assert_int_equal(d.bulk_fail_on, 2);
        command_clear(&c);
        command_clear(&d);
        jb_free(&b);
    }
}

/* A Bulk as a whole is only tried. What is in it is looked at when it is tried, operation by operation. */
static void test_a_bulk_that_is_tried(void **state) {
    (void)state;
    static const struct {
        const char *operations;
        enum err_code code;
    } all[] = {{"[{}]", ERR_OK}, {"[{\"type\":7}]", ERR_OK}, {"{}", ERR_DECODE}, {"[7]", ERR_DECODE}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct command c = example_command(&examples[12]), d;
        struct jbuf b = {0};
        struct err err = {0};
        c.type = COMMAND_BULK_TRY;
        c.rt = NULL;
        c.dry = true;
        c.operations = parse(all[i].operations);
        command_encode(&c, &b);
        assert_int_equal(command_decode(b.p, b.n, &d, &err), all[i].code);
        if (all[i].code == ERR_OK)
            assert_same_tree(d.operations, c.operations);
        command_clear(&c);
        command_clear(&d);
        jb_free(&b);
    }
}

/* V2: whatever exists; nothing that exists. */
static void test_any_and_none(void **state) {
    (void)state;
    struct command c = example_command(&examples[3]), d;
    struct jbuf b = {0};
    c.if_match = json_array();
    c.if_none_match = json_string("*");
    command_encode(&c, &b);
    assert_non_null(strstr(b.p, "\"ifMatch\":[],\"ifNoneMatch\":\"*\""));
    assert_int_equal(command_decode(b.p, b.n, &d, NULL), ERR_OK);
    assert_int_equal(json_array_size(d.if_match), 0);
    assert_string_equal(json_string_value(d.if_none_match), "*");
    command_clear(&c);
    command_clear(&d);
    jb_free(&b);
}

/* A valid command of type user.patch, from which each case changes or drops one member. */
static json_t *valid(const char *type) {
    return json_pack("{s:i,s:s,s:s,s:s,s:{s:s,s:s,s:s},s:s,s:s,s:i,s:s,s:n,s:s}", "v", 1, "type", type, "txn",
                     EX_TXN, "workspace", EX_WORKSPACE, "actor", "kind", "key", "id", EX_KEY, "name", "Entra",
                     "dialect", "rfc", "reason", "scim", "replyPartition", 3, "time",
                     "2026-11-22T10:15:30.123456Z", "notAfter", "id", EX_USER);
}

static const struct wrong {
    const char *type, *member, *value; /* value NULL: the member is dropped */
} wrong[] = {
    {"user.delete", "operations", "[{}]"},
    {"bulk.try", "operations", "[{}]"}, /* v is 1 */
    {"user.delete", "v", NULL},
    {"user.delete", "v", "0"},
    {"user.delete", "v", "\"1\""},
    {"user.delete", "type", NULL},
    {"user.delete", "type", "7"},
    {"user.delete", "txn", NULL},
    {"user.delete", "txn", "\"0193\""},
    {"user.delete", "txn", "null"},
    {"user.delete", "workspace", "\"demo\""},
    {"user.delete", "id", NULL},
    {"user.delete", "id", "{}"},
    {"user.delete", "actor", NULL},
    {"user.delete", "actor", "\"root\""},
    {"user.delete", "actor", "{\"kind\":\"ghost\",\"id\":null,\"name\":\"x\"}"},
    {"user.delete", "actor", "{\"kind\":\"key\",\"id\":null,\"name\":\"x\"}"},
    {"user.delete", "actor", "{\"kind\":\"operator\",\"id\":null}"},
    {"user.delete", "dialect", "\"klingon\""},
    {"user.delete", "dialect", NULL},
    {"user.delete", "reason", "\"because\""},
    {"user.delete", "replyPartition", "\"3\""},
    {"user.delete", "replyPartition", "-2"},
    {"user.delete", "replyPartition", "2147483648"},
    {"user.delete", "time", "null"},
    {"user.delete", "time", "\"yesterday\""},
    {"user.delete", "notAfter", "1"},
    {"user.delete", "traceparent", "1"},
    {"user.delete", "traceparent", "\"0123456789012345678901234567890123456789012345678901234567890123\""},
    {"user.delete", "resource", "{}"},
    {"user.delete", "ops", "[]"},
    {"user.delete", "members", "[]"},
    {"user.create", "x", "1"}, /* without its resource */
    {"user.create", "resource", "[]"},
    {"user.patch", "x", "1"}, /* without its operations */
    {"user.patch", "ops", "{}"},
    {"user.patch", "ops", "[1]"},
    {"user.patch", "ops", "[{\"path\":\"active\"}]"},
    {"room.patch", "resource", "{}"},
    {"key.create", "x", "1"},
    {"resource.delete", "x", "1"}, /* without its type */
    {"resource.delete", "resourceType", "\"Ghost\""},
    {"resource.delete", "resourceType", "\"User\""},
    {"resource.delete", "resourceType", "7"},
    {"user.delete", "resourceType", "\"Device\""},
    {"user.delete", "cleared", "[]"},
    {"user.delete", "ifMatch", "3"},
    {"user.delete", "ifMatch", "\"*\""},
    {"user.delete", "ifMatch", "[\"3\"]"},
    {"user.delete", "ifNoneMatch", "\"3\""},
    {"user.delete", "ifNoneMatch", "[1.5]"},
    {"user.delete", "needs", "{}"},
    {"user.delete", "needs", "[\"" EX_USER "\"]"},
    {"user.delete", "needs", "[{\"id\":\"x\",\"bulkId\":\"ana\"}]"},
    {"user.delete", "needs", "[{\"id\":\"" EX_USER "\"}]"},
    {"user.delete", "bulk", "{\"txn\":\"" EX_TXN "\"}"},
    {"user.delete", "bulk", "{\"txn\":\"" EX_TXN "\",\"failOn\":0}"},
    {"user.delete", "bulk", "{\"failOn\":1}"},
    {"user.delete", "async", "{}"},
    {"user.delete", "async", "{\"txn\":\"" EX_TXN "\"}"},
    {"user.delete", "async", "{\"txn\":7,\"method\":\"PUT\"}"},
    {"user.delete", "refusal", "{\"code\":\"NOT_FOUND\",\"detail\":null}"},
    {"request.refused", "x", "1"}, /* without its refusal */
    {"request.refused", "refusal", "\"NOT_FOUND\""},
    {"request.refused", "refusal", "{\"detail\":null}"},
    {"request.refused", "refusal", "{\"code\":\"OK\",\"detail\":null}"},
};

static void assert_refused(const char *text, size_t n) {
    struct command c;
    struct err err = {0};
    if (command_decode(text, n, &c, &err) != ERR_DECODE)
        fail_msg("accepted: %s", text);
    assert_int_equal(err.code, ERR_DECODE);
    assert_true(err.detail[0] != '\0');
    assert_null(c.resource);
    assert_null(c.ops);
    assert_null(c.members);
}

static void test_wrong_members(void **state) {
    (void)state;
    json_t *fine = valid("user.delete");
    char *text = json_dumps(fine, JSON_COMPACT);
    struct command c;
    assert_int_equal(command_decode(text, strlen(text), &c, NULL), ERR_OK); /* else the cases prove nothing */
    command_clear(&c);
    free(text);
    json_decref(fine);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *o = valid(wrong[i].type);
        if (wrong[i].value == NULL)
            json_object_del(o, wrong[i].member);
        else
            json_object_set_new(o, wrong[i].member, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
        text = json_dumps(o, JSON_COMPACT);
        assert_refused(text, strlen(text));
        free(text);
        json_decref(o);
    }
}

static void test_wrong_room_members(void **state) {
    (void)state;
    static const char *const lists[] = {"{}", "\"" EX_USER "\"", "[1]", "[\"\"]", "[\"" EX_USER "\",null]"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        json_t *o = valid("room.create");
        json_object_set_new(o, "resource", json_object());
        json_object_set_new(o, "members", json_loads(lists[i], JSON_DECODE_ANY, NULL));
        char *text = json_dumps(o, JSON_COMPACT);
        assert_refused(text, strlen(text));
        free(text);
        json_decref(o);
    }
}

static void test_wrong_text(void **state) {
    (void)state;
    static const char *const texts[] = {
        "", "x", "null", "[]", "{\"v\":1", "{\"v\":1,\"v\":1}", "{} {}", "{\"v\":1,\"type\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_refused(texts[i], strlen(texts[i]));
    assert_refused(NULL, 0); /* a tombstone */
}

/* Cut anywhere, a command is refused: nothing half is ever applied. */
static void test_every_prefix(void **state) {
    (void)state;
    struct command c = example_command(&examples[EX_OPERATION]);
    struct jbuf b = {0};
    command_encode(&c, &b);
    for (size_t n = 0; n < b.n; n++) {
        struct command d;
        assert_int_equal(command_decode(b.p, n, &d, NULL), ERR_DECODE);
    }
    command_clear(&c);
    jb_free(&b);
}

static void test_deadletter(void **state) {
    (void)state;
    struct headers h;
    headers_deadletter(&h, &(struct deadletter){.why = ERR_DECODE,
                                                .detail = "txn: not a UUID",
                                                .topic = "usher.commands",
                                                .partition = 7,
                                                .offset = 1234567890123,
                                                .time_us = EX_TIME});
    assert_true(h.n <= HEADERS_MAX);
    ex_check("deadletter.undecodable", "usher.deadletter", EX_WORKSPACE, &h,
             "\"{\\\"v\\\":1,\\\"txn\\\":7}\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type_has_an_example),
        cmocka_unit_test(test_examples_round_trip),
        cmocka_unit_test(test_never_expires),
        cmocka_unit_test(test_any_and_none),
        cmocka_unit_test(test_a_bulk_that_is_tried),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_wrong_members),
        cmocka_unit_test(test_wrong_room_members),
        cmocka_unit_test(test_wrong_text),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_deadletter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
