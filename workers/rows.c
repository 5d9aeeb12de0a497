#include "workers/rows.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define AROUND 512 /* headers and key of a record, roughly */

/* What is added to one partition. */
struct part {
    int32_t partition;
    struct row *first, **tail;
    struct row *open; /* the last one, which grows */
    struct jbuf bytes;
    size_t weight; /* of the open one's records in a Kafka transaction */
};

struct rows {
    struct place *places;
    struct part *parts;
    size_t n, cap;
};

void row_free(struct row *r) {
    row_items_free(&r->items);
    free(r->bytes);
    free(r);
}

struct rows *rows_new(struct place *places) {
    struct rows *r = xcalloc(1, sizeof *r);
    r->places = places;
    return r;
}

/* The open row gets its bytes. */
static void close_row(struct part *p) {
    if (p->open == NULL)
        return;
    p->open->n = p->bytes.n;
    p->open->bytes = jb_take(&p->bytes);
    p->open = NULL;
    p->weight = 0;
}

void rows_free(struct rows *r) {
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->n; i++) {
        jb_free(&r->parts[i].bytes);
        for (struct row *row = r->parts[i].first, *next; row != NULL; row = next) {
            next = row->next;
            row_free(row);
        }
    }
    free(r->parts);
    free(r);
}

static struct part *part_of(struct rows *r, int32_t partition) {
    for (size_t i = 0; i < r->n; i++)
        if (r->parts[i].partition == partition)
            return &r->parts[i];
    if (r->n == r->cap) {
        r->cap = r->cap != 0 ? r->cap * 2 : 16;
        r->parts = xrealloc(r->parts, r->cap * sizeof *r->parts);
        for (size_t i = 0; i < r->n; i++) /* they have moved, and with them where an empty list ends */
            if (r->parts[i].first == NULL)
                r->parts[i].tail = &r->parts[i].first;
    }
    struct part *p = &r->parts[r->n++];
    *p = (struct part){.partition = partition};
    p->tail = &p->first;
    return p;
}

void rows_carry(struct rows *r, int32_t partition) {
    (void)part_of(r, partition);
}

/* Makes room for so many records; true if that began a row. */
static bool open_row(struct part *p, size_t records, size_t weight) {
    if (p->open != NULL && (p->open->records + records > ROW_RECORDS || p->weight + weight > ROW_BYTES))
        close_row(p);
    bool begins = p->open == NULL;
    if (begins) {
        struct row *row = xcalloc(1, sizeof *row);
        row->partition = p->partition;
        *p->tail = row;
        p->tail = &row->next;
        p->open = row;
        row_begin(&p->bytes);
    }
    p->open->records += records;
    p->weight += weight;
    return begins;
}

static size_t weight_of(const struct record *r) {
    return AROUND + (r->value != NULL ? strlen(r->value) : 0);
}

/* An event of usher.membership and the state that it leaves in usher.rooms. They stay in one row, and so in
 * one Kafka transaction: a reader takes what is decided in the one topic for told in the other
 * (schemas/README.md, section 4). */
static bool is_pair(const struct record *records, size_t n) {
    return n > 1 && records[0].topic == RECORD_MEMBERSHIP && records[1].topic == RECORD_ROOMS &&
           records[0].seq == records[1].seq;
}

void rows_add(struct rows *r, int32_t partition, const struct row_source *source,
              const struct record *records, size_t n) {
    struct part *p = part_of(r, partition);
    for (size_t i = 0; i < n;) {
        bool pair = is_pair(&records[i], n - i);
        size_t weight = weight_of(&records[i]) + (pair ? weight_of(&records[i + 1]) : 0);
        if (open_row(p, pair ? 2 : 1, weight) || i == 0)
            row_put_source(&p->bytes, source);
        row_put_record(&p->bytes, &records[i++]);
        if (pair)
            row_put_record(&p->bytes, &records[i++]);
    }
}

/* No record is larger than RECORD_MAX, so more of the value is of no use; its hash proves what it was. */
void rows_add_letter(struct rows *r, int32_t partition, const struct row_letter *letter) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof hash + 1];
    struct part *p = part_of(r, partition);
    struct row_letter l = *letter;
    if (l.value_len > RECORD_MAX) {
        crypto_hash_sha256(hash, (const unsigned char *)l.value, l.value_len);
        l.sha256 = sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
        l.bytes = l.value_len;
        l.value_len = RECORD_MAX;
    }
    (void)open_row(p, 1, AROUND + l.value_len);
    row_put_letter(&p->bytes, &l);
}

void rows_store(const struct rows *r, struct unit *u) {
    for (size_t i = 0; i < r->n; i++) {
        struct part *p = &r->parts[i];
        const struct place *place = &r->places[p->partition];
        int64_t number = place->number;
        close_row(p);
        if (p->first == NULL)
            unit_outbox(u, p->partition, place->epoch, number, NULL, 0);
        for (struct row *row = p->first; row != NULL; row = row->next) {
            row->number = ++number;
            unit_outbox(u, p->partition, place->epoch, number, row->bytes, row->n);
        }
    }
}

struct row *rows_take(struct rows *r) {
    struct row *all = NULL, **end = &all;
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; i < r->n; i++) {
        struct part *p = &r->parts[i];
        *end = p->first;
        for (; *end != NULL; end = &(*end)->next) {
            (*end)->since_us = now_us;
            r->places[p->partition].number = (*end)->number;
        }
        p->first = NULL;
        p->tail = &p->first;
    }
    return all;
}
