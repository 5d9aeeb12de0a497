#include "ops/runtime/config_env.h"

#include "ops/runtime/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Variables that are there beside the settings: what programs and tests are told, what RUN_DIR/env has, and
 * what Kubernetes makes of the names of services (USHER_INGEST_SERVICE_HOST, USHER_INGEST_PORT_8080_TCP …).
 */
static bool is_known_variable(const char *name, size_t n) {
    static const char *const known[] = {"CONFIG", "READY_FD",  "FAILPOINT", "CACHE",       "ENV",
                                        "URL",    "WORKSPACE", "TOKEN",     "OWNER_TOKEN", "PORTAL",
                                        "PG",     "KAFKA",     "BIN",       "PARTITIONS"};
    static const char *const parts[] = {"URL_", "PID_", "FAILPOINT_"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i]) == n && memcmp(known[i], name, n) == 0)
            return true;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (n > strlen(parts[i]) && memcmp(parts[i], name, strlen(parts[i])) == 0)
            return true;
    char *text = xstrndup(name, n);
    bool of_a_service = strstr(text, "_SERVICE_") != NULL || strstr(text, "_PORT") != NULL;
    free(text);
    return of_a_service;
}

/* name: what follows USHER_. */
static bool is_a_setting(const char *const *keys, size_t nkeys, const char *name, size_t n) {
    for (size_t i = 0; i < nkeys; i++) {
        const char *key = keys[i];
        size_t k = 0;
        while (k < n && key[k] != '\0' &&
               name[k] == (key[k] == '-' || key[k] == '.' ? '_' : (char)toupper((unsigned char)key[k])))
            k++;
        if (k == n && key[k] == '\0')
            return true;
    }
    return false;
}

char *config_stranger(const char *const *keys, size_t nkeys) {
    static const char prefix[] = "USHER_";
    for (char *const *e = environ; *e != NULL; e++) {
        const char *name = *e + sizeof prefix - 1, *end = strchr(*e, '=');
        if (strncmp(*e, prefix, sizeof prefix - 1) != 0 || end == NULL || end < name)
            continue;
        size_t n = (size_t)(end - name);
        if (!is_a_setting(keys, nkeys, name, n) && !is_known_variable(name, n))
            return xstrndup(*e, (size_t)(end - *e));
    }
    return NULL;
}
