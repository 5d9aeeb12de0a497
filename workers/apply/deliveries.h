/* Verbs on endpoints that events are delivered to over HTTP. */
#ifndef USHER_WORKERS_APPLY_DELIVERIES_H
#define USHER_WORKERS_APPLY_DELIVERIES_H

#include "workers/apply/decision.h"

void announce_deliveries(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_delivery_create(struct decision *d);
enum err_code apply_delivery_set(struct decision *d);
enum err_code apply_delivery_rotate(struct decision *d);
enum err_code apply_delivery_replay(struct decision *d);
enum err_code apply_delivery_delete(struct decision *d);

/* ---- what streams (streams.h) share with them ---- */

bool delivery_is_stream(const json_t *doc);
/* The endpoint that the command is about, and its document, which the caller drops; NULL: the error says why.
 */
struct unit_delivery *delivery_target(struct decision *d, json_t **doc);
/* The one that is to be made; NULL: the error says why. */
struct unit_delivery *delivery_new_one(struct decision *d);
/* There is room for one more. */
enum err_code delivery_check_count(struct decision *d);
void delivery_write(struct decision *d, struct unit_delivery *x, const json_t *doc);
struct audit_target delivery_audit_target(struct decision *d, const struct unit_delivery *x,
                                          const json_t *doc);
void delivery_audit(struct decision *d, enum audit_action action, const struct unit_delivery *x,
                    const json_t *doc, const char *reason);
/* One row of the changes of an audit record. */
void delivery_put_change(struct jbuf *b, const char *path, const json_t *from, const json_t *to);

#endif
