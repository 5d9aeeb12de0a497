/* usherctl stream verify: reads the numbered topics from their beginning to their end, and says of each
 * workspace whether they are complete, or what is missing; and whether the snapshot is what they tell. */
#include "ops/ctl/ctl_find.h"
#include "ops/ctl/ctl_stream_count.h"
#include "ops/ctl/ctl_stream_rooms.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 5000
#define SILENCE_US INT64_C(15000000)
/* What was given out before may still wait for the emitter. */
#define TAIL_US INT64_C(10000000)
#define BUCKETS 4096

static const char *const names[] = {TOPIC_MEMBERSHIP, TOPIC_EVENTS, TOPIC_AUDIT};
enum { MEMBERSHIP, EVENTS, AUDIT, TOPICS };

struct owner { /* of numbers: a workspace, or an instance of the ingest */
    char id[160];
    char *name; /* NULL: PostgreSQL does not know it */
    int64_t epoch, given[TOPICS];
    int32_t partition; /* -1: no record has shown it */
    struct stream_run runs[TOPICS];
    struct fold_verdict *snapshot; /* NULL: it has none, or nobody can say */
    struct stream_marks marks;     /* of an instance */
    struct owner *next_in_bucket, *next;
};

struct owners {
    struct owner *buckets[BUCKETS], *first, **last;
};

struct stream {
    struct ctl *c;
    const char *only; /* this workspace; NULL: all */
    int partitions;
    bool *whole[TOPICS]; /* of each partition: it has its beginning still … */
    bool *ended[TOPICS]; /* … and was read to its end, which it may reach again and again */
    int left;            /* partitions of all topics that were not */
    struct owners workspaces, instances;
    int64_t read, unreadable, faults;
    int64_t disagree; /* rooms and members of the snapshot that are not as the events say */
};

/* ---- who has numbers ---- */

static struct owner *owner_of(struct owners *o, const char *id) {
    size_t h = 5381;
    for (const char *p = id; *p != '\0'; p++)
        h = h * 33 + (unsigned char)*p;
    struct owner **at = &o->buckets[h % BUCKETS];
    for (struct owner *x = *at; x != NULL; x = x->next_in_bucket)
        if (strcmp(x->id, id) == 0)
            return x;
    struct owner *x = xcalloc(1, sizeof *x);
    snprintf(x->id, sizeof x->id, "%s", id);
    x->partition = -1;
    x->next_in_bucket = *at;
    *at = x;
    *o->last = x;
    o->last = &x->next;
    return x;
}

static void owners_free(struct owners *o) {
    for (struct owner *x = o->first, *next; x != NULL; x = next) {
        next = x->next;
        free(x->name);
        free(x->snapshot);
        stream_marks_clear(&x->marks);
        free(x);
    }
}

