#include "schemas/types/dialect.h"

#include <string.h>

static const char *const names[] = {
    [DIALECT_RFC] = "rfc",
    [DIALECT_ENTRA] = "entra",
    [DIALECT_OKTA] = "okta",
};

const char *dialect_name(enum dialect d) {
    return names[d];
}

bool dialect_parse(const char *name, enum dialect *d) {
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            *d = (enum dialect)i;
            return true;
        }
    }
    return false;
}
