#include "workers/archive/signer.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "schemas/proof/note.h"
#include "workers/archive/audit_key.h"
#include "workers/archive/published.h"
#include "workers/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVERY_US 1000000 /* a tree is signed once a second at most */
#define AT_ONCE 200
#define FLUSH_MS 5000

struct signer {
    const struct config *config;
    const char *host;
    struct audit_key key, old;
    bool has_old, registered;
    rd_kafka_t *rk;
    struct published *published;
    unsigned generation; /* of the assignment that it was read for */
    int64_t due_us;
    int failed; /* deliveries of this turn */
};

/* WORKSPACE/changes, and of a tree that goes on after it was refused WORKSPACE/changes/2. */
static void tree_name(const char *workspace, int tree, int origin, char *out, size_t n) {
    char number[16] = "";
    if (origin > 1)
        snprintf(number, sizeof number, "/%d", origin);
    snprintf(out, n, "%s/%s%s", workspace, tree == ARCHIVE_CHANGES ? "changes" : "requests", number);
}

void signer_origin(const char *host, const char *workspace, int tree, int origin, char *out, size_t n) {
    char name[64];
    tree_name(workspace, tree, origin, name, sizeof name);
    snprintf(out, n, "%s/audit/%s", host, name);
}

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    struct signer *s = opaque;
    (void)rk;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        s->failed++;
}

struct signer *signer_new(const struct config *config, struct err *err) {
    struct signer *s = xcalloc(1, sizeof *s);
    const char *old = config_str(config, "audit-key-old");
    s->config = config;
    s->host = config_str(config, "audit-origin");
    s->has_old = *old != '\0';
    if (audit_key_open(config_str(config, "audit-key"), &s->key, err) != ERR_OK ||
        (s->has_old && audit_key_open(old, &s->old, err) != ERR_OK)) {
        free(s);
        return NULL;
    }
    rd_kafka_conf_t *conf = kafka_conf_new(config, KAFKA_PRODUCER_IDEMPOTENT);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, s);
    s->rk = kafka_open(conf, KAFKA_PRODUCER_IDEMPOTENT, err);
    if (s->rk != NULL)
        return s;
    free(s);
    return NULL;
}

void signer_free(struct signer *s) {
    if (s == NULL)
        return;
    rd_kafka_destroy(s->rk);
    published_free(s->published);
    free(s);
}

/* ---- may it be signed? ---- */

static enum err_code refuse_tree(struct db *db, const struct archive_unsigned *u, const char *why,
                                 struct err *err) {
    log_event(LOG_ERROR, "archive-refused", "workspace=%s tree=%d reason=\"%s\"", u->workspace, u->tree, why);
    return archive_refuse(db, u->workspace, u->tree, why, err);
}

/* *fits: the newest published head is one that this tree had. While the tree is smaller, and what Kafka has
 * is not all read, that is not known yet. */
static enum err_code compare_with_published(struct signer *s, struct db *db, struct intake *in,
                                            const struct archive_unsigned *u, const char *origin, bool *fits,
                                            struct err *err) {
    const struct checkpoint *c = published_of(s->published, origin);
    struct tree_range range;
    struct tree_hash root;
    char why[200];
    bool whole = false;
    *fits = c == NULL;
    if (c == NULL)
        return ERR_OK;
    if (c->size > (uint64_t)u->size) {
        snprintf(why, sizeof why, "a head of size %llu is published, and the tree has %lld leaves",
                 (unsigned long long)c->size, (long long)u->size);
        return intake_at_end(in, u->partition) ? refuse_tree(db, u, why, err) : ERR_OK;
    }
    if (archive_peaks(db, u->workspace, u->tree, (int64_t)c->size, &range, &whole, err) != ERR_OK)
        return err->code;
    tree_root(&range, &root);
    if (!whole || !tree_hash_equal(&root, &c->root)) {
        snprintf(why, sizeof why, "the head of size %llu that is published is none of this tree",
                 (unsigned long long)c->size);
        return refuse_tree(db, u, why, err);
    }
    published_settle(s->published, origin);
    *fits = true;
    return ERR_OK;
}

/* ---- signing ---- */

static void make_note(const struct signer *s, const struct checkpoint *c, struct jbuf *out) {
    struct note_key key;
    if (!note_key_make(&key, c->origin, s->key.public_key))
        abort(); /* the setting was judged at start */
    checkpoint_put(out, c, &key, s->key.seed);
    if (!s->has_old || !note_key_make(&key, c->origin, s->old.public_key))
        return;
    /* The signed text ends before the empty line. */
    const char *end = strstr(out->p, "\n\n");
    char *text = xstrndup(out->p, (size_t)(end - out->p) + 1);
    note_signature_put(out, text, strlen(text), &key, s->old.seed);
    free(text);
}

