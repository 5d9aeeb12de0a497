#include "schemas/stream/target.h"

#include <assert.h>

static const struct target_row rows[TARGET_COUNT] = {
#define TARGET_ROW(sym, type, collection, words) {type, collection, words},
    TARGETS(TARGET_ROW)
#undef TARGET_ROW
};

const struct target_row *target_row(enum target_kind kind) {
    assert(kind < TARGET_COUNT);
    return &rows[kind];
}

enum target_kind target_of_type(const struct resource_type *rt) {
    static const enum target_kind kinds[] = {[RESOURCE_USER] = TARGET_USER,
                                             [RESOURCE_ROOM] = TARGET_ROOM,
                                             [RESOURCE_CUSTOM] = TARGET_RESOURCE,
                                             [RESOURCE_MEMBERSHIP] = TARGET_ROOM};
    return kinds[rt->kind];
}

struct audit_target target_resource(const struct resource_type *rt, const char *id, const char *name) {
    return (struct audit_target){target_of_type(rt), id, name, rt->name};
}

const char *target_type(const struct audit_target *t) {
    return t->kind == TARGET_RESOURCE ? t->type : target_row(t->kind)->type;
}
