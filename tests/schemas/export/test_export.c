/* CSV and OCSF of audit records. What OCSF's own schemas say of it is a suite of tests/conformance. */
#include "schemas/export/export.h"
#include "tests/schemas/support.h"

static char *csv_of(const char *text) {
    json_t *record = quick(text);
    struct jbuf b = {0};
    export_csv(&b, record);
    json_decref(record);
    return jb_take(&b);
}

static size_t commas(const char *line) {
    size_t n = 0;
    for (; *line != '\0'; line++)
        n += *line == ',';
    return n;
}

static void test_csv_of_a_change(void **state) {
    (void)state;
    struct jbuf head = {0};
    char *line =
        csv_of("{'kind':'change','epoch':1,'seq':7,'time':'2026-11-22T10:15:30Z','txn':'t','actor':{"
               "'kind':'key','id':'k','name':'Entra'},'action':'member.removed','target':{'type':"
               "'Room','id':'r','name':'Dispatch'},'subject':null,'outcome':'applied','reason':null}");
    assert_string_equal(line,
                        "2026-11-22T10:15:30Z,change,1,7,,key,k,Entra,member.removed,,Room,r,Dispatch,,,"
                        "applied,,,,t,\r\n");
    export_csv_head(&head);
    assert_int_equal(commas(head.p), commas(line));
    jb_free(&head);
    free(line);
}

/* What a spreadsheet would run is text; quotes, commas and lines stay what they are. */
static void test_csv_cells(void **state) {
    (void)state;
    static const struct {
        const char *name, *cell;
    } v[] = {
        {"plain", "plain"},
        {"a,b", "\"a,b\""},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@x", "\"'@x\""},
        {"\\tx", "\"'\tx\""},
        {"\\rx", "\"'\rx\""},
        {"a\\nb", "\"a\nb\""},
        {"say \\\"hi\\\"", "\"say \"\"hi\"\"\""},
        {"", ""},
        {"a=b", "a=b"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[100];
        struct jbuf b = {0}, want = {0};
        snprintf(text, sizeof text, "{\"kind\":\"change\",\"reason\":\"%s\"}", v[i].name);
        json_t *record = json_loads(text, 0, NULL);
        assert_non_null(record);
        export_csv(&b, record);
        jb_printf(&want, ",change,,,,,,,,,,,,,,,%s,,,,\r\n", v[i].cell);
        assert_string_equal(b.p, want.p);
        json_decref(record);
        jb_free(&b);
        jb_free(&want);
    }
}

static json_t *ocsf_of(const char *text) {
    json_t *record = quick(text);
    struct jbuf b = {0};
    export_ocsf(&b, record, "w/audit/1", "1.2.3");
    assert_int_equal(b.p[b.n - 1], '\n');
    json_t *event = json_loads(b.p, 0, NULL);
    assert_non_null(event);
    json_decref(record);
    jb_free(&b);
    return event;
}

static void test_ocsf_classes(void **state) {
    (void)state;
    static const struct {
        const char *action;
        json_int_t class, activity;
    } v[] = {
        {"user.created", 3001, 1},     {"user.deactivated", 3001, 5}, {"member.added", 3006, 3},
        {"member.removed", 3006, 4},   {"member.held", 3006, 99},     {"room.renamed", 3006, 99},
        {"user.updated", 3004, 3},     {"key.created", 3004, 1},      {"key.revoked", 3004, 4},
        {"resource.deleted", 3004, 4}, {"seat.taken", 3004, 99},      {"command.refused", 3004, 99},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{'kind':'change','seq':3,'time':'2026-11-22T10:15:30.5Z','action':'%s','target':null}",
                 v[i].action);
        json_t *event = ocsf_of(text);
        assert_int_equal(json_integer_value(json_object_get(event, "class_uid")), v[i].class);
        assert_int_equal(json_integer_value(json_object_get(event, "activity_id")), v[i].activity);
        assert_int_equal(json_integer_value(json_object_get(event, "type_uid")),
                         v[i].class * 100 + v[i].activity);
        assert_int_equal(json_integer_value(json_object_get(event, "time")), 1795342530500);
        json_decref(event);
    }
}

