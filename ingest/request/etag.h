/* Entity tags in requests: If-Match, If-None-Match and the `version` of a Bulk operation (RFC 9110
 * sections 8.8.3 and 13.1, rules V1, V2). The tags that
 * usher makes are W/"<version>", or W/"<version>.<refs>" where an answer also shows members or groups, which
 * have no version in the resource (resource_row_etag). All comparisons are weak, as RFC 7644 section 3.14
 * uses them: "3" is the same version as W/"3". Pure functions. */
#ifndef USHER_INGEST_REQUEST_ETAG_H
#define USHER_INGEST_REQUEST_ETAG_H

#include "ops/runtime/arena.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etag {
    int64_t version;
    uint32_t refs; /* 0 = none */
};
struct etag_list {
    bool any; /* "*": whatever exists */
    struct etag *tags;
    size_t n;
};

/* text: the field value; several lines are joined by commas. A tag that usher cannot have made matches
 * nothing, and neither does a text that is no tag. The list lives in the arena. */
void etag_parse(const char *text, struct arena *a, struct etag_list *out);
/* Does one of the tags name exactly this representation? */
bool etag_matches(const struct etag_list *l, int64_t version, uint32_t refs);
/* The versions as an array of integers, as commands carry them (a change is about the resource alone, so refs
 * are left out). New reference. */
json_t *etag_versions(const struct etag_list *l);

#endif
