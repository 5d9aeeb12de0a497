/* A growing text buffer for JSON of a fixed shape: records and answers whose members the code names.
 * (Documents of any shape are handled by jansson.) The caller owns the struct; jb_free releases the memory.
 */
#ifndef USHER_RUNTIME_JBUF_H
#define USHER_RUNTIME_JBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jbuf {
    char *p; /* always NUL-terminated once anything was written */
    size_t n;
    size_t cap;
};

void jb_free(struct jbuf *b);
void jb_reset(struct jbuf *b);             /* empties, keeps the memory */
void jb_reserve(struct jbuf *b, size_t n); /* memory for a text of n bytes in all, and no more */
char *jb_take(struct jbuf *b); /* the text (malloc'ed, "" if empty); the buffer is empty afterwards */
void jb_mem(struct jbuf *b, const char *s, size_t n);
void jb_raw(struct jbuf *b, const char *s); /* unchanged */
void jb_printf(struct jbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void jb_str(struct jbuf *b,
            const char *s); /* a JSON string with quotes and escapes, or null for NULL; s is UTF-8 */
void jb_strn(struct jbuf *b, const char *s, size_t n);
void jb_int(struct jbuf *b, int64_t v);
void jb_bool(struct jbuf *b, bool v);
/* A member: a comma where one is needed (the buffer is not empty, and its last byte is not '{', '[' or ':'),
 * the quoted name, ':'. */
void jb_key(struct jbuf *b, const char *name);
void jb_kstr(struct jbuf *b, const char *name, const char *value); /* null for NULL */
void jb_kint(struct jbuf *b, const char *name, int64_t value);
void jb_kbool(struct jbuf *b, const char *name, bool value);
void jb_kraw(struct jbuf *b, const char *name, const char *json); /* JSON text, unchanged; null for NULL */
/* A comma where one is needed, before an array element. */
void jb_sep(struct jbuf *b);

#endif
