/* The tables of a case (memory_unit.h): from the few words that the case says to whole rows, what must hold
 * in any state, and what differs between two. */
#ifndef USHER_TESTS_SUPPORT_CASE_STATE_H
#define USHER_TESTS_SUPPORT_CASE_STATE_H

#include <jansson.h>
#include <stdint.h>

#define CASE_NOW INT64_C(1767268800000000)     /* 2026-01-01T12:00:00Z: the moment of every decision */
#define CASE_CREATED INT64_C(1735732800000000) /* a year before: when all that is there was made */

/* New reference: the tables of a state, with all that follows from what it says.
 *
 * Without "workspaces" there is #w, without "keys" #entra. Keys leave the workspace out where it is #w. A
 * user, a room or a resource says its document, and what it does not say (version, managed, …) is as usual; a
 * membership is held if its user is inactive; seats follow the workspace's mode. Events are off unless the
 * workspace says otherwise. */
json_t *case_state(const json_t *said);

/* A new array of sentences: what is not as it must be in any state. Counts, names, search texts, unique
 * values, seats and held memberships all follow from other rows. */
json_t *case_state_faults(const json_t *tables);

/* A new object: what differs, table by table and row by row. A new row stands whole, but for what follows
 * from its document; a row that has gone is null, and so is a member. Moments that are now say "now". Claims
 * and the outbox are left out: they follow from the commands' outcomes and records. */
json_t *case_state_difference(const json_t *before, const json_t *after, int64_t now_us);

#endif
