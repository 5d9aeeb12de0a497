/* Text form of PostgreSQL arrays for parameters: {"a","b",NULL}. */
#ifndef USHER_SQL_PG_ARRAY_H
#define USHER_SQL_PG_ARRAY_H

#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"

#include <stdint.h>

/* Use: pg_array_begin(&b); pg_array_text(&b, s)…; pg_array_end(&b); then b.p. */
void pg_array_begin(struct jbuf *b);
void pg_array_text(struct jbuf *b, const char *s); /* quoted and escaped; NULL = SQL NULL */
void pg_array_word(struct jbuf *b, const char *s); /* as it stands: UUIDs, numbers, t/f */
void pg_array_int(struct jbuf *b, int64_t v);
void pg_array_bool(struct jbuf *b, bool v);
void pg_array_end(struct jbuf *b);

/* Appends a uuid[] in binary form: for long lists, whose text PostgreSQL would take long to read
 * (db_queue_bytes). */
void pg_array_uuids(struct jbuf *b, const struct uuid_bytes *ids, size_t n);
/* The same of bytea. */
struct pg_bytes {
    const void *p;
    size_t n;
};
void pg_array_bytes(struct jbuf *b, const struct pg_bytes *values, size_t n);

#endif
