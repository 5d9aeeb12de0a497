#include "ingest/api/poll_sets.h"

#include "ingest/scim/jwks.h"
#include "schemas/api/ssf_set.h"
#include "schemas/stream/record_event.h"
#include "sql/pg_array.h"

#include <string.h>

#define WINDOW 100          /* messages that are looked at at a time … */
#define WINDOW_BYTES 262144 /* … and about so many bytes */
#define WINDOWS_MAX 20      /* in one poll: others are looked at with the next one */

/* A walk over the messages behind the cursor. */
struct walk {
    struct poll_sets *p;
    struct arena *a;
    json_t *doc, *done;   /* done: tokens that were so before */
    struct jbuf keeps;    /* tokens above the cursor that are done: an array of PostgreSQL */
    struct jbuf errors;   /* JSON */
    int64_t cursor, seen; /* seen: the last message that was looked at */
    int64_t lost;
    size_t nkeeps;
    bool sends; /* the stream is enabled */
    bool waits; /* a message was found that is not done */
};

static bool list_has(const json_t *list, const char *text) {
    size_t i;
    json_t *v;
    json_array_foreach((json_t *)list, i, v) {
        if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
            return true;
    }
    return false;
}

/* ---- what is done ---- */

static void note_error(struct walk *w, const struct ssf_set *set, int64_t number, const json_t *said) {
    const char *code = json_string_value(json_object_get(said, "err")),
               *why = json_string_value(json_object_get(said, "description"));
    jb_sep(&w->errors);
    jb_raw(&w->errors, "{");
    jb_kint(&w->errors, "number", number);
    jb_kstr(&w->errors, "event", set->jti);
    jb_kstr(&w->errors, "type", set->type);
    jb_kstr(&w->errors, "error",
            arena_printf(w->a, "the receiver refuses the token for ever: %.60s%s%.*s",
                         code != NULL ? code : "no reason", why != NULL ? ", " : "", POLL_DESCRIPTION,
                         why != NULL ? why : ""));
    jb_raw(&w->errors, "}");
}

static bool set_is_done(struct walk *w, const struct ssf_set *set, int64_t number) {
    const json_t *said = json_object_get(w->p->errors, set->jti);
    if (list_has(w->done, set->jti))
        return true;
    if (said != NULL)
        note_error(w, set, number, said);
    return said != NULL || list_has(w->p->acks, set->jti);
}

/* ---- what is handed out ---- */

static void hand_out(struct walk *w, const struct ssf_set *set) {
    const char *alg = json_string_value(json_object_get(w->doc, "signature"));
    const struct jws_key *key = strcmp(alg, "ES256") == 0 ? jwks_own() : jwks_own_rsa();
    struct poll_sets *p = w->p;
    bool sends = w->sends || ssf_is_told_at_once(set->type);
    if (p->n >= p->most || !sends) {
        p->more = p->more || sends;
        return;
    }
    jb_key(&p->sets, set->jti);
    jb_raw(&p->sets, "\"");
    jws_sign(key, EVENT_TYPE, set->claims, strlen(set->claims), &p->sets);
    jb_raw(&p->sets, "\"");
    p->n++;
}

/* A message is done when all its tokens are, or where it has none for this stream. */
static void walk_message(struct walk *w, const struct delivery_message *m) {
    struct ssf_set sets[SSF_SETS_MAX];
    struct ssf_message message = {
        .type = m->type, .event = m->event, .value = m->value, .about = m->about, .at_us = m->at_us};
    size_t n = m->value != NULL ? ssf_sets(w->p->at.id, w->doc, &message, w->a, sets) : 0, ndone = 0;
    bool done[SSF_SETS_MAX];
    for (size_t i = 0; i < n; i++) {
        done[i] = set_is_done(w, &sets[i], m->number);
        ndone += done[i] ? 1 : 0;
    }
    if (!w->waits && m->number > w->cursor + 1)
        w->lost += m->number - w->cursor - 1;
    w->seen = m->number;
    if (ndone == n && !w->waits) {
        w->cursor = m->number;
        return;
    }
    w->waits = true;
    for (size_t i = 0; i < n; i++) {
        if (done[i]) {
            pg_array_text(&w->keeps, sets[i].jti);
            w->nkeeps++;
        } else {
            hand_out(w, &sets[i]);
        }
    }
}

