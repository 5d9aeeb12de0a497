/* The rows that one PostgreSQL transaction adds to the outbox, one or more for each partition that it carries
 * something of (ops/DESIGN.md, "Emitting"). A transaction is made like this, whatever it does:
 *
 *     struct rows *rows = rows_new(places);
 *     rows_carry(rows, partition);                     for each partition that it is for
 *     rows_add(rows, partition, &source, records, n);  what it puts on the streams, in order; or nothing
 *     rows_store(rows, unit);                          before unit_commit
 *     emitter_push(emitter, rows_take(rows));          after unit_commit has answered ERR_OK
 *     rows_free(rows);
 *
 * The order within a partition is that of the calls. After ERR_DB_FENCED, or ERR_DB_LOST from unit_commit,
 * what is known of the partitions is worth nothing any more: they are taken anew (takeover.h). */
#ifndef USHER_WORKERS_ROWS_H
#define USHER_WORKERS_ROWS_H

#include "schemas/stream/row.h"
#include "sql/unit/unit.h"

/* What a worker knows of a partition of usher.commands that it has taken. */
struct place {
    int64_t epoch;       /* under which it did; 0: it has not, and every transaction is refused */
    int64_t number;      /* of the last row of the outbox: this worker is the only one that adds some */
    int64_t from_offset; /* records that a version before has stored for commands before it were emitted */
};

struct row {
    int32_t partition;
    int64_t number;
    char *bytes; /* schemas/stream/row.h */
    size_t n, records;
    int64_t since_us; /* when it was committed, on the monotonic clock */
    struct row *next;
    struct row_items items; /* the emitter's: the bytes as records, while they go out */
};
void row_free(struct row *r);

struct rows;

/* places: by partition. */
struct rows *rows_new(struct place *places);
void rows_free(struct rows *r);
/* The transaction has commands, or slices, of this partition, perhaps without any record. */
void rows_carry(struct rows *r, int32_t partition);
void rows_add(struct rows *r, int32_t partition, const struct row_source *source,
              const struct record *records, size_t n);
void rows_add_letter(struct rows *r, int32_t partition, const struct row_letter *letter);
/* Hands them to the unit, with their numbers. */
void rows_store(const struct rows *r, struct unit *u);
/* They are committed: the numbers of the places go on. Gives them, in the order of numbers in each partition.
 */
struct row *rows_take(struct rows *r);

#endif
