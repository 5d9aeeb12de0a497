/* Ids of resources that a dry run would have made. Nobody has such an id; but a client that was answered as
 * if the resource were there goes on with it. So the id itself says where it comes from: it is a UUID of
 * version 8, where all others that usher makes are of version 7. A dry run that names one is decided as if it
 * were there (workers/apply/stand_in.h). */
#ifndef USHER_SCHEMAS_STREAM_TRIED_ID_H
#define USHER_SCHEMAS_STREAM_TRIED_ID_H

#include "ops/runtime/id.h"

#include <stdbool.h>

struct uuid tried_id_new(void);
bool is_tried_id(const char *id); /* any text */

#endif
