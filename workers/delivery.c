#include "workers/delivery.h"

#include "ops/runtime/mem.h"
#include "workers/apply/crowd.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

struct batch *batch_new(void) {
    struct batch *b = xcalloc(1, sizeof *b);
    b->arena = arena_new();
    return b;
}

void batch_free(struct batch *b) {
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->n; i++) {
        if (b->deliveries[i].decoded)
            command_clear(&b->deliveries[i].command);
        free(b->deliveries[i].records.rows);
    }
    free(b->deliveries);
    free(b->offsets);
    crowd_free(b->crowd);
    arena_free(b->arena);
    free(b);
}

static void mark_offset(struct batch *b, int32_t partition, int64_t offset) {
    for (size_t i = 0; i < b->noffsets; i++) {
        if (b->offsets[i].partition == partition) {
            b->offsets[i].next = offset + 1;
            return;
        }
    }
    b->offsets = xrealloc(b->offsets, (b->noffsets + 1) * sizeof *b->offsets);
    b->offsets[b->noffsets++] = (struct batch_offset){partition, offset, offset + 1};
}

/* Bytes as they stood in the log: poison may hold any, NULs too. */
static char *keep(struct arena *a, const void *bytes, size_t n) {
    char *copy = arena_alloc(a, n + 1);
    if (n > 0)
        memcpy(copy, bytes, n);
    return copy;
}

enum err_code batch_add(struct batch *b, const rd_kafka_message_t *m, int64_t time_us, struct err *err) {
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 32;
        b->deliveries = xrealloc(b->deliveries, b->cap * sizeof *b->deliveries);
    }
    struct delivery *d = &b->deliveries[b->n++];
    memset(d, 0, sizeof *d);
    d->partition = m->partition;
    d->offset = m->offset;
    d->time_us = time_us;
    d->key = keep(b->arena, m->key, m->key_len);
    d->key_len = m->key_len;
    d->value = keep(b->arena, m->payload, m->len);
    d->value_len = m->len;
    d->traceparent = "";
    d->decoded = command_decode(d->value, d->value_len, &d->command, &d->decode_err) == ERR_OK;
    if (d->decoded)
        (void)command_check(&d->command, &d->fault);
    if (d->decode_err.code == ERR_NOT_IMPLEMENTED) {
        *err = d->decode_err;
        b->n--;
        return err->code;
    }
    mark_offset(b, m->partition, m->offset);
    return ERR_OK;
}