/* A seat is told beside what took it. Alone it is an event of no activity, which an export may leave out. */
static void test_seats(void **state) {
    (void)state;
    char *line = csv_of("{'kind':'change','action':'user.created','seat':'taken'}");
    assert_string_equal(line, ",change,,,,,,,user.created,,,,,,,,,,,,taken\r\n");
    free(line);
    json_t *event = ocsf_of("{'kind':'change','action':'user.deactivated','seat':'freed','target':null}");
    assert_int_equal(json_integer_value(json_object_get(event, "type_uid")), 300105);
    assert_string_equal(json_string_value(json_object_get(json_object_get(event, "unmapped"), "seat")),
                        "freed");
    json_decref(event);
    event = ocsf_of("{'kind':'change','action':'user.updated','target':null}");
    assert_null(json_object_get(json_object_get(event, "unmapped"), "seat"));
    json_decref(event);
    json_t *with = quick("{'action':'user.created','seat':'taken'}"),
           *alone = quick("{'action':'seat.taken'}");
    assert_false(export_is_seat(with));
    assert_true(export_is_seat(alone));
    json_decref(with);
    json_decref(alone);
}

static void test_ocsf_of_a_request(void **state) {
    (void)state;
    json_t *event = ocsf_of(
        "{'kind':'request','n':9,'time':'2026-11-22T10:15:30Z','txn':'t','key':null,'method':'PATCH',"
        "'path':'/scim/v2/Groups/01917d2e-0a1b-7c2d-8e3f-405162738495/x','status':429,'rateLimited':true,"
        "'error':{'code':'RATE_LIMITED','detail':'Too many'},'durationUs':2710,'sourceIp':'203.0.113.7'}");
    json_t *api = json_object_get(event, "api");
    assert_string_equal(json_string_value(json_object_get(api, "operation")), "PATCH /scim/v2/Groups/{id}/x");
    assert_int_equal(json_integer_value(json_object_get(event, "class_uid")), 6003);
    assert_int_equal(json_integer_value(json_object_get(event, "activity_id")), 3);
    assert_int_equal(json_integer_value(json_object_get(event, "severity_id")), 2);
    assert_true(json_is_true(json_object_get(json_object_get(event, "unmapped"), "rateLimited")));
    json_decref(event);
}

static void test_ends(void **state) {
    (void)state;
    struct export_end e = {.workspace = "w",
                           .tree = "changes",
                           .records = 2,
                           .size = 9,
                           .last = 1,
                           .first_epoch = 1,
                           .first_seq = 1,
                           .last_epoch = 1,
                           .last_seq = 2,
                           .checkpoint = "o\n9\n"};
    struct jbuf b = {0};
    export_end_ndjson(&b, &e);
    assert_string_equal(b.p, "{\"kind\":\"end\",\"workspace\":\"w\",\"tree\":\"changes\",\"filtered\":false,"
                             "\"records\":2,\"size\":9,\"firstIndex\":0,\"lastIndex\":1,\"firstEpoch\":1,"
                             "\"firstSeq\":1,\"lastEpoch\":1,\"lastSeq\":2,\"checkpoint\":\"o\\n9\\n\"}\n");
    jb_reset(&b);
    export_end_ocsf(&b, &e, "1");
    json_t *event = json_loads(b.p, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json_object_get(event, "unmapped"), "checkpoint")),
                        "o\n9\n");
    json_decref(event);
    jb_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_of_a_change),   cmocka_unit_test(test_csv_cells),
        cmocka_unit_test(test_ocsf_classes),      cmocka_unit_test(test_seats),
        cmocka_unit_test(test_ocsf_of_a_request), cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
