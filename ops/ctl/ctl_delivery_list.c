/* usherctl delivery list|show|attempts. */
#include "ops/ctl/ctl_delivery.h"

#include "ops/ctl/ctl_far.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

enum { /* of statements/ctl_list.sql */
       D_ID,
       D_NAME,
       D_URL,
       D_EVENTS,
       D_SIGNATURE,
       D_PREFIX,
       D_PUBLIC_KEY,
       D_OLD_UNTIL,
       D_STATE,
       D_REASON,
       D_CREATED,
       D_CREATED_BY,
       D_CURSOR,
       D_NEWEST,
       D_FAILURES,
       D_FAILING_SINCE,
       D_NEXT_TRY,
       D_SUCCEEDED,
       D_LOST,
       D_RECEIVER,
       D_WAITING
};
enum { A_N, A_AT, A_NUMBER, A_EVENT, A_TYPE, A_STATUS, A_ERROR, A_ANSWER, A_DURATION, A_NEXT_TRY };

enum kind { TEXT, JSON, NUMBER };
struct member {
    const char *name;
    int column;
    enum kind kind;
};

static const char *cell_or_null(const struct db_result *r, size_t row, int col) {
    return db_is_null(r, row, col) ? NULL : db_text(r, row, col);
}

static void put_members(struct jbuf *b, const struct member *members, const struct db_result *r, size_t row) {
    jb_sep(b);
    jb_raw(b, "{");
    for (; members->name != NULL; members++) {
        const char *text = cell_or_null(r, row, members->column);
        if (members->kind == TEXT)
            jb_kstr(b, members->name, text);
        else
            jb_kraw(b, members->name, text);
    }
    jb_raw(b, "}");
}

static void put_delivery(struct jbuf *b, const struct db_result *r, size_t row) {
    static const struct member members[] = {{"id", D_ID, TEXT},
                                            {"name", D_NAME, TEXT},
                                            {"url", D_URL, TEXT},
                                            {"events", D_EVENTS, JSON},
                                            {"signature", D_SIGNATURE, TEXT},
                                            {"prefix", D_PREFIX, TEXT},
                                            {"publicKey", D_PUBLIC_KEY, TEXT},
                                            {"oldSecretUntil", D_OLD_UNTIL, TEXT},
                                            {"state", D_STATE, TEXT},
                                            {"reason", D_REASON, TEXT},
                                            {"created", D_CREATED, TEXT},
                                            {"createdBy", D_CREATED_BY, TEXT},
                                            {"delivered", D_CURSOR, NUMBER},
                                            {"newest", D_NEWEST, NUMBER},
                                            {"waitingSince", D_WAITING, TEXT},
                                            {"failures", D_FAILURES, NUMBER},
                                            {"failingSince", D_FAILING_SINCE, TEXT},
                                            {"nextTry", D_NEXT_TRY, TEXT},
                                            {"lastSuccess", D_SUCCEEDED, TEXT},
                                            {"lost", D_LOST, NUMBER},
                                            {"receiver", D_RECEIVER, TEXT},
                                            {NULL, 0, TEXT}};
    put_members(b, members, r, row);
}

static void print_events(struct jbuf *b, const json_t *d) {
    if (json_is_array(json_object_get(d, "events")))
        ctl_put_json(b, d, "events");
    else
        jb_raw(b, "all");
}

static void print_delivery(struct jbuf *b, const json_t *d) {
    const char *reason = ctl_text(d, "reason"), *key = ctl_text(d, "publicKey");
    jb_printf(b, "%s  %s  (%s%s%s)\n", ctl_text(d, "id"), ctl_text(d, "name"), ctl_text(d, "state"),
              reason != NULL ? ": " : "", ctl_or(reason, ""));
    jb_printf(b, "  %s, events ", ctl_text(d, "url"));
    print_events(b, d);
    if (ctl_text(d, "receiver") != NULL)
        jb_printf(b, "\n  stream of the key %s, signed with %s\n", ctl_text(d, "receiver"),
                  ctl_text(d, "signature"));
    else
        jb_printf(b, "\n  signed with %s %s%s\n", ctl_text(d, "signature"),
                  ctl_or(key, ctl_or(ctl_text(d, "prefix"), "")), key != NULL ? "" : "…");
    jb_printf(b, "  message %lld of %lld is delivered, last success %s",
              (long long)ctl_number(d, "delivered"), (long long)ctl_number(d, "newest"),
              ctl_or(ctl_text(d, "lastSuccess"), "never"));
    if (ctl_text(d, "waitingSince") != NULL)
        jb_printf(b, ", the next one waits since %s", ctl_text(d, "waitingSince"));
    if (ctl_number(d, "lost") > 0)
        jb_printf(b, ", %lld LOST", (long long)ctl_number(d, "lost"));
    jb_raw(b, "\n");
    if (ctl_number(d, "failures") > 0)
        jb_printf(b, "  FAILING since %s, %lld times, next try %s\n",
                  ctl_or(ctl_text(d, "failingSince"), "now"), (long long)ctl_number(d, "failures"),
                  ctl_or(ctl_text(d, "nextTry"), "soon"));
}

