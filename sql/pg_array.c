#include "sql/pg_array.h"

#include <string.h>

void pg_array_begin(struct jbuf *b) {
    jb_reset(b);
    jb_raw(b, "{");
}

static void separate(struct jbuf *b) {
    if (b->n > 1)
        jb_raw(b, ",");
}

void pg_array_text(struct jbuf *b, const char *s) {
    separate(b);
    if (s == NULL) {
        jb_raw(b, "NULL");
        return;
    }
    jb_raw(b, "\"");
    for (;;) {
        size_t plain = strcspn(s, "\"\\");
        jb_mem(b, s, plain);
        s += plain;
        if (*s == '\0')
            break;
        jb_raw(b, "\\");
        jb_mem(b, s++, 1);
    }
    jb_raw(b, "\"");
}

void pg_array_word(struct jbuf *b, const char *s) {
    separate(b);
    jb_raw(b, s != NULL ? s : "NULL");
}

void pg_array_int(struct jbuf *b, int64_t v) {
    separate(b);
    jb_int(b, v);
}

void pg_array_bool(struct jbuf *b, bool v) {
    pg_array_word(b, v ? "t" : "f");
}

void pg_array_end(struct jbuf *b) {
    jb_raw(b, "}");
}

/* ---- binary: numbers of four bytes, the most significant first ---- */

#define UUID_TYPE 2950 /* their numbers in pg_type, which never change */
#define BYTEA_TYPE 17

static void put_word(struct jbuf *b, size_t v) {
    const unsigned char bytes[4] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                    (unsigned char)(v >> 8), (unsigned char)v};
    jb_mem(b, (const char *)bytes, sizeof bytes);
}

static void put_head(struct jbuf *b, size_t type, size_t n) {
    put_word(b, n > 0); /* dimensions; an empty array has none */
    put_word(b, 0);     /* no NULLs */
    put_word(b, type);
    if (n > 0) {
        put_word(b, n);
        put_word(b, 1); /* the first index */
    }
}

void pg_array_uuids(struct jbuf *b, const struct uuid_bytes *ids, size_t n) {
    put_head(b, UUID_TYPE, n);
    for (size_t i = 0; i < n; i++) {
        put_word(b, sizeof ids[i].b);
        jb_mem(b, (const char *)ids[i].b, sizeof ids[i].b);
    }
}

void pg_array_bytes(struct jbuf *b, const struct pg_bytes *values, size_t n) {
    put_head(b, BYTEA_TYPE, n);
    for (size_t i = 0; i < n; i++) {
        put_word(b, values[i].n);
        jb_mem(b, values[i].p, values[i].n);
    }
}
