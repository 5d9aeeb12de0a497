/* Users and rooms as the Management API shows and takes them: the same documents as SCIM, flat. An
 * extension's attributes stand beside the core ones ("department", "editor"), ids stand for references, there
 * are no "schemas" and no "meta". What a client sends becomes a SCIM body, so that both doors lead to one
 * validation, one command, one event. */
#ifndef USHER_SCHEMAS_API_API_RESOURCE_H
#define USHER_SCHEMAS_API_API_RESOURCE_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/resource/resource.h"

#include <jansson.h>

/* A body for create: {"userName":…,"department":…} -> a SCIM resource. A room's "members" may be an array of
 * user ids. *scim: new reference. ERR_INVALID_VALUE with the member's name as path for one that is not known;
 * what answers show besides (id, version, created …) is ignored, so that what was read can be sent again. */
enum err_code api_body_to_scim(const struct resource_type *rt, const json_t *body, json_t **scim,
                               struct err *err);

/* A JSON merge patch (RFC 7396) -> a PatchOp body: null removes, an object changes the parts that it names,
 * an array replaces the whole list. "members" is not patched: each has an address of its own. */
enum err_code api_merge_to_patch(const struct resource_type *rt, const json_t *merge, json_t **patch,
                                 struct err *err);

/* What only the store knows of a user or a room. */
struct api_facts {
    bool managed; /* by an identity provider */
    bool seat;    /* of a user */
};

/* Appends the resource as one JSON object. facts: of a user or a room, NULL for others. */
void api_render(const struct resource_type *rt, const struct resource_row *row, const struct api_facts *facts,
                struct jbuf *out);

#endif
