#include "schemas/stream/command_type.h"

#include <assert.h>
#include <string.h>

static const struct command_row rows[COMMAND_TYPE_COUNT] = {
#define COMMAND_ROW(sym, name, target, carries, status, words)                                               \
    {name, TARGET_##target, carries, status, words},
    COMMAND_TYPES(COMMAND_ROW)
#undef COMMAND_ROW
};

const struct command_row *command_row(enum command_type t) {
    assert(t < COMMAND_TYPE_COUNT);
    return &rows[t];
}

const char *command_type_text(enum command_type t) {
    return t < COMMAND_TYPE_COUNT ? rows[t].name : "unknown";
}

enum command_type command_type_parse(const char *name) {
    int t = 0;
    while (t < COMMAND_TYPE_COUNT && (name == NULL || strcmp(name, rows[t].name) != 0))
        t++;
    return (enum command_type)t;
}
