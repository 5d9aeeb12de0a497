/* usherctl restore, usherctl rooms rebuild: see ctl_epoch.h. */
#include "ops/ctl/ctl_epoch.h"

#include "ops/runtime/failpoint.h"
#include "ops/runtime/mem.h"
#include "sql/ask/outbox.h"
#include "sql/ask/revocation.h"
#include "sql/ask/slots.h"
#include "sql/migrate.h"
#include "sql/pg_array.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The statements of the one transaction that decides. */
enum { TAKE, MARKS, PLAN, COUNT_ON, DECISIONS };

static enum err_code ask_number(struct ctl *c, enum statement s, const char *const *params, int64_t *out,
                                struct err *err) {
    struct db_result *r;
    if (db_run(c->db, s, params, &r, err) != ERR_OK)
        return err->code;
    *out = db_int(r, 0, 0);
    db_results_free(&r, 1);
    return ERR_OK;
}

/* A worker holds rows in memory that it may still send. One that waits for this command holds a slot, too. */
static enum err_code check_stopped(struct ctl *c, struct err *err) {
    char lock_class[16];
    int64_t running = 0;
    const char *params[] = {lock_class};
    snprintf(lock_class, sizeof lock_class, "%d", SLOTS_WORKERS);
    if (ask_number(c, SQL_EPOCH_WORKERS, params, &running, err) != ERR_OK)
        return err->code;
    return running == 0
               ? ERR_OK
               : err_set(err, ERR_CONFLICT,
                         "%" PRId64 " workers run. Stop all of them, and what starts them again", running);
}

/* ---- what is known ---- */