/* ---- the whole ---- */

/* Goes on while there is nothing to hand out and all that was seen is done; where the stream is not enabled,
 * also over what waits: what is told at once stands behind it. */
static enum err_code walk_on(struct db *db, struct walk *w, struct err *err) {
    struct delivery_message *messages;
    size_t n;
    for (int i = 0; i < WINDOWS_MAX && w->p->n == 0 && (!w->waits || !w->sends) && w->seen < w->p->at.newest;
         i++) {
        if (stream_poll_messages(db, &w->p->at, w->seen, WINDOW, WINDOW_BYTES, w->a, &messages, &n, err) !=
            ERR_OK)
            return err->code;
        for (size_t k = 0; k < n; k++)
            walk_message(w, &messages[k]);
        if (n == 0) { /* the log has forgotten all that there was */
            w->lost += w->p->at.newest - w->cursor;
            w->cursor = w->seen = w->p->at.newest;
        }
    }
    w->p->more = w->p->more || (w->sends && w->seen < w->p->at.newest);
    return ERR_OK;
}

static bool is_changed(const struct walk *w) {
    return w->cursor != w->p->at.cursor || w->nkeeps != json_array_size(w->done) || w->lost > 0 ||
           w->errors.n > 1;
}

static enum err_code walk_end(struct db *db, struct walk *w, struct err *err) {
    bool changed = is_changed(w);
    pg_array_end(&w->keeps);
    jb_raw(&w->errors, "]");
    return changed ? stream_poll_close(db, &w->p->at, w->cursor, w->keeps.p, w->lost, w->errors.p, err)
                   : stream_poll_leave(db, err);
}

static enum err_code walk_all(struct db *db, struct poll_sets *p, struct arena *a, struct err *err) {
    struct walk w = {.p = p,
                     .a = a,
                     .doc = json_loads(p->at.doc, 0, NULL),
                     .done = json_loads(p->at.done, 0, NULL),
                     .cursor = p->at.cursor,
                     .seen = p->at.cursor};
    const char *state = json_string_value(json_object_get(w.doc, "state"));
    w.sends = state != NULL && strcmp(state, "enabled") == 0;
    pg_array_begin(&w.keeps);
    jb_raw(&w.errors, "[");
    enum err_code code = walk_on(db, &w, err);
    if (code == ERR_OK)
        code = walk_end(db, &w, err);
    jb_free(&w.keeps);
    jb_free(&w.errors);
    json_decref(w.doc);
    json_decref(w.done);
    return code;
}

enum err_code poll_sets_work(struct db *db, struct poll_sets *p, struct arena *a, struct err *err) {
    jb_reset(&p->sets);
    p->n = 0;
    p->more = false;
    if (stream_poll_open(db, &p->at, a, err) != ERR_OK)
        return err->code;
    if (p->at.doc == NULL)
        return stream_poll_leave(db, err);
    if (walk_all(db, p, a, err) != ERR_OK)
        return err->code;
    p->acks = p->errors = NULL;
    return ERR_OK;
}

void poll_sets_answer(const struct poll_sets *p, struct jbuf *out) {
    jb_raw(out, "{\"sets\":{");
    if (p->n > 0)
        jb_mem(out, p->sets.p, p->sets.n);
    jb_printf(out, "},\"moreAvailable\":%s}", p->more ? "true" : "false");
}

void poll_sets_free(void *p) {
    jb_free(&((struct poll_sets *)p)->sets);
}
