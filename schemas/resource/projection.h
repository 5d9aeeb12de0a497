/* Which attributes an answer shows (RFC 7644 section 3.9, rules J1 to J4), asked attribute by attribute.
 * Inside of resource_render. */
#ifndef USHER_SCHEMAS_RESOURCE_PROJECTION_H
#define USHER_SCHEMAS_RESOURCE_PROJECTION_H

#include "schemas/resource/resource.h"
#include "schemas/types/attr_path.h"

enum projection_part { PROJECTION_NONE, PROJECTION_SOME, PROJECTION_ALL };

/* How much of an attribute (path->sub NULL) or sub-attribute is shown; SOME means: ask again for each
 * sub-attribute. p NULL = the default. */
enum projection_part projection_shows(const struct projection *p, const struct attr_path *path);

#endif
