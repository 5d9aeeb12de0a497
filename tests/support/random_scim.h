/* Random resources, filters and patches of any resource type, made from its attribute tables. The same seed
 * makes the same ones. Values come from a small vocabulary, so that comparisons hit, and differ in what
 * implementations get wrong: letter case beyond ASCII, SQL and JSON characters, zones of time. */
#ifndef USHER_TESTS_SUPPORT_RANDOM_SCIM_H
#define USHER_TESTS_SUPPORT_RANDOM_SCIM_H

#include "ops/runtime/jbuf.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stdint.h>

struct random_scim {
    uint64_t state;
    const json_t *ids;   /* array of texts that are ids in the store; NULL or empty: none */
    const json_t *times; /* array of dateTime texts that stand in the store, for filters; may be NULL */
    const json_t *texts; /* further texts that stand in the store (locations, versions, names), for filters;
                            may be NULL */
    const char *prefix;  /* of values that must be unique */
    unsigned serial;     /* counts them */
};

/* Takes "--schemas DIR" off the front of a program's arguments and reads the folder, as usher's programs do.
 * Ends the program where that fails. */
void random_schemas(int *argc, char ***argv);
void random_seed(struct random_scim *r, uint64_t seed);
/* 0 … n-1 */
size_t random_pick(struct random_scim *r, size_t n);

/* A body that a POST of the type may have: all values of the right types, required ones there, some others
 * left out. members: of a room, ids out of r->ids. */
json_t *random_resource(struct random_scim *r, const struct resource_type *rt);
/* A PatchOp body: one to four operations of all kinds; one in about ten is wrong in some way. */
json_t *random_patch(struct random_scim *r, const struct resource_type *rt);
/* Appends the text of a filter of up to 2^depth terms; now and then one that is refused. */
void random_filter(struct random_scim *r, const struct resource_type *rt, int depth, struct jbuf *out);
/* Appends a filter on one element of attribute of, as it stands in brackets. */
void random_element_filter(struct random_scim *r, const struct attr *of, struct jbuf *out);

#endif
