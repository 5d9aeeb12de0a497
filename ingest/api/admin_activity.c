/* What keys do, in numbers: of all keys for owners and administrators, and of a key for itself. The archive
 * has counted it, so no record is read, but for the newest refused ones. It is asked on the list threads. */
#include "ingest/api/admin_activity.h"

#include "ingest/api/admin.h"
#include "ingest/request/answer.h"
#include "ingest/request/handle.h"
#include "ops/runtime/clock.h"
#include "sql/ask/activity.h"
#include "sql/ask/audit.h"

#include <ctype.h>
#include <string.h>

#define DAY_US INT64_C(86400000000)

struct activity_question {
    struct question question; /* the first member */
    struct arena *arena;
    struct activity activity;
};

/* How far an answer may reach, and how far it reaches where nobody says so. */
static const struct {
    int64_t most_us, default_us;
    const char *most;
} reach[ACTIVITY_STEPS] = {
    [ACTIVITY_MINUTE] = {DAY_US, DAY_US / 24, "a day"},
    [ACTIVITY_HOUR] = {31 * DAY_US, DAY_US, "31 days"},
    [ACTIVITY_DAY] = {400 * DAY_US, 30 * DAY_US, "400 days"},
};

/* ---- what is asked ---- */

static enum err_code ask_activity(struct question *q, struct db *db, struct err *err) {
    struct activity_question *a = (struct activity_question *)q;
    enum err_code code = audit_begin(db, a->activity.workspace, err);
    if (code == ERR_OK)
        code = activity_read(db, a->arena, &a->activity, err);
    audit_end(db);
    return code;
}

static enum err_code read_time(struct request *r, const char *name, int64_t fallback, int64_t *out,
                               struct err *err) {
    const char *text = query_get(&r->query, name);
    *out = fallback;
    if (text == NULL || rfc3339_parse(text, out))
        return ERR_OK;
    return err_set_path(err, ERR_INVALID_VALUE, name, "%s is a time as in RFC 3339", name);
}

static enum err_code read_span(struct request *r, struct activity *x, struct err *err) {
    const char *step = query_get(&r->query, "step");
    x->step = ACTIVITY_HOUR;
    if (step != NULL && !activity_step_parse(step, &x->step))
        return err_set_path(err, ERR_INVALID_VALUE, "step", "step is minute, hour or day");
    if (read_time(r, "to", clock_wall_us(), &x->to_us, err) != ERR_OK ||
        read_time(r, "from", x->to_us - reach[x->step].default_us, &x->from_us, err) != ERR_OK)
        return err->code;
    if (x->from_us < 0 || x->from_us >= x->to_us)
        return err_set_path(err, ERR_INVALID_VALUE, "from", "from is a time before to");
    if (x->to_us - x->from_us > reach[x->step].most_us)
        return err_set_path(
            err, ERR_INVALID_VALUE, "from",
            "With step=%s, from and to lie %s apart at most; take a larger step, or ask for less",
            activity_step_name(x->step), reach[x->step].most);
    x->from_us -= x->from_us % activity_step_us(x->step);
    return ERR_OK;
}

/* A misspelled parameter would show something else than what was asked for, so it is refused. */
static enum err_code check_names(struct request *r, bool of_all, struct err *err) {
    for (size_t i = 0; i < r->query.n; i++) {
        const char *name = r->query.params[i].name;
        if (strcmp(name, "step") != 0 && strcmp(name, "from") != 0 && strcmp(name, "to") != 0 &&
            (!of_all || strcmp(name, "key") != 0))
            return err_set_path(err, ERR_INVALID_VALUE, name, "There is no parameter \"%.100s\" here", name);
    }
    return ERR_OK;
}

static enum step ask_for(struct request *r, const char *key, bool of_all) {
    struct activity_question *q = arena_alloc(r->arena, sizeof *q);
    struct err err = {0};
    q->question = (struct question){.ask = ask_activity, .is_long = true};
    q->arena = r->arena;
    q->activity = (struct activity){.workspace = r->verdict.workspace.s, .key = key};
    if (check_names(r, of_all, &err) != ERR_OK || read_span(r, &q->activity, &err) != ERR_OK)
        return handle_refuse(r, &err);
    r->question = &q->question;
    return STEP_ASK;
}

static enum step activity_of_all(struct request *r) {
    const char *text = query_get(&r->query, "key");
    struct uuid key;
    if (text != NULL && !uuid_parse(text, &key)) {
        struct err err = {0};
        (void)err_set_path(&err, ERR_INVALID_VALUE, "key", "key is an id");
        return handle_refuse(r, &err);
    }
    return ask_for(r, text != NULL ? arena_strdup(r->arena, key.s) : NULL, true);
}

enum step activity_of_own(struct request *r) {
    return ask_for(r, r->verdict.key.s, false);
}

/* ---- the answer ---- */

static void put_latency(struct jbuf *b, const int64_t latency[ACTIVITY_BUCKETS]) {
    static const struct {
        const char *name;
        int percent;
    } marks[] = {{"p50Us", 50}, {"p99Us", 99}};
    jb_kraw(b, "latency", "{");
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        int64_t us = activity_percentile(latency, marks[i].percent);
        if (us < 0)
            jb_kraw(b, marks[i].name, NULL);
        else
            jb_kint(b, marks[i].name, us);
    }
    jb_kraw(b, "counts", "[");
    for (int i = 0; i < ACTIVITY_BUCKETS; i++) {
        jb_sep(b);
        jb_int(b, latency[i]);
    }
    jb_raw(b, "]}");
}

