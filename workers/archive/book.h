/* A batch of records becomes rows: leaves with their numbers, the hashes that they complete, heads, sums; and
 * where numbers do not follow, what is done about it. It knows PostgreSQL by sql/ask/archive.h alone, and
 * nothing of Kafka. */
#ifndef USHER_WORKERS_ARCHIVE_BOOK_H
#define USHER_WORKERS_ARCHIVE_BOOK_H

#include "workers/archive/entry.h"

struct book {
    struct db *db;
    int32_t partitions;
    bool trial; /* the broker forgets: numbers that are missing are only told */
    struct archive_place
        *places;      /* of all partitions, by number; next: where a batch must begin. -1: not ours */
    int64_t days[64]; /* whose tables are there */
    size_t ndays;
};

/* Adds the records, of each partition in its order, in one transaction, and moves places. ERR_DB_FENCED:
 * somebody else has moved a place; nothing is added. After any error the places are to be read anew. */
enum err_code book_add(struct book *b, const struct entry_source *records, size_t n, struct err *err);

/* Adds records that were put aside of a tree that has stopped, in their order, in one transaction; no place
 * moves. Behind r->seq numbers may be missing. At the next gap the tree stops again, and all from there on
 * stay aside. last: there are no more of them, so it goes on. *stopped: it has stopped again. */
enum err_code book_resume(struct book *b, const struct archive_resumed *r, const struct entry_source *records,
                          size_t n, bool last, bool *stopped, struct err *err);

#endif
