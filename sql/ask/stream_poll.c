#include "sql/ask/stream_poll.h"

#include "ops/runtime/jbuf.h"
#include "sql/pg_array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER 24

enum err_code stream_poll_open(struct db *db, struct stream_poll *p, struct arena *a, struct err *err) {
    enum { BEGUN, SEES, FOUND, ALL };
    struct db_result *r[ALL] = {NULL};
    const char *see[] = {p->workspace}, *params[] = {p->workspace, p->id, p->key};
    db_queue(db, SQL_CONNECTION_BEGIN, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACE, see);
    db_queue(db, SQL_DELIVERY_POLL, params);
    if (db_flush(db, r, ALL, NULL, err) != ERR_OK)
        return err->code;
    p->doc = NULL;
    if (db_rows(r[FOUND]) > 0) {
        p->doc = arena_strdup(a, db_text(r[FOUND], 0, 0));
        p->cursor = db_int(r[FOUND], 0, 1);
        p->newest = db_int(r[FOUND], 0, 2);
        p->version = db_int(r[FOUND], 0, 4);
        p->done = arena_strdup(a, db_text(r[FOUND], 0, 5));
    }
    db_results_free(r, ALL);
    return ERR_OK;
}

enum err_code stream_poll_messages(struct db *db, const struct stream_poll *p, int64_t after, int most,
                                   int bytes, struct arena *a, struct delivery_message **out, size_t *n,
                                   struct err *err) {
    struct delivery_claimed of = {.cursor = after, .asked = -1};
    snprintf(of.workspace, sizeof of.workspace, "%s", p->workspace);
    snprintf(of.id, sizeof of.id, "%s", p->id);
    enum err_code code = delivery_messages(db, &of, 1, most, bytes, a, out, n, err);
    if (code != ERR_OK)
        db_rollback(db);
    return code;
}

enum err_code stream_poll_close(struct db *db, const struct stream_poll *p, int64_t cursor, const char *done,
                                int64_t lost, const char *errors, struct err *err) {
    enum { MOVED, DONE, ALL };
    struct db_result *r[ALL] = {NULL};
    char texts[2][NUMBER];
    snprintf(texts[0], NUMBER, "%" PRId64, cursor);
    snprintf(texts[1], NUMBER, "%" PRId64, lost);
    const char *params[] = {p->workspace, p->id, texts[0], done, texts[1], errors};
    db_queue(db, SQL_DELIVERY_POLL_MOVE, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, r, ALL, NULL, err);
    db_results_free(r, ALL);
    return code;
}

enum err_code stream_poll_leave(struct db *db, struct err *err) {
    return db_run(db, SQL_CONNECTION_COMMIT, NULL, NULL, err);
}

enum err_code stream_poll_news(struct db *db, const struct stream_poll *const *p, size_t n, bool *news,
                               struct err *err) {
    enum { BEGUN, SEES, NEWS, DONE, ALL };
    struct db_result *r[ALL] = {NULL};
    struct jbuf c[4] = {{0}};
    for (size_t k = 0; k < 4; k++)
        pg_array_begin(&c[k]);
    for (size_t i = 0; i < n; i++) {
        pg_array_word(&c[0], p[i]->workspace);
        pg_array_word(&c[1], p[i]->id);
        pg_array_int(&c[2], p[i]->newest);
        pg_array_int(&c[3], p[i]->version);
        news[i] = false;
    }
    for (size_t k = 0; k < 4; k++)
        pg_array_end(&c[k]);
    const char *see[] = {c[0].p}, *params[] = {c[0].p, c[1].p, c[2].p, c[3].p};
    db_queue(db, SQL_CONNECTION_BEGIN_READ_ONLY, NULL);
    db_queue(db, SQL_CONNECTION_SEE_WORKSPACES, see);
    db_queue(db, SQL_DELIVERY_POLL_NEWS, params);
    db_queue(db, SQL_CONNECTION_COMMIT, NULL);
    enum err_code code = db_flush(db, r, ALL, NULL, err);
    for (size_t i = 0; code == ERR_OK && i < db_rows(r[NEWS]); i++) {
        int64_t nth = db_int(r[NEWS], i, 0);
        if (nth >= 1 && (size_t)nth <= n)
            news[nth - 1] = true;
    }
    db_results_free(r, ALL);
    for (size_t k = 0; k < 4; k++)
        jb_free(&c[k]);
    return code;
}