static enum err_code load_rows(struct ctl *c, struct epoch_ends *e, struct err *err) {
    char partitions[16];
    const char *params[] = {partitions};
    struct db_result *r;
    snprintf(partitions, sizeof partitions, "%d", e->partitions);
    if (db_run(c->db, SQL_EPOCH_ROWS, params, &r, err) != ERR_OK)
        return err->code;
    for (size_t p = 0; p < db_rows(r) && p < (size_t)e->partitions; p++) {
        e->parts[p].last = db_int(r, p, 1);
        e->parts[p].mark = db_int(r, p, 2);
        e->parts[p].positions = xstrdup(db_text(r, p, 3));
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

/* Every workspace of the database gets a new epoch. *ahead: the streams have a number that it does not know.
 */
static enum err_code add_workspaces(struct ctl *c, struct epoch_ends *e, bool *ahead, struct err *err) {
    struct db_result *r;
    size_t known = 0, seen = 0;
    if (db_run(c->db, SQL_CTL_STREAM_COUNTERS, NULL, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++) {
        struct epoch_seen *w = epoch_seen_of(e, db_text(r, i, 0));
        int64_t epoch = db_int(r, i, 2);
        e->epoch = epoch > e->epoch ? epoch : e->epoch;
        for (int n = 0; n < EPOCH_NUMBERED; n++)
            *ahead |= w->seq[n] > db_int(r, i, 3 + n);
        known++;
    }
    db_results_free(&r, 1);
    for (const struct epoch_seen *w = e->first; w != NULL; w = w->next)
        seen++;
    for (int p = 0; p < e->partitions; p++)
        *ahead |= e->parts[p].row > e->parts[p].last || e->parts[p].shorter[0] != '\0';
    *ahead |= seen > known; /* workspaces that the streams alone have */
    return ERR_OK;
}

/* ---- the decision ---- */

static void queue_take(struct ctl *c, int partitions, struct jbuf *list) {
    pg_array_begin(list);
    for (int p = 0; p < partitions; p++)
        pg_array_int(list, p);
    pg_array_end(list);
    const char *params[] = {list->p};
    db_queue(c->db, SQL_OUTBOX_TAKE, params);
}

/* Rows that the streams have beyond the table were of another history: they are out, and the numbers go on
 * behind them. Rows of the table that wait go out all the same. The topics go on where they end now. */
static void queue_marks(struct ctl *c, const struct epoch_ends *e, struct jbuf columns[3]) {
    for (int i = 0; i < 3; i++)
        pg_array_begin(&columns[i]);
    for (int p = 0; p < e->partitions; p++) {
        const struct epoch_part *part = &e->parts[p];
        pg_array_int(&columns[0], p);
        pg_array_int(&columns[1], part->row > part->last ? part->row : part->mark);
        pg_array_text(&columns[2], part->ends.p);
    }
    for (int i = 0; i < 3; i++)
        pg_array_end(&columns[i]);
    const char *params[] = {columns[0].p, columns[1].p, columns[2].p};
    db_queue(c->db, SQL_OUTBOX_MARK, params);
}

static void queue_plan(struct ctl *c, const struct epoch_ends *e, const char *reason,
                       struct jbuf columns[5]) {
    char epoch[24];
    snprintf(epoch, sizeof epoch, "%" PRId64, e->epoch + 1);
    for (int i = 0; i < 5; i++)
        pg_array_begin(&columns[i]);
    for (const struct epoch_seen *w = e->first; w != NULL; w = w->next) {
        pg_array_word(&columns[0], w->workspace);
        pg_array_int(&columns[1], workspace_partition(w->workspace, e->partitions));
        for (int n = 0; n < EPOCH_NUMBERED; n++)
            pg_array_int(&columns[2 + n], w->seq[n]);
    }
    for (int i = 0; i < 5; i++)
        pg_array_end(&columns[i]);
    const char *params[] = {epoch,        reason,       columns[0].p, columns[1].p,
                            columns[2].p, columns[3].p, columns[4].p};
    db_queue(c->db, SQL_EPOCH_PLAN, params);
}

/* All of it, or nothing. */
static enum err_code decide(struct ctl *c, const struct epoch_ends *e, const char *reason, struct err *err) {
    struct jbuf columns[9] = {{0}};
    struct db_result *results[DECISIONS] = {NULL};
    queue_take(c, e->partitions, &columns[0]);
    queue_marks(c, e, &columns[1]);
    queue_plan(c, e, reason, &columns[4]);
    db_queue(c->db, SQL_EPOCH_COUNT_ON, NULL);
    enum err_code code = db_flush(c->db, results, DECISIONS, NULL, err);
    for (size_t i = 0; i < 9; i++)
        jb_free(&columns[i]);
    if (code != ERR_OK)
        return code;
    db_results_free(results, DECISIONS);
    (void)failpoint("epoch.decided");
    return ERR_OK;
}

static enum err_code end_credential(struct ctl *c, const json_t *change, struct err *err) {
    const char *action = json_string_value(json_object_get(change, "action"));
    struct revocation r = {.owner = strcmp(action, "owner.revoked") == 0,
                           .workspace = json_string_value(json_object_get(change, "workspace")),
                           .id = json_string_value(json_object_get(change, "id")),
                           .by = "usherctl restore"};
    bool rotated = strcmp(action, "key.rotated") == 0;
    if (!rotated && credential_revoke_now(c->db, &r, err) != ERR_OK)
        return err->code;
    if (c->json || (!rotated && !r.known))
        return ERR_OK;
    jb_printf(&c->out, "%s %s, workspace %s, %s\n", r.owner ? "owner" : "key", r.id, r.workspace,
              rotated  ? "was rotated later: its newer token is not known any more, the older one is"
              : r.last ? "was revoked later, and is the last owner now: it was left alive"
                       : "was revoked later, and is revoked again");
    return ERR_OK;
}

/* What was revoked after that state was saved would be alive again. That it was revoked stands in the audit.
 */
static enum err_code end_credentials(struct ctl *c, struct epoch_ends *e, struct err *err) {
    struct jbuf list = {0};
    json_t *change;
    size_t i;
    jb_printf(&list, "[%s]", e->ended.p != NULL ? e->ended.p : "");
    json_t *all = json_loads(list.p, 0, NULL);
    enum err_code code = ERR_OK;
    jb_free(&list);
    json_array_foreach(all, i, change) if (code == ERR_OK) code = end_credential(c, change, err);
    json_decref(all);
    return code;
}

/* ---- the commands ---- */

static enum err_code begin(struct ctl *c, const char *reason, bool always, bool *needed, struct err *err) {
    struct epoch_ends *e = xcalloc(1, sizeof *e);
    *needed = always;
    e->partitions = (int)config_int(c->config, "partitions");
    e->parts = xcalloc((size_t)e->partitions, sizeof *e->parts);
    enum err_code code = load_rows(c, e, err);
    if (code == ERR_OK)
        code = epoch_read_ends(c, e, err);
    if (code == ERR_OK)
        code = add_workspaces(c, e, needed, err);
    if (code == ERR_OK && *needed && !always)
        code = end_credentials(c, e, err);
    if (code == ERR_OK && *needed)
        code = decide(c, e, reason, err);
    epoch_ends_free(e);
    free(e);
    return code;
}

static void report_epoch(struct ctl *c, bool needed, bool went_on, int64_t told) {
    if (c->json)
        jb_printf(&c->out, "{\"epoch\":{\"begun\":%s,\"wentOn\":%s,\"workspaces\":%" PRId64 "}}\n",
                  needed || went_on ? "true" : "false", went_on ? "true" : "false", told);
    else if (!needed && !went_on)
        jb_raw(&c->out, "The streams have nothing that PostgreSQL does not know: there is nothing to do\n");
    else
        jb_printf(&c->out, "%s: %" PRId64 " workspaces. Start the workers, which tell the streams\n",
                  went_on ? "The new epoch that was begun is complete" : "A new epoch has begun", told);
}

/* Who does not see a room would tell the streams that it is gone. */
static enum err_code check_sight(struct ctl *c, struct err *err) {
    struct db_result *r;
    if (db_run(c->db, SQL_CTL_BACKUP_SEES_ALL, NULL, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = ERR_OK;
    if (!db_bool(r, 0, 1))
        code = err_set(
            err, ERR_FORBIDDEN,
            "the role %s does not see every row (row-level security), and would tell the streams that "
            "rooms are gone: run this as a superuser, or as a role with BYPASSRLS",
            db_text(r, 0, 0));
    db_results_free(&r, 1);
    return code;
}

static enum err_code run(struct ctl *c, const char *reason, bool always, struct err *err) {
    int64_t waits = 0, told = 0;
    bool needed = false;
    if (check_sight(c, err) != ERR_OK || schema_check(c->db, err) != ERR_OK ||
        check_stopped(c, err) != ERR_OK || ask_number(c, SQL_EPOCH_WAITS, NULL, &waits, err) != ERR_OK)
        return err->code;
    if (waits == 0 && begin(c, reason, always, &needed, err) != ERR_OK)
        return err->code;
    if (epoch_tell(c, (int)config_int(c->config, "partitions"), &told, err) != ERR_OK)
        return err->code;
    report_epoch(c, needed, waits > 0, told);
    return ERR_OK;
}

enum err_code ctl_restore(struct ctl *c, struct err *err) {
    return run(c, "restore", false, err);
}

enum err_code ctl_rooms_rebuild(struct ctl *c, struct err *err) {
    return run(c, "rooms", true, err);
}
