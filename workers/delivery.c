#include "workers/delivery.h"

#include "ops/runtime/mem.h"

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
        if (b->works[i].decoded)
            command_clear(&b->works[i].command);
        free(b->works[i].records.rows);
    }
    if (b->group != NULL)
        rd_kafka_consumer_group_metadata_destroy(b->group);
    free(b->works);
    free(b->offsets);
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

void batch_add(struct batch *b, const rd_kafka_message_t *m) {
    if (b->n == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 32;
        b->works = xrealloc(b->works, b->cap * sizeof *b->works);
    }
    struct work *w = &b->works[b->n++];
    memset(w, 0, sizeof *w);
    w->partition = m->partition;
    w->offset = m->offset;
    w->key = keep(b->arena, m->key, m->key_len);
    w->key_len = m->key_len;
    w->value = keep(b->arena, m->payload, m->len);
    w->value_len = m->len;
    w->traceparent = "";
    w->decoded = command_decode(w->value, w->value_len, &w->command, &w->decode_err) == ERR_OK;
    mark_offset(b, m->partition, m->offset);
}
