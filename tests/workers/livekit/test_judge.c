/* The table, and who is judged by it. */
#include "workers/livekit/judge.h"
#include "workers/livekit/stats.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define W "0190b3f2-0000-7000-8000-000000000001"
#define R "0190b3f2-0000-7000-8000-00000000000a"
#define R2 "0190b3f2-0000-7000-8000-00000000000b"
#define ANA "0190b3f2-0000-7000-8000-0000000000a1"
#define BEN "0190b3f2-0000-7000-8000-0000000000b1"

/* At (1, 10): Ana may transmit in R, Ben may not. */
static const char snapshot[] =
    "{\"" W "\":{\"epoch\":1,\"seq\":10,\"rooms\":{\"" R "\":{\"name\":\"Dispatch\",\"members\":{\"" ANA
    "\":true,\"" BEN "\":false}}}}}";

static struct table *loaded(void) {
    struct table *t = table_new();
    table_load(t, json_loads(snapshot, 0, NULL));
    return t;
}

static enum table_news apply(struct table *t, const char *kind, const char *user, bool transmit,
                             int64_t epoch, int64_t seq) {
    json_t *event = user != NULL ? json_pack("{s:{s:s}, s:{s:s}, s:b}", "room", "id", R, "user", "id", user,
                                             "transmit", transmit)
                                 : json_pack("{s:{s:s, s:s}}", "room", "id", R2, "name", "Two");
    enum table_news news = table_apply(t, W, kind, event, (struct voice_number){epoch, seq});
    json_decref(event);
    return news;
}

static void events_change_it(void **state) {
    (void)state;
    struct table *t = loaded();
    struct uuid of;
    assert_int_equal(apply(t, "usher.member.removed", ANA, true, 1, 10), TABLE_OLD);
    assert_true(table_ask(t, W, R, ANA).member);
    assert_int_equal(apply(t, "usher.member.removed", ANA, true, 1, 11), TABLE_NEWS);
    assert_false(table_ask(t, W, R, ANA).member);
    assert_int_equal(apply(t, "usher.member.transmit_changed", BEN, true, 1, 12), TABLE_NEWS);
    assert_true(table_ask(t, W, R, BEN).transmit);
    assert_false(table_find(t, R2, &of));
    assert_int_equal(apply(t, "usher.room.created", NULL, false, 1, 13), TABLE_NEWS);
    assert_true(table_find(t, R2, &of));
    assert_string_equal(of.s, W);
    assert_int_equal(apply(t, "usher.room.deleted", NULL, false, 1, 14), TABLE_NEWS);
    assert_false(table_find(t, R2, &of));
    assert_int_equal(table_number(t, W).seq, 14);
    table_free(t);
}

/* A gap, a new epoch, a stub and what nobody knows: the table does not go on by itself. */
static void what_is_not_known(void **state) {
    (void)state;
    struct table *t = loaded();
    assert_int_equal(apply(t, "usher.member.removed", ANA, true, 1, 12), TABLE_UNKNOWN);
    assert_int_equal(apply(t, "usher.member.removed", ANA, true, 2, 11), TABLE_UNKNOWN);
    assert_int_equal(apply(t, "usher.stream.stub", ANA, true, 1, 11), TABLE_UNKNOWN);
    assert_int_equal(apply(t, "usher.member.praised", ANA, true, 1, 11), TABLE_UNKNOWN);
    assert_int_equal(table_number(t, W).seq, 10);
    assert_true(table_ask(t, W, R, ANA).member);
    table_free(t);
}

static void count_room(void *ctx, const char *workspace, const char *room) {
    assert_string_equal(workspace, W);
    assert_true(strcmp(room, R) == 0 || strcmp(room, R2) == 0);
    ++*(int *)ctx;
}

