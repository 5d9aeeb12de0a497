/* Rate units that this ingest has leased from PostgreSQL, for credentials that are busy. Their requests are
 * counted here, so that the row of the credential changes a few times a second, not with every batch
 * (functions/gate_take.sql says how a lease is counted there). A lease ends when its time is over or its
 * units are used up; what was not used goes back. */
#ifndef USHER_INGEST_GATE_RATES_H
#define USHER_INGEST_GATE_RATES_H

#include "sql/ask/admit.h"

/* Credentials that are remembered; one beyond them gets no leases, and loses nothing but speed. */
#define RATES_MAX 4096
/* A lease whose time is over ends with the credential's next request, or without one this much later. */
#define RATES_GRACE_US 20000

struct rates;

struct rates *rates_new(void);
void rates_free(struct rates *r);

/* Before a round trip. Takes ask->units out of the lease of ask's token; then they are gone from ask, and the
 * result is their number. Else the result is 0 and PostgreSQL counts them; the lease, if there is one, ends
 * with this ask, and where the credential is busy the ask wants another. */
int rates_take(struct rates *r, struct admit_ask *ask, int64_t now_us);
/* After it, once for each ask that rates_take has seen: keeps the lease, if v has one. v is NULL where the
 * round trip failed. asked_us: when it began; the lease lasts from then on. Gives how many units of the
 * token's lease are left. */
int rates_settle(struct rates *r, const struct admit_ask *ask, const struct admit_verdict *v,
                 int64_t asked_us);

/* Is there a lease that must end? One look, no lock. */
bool rates_due(struct rates *r, int64_t now_us);
/* Takes leases that must end, at most n; all: every lease. */
size_t rates_take_due(struct rates *r, int64_t now_us, bool all, struct admit_back *out, size_t n);

#endif