static void put_sum(struct jbuf *b, const struct activity_sum *s) {
    jb_kint(b, "requests", s->requests);
    jb_kint(b, "operations", s->operations);
    jb_kint(b, "writes", s->writes);
    jb_kint(b, "ok", s->ok);
    jb_kint(b, "redirected", s->redirected);
    jb_kint(b, "refused", s->refused);
    jb_kint(b, "limited", s->limited);
    jb_kint(b, "failed", s->failed);
    jb_kint(b, "bytesIn", s->bytes_in);
    jb_kint(b, "bytesOut", s->bytes_out);
    put_latency(b, s->latency);
}

static void put_sources(struct jbuf *b, const struct activity_key *k) {
    jb_kraw(b, "sources", "[");
    for (size_t i = 0; i < k->nsources; i++) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "source", k->sources[i].source);
        jb_kint(b, "requests", k->sources[i].requests);
        api_put_time(b, "firstUse", k->sources[i].first_us);
        api_put_time(b, "lastUse", k->sources[i].last_us);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

static void put_cadence(struct jbuf *b, const struct activity_key *k) {
    if (!k->has_cadence) {
        jb_kraw(b, "cadence", NULL);
        return;
    }
    jb_kraw(b, "cadence", "{");
    jb_kint(b, "bursts", k->bursts);
    if (k->every_s < 0)
        jb_kraw(b, "everySeconds", NULL);
    else
        jb_kint(b, "everySeconds", k->every_s);
    api_put_time(b, "newest", k->burst_us);
    jb_raw(b, "}");
}

static void put_activity_key(struct jbuf *b, const struct activity_key *k) {
    struct activity_sum total = {0};
    for (size_t i = 0; i < k->nsteps; i++)
        activity_add(&total, &k->steps[i]);
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "id", k->id);
    jb_kstr(b, "name", k->name);
    jb_kstr(b, "kind", k->kind);
    api_put_time(b, "firstUse", k->first_us);
    api_put_time(b, "lastUse", k->last_us);
    api_put_time(b, "lastWrite", k->write_us);
    put_cadence(b, k);
    put_sources(b, k);
    jb_kraw(b, "total", "{");
    put_sum(b, &total);
    jb_raw(b, "}");
    jb_kraw(b, "steps", "[");
    for (size_t i = 0; i < k->nsteps; i++) {
        jb_sep(b);
        jb_raw(b, "{");
        api_put_time(b, "at", k->steps[i].at_us);
        put_sum(b, &k->steps[i]);
        jb_raw(b, "}");
    }
    jb_raw(b, "]}");
}

/* As the client was told it: not-found for NOT_FOUND. */
static const char *outward_name(const char *code, char out[40]) {
    size_t n = 0;
    if (code == NULL)
        return NULL;
    for (; code[n] != '\0' && n < 39; n++)
        out[n] = code[n] == '_' ? '-' : (char)tolower((unsigned char)code[n]);
    out[n] = '\0';
    return out;
}

static void put_refused(struct jbuf *b, const struct activity_refused *f) {
    char name[40];
    jb_sep(b);
    jb_raw(b, "{");
    api_put_time(b, "time", f->at_us);
    jb_kstr(b, "id", f->event);
    jb_kstr(b, "txn", f->txn);
    jb_key(b, "key");
    if (f->key_id == NULL) {
        jb_raw(b, "null");
    } else {
        jb_raw(b, "{");
        jb_kstr(b, "id", f->key_id);
        jb_kstr(b, "name", f->key_name);
        jb_raw(b, "}");
    }
    jb_kstr(b, "method", f->method);
    jb_kstr(b, "path", f->path);
    jb_kint(b, "status", f->status);
    jb_kstr(b, "code", outward_name(f->code, name));
    jb_kstr(b, "detail", f->detail);
    jb_kstr(b, "source", f->source);
    jb_kstr(b, "userAgent", f->user_agent);
    jb_raw(b, "}");
}

static void put_activity(struct jbuf *b, const struct activity *x) {
    jb_raw(b, "{");
    jb_kstr(b, "step", activity_step_name(x->step));
    api_put_time(b, "from", x->from_us);
    api_put_time(b, "to", x->to_us);
    jb_kraw(b, "latencyBoundsUs", "[");
    for (int i = 0; activity_bound_us(i) > 0; i++) {
        jb_sep(b);
        jb_int(b, activity_bound_us(i));
    }
    jb_raw(b, "]");
    jb_kraw(b, "keys", "[");
    for (size_t i = 0; i < x->nkeys; i++)
        put_activity_key(b, &x->keys[i]);
    jb_raw(b, "]");
    jb_kraw(b, "refusals", "[");
    for (size_t i = 0; i < x->nrefused; i++)
        put_refused(b, &x->refused[i]);
    jb_raw(b, "]}");
}

enum step activity_answer(struct request *r) {
    const struct activity *x = &((const struct activity_question *)r->question)->activity;
    struct err err = {0};
    if (x->too_many) {
        (void)err_set(
            &err, ERR_TOO_MANY,
            "These are more than %d steps of all keys together, or more than %d keys; name a key, take a larger "
            "step, or ask for less time",
            ACTIVITY_ROWS, ACTIVITY_KEYS);
        return handle_refuse(r, &err);
    }
    if (x->key != NULL && x->nkeys == 0)
        return api_not_found(r, "Key", x->key);
    put_activity(answer_begin(r, 200), x);
    return STEP_ANSWERED;
}

const struct handler admin_activity = {.begin = activity_of_all, .on_rows = activity_answer};
