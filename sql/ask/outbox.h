/* What a worker asks of the outbox beside the rows that its transactions add (unit_outbox): who has a
 * partition, which rows wait, up to where they are emitted (ops/DESIGN.md, "Emitting"). */
#ifndef USHER_SQL_ASK_OUTBOX_H
#define USHER_SQL_ASK_OUTBOX_H

#include "sql/db.h"

struct outbox_taken {
    int32_t partition;
    int64_t epoch;
    int64_t from_offset; /* records of versions before were emitted for commands before it */
    int64_t mark;        /* rows up to this one are emitted */
    int64_t last;        /* number of the last row; 0: there is none */
    char *positions;     /* JSON text: where each topic went on behind the mark; to be freed */
};

/* Takes partitions from whoever has them. taken: one for each, in the order of their numbers. */
enum err_code outbox_take(struct db *db, const int32_t *partitions, size_t n, struct outbox_taken *taken,
                          struct err *err);
enum err_code outbox_set_from_offset(struct db *db, int32_t partition, int64_t offset, struct err *err);

struct outbox_row {
    int64_t number, waited_us;
    char *bytes; /* schemas/stream/row.h; given to fn */
    size_t n;
};
/* The rows behind `after`, up to `last`: one at least, if there is one, and as many as have so many bytes. */
enum err_code outbox_rows(struct db *db, int32_t partition, int64_t after, int64_t last, size_t bytes,
                          void (*fn)(void *arg, const struct outbox_row *row), void *arg, struct err *err);

struct outbox_mark {
    int32_t partition;
    int64_t number;
    const char *positions;
};
enum err_code outbox_set_marks(struct db *db, const struct outbox_mark *marks, size_t n, struct err *err);
/* Tables of days to come, and the end of those that are all emitted; *gone: how many of them. */
enum err_code outbox_turn_days(struct db *db, int *gone, struct err *err);

#endif
