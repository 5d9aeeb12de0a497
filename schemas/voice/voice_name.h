/* Names of rooms at a voice server. A form says how they are made: a text in which {room} stands for the id
 * of usher's room and {workspace} for the workspace's. "{room}" alone is a good form for a server of usher's
 * own; on a server that others use too, the form needs a prefix that is usher's alone. */
#ifndef USHER_SCHEMAS_VOICE_NAME_H
#define USHER_SCHEMAS_VOICE_NAME_H

#include "ops/runtime/err.h"
#include "ops/runtime/id.h"

#define VOICE_FORM_MAX 120 /* bytes of a form */
#define VOICE_NAME_MAX 256 /* of a name, with the NUL */

/* ERR_CONFIG unless {room} stands in it once, {workspace} at most once, and nothing else in braces. */
enum err_code voice_name_check(const char *form, struct err *err);
/* form must have passed the check. Returns out. */
char *voice_name_make(const char *form, const char *workspace, const char *room, char out[VOICE_NAME_MAX]);
/* True if the form could have made the name. workspace is "" where the form has none. */
USHER_MUST_CHECK bool voice_name_read(const char *form, const char *name, struct uuid *workspace,
                                      struct uuid *room);

#endif
