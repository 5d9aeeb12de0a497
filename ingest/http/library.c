#include "ingest/http/library.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef enum MHD_Result queue_fn(struct MHD_Connection *, unsigned, struct MHD_Response *);

typedef enum MHD_Result lookup_fn(struct MHD_Connection *, enum MHD_ValueKind, const char *, size_t,
                                  const char **, size_t *);

static queue_fn *original;
static lookup_fn *original_lookup;
static library_refused *watcher;
static void *watcher_cls;

void library_watch(library_refused *refused, void *cls) {
    void *queue = dlsym(RTLD_NEXT, "MHD_queue_response");
    void *lookup = dlsym(RTLD_NEXT, "MHD_lookup_connection_value_n");
    if (queue == NULL || lookup == NULL)
        abort();
    memcpy(&original, &queue, sizeof original);
    memcpy(&original_lookup, &lookup, sizeof original_lookup);
    watcher = refused;
    watcher_cls = cls;
}

enum MHD_Result library_queue(struct MHD_Connection *connection, unsigned status,
                              struct MHD_Response *response) {
    return original(connection, status, response);
}

enum MHD_Result MHD_queue_response(struct MHD_Connection *connection, unsigned status,
                                   struct MHD_Response *response) {
    watcher(watcher_cls, connection, status);
    return original(connection, status, response);
}

enum MHD_Result MHD_lookup_connection_value_n(struct MHD_Connection *connection, enum MHD_ValueKind kind,
                                              const char *key, size_t key_size, const char **value,
                                              size_t *value_size) {
    const char *found = NULL;
    size_t n = 0;
    if (kind == MHD_HEADER_KIND && key_size == strlen(MHD_HTTP_HEADER_COOKIE) &&
        strncasecmp(key, MHD_HTTP_HEADER_COOKIE, key_size) == 0)
        return MHD_NO;
    enum MHD_Result result = original_lookup(connection, kind, key, key_size, &found, &n);
    char *text = (char *)(uintptr_t)found; /* in the memory of the connection */
    while (text != NULL && n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        text[--n] = '\0';
    if (value != NULL)
        *value = found;
    if (value_size != NULL)
        *value_size = n;
    return result;
}
