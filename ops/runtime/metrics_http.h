/* A small HTTP listener for programs that serve no HTTP otherwise (the worker): GET /metrics, /healthz,
 * /readyz. */
#ifndef USHER_RUNTIME_METRICS_HTTP_H
#define USHER_RUNTIME_METRICS_HTTP_H

#include "ops/runtime/err.h"

#include <stdbool.h>
#include <stddef.h>

struct metrics_http;

/* ready is called on the listener's thread for /readyz: true = 200, false = 503 with the reason that it wrote
 * into why (n bytes). It must not block; NULL = always ready. listen: "host:port", port 0 = any. NULL and err
 * (ERR_CONFIG) if it cannot listen there. */
struct metrics_http *metrics_http_start(const char *listen, bool (*ready)(void *ctx, char *why, size_t n),
                                        void *ctx, struct err *err);
int metrics_http_port(const struct metrics_http *h);
void metrics_http_stop(struct metrics_http *h); /* NULL is fine */

#endif
