/* A row of the outbox: all records that one PostgreSQL transaction makes for one partition, as bytes. They
 * wait in PostgreSQL in this form, and go out from it once, byte for byte. Texts stand in it as they are,
 * with their lengths and a NUL each, so that nothing is escaped, and reading a row copies nothing.
 *
 *     version, then any number of
 *     'S' workspace txn traceparent offset           whose the records behind it are
 *     'R' topic key ce_id ce_type ce_subject time epoch seq value
 *     'D' offset error detail key value sha256 bytes time     a dead letter */
#ifndef USHER_SCHEMAS_STREAM_ROW_H
#define USHER_SCHEMAS_STREAM_ROW_H

#include "schemas/stream/record.h"

#define ROW_VERSION 1
/* What a row may have, and one Kafka transaction too. A transaction that makes more makes several rows. */
#define ROW_RECORDS 5000
#define ROW_BYTES (8u << 20)

/* Whose records are. */
struct row_source {
    const char *workspace, *txn;
    const char *traceparent; /* "" if none */
    int64_t offset;          /* where the command stood in usher.commands */
};

/* A command that is set aside. Its value may be any bytes. */
struct row_letter {
    int64_t offset;
    enum err_code why;
    const char *detail;
    const char *key, *value;
    size_t key_len, value_len;
    const char *sha256; /* of the whole value, in hex, where this one is cut; else NULL */
    size_t bytes;       /* … and its length */
    int64_t time_us;
};

/* One record of a row; texts stand in the row's bytes. */
struct row_item {
    struct row_source source;
    struct record record;
    bool is_letter;
    struct row_letter letter;
    int refusals; /* whoever produces it: how often Kafka refused it */
};

struct row_items {
    struct row_item *items;
    size_t n, cap;
};

/* Writing: appends to out. Records belong to the source that was put last in the row. */
void row_begin(struct jbuf *out);
void row_put_source(struct jbuf *out, const struct row_source *s);
void row_put_record(struct jbuf *out, const struct record *r);
void row_put_letter(struct jbuf *out, const struct row_letter *l);

/* Reading: appends to out, which lives no longer than the bytes. ERR_DECODE. */
enum err_code row_decode(const char *bytes, size_t n, struct row_items *out, struct err *err);
void row_items_free(struct row_items *items);

#endif
