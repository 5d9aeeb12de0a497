#include "schemas/types/strictness.h"

#include <stddef.h>
#include <string.h>

const char *const strictness_names[STRICTNESSES + 1] = {"standard", "strict", "interop", NULL};

enum strictness strictness_of(const char *name) {
    for (int i = 0; i < STRICTNESSES; i++)
        if (strcmp(strictness_names[i], name) == 0)
            return (enum strictness)i;
    return STRICTNESS_STANDARD;
}
