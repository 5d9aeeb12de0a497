/* usherctl from afar: over the admin API, with the token of an owner or administrator, where PostgreSQL and
 * Kafka cannot be reached or should not be. A command reads its arguments and shows its result in the same
 * way near and far; what lies between asks c->far. */
#ifndef USHER_CTL_FAR_H
#define USHER_CTL_FAR_H

#include "ops/ctl/ctl.h"
#include "ops/ctl/ctl_http.h"

#include <jansson.h>

struct ctl_far {
    struct ctl_server server;
    char *url, *token;              /* owned, where ctl_far_open has made them */
    struct ctl_workspace workspace; /* that of the token, once it was asked */
};

/* Where a command goes. *far NULL: near, because PostgreSQL is configured, or because there is no login.
 * `must` and --far ask for it even so. ERR_USAGE: they do, and nothing says where. */
enum err_code ctl_far_open(const struct config *config, const struct ctl_args *a, bool must,
                           struct ctl_far **far, struct err *err);
void ctl_far_close(struct ctl_far *far); /* NULL is fine */
/* The texts stay the caller's. */
void ctl_far_init(struct ctl_far *far, const struct config *config, const char *url, const char *token);

/* Asks whose token it is, once. */
enum err_code ctl_far_workspace(struct ctl *c, struct err *err);

/* Sends a request below /api/v1/admin. Takes the body over (NULL: none). *out: the answer's document, NULL
 * where it has none; out itself may be NULL. What the server refuses has its code and sentence. */
enum err_code ctl_far_ask(struct ctl *c, const char *method, const char *path, json_t *body, json_t **out,
                          struct err *err);
/* The same where the answer is no JSON: `to` gets it as it comes, or *text (a new one). One of both is NULL.
 */
enum err_code ctl_far_read(struct ctl *c, const char *path, FILE *to, char **text, struct err *err);
/* All items of a list, page by page, at most `most`. path may have parameters. */
enum err_code ctl_far_items(struct ctl *c, const char *path, size_t most, json_t **items, struct err *err);

#endif
