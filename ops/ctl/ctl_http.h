/* One request to the admin API of an installation, over libcurl: the one place of usherctl that touches it.
 */
#ifndef USHER_CTL_HTTP_H
#define USHER_CTL_HTTP_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <stdbool.h>
#include <stdio.h>

/* What is asked. The strings are the caller's. */
struct ctl_server {
    const char *url;     /* as ctl_http_url gives it */
    const char *token;   /* of an owner or administrator; NULL: without one */
    const char *ca_file; /* PEM, of those who are trusted; "": the system's */
    long timeout_ms;     /* of the whole exchange; where its body goes to `to`, of each pause in it */
};

struct ctl_exchange {
    const char *method, *path; /* "GET", "/api/v1/admin/keys?limit=200" */
    const char *body;          /* JSON; NULL: none */
    FILE *to;                  /* gets the body of a 2xx as it comes; NULL: `answer` gets it */
    long status;               /* of the answer */
    struct jbuf answer;        /* the caller frees it */
};

/* ERR_OK: there is an answer, with any status. ERR_LOST: the server was not reached, so nothing was changed.
 * ERR_OUTCOME_UNKNOWN: the request was sent, and its answer did not come. ERR_INTERNAL: the answer is too
 * large. */
enum err_code ctl_http_ask(const struct ctl_server *s, struct ctl_exchange *x, struct err *err);

/* The address of an installation without slashes at its end; a new text. A token would travel readable over
 * http, so that is for this machine alone. ERR_USAGE. */
enum err_code ctl_http_url(const char *given, char **url, struct err *err);

/* Appends ?name=value (or &name=value) to a path, percent-encoded. */
void ctl_http_parameter(struct jbuf *path, const char *name, const char *value);

#endif