static const struct ctl_list list = {
    "deliveries", "no deliveries yet: usherctl delivery create --workspace W --name NAME --endpoint URL\n",
    put_delivery, print_delivery, "/deliveries"};

/* one NULL: all of the workspace. A new reference. */
static enum err_code read_deliveries(struct ctl *c, const char *workspace, const char *one, json_t **rows,
                                     struct err *err) {
    struct db_result *r;
    const char *params[] = {workspace, one};
    if (db_run(c->db, SQL_CTL_LIST_DELIVERIES, params, &r, err) != ERR_OK)
        return err->code;
    *rows = ctl_rows(&list, r);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code ctl_delivery_list(struct ctl *c, struct err *err) {
    struct ctl_workspace w;
    json_t *rows = NULL;
    enum err_code code = ctl_workspace_flag(c, &w, err);
    if (code == ERR_OK)
        code = c->far != NULL ? ctl_far_items(c, list.path, SIZE_MAX, &rows, err)
                              : read_deliveries(c, w.id.s, NULL, &rows, err);
    if (code == ERR_OK)
        ctl_show_items(c, &list, rows);
    json_decref(rows);
    return code;
}

static enum err_code one_far(struct ctl *c, const char *id, const char *under, json_t **out,
                             struct err *err) {
    char *path = xasprintf("%s/%s%s", list.path, id, under);
    enum err_code code = ctl_far_ask(c, "GET", path, NULL, out, err);
    free(path);
    return code;
}

enum err_code ctl_delivery_show(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    json_t *found = NULL;
    if (ctl_delivery_named(c, &d, err) != ERR_OK)
        return err->code;
    enum err_code code = c->far != NULL ? one_far(c, d.id.s, "", &found, err)
                                        : read_deliveries(c, d.workspace.s, d.id.s, &found, err);
    const json_t *row = c->far != NULL ? found : json_array_get(found, 0);
    if (code == ERR_OK && row == NULL)
        code = err_set(err, ERR_NOT_FOUND, "the delivery \"%s\" was deleted just now", d.name);
    if (code == ERR_OK)
        ctl_show_item(c, &list, "delivery", row);
    json_decref(found);
    return code;
}

static void put_attempt(struct jbuf *b, const struct db_result *r, size_t row) {
    static const struct member members[] = {{"attempt", A_N, NUMBER},
                                            {"time", A_AT, TEXT},
                                            {"number", A_NUMBER, NUMBER},
                                            {"message", A_EVENT, TEXT},
                                            {"type", A_TYPE, TEXT},
                                            {"status", A_STATUS, NUMBER},
                                            {"error", A_ERROR, TEXT},
                                            {"answer", A_ANSWER, TEXT},
                                            {"durationUs", A_DURATION, NUMBER},
                                            {"nextTry", A_NEXT_TRY, TEXT},
                                            {NULL, 0, TEXT}};
    put_members(b, members, r, row);
}

static void print_attempt(struct jbuf *b, const json_t *a) {
    const char *error = ctl_text(a, "error"), *answer = ctl_text(a, "answer"), *next = ctl_text(a, "nextTry");
    jb_printf(b, "%s  message %lld %s: %lld, %lld ms\n", ctl_text(a, "time"),
              (long long)ctl_number(a, "number"), ctl_or(ctl_text(a, "type"), ""),
              (long long)ctl_number(a, "status"), (long long)ctl_number(a, "durationUs") / 1000);
    if (error != NULL)
        jb_printf(b, "  FAILED: %s%s%s\n", error, next != NULL ? ", next try " : "", ctl_or(next, ""));
    if (answer != NULL && *answer != '\0')
        jb_printf(b, "  answer: %s\n", answer);
}

static const struct ctl_list attempts = {"attempts", "nothing was sent yet\n", put_attempt, print_attempt,
                                         NULL};

enum err_code ctl_delivery_attempts(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    struct db_result *r;
    if (ctl_delivery_named(c, &d, err) != ERR_OK)
        return err->code;
    json_t *rows = NULL, *doc = NULL;
    const char *params[] = {d.workspace.s, d.id.s};
    enum err_code code = c->far != NULL ? one_far(c, d.id.s, "/attempts", &doc, err)
                                        : db_run(c->db, SQL_CTL_LIST_DELIVERY_ATTEMPTS, params, &r, err);
    if (code != ERR_OK)
        return code;
    if (c->far != NULL) {
        rows = json_incref(json_object_get(doc, "items"));
    } else {
        rows = ctl_rows(&attempts, r);
        db_results_free(&r, 1);
    }
    ctl_show_items(c, &attempts, rows);
    json_decref(rows);
    json_decref(doc);
    return ERR_OK;
}
