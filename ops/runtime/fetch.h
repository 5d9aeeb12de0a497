/* Fetches small documents over https from addresses that tenants have entered, and posts forms there, as
 * outward.h allows: public addresses alone (and those that `allowed` names), no redirects, no proxy, https
 * alone. One thread, all transfers at once, so a slow server delays only those who wait for it. */
#ifndef USHER_RUNTIME_FETCH_H
#define USHER_RUNTIME_FETCH_H

#include "ops/runtime/net_range.h"

#include <stdbool.h>
#include <stddef.h>

struct fetch_settings {
    const struct net_ranges *allowed; /* besides public addresses; NULL: none. It must outlive the fetch */
    const char *ca_file;              /* PEM, of those who are trusted; "" or NULL: the system's */
    long timeout_ms;                  /* of a whole transfer, names included */
    size_t max_bytes;                 /* of a document */
    size_t at_once;                   /* transfers */
};

struct fetch;

/* NULL if the library cannot be used; ca_file is read with each transfer. */
struct fetch *fetch_new(const struct fetch_settings *s);
/* Transfers under way end as failed. NULL is fine. */
void fetch_close(struct fetch *f);

/* why NULL: the document came, with status 200, and text[0..n) is its content, until the function returns.
 * Else a few words for a log. */
typedef void (*fetch_done)(void *ctx, const char *text, size_t n, const char *why);

/* Any thread. `done` is called once, on the fetch thread. False, and it is not called: too many transfers are
 * under way. */
bool fetch_start(struct fetch *f, const char *url, fetch_done done, void *ctx);

/* The same of a form that is posted (application/x-www-form-urlencoded). user NULL: nobody is named, else
 * user and password go into the header Authorization (Basic). All is copied, and wiped when it was sent. A
 * server that does not answer 200 says why in its document: text[0..n) is that too. */
struct fetch_form {
    const char *url, *body;
    const char *user, *password;
};
bool fetch_post(struct fetch *f, const struct fetch_form *form, fetch_done done, void *ctx);

/* May a server have this address? Judged as a socket's would be. */
bool fetch_allows(const struct fetch *f, const struct net_address *a);

#endif