static enum err_code load_counters(struct stream *s, struct err *err) {
    struct db_result *r;
    if (db_run(s->c->db, SQL_CTL_STREAM_COUNTERS, NULL, &r, err) != ERR_OK)
        return err->code;
    for (size_t i = 0; i < db_rows(r); i++) {
        struct owner *w = owner_of(&s->workspaces, db_text(r, i, 0));
        w->name = xstrdup(db_text(r, i, 1));
        w->epoch = db_int(r, i, 2);
        for (int t = 0; t < TOPICS; t++)
            w->given[t] = db_int(r, i, 3 + t);
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

/* ---- records ---- */

static int topic_of(const rd_kafka_message_t *m) {
    for (int t = 0; t < TOPICS; t++)
        if (strcmp(rd_kafka_topic_name(m->rkt), names[t]) == 0)
            return t;
    return TOPICS;
}

/* Requests are numbered by the instance that took them. */
static bool take_request(struct stream *s, const rd_kafka_message_t *m, int64_t n) {
    char id[200], *slash;
    if (!kafka_header_text(m, "ce_id", id, sizeof id) || (slash = strrchr(id, '/')) == NULL)
        return false;
    *slash = '\0';
    return stream_marks_add(&owner_of(&s->instances, id)->marks, n);
}

static void take_numbered(struct stream *s, const rd_kafka_message_t *m) {
    char source[64], seq[32], epoch[32], type[64];
    bool good = kafka_header_text(m, "ce_source", source, sizeof source) &&
                kafka_header_text(m, "usher-seq", seq, sizeof seq) &&
                kafka_header_text(m, "ce_type", type, sizeof type) && strncmp(source, "/w/", 3) == 0;
    s->read++;
    if (good && strcmp(type, "usher.audit.request") == 0)
        good = take_request(s, m, strtoll(seq, NULL, 10));
    else if (good && kafka_header_text(m, "usher-epoch", epoch, sizeof epoch)) {
        struct owner *w = owner_of(&s->workspaces, source + 3);
        w->partition = m->partition;
        stream_run_add(&w->runs[topic_of(m)], strtoll(epoch, NULL, 10), strtoll(seq, NULL, 10));
    } else
        good = false;
    s->unreadable += good ? 0 : 1;
}

/* ---- topics ---- */

static enum err_code assign_all(struct stream *s, rd_kafka_t *rk, struct err *err) {
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(TOPICS * s->partitions);
    for (int t = 0; t < TOPICS; t++) {
        s->whole[t] = xcalloc((size_t)s->partitions, sizeof(bool));
        s->ended[t] = xcalloc((size_t)s->partitions, sizeof(bool));
        s->left += s->partitions;
        for (int32_t p = 0; p < s->partitions; p++) {
            int64_t low = 0, high = 0;
            rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(rk, names[t], p, &low, &high, ASK_MS);
            if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
                rd_kafka_topic_partition_list_destroy(all);
                return err_set(err, ERR_KAFKA, "%s, partition %d: %s", names[t], (int)p,
                               rd_kafka_err2str(code));
            }
            s->whole[t][p] = low == 0;
            rd_kafka_topic_partition_list_add(all, names[t], p)->offset = RD_KAFKA_OFFSET_BEGINNING;
        }
    }
    rd_kafka_resp_err_t code = rd_kafka_assign(rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    return code ? err_set(err, ERR_KAFKA, "the topics cannot be read: %s", rd_kafka_err2str(code)) : ERR_OK;
}

/* All that PostgreSQL had given out when it was asked. */
static bool tails_are_there(const struct stream *s) {
    for (const struct owner *w = s->workspaces.first; w != NULL; w = w->next)
        for (int t = 0; t < TOPICS; t++)
            if (w->runs[t].epoch <= w->epoch && w->runs[t].seq < w->given[t])
                return false;
    return true;
}

static void note_end(struct stream *s, const rd_kafka_message_t *m) {
    bool *ended = &s->ended[topic_of(m)][m->partition];
    s->left -= !*ended;
    *ended = true;
}

static enum err_code read_all(struct stream *s, rd_kafka_t *rk, struct err *err) {
    int64_t since_us = clock_mono_us(), tail_us = 0;
    while (s->left > 0 || (!tails_are_there(s) && clock_mono_us() < tail_us)) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        bool moved =
            m != NULL && (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF);
        if (m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR)
            take_numbered(s, m);
        else if (moved)
            note_end(s, m);
        if (s->left == 0 && tail_us == 0)
            tail_us = clock_mono_us() + TAIL_US;
        if (m != NULL)
            rd_kafka_message_destroy(m);
        since_us = moved ? clock_mono_us() : since_us;
        if (clock_mono_us() - since_us > SILENCE_US + TAIL_US)
            return err_set(err, ERR_KAFKA, "the topics cannot be read to their ends");
    }
    return ERR_OK;
}

static enum err_code read_topics(struct stream *s, struct err *err) {
    rd_kafka_conf_t *conf = kafka_conf_new(s->c->config, KAFKA_CONSUMER_ENDS);
    kafka_conf_set(conf, "group.id", "usherctl"); /* it neither joins nor commits */
    rd_kafka_t *rk = kafka_open(conf, KAFKA_CONSUMER_ENDS, err);
    if (rk == NULL)
        return err->code;
    enum err_code code = assign_all(s, rk, err);
    if (code == ERR_OK)
        code = read_all(s, rk, err);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return code;
}

/* ---- the snapshot ---- */

static void note_snapshot(void *ctx, const char *workspace, const struct fold_verdict *verdict) {
    struct stream *s = ctx;
    struct owner *w = owner_of(&s->workspaces, workspace);
    w->snapshot = xcalloc(1, sizeof *w->snapshot);
    *w->snapshot = *verdict;
}

static enum err_code read_snapshot(struct stream *s, struct err *err) {
    int32_t partition = s->only != NULL ? workspace_partition(s->only, s->partitions) : -1;
    return stream_rooms_verify(s->c, partition, s->partitions, note_snapshot, s, err);
}

static const struct {
    const char *name, *words;
} fold_faults[FOLD_FAULTS] = {[FOLD_MISSING] = {"missing", "MISSING"},
                              [FOLD_OLD] = {"old", "OLDER than their events"},
                              [FOLD_LEFT] = {"leftOver", "LEFT OVER"},
                              [FOLD_UNTOLD] = {"untold", "that NO EVENT tells"},
                              [FOLD_DIFFERENT] = {"different", "with ANOTHER PERMISSION to transmit"}};

static int64_t snapshot_faults(const struct fold_verdict *v) {
    int64_t n = 0;
    for (int f = 0; v != NULL && f < FOLD_FAULTS; f++)
        n += v->faults[f];
    return n;
}

static void put_snapshot_json(struct jbuf *b, const struct fold_verdict *v) {
    jb_raw(b, "{");
    jb_kint(b, "rooms", v->rooms);
    jb_kint(b, "members", v->members);
    jb_kint(b, "unproved", v->unproved);
    for (int f = 0; f < FOLD_FAULTS; f++)
        jb_kint(b, fold_faults[f].name, v->faults[f]);
    jb_kraw(b, "first", "[");
    for (size_t i = 0; i < v->nfirst; i++) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "fault", fold_faults[v->first[i].what].name);
        jb_kstr(b, "subject", v->first[i].subject);
        jb_raw(b, "}");
    }
    jb_raw(b, "]}");
}

