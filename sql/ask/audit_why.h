/* Why a user is in a room, or is not: the state, the change that made it so, and the request behind that. */
#ifndef USHER_SQL_ASK_AUDIT_WHY_H
#define USHER_SQL_ASK_AUDIT_WHY_H

#include "sql/ask/audit.h"

struct audit_why {
    bool room, user;   /* is there such a one now? */
    bool member, held; /* member: shown in the room. held: an inactive user, who comes back */
    bool transmit;
    int64_t since_us;                   /* of a membership, held ones too; 0: there is none */
    struct audit_records past;          /* changes of both, the newest first */
    const struct audit_record *because; /* the change that made it so; NULL: the archive has none */
    const struct audit_record *request; /* the request behind that; NULL: it has none, or not yet */
    const char *through; /* "group push", "member request", "reactivation", "deactivation", "deletion" … */
    char *proof;         /* a proof file of the change; NULL: no signed head has it yet */
};
/* In the arena. In a transaction of audit_begin. */
enum err_code audit_why(struct db *db, const char *workspace, const char *room, const char *user,
                        struct arena *a, struct audit_why *out, struct err *err);
/* As a JSON object. */
void audit_why_put(struct jbuf *b, const char *room, const char *user, const struct audit_why *w);

#endif
