/* What the reader holds: workspaces as JSON objects,
 *
 *     {"<workspace>": {"epoch": 1, "seq": 8127, "rooms": {"<room>": {"name": "…", "members": {"<user>":
 * true}}}}}
 *
 * each true at its number. Knows nothing of Kafka. */
#ifndef USHER_READERS_ROOMS_H
#define USHER_READERS_ROOMS_H

#include <jansson.h>
#include <stdbool.h>

/* Numbers are compared as (epoch, seq). */
struct number {
    json_int_t epoch, seq;
};
int number_compare(struct number a, struct number b);
bool number_follows(struct number before, struct number next);

/* The workspace, borrowed; an empty one is made where none is held. */
json_t *rooms_of(json_t *workspaces, const char *workspace);
struct number rooms_number(const json_t *held);
void rooms_set_number(json_t *held, struct number at);

/* Folds a record of usher.rooms. value NULL: a tombstone. */
void rooms_fold(json_t *held, const char *room, const char *user, const json_t *value, struct number at);
/* Applies an event of usher.membership. False for one whose type is not known: what it has changed is not
 * known either. */
bool rooms_apply(json_t *held, const char *type, const json_t *event, struct number at);

#endif