static void put_snapshot_text(struct jbuf *b, const struct fold_verdict *v) {
    jb_printf(b, "%s: %" PRId64 " rooms, %" PRId64 " members",
              snapshot_faults(v) == 0 ? "agrees with the events" : "does NOT agree with the events", v->rooms,
              v->members);
    if (v->unproved > 0)
        jb_printf(b, "; the events of %" PRId64 " of them are forgotten", v->unproved);
    for (int f = 0; f < FOLD_FAULTS; f++) {
        if (v->faults[f] == 0)
            continue;
        jb_printf(b, "; %" PRId64 " %s", v->faults[f], fold_faults[f].words);
        const char *before = ": ";
        for (size_t i = 0; i < v->nfirst; i++) {
            if ((int)v->first[i].what != f)
                continue;
            jb_printf(b, "%s%s", before, v->first[i].subject);
            before = ", ";
        }
    }
}

/* Without a verdict: no room was ever told, or the trial broker has forgotten how the snapshot begins. */
static void put_snapshot(struct stream *s, const struct owner *w) {
    struct jbuf *b = &s->c->out;
    const struct fold_verdict *v = w->snapshot;
    s->disagree += snapshot_faults(v);
    if (s->c->json) {
        jb_key(b, "snapshot");
        if (v != NULL)
            put_snapshot_json(b, v);
        else
            jb_raw(b, "null");
        return;
    }
    jb_printf(b, "  %-17s ", TOPIC_ROOMS);
    if (v != NULL)
        put_snapshot_text(b, v);
    else
        jb_raw(b, w->runs[MEMBERSHIP].records == 0 ? "nothing"
                                                   : "not judged, the topic has forgotten its beginning");
    jb_raw(b, "\n");
}

