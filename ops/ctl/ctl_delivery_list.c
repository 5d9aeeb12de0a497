/* usherctl delivery list|show|attempts. */
#include "ops/ctl/ctl_delivery.h"

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

static void print_delivery(struct jbuf *b, const struct db_result *r, size_t row) {
    const char *reason = cell_or_null(r, row, D_REASON), *success = cell_or_null(r, row, D_SUCCEEDED),
               *events = cell_or_null(r, row, D_EVENTS), *key = cell_or_null(r, row, D_PUBLIC_KEY);
    jb_printf(b, "%s  %s  (%s%s%s)\n", db_text(r, row, D_ID), db_text(r, row, D_NAME),
              db_text(r, row, D_STATE), reason != NULL ? ": " : "", reason != NULL ? reason : "");
    jb_printf(b, "  %s, events %s\n", db_text(r, row, D_URL), events != NULL ? events : "all");
    if (!db_is_null(r, row, D_RECEIVER))
        jb_printf(b, "  stream of the key %s, signed with %s\n", db_text(r, row, D_RECEIVER),
                  db_text(r, row, D_SIGNATURE));
    else
        jb_printf(b, "  signed with %s %s%s\n", db_text(r, row, D_SIGNATURE),
                  key != NULL ? key : db_text(r, row, D_PREFIX), key != NULL ? "" : "…");
    jb_printf(b, "  message %s of %s is delivered, last success %s", db_text(r, row, D_CURSOR),
              db_text(r, row, D_NEWEST), success != NULL ? success : "never");
    if (!db_is_null(r, row, D_WAITING))
        jb_printf(b, ", the next one waits since %s", db_text(r, row, D_WAITING));
    if (db_int(r, row, D_LOST) > 0)
        jb_printf(b, ", %s LOST", db_text(r, row, D_LOST));
    jb_raw(b, "\n");
    if (db_int(r, row, D_FAILURES) > 0)
        jb_printf(b, "  FAILING since %s, %s times, next try %s\n", db_text(r, row, D_FAILING_SINCE),
                  db_text(r, row, D_FAILURES), db_text(r, row, D_NEXT_TRY));
}

static const struct ctl_list list = {
    "deliveries", "no deliveries yet: usherctl delivery create --workspace W --name NAME --endpoint URL\n",
    put_delivery, print_delivery};

enum err_code ctl_delivery_list(struct ctl *c, struct err *err) {
    const char *given;
    struct ctl_workspace w;
    struct db_result *r;
    if (ctl_flag_required(c->args, "workspace", &given, err) != ERR_OK ||
        ctl_workspace_find(c, given, &w, err) != ERR_OK)
        return err->code;
    const char *params[] = {w.id.s, NULL};
    if (db_run(c->db, SQL_CTL_LIST_DELIVERIES, params, &r, err) != ERR_OK)
        return err->code;
    ctl_show_rows(c, &list, r);
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code ctl_delivery_show(struct ctl *c, struct err *err) {
    struct ctl_delivery d;
    struct db_result *r;
    if (ctl_delivery_named(c, &d, err) != ERR_OK)
        return err->code;
    const char *params[] = {d.workspace.s, d.id.s};
    if (db_run(c->db, SQL_CTL_LIST_DELIVERIES, params, &r, err) != ERR_OK)
        return err->code;
    if (c->json && db_rows(r) > 0) {
        jb_raw(&c->out, "{\"delivery\":");
        put_delivery(&c->out, r, 0);
        jb_raw(&c->out, "}\n");
    } else {
        ctl_show_rows(c, &list, r);
    }
    db_results_free(&r, 1);
    return ERR_OK;
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

static void print_attempt(struct jbuf *b, const struct db_result *r, size_t row) {
    const char *error = cell_or_null(r, row, A_ERROR), *answer = cell_or_null(r, row, A_ANSWER),
               *next = cell_or_null(r, row, A_NEXT_TRY);
    jb_printf(b, "%s  message %s %s: %s, %lld ms\n", db_text(r, row, A_AT), db_text(r, row, A_NUMBER),
              db_text(r, row, A_TYPE), db_text(r, row, A_STATUS),
              (long long)(db_int(r, row, A_DURATION) / 1000));
    if (error != NULL)
        jb_printf(b, "  FAILED: %s%s%s\n", error, next != NULL ? ", next try " : "",
                  next != NULL ? next : "");
    if (answer != NULL && *answer != '\0')
        jb_printf(b, "  answer: %s\n", answer);
}

enum err_code ctl_delivery_attempts(struct ctl *c, struct err *err) {
    static const struct ctl_list attempts = {"attempts", "nothing was sent yet\n", put_attempt,
                                             print_attempt};
    struct ctl_delivery d;
    struct db_result *r;
    if (ctl_delivery_named(c, &d, err) != ERR_OK)
        return err->code;
    const char *params[] = {d.workspace.s, d.id.s};
    if (db_run(c->db, SQL_CTL_LIST_DELIVERY_ATTEMPTS, params, &r, err) != ERR_OK)
        return err->code;
    ctl_show_rows(c, &attempts, r);
    db_results_free(&r, 1);
    return ERR_OK;
}
