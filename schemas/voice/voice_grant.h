/* What is said to a LiveKit server about who may do what: claims of tokens, the permission of a participant,
 * and the number up to which that is true.
 *
 * A token is made of what PostgreSQL holds, and may be ahead of a bridge, which learns of changes from the
 * streams. So each token carries the membership number of its workspace (epoch and seq) as attributes of the
 * participant, and so does the metadata of each room. A bridge that is behind that number leaves both alone:
 * what it does not know yet comes to it as events, and those act. */
#ifndef USHER_SCHEMAS_VOICE_GRANT_H
#define USHER_SCHEMAS_VOICE_GRANT_H

#include "ops/runtime/id.h"
#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Attributes of a participant. */
#define VOICE_ATTRIBUTE_EPOCH "usher.epoch"
#define VOICE_ATTRIBUTE_SEQ "usher.seq"

struct voice_number {
    int64_t epoch, seq; /* 0, 0: none was said */
};
int voice_number_compare(struct voice_number a, struct voice_number b);

/* How a person comes in: one user in one room. */
struct voice_join {
    const char *key;      /* of the API, claim iss */
    const char *room;     /* name at LiveKit */
    const char *identity; /* id of the user */
    const char *name;     /* as others see him */
    const char *id;       /* of the token, claim jti */
    bool transmit;
    struct voice_number at;
    int64_t now_s, expires_s;
};
/* Appends the claims. nbf is now: a token that is older than a revocation must look older. */
void voice_join_claims(const struct voice_join *j, struct jbuf *out);

/* Appends the claims of a bridge's own token, for calls about one room, or about all (room NULL). */
void voice_bridge_claims(const char *key, const char *room, int64_t now_s, int64_t expires_s,
                         struct jbuf *out);

/* Appends the whole permission object: LiveKit takes what is left out for false. */
void voice_permission(bool transmit, struct jbuf *out);
/* Does a participant's permission say what voice_permission would have said? */
bool voice_permission_fits(const json_t *permission, bool transmit);

/* Appends the metadata of a room: that usher made it, of which workspace it is, and when. A text, not JSON
 * inside of JSON: the caller quotes it. */
void voice_room_metadata(const char *workspace, struct voice_number at, struct jbuf *out);
/* False: it is not usher's metadata. */
USHER_MUST_CHECK bool voice_room_metadata_read(const char *text, struct uuid *workspace,
                                               struct voice_number *at);
/* The number in a participant's attributes; (0, 0) where there is none. */
struct voice_number voice_attributes_number(const json_t *attributes);

#endif
