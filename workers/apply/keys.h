/* Verbs on keys. */
#ifndef USHER_WORKERS_APPLY_KEYS_H
#define USHER_WORKERS_APPLY_KEYS_H

#include "workers/apply/decision.h"

void announce_key(struct unit *u, struct unit_workspace *w, const struct command *c);
enum err_code apply_key_create(struct decision *d);
enum err_code apply_key_revoke(struct decision *d);
enum err_code apply_key_rotate(struct decision *d);
enum err_code apply_key_set(struct decision *d);

#endif