static void publish(struct signer *s, const struct archive_unsigned *u, const char *note) {
    char id[96], source[48], subject[32], time[RFC3339_SIZE], key[64];
    const char *name = u->tree == ARCHIVE_CHANGES ? "changes" : "requests";
    tree_name(u->workspace, u->tree, u->origin, key, sizeof key);
    snprintf(id, sizeof id, "%s/%lld", key, (long long)u->size);
    snprintf(source, sizeof source, "/w/%s", u->workspace);
    snprintf(subject, sizeof subject, "audit/%s", name);
    rd_kafka_headers_t *headers = rd_kafka_headers_new(8);
    const char *const rows[][2] = {{"ce_specversion", "1.0"},
                                   {"ce_id", id},
                                   {"ce_type", "usher.audit.checkpoint"},
                                   {"ce_source", source},
                                   {"ce_subject", subject},
                                   {"ce_time", rfc3339_us(clock_wall_us(), time)},
                                   {"content-type", "text/plain; charset=utf-8"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        rd_kafka_header_add(headers, rows[i][0], -1, rows[i][1], -1);
    rd_kafka_resp_err_t code = rd_kafka_producev(
        s->rk, RD_KAFKA_V_TOPIC(TOPIC_CHECKPOINTS), RD_KAFKA_V_PARTITION(u->partition),
        RD_KAFKA_V_KEY(key, strlen(key)), RD_KAFKA_V_VALUE((void *)(uintptr_t)note, strlen(note)),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    rd_kafka_headers_destroy(headers);
    s->failed++;
}

/* *head: its note is to be freed; NULL where nothing is signed. */
static enum err_code sign_one(struct signer *s, struct db *db, struct intake *in,
                              const struct archive_unsigned *u, struct archive_signed *head,
                              struct err *err) {
    struct checkpoint c = {.size = (uint64_t)u->size};
    struct tree_range range;
    struct jbuf note = {0};
    bool fits, whole = false;
    *head = (struct archive_signed){
        .workspace = u->workspace, .tree = u->tree, .size = u->size, .origin = u->origin};
    signer_origin(s->host, u->workspace, u->tree, u->origin, c.origin, sizeof c.origin);
    enum err_code code = compare_with_published(s, db, in, u, c.origin, &fits, err);
    if (code != ERR_OK || !fits)
        return code;
    code = archive_peaks(db, u->workspace, u->tree, u->size, &range, &whole, err);
    if (code != ERR_OK)
        return code;
    if (!whole)
        return refuse_tree(db, u, "hashes of the tree are missing", err);
    tree_root(&range, &c.root);
    make_note(s, &c, &note);
    publish(s, u, note.p);
    head->root = c.root;
    head->note = jb_take(&note);
    return ERR_OK;
}

/* First it is published, then stored: what is published once more after a crash is the same text. */
static enum err_code settle_heads(struct signer *s, struct db *db, const struct archive_signed *heads,
                                  size_t n, struct err *err) {
    rd_kafka_resp_err_t code = n > 0 ? rd_kafka_flush(s->rk, FLUSH_MS) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || s->failed > 0)
        return err_set(err, ERR_KAFKA, "%zu heads were not taken by " TOPIC_CHECKPOINTS " in time", n);
    if (n > 0)
        (void)failpoint("archive.after_publish");
    if (n > 0 && archive_sign(db, heads, n, err) != ERR_OK)
        return err->code;
    metric_add(worker_stats.archive_signed, (int64_t)n);
    return ERR_OK;
}

static enum err_code sign_due(struct signer *s, struct db *db, struct intake *in, struct err *err) {
    size_t nours, n, nheads = 0;
    const int32_t *ours = intake_ours(in, &nours);
    struct archive_unsigned *due = xcalloc(AT_ONCE, sizeof *due);
    struct archive_signed *heads = xcalloc(AT_ONCE, sizeof *heads);
    enum err_code code = archive_unsigned(db, ours, nours, (int)config_int(s->config, "checkpoint-seconds"),
                                          AT_ONCE, due, &n, err);
    s->failed = 0;
    for (size_t i = 0; code == ERR_OK && i < n; i++) {
        code = sign_one(s, db, in, &due[i], &heads[nheads], err);
        nheads += heads[nheads].note != NULL;
    }
    if (code == ERR_OK)
        code = settle_heads(s, db, heads, nheads, err);
    for (size_t i = 0; i < nheads; i++)
        free((char *)(uintptr_t)heads[i].note);
    free(due);
    free(heads);
    return code;
}

static enum err_code prepare(struct signer *s, struct db *db, struct intake *in, struct err *err) {
    size_t n;
    const int32_t *ours = intake_ours(in, &n);
    if (!s->registered && (archive_register_key(db, s->key.public_key, err) != ERR_OK ||
                           (s->has_old && archive_register_key(db, s->old.public_key, err) != ERR_OK)))
        return err->code;
    s->registered = true;
    if (s->published != NULL && s->generation == intake_generation(in))
        return ERR_OK;
    published_free(s->published);
    s->published = published_read(s->config, ours, n, err);
    s->generation = intake_generation(in);
    return s->published != NULL ? ERR_OK : err->code;
}

enum err_code signer_turn(struct signer *s, struct db *db, struct intake *in, struct err *err) {
    size_t n;
    (void)intake_ours(in, &n);
    if (n == 0 || clock_mono_us() < s->due_us)
        return ERR_OK;
    s->due_us = clock_mono_us() + EVERY_US;
    return prepare(s, db, in, err) != ERR_OK ? err->code : sign_due(s, db, in, err);
}
