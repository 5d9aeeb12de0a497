#include "schemas/stream/row.h"

#include "ops/runtime/mem.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX /* the length of NULL */

/* ---- writing ---- */

static void row_put_number(struct jbuf *out, uint64_t v, int bytes) {
    char b[8];
    for (int i = 0; i < bytes; i++)
        b[i] = (char)(v >> (8 * i));
    jb_mem(out, b, (size_t)bytes);
}

static void put_bytes(struct jbuf *out, const char *s, size_t n) {
    row_put_number(out, s != NULL ? n : NONE, 4);
    if (s == NULL)
        return;
    jb_mem(out, s, n);
    jb_mem(out, "", 1);
}

static void put_text(struct jbuf *out, const char *s) {
    put_bytes(out, s, s != NULL ? strlen(s) : 0);
}

void row_begin(struct jbuf *out) {
    row_put_number(out, ROW_VERSION, 1);
}

void row_put_source(struct jbuf *out, const struct row_source *s) {
    jb_mem(out, "S", 1);
    put_text(out, s->workspace);
    put_text(out, s->txn);
    put_text(out, s->traceparent);
    row_put_number(out, (uint64_t)s->offset, 8);
}

void row_put_record(struct jbuf *out, const struct record *r) {
    jb_mem(out, "R", 1);
    row_put_number(out, r->topic, 1);
    put_text(out, r->key);
    put_text(out, r->ce_id);
    put_text(out, r->ce_type);
    put_text(out, r->ce_subject);
    row_put_number(out, (uint64_t)r->time_us, 8);
    row_put_number(out, (uint64_t)r->epoch, 8);
    row_put_number(out, (uint64_t)r->seq, 8);
    put_text(out, r->value);
}

void row_put_letter(struct jbuf *out, const struct row_letter *l) {
    jb_mem(out, "D", 1);
    row_put_number(out, (uint64_t)l->offset, 8);
    put_text(out, err_name(l->why));
    put_text(out, l->detail);
    put_bytes(out, l->key, l->key_len);
    put_bytes(out, l->value, l->value_len);
    put_text(out, l->sha256);
    row_put_number(out, l->bytes, 8);
    row_put_number(out, (uint64_t)l->time_us, 8);
}

/* ---- reading ---- */

struct reader {
    const char *p, *end;
    bool wrong;
};

static uint64_t row_take_number(struct reader *r, int bytes) {
    uint64_t v = 0;
    if (r->end - r->p < bytes) {
        r->wrong = true;
        return 0;
    }
    for (int i = 0; i < bytes; i++)
        v |= (uint64_t)(unsigned char)r->p[i] << (8 * i);
    r->p += bytes;
    return v;
}

static const char *take_bytes(struct reader *r, size_t *n) {
    uint32_t len = (uint32_t)row_take_number(r, 4);
    *n = 0;
    if (r->wrong || len == NONE)
        return NULL;
    if ((size_t)(r->end - r->p) <= len || r->p[len] != '\0') {
        r->wrong = true;
        return NULL;
    }
    const char *s = r->p;
    r->p += len + 1;
    *n = len;
    return s;
}

static const char *take_text(struct reader *r) {
    size_t n;
    return take_bytes(r, &n);
}

/* A text that must be there. */
static const char *take_some(struct reader *r) {
    const char *s = take_text(r);
    r->wrong |= s == NULL;
    return s;
}

static struct row_source take_source(struct reader *r) {
    struct row_source s = {.workspace = take_some(r)};
    s.txn = take_some(r);
    s.traceparent = take_some(r);
    s.offset = (int64_t)row_take_number(r, 8);
    return s;
}

static struct record take_record(struct reader *r) {
    struct record x = {.topic = (enum record_topic)row_take_number(r, 1)};
    r->wrong |= x.topic > RECORD_AUDIT;
    x.key = take_some(r);
    x.ce_id = take_some(r);
    x.ce_type = take_some(r);
    x.ce_subject = take_some(r);
    x.time_us = (int64_t)row_take_number(r, 8);
    x.epoch = (int64_t)row_take_number(r, 8);
    x.seq = (int64_t)row_take_number(r, 8);
    x.value = take_text(r);
    return x;
}

static struct row_letter take_letter(struct reader *r) {
    struct row_letter l = {.offset = (int64_t)row_take_number(r, 8)};
    const char *name = take_some(r);
    l.why = name != NULL ? err_from_name(name) : ERR_INTERNAL;
    l.detail = take_some(r);
    l.key = take_bytes(r, &l.key_len);
    l.value = take_bytes(r, &l.value_len);
    l.sha256 = take_text(r);
    l.bytes = row_take_number(r, 8);
    l.time_us = (int64_t)row_take_number(r, 8);
    return l;
}

static struct row_item *add_item(struct row_items *l) {
    if (l->n == l->cap) {
        l->cap = l->cap != 0 ? l->cap * 2 : 8;
        l->items = xrealloc(l->items, l->cap * sizeof *l->items);
    }
    memset(&l->items[l->n], 0, sizeof *l->items);
    return &l->items[l->n++];
}

enum err_code row_decode(const char *bytes, size_t n, struct row_items *out, struct err *err) {
    struct reader r = {.p = bytes, .end = bytes + n};
    struct row_source source = {0};
    r.wrong = row_take_number(&r, 1) != ROW_VERSION;
    while (!r.wrong && r.p < r.end) {
        char kind = *r.p++;
        if (kind == 'S') {
            source = take_source(&r);
        } else if (kind == 'R' && source.txn != NULL) {
            struct row_item *item = add_item(out);
            item->source = source;
            item->record = take_record(&r);
        } else if (kind == 'D') {
            struct row_item *item = add_item(out);
            item->is_letter = true;
            item->letter = take_letter(&r);
        } else {
            r.wrong = true;
        }
    }
    return r.wrong ? err_set(err, ERR_DECODE, "A row of the outbox is malformed, at byte %zu of %zu",
                             (size_t)(r.p - bytes), n)
                   : ERR_OK;
}

void row_items_free(struct row_items *items) {
    free(items->items);
    *items = (struct row_items){0};
}