/* ---- the report ---- */

static void put_missing(struct jbuf *b, bool json, const struct stream_gap *gaps, size_t n) {
    for (size_t i = 0; i < n && i < STREAM_GAPS_SHOWN; i++) {
        const struct stream_gap *g = &gaps[i];
        if (json) {
            jb_sep(b);
            jb_printf(b, "{\"epoch\":%" PRId64 ",\"from\":%" PRId64 ",\"to\":%" PRId64 "}", g->epoch, g->from,
                      g->to);
            continue;
        }
        jb_printf(b, "%s", i > 0 ? ", " : " ");
        if (g->epoch > 0)
            jb_printf(b, "%" PRId64 "/", g->epoch);
        jb_printf(b, "%" PRId64, g->from);
        if (g->to > g->from)
            jb_printf(b, " to %" PRId64, g->to);
    }
    if (!json && n > STREAM_GAPS_SHOWN)
        jb_printf(b, " and %zu more", n - STREAM_GAPS_SHOWN);
}

static void put_run(struct stream *s, const char *name, const struct stream_run *r) {
    struct jbuf *b = &s->c->out;
    if (s->c->json) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "topic", name);
        jb_kint(b, "records", r->records);
        jb_kint(b, "firstEpoch", r->first_epoch);
        jb_kint(b, "firstSeq", r->first_seq);
        jb_kint(b, "lastEpoch", r->epoch);
        jb_kint(b, "lastSeq", r->seq);
        jb_kint(b, "again", r->again);
        jb_kint(b, "missing", r->missing);
        jb_kraw(b, "gaps", "[");
        put_missing(b, true, r->gaps, r->ngaps);
        jb_raw(b, "]}");
        return;
    }
    jb_printf(b, "  %-17s ", name);
    if (r->records == 0)
        jb_raw(b, "nothing");
    else
        jb_printf(b, "%s from %" PRId64 "/%" PRId64 " to %" PRId64 "/%" PRId64,
                  r->missing + r->again == 0 ? "complete" : "NOT complete", r->first_epoch, r->first_seq,
                  r->epoch, r->seq);
    if (r->missing > 0) {
        jb_printf(b, "; %" PRId64 " MISSING:", r->missing);
        put_missing(b, false, r->gaps, r->ngaps);
    }
    if (r->again > 0)
        jb_printf(b, "; %" PRId64 " came twice or out of order", r->again);
    jb_raw(b, "\n");
}

static void put_workspace_numbers(struct stream *s, struct owner *w) {
    struct jbuf *b = &s->c->out;
    if (s->only != NULL && strcmp(s->only, w->id) != 0)
        return;
    if (s->c->json) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "id", w->id);
        jb_kstr(b, "name", w->name);
        jb_kraw(b, "topics", "[");
    } else {
        jb_printf(b, "%s  %s\n", w->id, w->name != NULL ? w->name : "(not in PostgreSQL)");
    }
    for (int t = 0; t < TOPICS; t++) {
        stream_run_end(&w->runs[t], w->epoch, w->given[t], w->partition >= 0 && s->whole[t][w->partition]);
        s->faults += w->runs[t].missing + w->runs[t].again;
        put_run(s, names[t], &w->runs[t]);
    }
    jb_raw(b, s->c->json ? "]" : "");
    put_snapshot(s, w);
    jb_raw(b, s->c->json ? "}" : "");
}

/* The topic may have forgotten the beginning of some partitions and not of others; then nobody can say which
 * numbers of an instance should be there. */