/* After that it is what was read, and all rooms of before and now were told. */
static void a_workspace_anew(void **state) {
    (void)state;
    struct table *t = loaded();
    struct uuid of;
    int told = 0, rooms = 0;
    json_t *held = json_pack("{s:I, s:I, s:{s:{s:s, s:{}}}}", "epoch", (json_int_t)2, "seq", (json_int_t)40,
                             "rooms", R2, "name", "Two", "members");
    table_reload(t, W, held, count_room, &told);
    json_decref(held);
    assert_int_equal(told, 2);
    assert_false(table_ask(t, W, R, ANA).room);
    assert_true(table_find(t, R2, &of));
    assert_false(table_find(t, R, &of));
    table_rooms(t, count_room, &rooms);
    assert_int_equal(rooms, 1);
    assert_int_equal(apply(t, "usher.room.deleted", NULL, false, 2, 41), TABLE_NEWS);
    table_free(t);
}

#define MAY "\"permission\":{\"canSubscribe\":true,\"canPublish\":true,\"canPublishData\":true}"
#define LISTENS "\"permission\":{\"canSubscribe\":true}"
#define AT(seq) "\"attributes\":{\"usher.epoch\":\"1\",\"usher.seq\":\"" seq "\"}"

static void verdicts(void **state) {
    (void)state;
    static const struct {
        const char *participant;
        enum judge_verdict due;
    } cases[] = {
        {"{\"identity\":\"" ANA "\"," MAY "}", JUDGE_LEAVE},
        {"{\"identity\":\"" ANA "\"," LISTENS "}", JUDGE_CORRECT},
        {"{\"identity\":\"" ANA "\"}", JUDGE_CORRECT},
        {"{\"identity\":\"" BEN "\"," LISTENS "}", JUDGE_LEAVE},
        {"{\"identity\":\"" BEN "\"," MAY "}", JUDGE_CORRECT},
        {"{\"identity\":\"stranger\"," MAY "}", JUDGE_REMOVE},
        {"{\"identity\":\"stranger\",\"kind\":\"STANDARD\"}", JUDGE_REMOVE},
        {"{\"identity\":\"stranger\",\"kind\":0}", JUDGE_REMOVE},
        {"{\"identity\":\"stranger\",\"kind\":\"EGRESS\"}", JUDGE_LEAVE},
        {"{\"identity\":\"stranger\",\"kind\":4}", JUDGE_LEAVE},
        /* a token that is not newer than the table says nothing that the table does not know better */
        {"{\"identity\":\"stranger\"," AT("10") "}", JUDGE_REMOVE},
        {"{\"identity\":\"stranger\"," AT("9") "}", JUDGE_REMOVE},
        {"{\"identity\":\"stranger\"," AT("11") "}", JUDGE_LEAVE},
        {"{\"identity\":\"" BEN "\"," MAY "," AT("11") "}", JUDGE_LEAVE},
        {"{\"identity\":\"" BEN "\"," MAY "," AT("10") "}", JUDGE_CORRECT},
        {"{\"identity\":\"\"}", JUDGE_LEAVE},
        {"{}", JUDGE_LEAVE},
    };
    struct table *t = loaded(), *empty = table_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *participant = json_loads(cases[i].participant, 0, NULL);
        assert_non_null(participant);
        if (judge_participant(t, W, R, participant) != cases[i].due)
            fail_msg("%s", cases[i].participant);
        assert_int_equal(judge_participant(t, W, R2, participant), JUDGE_LEAVE);
        assert_int_equal(judge_participant(empty, W, R, participant), JUDGE_LEAVE);
        json_decref(participant);
    }
    table_free(t);
    table_free(empty);
}

static void rooms_that_are_gone(void **state) {
    (void)state;
    struct table *t = loaded();
    struct uuid of;
    assert_true(judge_room_is_gone(t, "usher " W " 1 10", &of));
    assert_string_equal(of.s, W);
    assert_true(judge_room_is_gone(t, "usher " W " 1 3", &of));
    assert_false(judge_room_is_gone(t, "usher " W " 1 11", &of)); /* another bridge is ahead */
    assert_false(judge_room_is_gone(t, "somebody else's", &of));
    assert_false(judge_room_is_gone(t, NULL, &of));
    table_free(t);
}

static int register_stats(void **state) {
    (void)state;
    livekit_stats_init();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_change_it),    cmocka_unit_test(what_is_not_known),
        cmocka_unit_test(a_workspace_anew),    cmocka_unit_test(verdicts),
        cmocka_unit_test(rooms_that_are_gone),
    };
    return cmocka_run_group_tests(tests, register_stats, NULL);
}
