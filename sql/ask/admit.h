/* The gate's one round trip: many tokens in, one verdict each. Tokens are read from the primary, never cached
 * (promise 4). */
#ifndef USHER_SQL_ASK_ADMIT_H
#define USHER_SQL_ASK_ADMIT_H

#include "ops/runtime/id.h"
#include "ops/runtime/net_range.h"
#include "ops/runtime/token.h"
#include "schemas/types/dialect.h"
#include "schemas/types/strictness.h"
#include "sql/db.h"

enum scope {
    SCOPE_SCIM_USERS_READ = 1 << 0,
    SCOPE_SCIM_USERS_WRITE = 1 << 1,
    SCOPE_SCIM_ROOMS_READ = 1 << 2,
    SCOPE_SCIM_ROOMS_WRITE = 1 << 3,
    SCOPE_API_USERS_READ = 1 << 4,
    SCOPE_API_USERS_WRITE = 1 << 5,
    SCOPE_API_ROOMS_READ = 1 << 6,
    SCOPE_API_ROOMS_WRITE = 1 << 7,
};
#define SCOPES_OF_SCIM                                                                                       \
    (SCOPE_SCIM_USERS_READ | SCOPE_SCIM_USERS_WRITE | SCOPE_SCIM_ROOMS_READ | SCOPE_SCIM_ROOMS_WRITE)
#define SCOPE_SCIM "scim"               /* what OAuth clients may call all of these that a key has */
unsigned scope_parse(const char *name); /* "scim:users:read"; 0 if unknown */
unsigned scope_parse_n(const char *name, size_t len); /* the same, of a text that goes on */
const char *scope_name(unsigned one_bit);

/* Rate units that an ingest gives out by itself until the lease ends (functions/gate_take.sql). */
#define ADMIT_LEASE_US 250000 /* one bucket there */
struct admit_lease {
    int size;
    int left;
    int64_t bucket; /* in which PostgreSQL has counted them */
};

struct admit_ask { /* one per distinct token of the batch */
    unsigned char token_hash[TOKEN_HASH_SIZE];
    int units;  /* rate units to be counted: those that its requests want together, less what is leased */
    bool whole; /* all of them or none: the operations of a Bulk */
    int want;   /* units that are wanted beyond, as a lease for ADMIT_LEASE_US */
    struct admit_lease ended; /* a lease that ends with this; without size there is none */
};

/* ROTATED: the token before the last rotation, and its time is over. */
enum admit_state { ADMIT_UNKNOWN, ADMIT_OK, ADMIT_REVOKED, ADMIT_EXPIRED, ADMIT_ROTATED };
enum admit_kind { ADMIT_KEY, ADMIT_ADMINISTRATOR, ADMIT_OWNER };
/* What stands in for an owner's credential (sql/ask/pass.h); NONE: it is the credential itself. A set-up is
 * about one key alone. */
enum admit_pass { PASS_NONE, PASS_SESSION, PASS_SETUP, PASS_LINK, PASS_SETUP_LINK };

struct admit_verdict {
    enum admit_state state;
    enum admit_kind kind;
    struct uuid workspace, key; /* key: the key's or the owner's id */
    enum admit_pass pass;
    struct uuid pass_id, pass_key; /* of a pass; pass_key: of a set-up */
    char pass_guide[48];           /* of a set-up: the guide that is shown; "": none */
    char workspace_name[128], key_name[128];
    unsigned scopes;
    enum dialect dialect;
    bool dry_run;               /* a key's: every change is only tried */
    bool restricted;            /* only from these networks, which may be none … */
    struct net_ranges networks; /* … admit_verdict_clear frees them */
    int64_t expires_us;         /* of the token, wall clock; 0 = never */
    int granted;                /* of the units asked for; the rest is over the rate */
    int rate_limit;             /* units per 60 s */
    int remaining;              /* of them, after all that was granted and leased */
    int reset_s;                /* seconds until the oldest unit leaves the window (>= 1) */
    int retry_after_s; /* when granted < units: after that many seconds (>= 1) one unit is free, or with
                          `whole` all */
    int wait_ms;       /* not 0: what is not granted is not refused; ask again after that time */
    struct admit_lease lease;        /* of the units that were wanted; without size there is none */
    int64_t seats_used, seats_limit; /* limit -1 = none */
    bool require_email;              /* workspace setting: userName must be an e-mail address */
    bool require_sso, sso_ready;     /* workspace settings: SCIM only where single sign-on is set up */
    enum strictness strictness;      /* workspace setting */
    bool managed_lock;               /* workspace setting */
    bool passwords;                  /* workspace setting: users have an attribute `password` */
};

/* Fills out[0..n). One round trip. On error all of out is ADMIT_UNKNOWN with nothing to free. */
enum err_code admit_batch(struct db *db, const struct admit_ask *ask, size_t n, struct admit_verdict *out,
                          struct err *err);
void admit_verdict_clear(struct admit_verdict *v);

struct admit_back {
    struct uuid workspace, key;
    struct admit_lease lease;
};
/* Ends leases. */
enum err_code admit_give_back(struct db *db, const struct admit_back *list, size_t n, struct err *err);

#endif
