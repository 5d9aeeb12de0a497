/* Posts messages over HTTP to addresses that tenants have entered, as outward.h allows: many at a time on one
 * thread, that of the caller. https, and http where that is allowed. */
#ifndef USHER_RUNTIME_POST_H
#define USHER_RUNTIME_POST_H

#include "ops/runtime/net_range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POST_SHOWN 256      /* bytes of an answer that are kept */
#define POST_READ_MAX 65536 /* that are read at all */
#define POST_HEADERS 8

struct post_settings {
    const struct net_ranges *allowed; /* besides public addresses; NULL: none. It must outlive the post */
    const char *ca_file;              /* PEM, of those who are trusted; "" or NULL: the system's */
    bool http;                        /* allowed besides https */
    long timeout_ms;                  /* of a whole message, names included */
    long connections;                 /* that are kept open at most */
};

struct post_message {
    const char *url;
    const char *headers[POST_HEADERS]; /* "name: value", up to NULL */
    const char *body;                  /* stays the caller's, until the answer is there */
    size_t n;
};

struct post_answer {
    void *ctx;
    int status;                 /* 0: there was none */
    const char *error;          /* why there was none; NULL: there was one. Static text */
    char shown[POST_SHOWN + 1]; /* the answer's first bytes, what is not printable ASCII as '?' */
    int64_t retry_after_s;      /* -1: not said */
    int64_t duration_us;
};

struct post;

/* NULL: the library cannot be used. */
struct post *post_new(const struct post_settings *s);
/* What is under way ends unanswered. NULL is fine. */
void post_free(struct post *p);
/* ctx comes back with the answer. */
void post_start(struct post *p, const struct post_message *m, void *ctx);
/* Works for at most timeout_ms; less, if there is an answer or somebody wakes it. */
void post_work(struct post *p, int timeout_ms);
/* The next answer. False: there is none now. */
bool post_take(struct post *p, struct post_answer *out);
/* Any thread: ends post_work. */
void post_wake(struct post *p);

/* Seconds in a Retry-After header, a number or a date (RFC 9110 section 10.2.3), at now_s; -1: neither. */
int64_t post_retry_after(const char *text, int64_t now_s);

#endif
