#include "sql/filter/builder.h"

#include <ctype.h>

const char *builder_keep(struct builder *b, struct jbuf *text) {
    const char *kept = arena_strndup(b->params->arena, text->p, text->n);
    jb_free(text);
    return kept;
}

const char *builder_part(struct builder *b, const char *part, const struct sql_hole *holes, size_t n) {
    struct jbuf text = {0};
    sql_fill(&text, part, holes, n);
    return builder_keep(b, &text);
}

void builder_name(struct jbuf *out, const char *name) {
    jb_raw(out, "'");
    for (; *name != '\0'; name++) {
        char c = (char)tolower((unsigned char)*name);
        jb_mem(out, &c, 1);
        if (c == '\'')
            jb_mem(out, &c, 1);
    }
    jb_raw(out, "'");
}
