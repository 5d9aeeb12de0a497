#include "schemas/stream/tried_id.h"

#include <string.h>

#define AT_VERSION 14

struct uuid tried_id_new(void) {
    struct uuid id = uuid_v7();
    id.s[AT_VERSION] = '8';
    return id;
}

bool is_tried_id(const char *id) {
    struct uuid parsed;
    return strlen(id) == sizeof parsed.s - 1 && id[AT_VERSION] == '8' && uuid_parse(id, &parsed);
}