static bool audit_is_whole(const struct stream *s) {
    for (int p = 0; p < s->partitions; p++)
        if (!s->whole[AUDIT][p])
            return false;
    return true;
}

static void put_instance(struct stream *s, const struct owner *i, bool whole) {
    struct jbuf *b = &s->c->out;
    struct stream_gap gaps[STREAM_GAPS_SHOWN];
    size_t ngaps = 0;
    int64_t missing = whole ? stream_marks_missing(&i->marks, true, gaps, &ngaps) : 0;
    s->faults += missing + i->marks.again;
    if (s->c->json) {
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "instance", i->id);
        jb_kint(b, "records", i->marks.records);
        jb_kint(b, "first", i->marks.first);
        jb_kint(b, "last", i->marks.last);
        jb_kint(b, "again", i->marks.again);
        jb_kint(b, "missing", missing);
        jb_kraw(b, "gaps", "[");
        put_missing(b, true, gaps, ngaps);
        jb_raw(b, "]}");
        return;
    }
    jb_printf(b, "requests of %s: %s from %" PRId64 " to %" PRId64, i->id,
              !whole                          ? "not judged, the topic has forgotten its beginning:"
              : missing + i->marks.again == 0 ? "complete"
                                              : "NOT complete",
              i->marks.first, i->marks.last);
    if (missing > 0) {
        jb_printf(b, "; %" PRId64 " MISSING:", missing);
        put_missing(b, false, gaps, ngaps);
    }
    if (i->marks.again > 0)
        jb_printf(b, "; %" PRId64 " came twice", i->marks.again);
    jb_raw(b, "\n");
}

static void report(struct stream *s) {
    struct jbuf *b = &s->c->out;
    bool whole = audit_is_whole(s);
    jb_raw(b, s->c->json ? "{\"streams\":{\"workspaces\":[" : "");
    for (struct owner *w = s->workspaces.first; w != NULL; w = w->next)
        put_workspace_numbers(s, w);
    jb_raw(b, s->c->json ? "],\"instances\":[" : "");
    for (const struct owner *i = s->instances.first; s->only == NULL && i != NULL; i = i->next)
        put_instance(s, i, whole);
    s->faults += s->unreadable;
    if (s->c->json)
        jb_printf(b, "],\"records\":%" PRId64 ",\"unreadable\":%" PRId64 ",\"faults\":%" PRId64 "}}\n",
                  s->read, s->unreadable, s->faults + s->disagree);
    else
        jb_printf(b, "%" PRId64 " records read%s\n", s->read,
                  s->unreadable > 0 ? ", some without their headers" : "");
}

enum err_code ctl_stream_verify(struct ctl *c, struct err *err) {
    struct stream *s = xcalloc(1, sizeof *s);
    struct ctl_workspace w;
    const char *given = ctl_flag(c->args, "workspace");
    s->c = c;
    s->partitions = (int)config_int(c->config, "partitions");
    s->workspaces.last = &s->workspaces.first;
    s->instances.last = &s->instances.first;
    enum err_code code = given != NULL ? ctl_workspace_find(c, given, &w, err) : ERR_OK;
    s->only = given != NULL ? w.id.s : NULL;
    if (code == ERR_OK)
        code = load_counters(s, err);
    if (code == ERR_OK)
        code = read_topics(s, err);
    if (code == ERR_OK)
        code = read_snapshot(s, err);
    if (code == ERR_OK)
        report(s);
    if (code == ERR_OK && s->faults + s->disagree > 0)
        code = err_set(err, ERR_CONFLICT,
                       "the streams are not complete: %" PRId64 " numbers are missing or came twice, %" PRId64
                       " rooms and members of the snapshot are not as the events say",
                       s->faults, s->disagree);
    for (int t = 0; t < TOPICS; t++) {
        free(s->whole[t]);
        free(s->ended[t]);
    }
    owners_free(&s->workspaces);
    owners_free(&s->instances);
    free(s);
    return code;
}
