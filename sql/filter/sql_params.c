#include "sql/filter/sql_params.h"

#include "ops/runtime/mem.h"

#include <stdlib.h>

void sql_params_init(struct sql_params *p, struct arena *arena) {
    *p = (struct sql_params){.arena = arena};
}

void sql_params_free(struct sql_params *p) {
    free(p->v);
    p->v = NULL;
    p->n = p->cap = 0;
}

int sql_params_add(struct sql_params *p, const char *text) {
    if (p->n == p->cap) {
        p->cap = p->cap > 0 ? p->cap * 2 : 16;
        p->v = xrealloc(p->v, (size_t)p->cap * sizeof *p->v);
    }
    p->v[p->n++] = text;
    return p->n;
}

const char *sql_params_ref(struct sql_params *p, const char *text, const char *type) {
    return arena_printf(p->arena, "$%d::%s", sql_params_add(p, text), type);
}
