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
