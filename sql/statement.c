#include "sql/statement.h"

#include "ops/runtime/log.h"

#include <stdlib.h>
#include <string.h>

/* Length of the hole's name where text begins with a hole, `{name}`; else 0. JSON in a text is none. */
static size_t hole_at(const char *text) {
    size_t n = text[0] == '{' ? strspn(text + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
    return n > 0 && text[n + 1] == '}' ? n : 0;
}

static const char *filling(const struct sql_hole *holes, size_t n, const char *name, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(holes[i].name) == len && memcmp(holes[i].name, name, len) == 0)
            return holes[i].text;
    log_event(LOG_ERROR, "sql-hole", "name=%.*s", (int)len, name);
    abort();
}

void sql_fill(struct jbuf *out, const char *part, const struct sql_hole *holes, size_t n) {
    for (const char *p = part; *p != '\0';) {
        size_t plain = strcspn(p + 1, "{") + 1, len = hole_at(p);
        if (len > 0) {
            jb_raw(out, filling(holes, n, p + 1, len));
            p += len + 2;
        } else {
            jb_mem(out, p, plain);
            p += plain;
        }
    }
}
