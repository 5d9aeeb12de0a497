#include "schemas/stream/headers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define JSON_TYPE "application/json"

static void add_header(struct headers *h, const char *name, const char *value) {
    h->row[h->n++] = (struct header){name, value};
}

/* The number also under a name of CloudEvents (extension "sequence"): their SDKs show no other headers, and a
 * tombstone has nothing else that tells it. */
static void add_number(struct headers *h, int64_t seq) {
    snprintf(h->seq, sizeof h->seq, "%" PRId64, seq);
    add_header(h, "ce_sequence", h->seq);
    add_header(h, "usher-seq", h->seq);
}

/* Of the streams' records. Requests are numbered by the process that answers them, in no epoch. */
static void add_epoch(struct headers *h, int64_t epoch) {
    snprintf(h->epoch, sizeof h->epoch, "%" PRId64, epoch);
    add_header(h, "usher-epoch", h->epoch);
}

/* Appends what every record has. seq < 0: none. */
static void add_common(struct headers *h, const char *id, const char *type, const char *subject,
                       const char *workspace, const char *txn, int64_t seq, int64_t time_us,
                       const char *traceparent, const char *content_type) {
    snprintf(h->source, sizeof h->source, "/w/%s", workspace);
    add_header(h, "ce_specversion", "1.0");
    add_header(h, "ce_id", id);
    add_header(h, "ce_type", type);
    add_header(h, "ce_source", h->source);
    add_header(h, "ce_subject", subject);
    add_header(h, "ce_time", rfc3339_us(time_us, h->time));
    add_header(h, "content-type", content_type);
    if (seq >= 0)
        add_number(h, seq);
    add_header(h, "usher-txn", txn);
    if (traceparent != NULL && traceparent[0] != '\0')
        add_header(h, "traceparent", traceparent);
}

void headers_record(struct headers *h, const struct record *r, const char *workspace, const char *txn,
                    const char *traceparent) {
    h->n = 0;
    add_common(h, r->ce_id, r->ce_type, r->ce_subject, workspace, txn, r->seq, r->time_us, traceparent,
               JSON_TYPE);
    add_epoch(h, r->epoch);
}

void headers_stub(struct headers *h, const struct record *r, const char *workspace, const char *txn,
                  const char *traceparent) {
    h->n = 0;
    add_common(h, r->ce_id, "usher.stream.stub", r->ce_subject, workspace, txn, r->seq, r->time_us,
               traceparent, JSON_TYPE);
    add_epoch(h, r->epoch);
}

const char *audit_request_key(const struct audit_request *r) {
    return r->workspace != NULL ? r->workspace : UUID_NIL;
}

void headers_audit_request(struct headers *h, const struct audit_request *r, const char *traceparent) {
    h->n = 0;
    snprintf(h->id, sizeof h->id, "%s/%" PRId64, r->instance, r->n);
    snprintf(h->subject, sizeof h->subject, "requests/%s", r->txn);
    add_common(h, h->id, "usher.audit.request", h->subject, audit_request_key(r), r->txn, r->n, r->time_us,
               traceparent, JSON_TYPE);
}

void headers_command(struct headers *h, const struct command *c) {
    h->n = 0;
    snprintf(h->type, sizeof h->type, "usher.command.%s", command_type_text(c->type));
    const struct command_row *row = command_row(c->type);
    snprintf(h->subject, sizeof h->subject, "%s/%s", target_row(row->target)->collection,
             row->target == TARGET_COMMAND ? c->txn.s : c->id.s);
    add_common(h, c->txn.s, h->type, h->subject, c->workspace.s, c->txn.s, -1, c->time_us, c->traceparent,
               JSON_TYPE);
}

void headers_reply(struct headers *h, const char *workspace, const char *txn, int64_t time_us) {
    h->n = 0;
    snprintf(h->id, sizeof h->id, "%s/reply", txn);
    snprintf(h->subject, sizeof h->subject, "commands/%s", txn);
    add_common(h, h->id, "usher.reply", h->subject, workspace, txn, -1, time_us, NULL, JSON_TYPE);
}

void headers_deadletter(struct headers *h, const struct deadletter *d) {
    const struct record *r = d->record;
    h->n = 0;
    snprintf(h->seq, sizeof h->seq, "%" PRId32, d->partition);
    snprintf(h->offset, sizeof h->offset, "%" PRId64, d->offset);
    snprintf(h->subject, sizeof h->subject, "%s/%s/%s", d->topic, h->seq, h->offset);
    snprintf(h->id, sizeof h->id, "%s%s%s", h->subject, r != NULL ? "/" : "", r != NULL ? r->ce_id : "");
    add_header(h, "ce_specversion", "1.0");
    add_header(h, "ce_id", h->id);
    add_header(h, "ce_type", "usher.deadletter");
    add_header(h, "ce_source",
               /* Of no workspace: a record that cannot be read does not say whose it is. */
               "/deadletter");
    add_header(h, "ce_subject", h->subject);
    add_header(h, "ce_time", rfc3339_us(d->time_us, h->time));
    add_header(h, "content-type", "application/octet-stream");
    add_header(h, "usher-error", err_name(d->why));
    add_header(h, "usher-error-detail", d->detail);
    add_header(h, "usher-origin-topic", d->topic);
    add_header(h, "usher-origin-partition", h->seq);
    add_header(h, "usher-origin-offset", h->offset);
    if (r != NULL) {
        add_header(h, "usher-record-topic", record_topic_name(r->topic));
        add_header(h, "usher-record", r->ce_id);
    }
    if (d->sha256 != NULL) {
        snprintf(h->bytes, sizeof h->bytes, "%zu", d->bytes);
        add_header(h, "usher-bytes", h->bytes);
        add_header(h, "usher-sha256", d->sha256);
    }
}

void headers_add_row(struct headers *h, int64_t number) {
    snprintf(h->number, sizeof h->number, "%" PRId64, number);
    add_header(h, HEADER_ROW, h->number);
}
