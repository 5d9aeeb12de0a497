/* What the codecs of commands and replies share. */
#ifndef USHER_SCHEMAS_STREAM_COMMAND_IMPL_H
#define USHER_SCHEMAS_STREAM_COMMAND_IMPL_H

#include "schemas/stream/command.h"

#define COMMAND_VERSION 1
#define COMMAND_VERSION_DRY                                                                                  \
    2 /* of a command that is only tried; a program that does not know it puts it off */

/* Members of commands and replies. Each getter returns false, with err set, for a member that is missing or
 * of the wrong kind. */
bool wire_bad(struct err *err, const char *name, const char *what); /* false */
USHER_MUST_CHECK bool wire_uuid(const json_t *o, const char *name, bool may_be_null, struct uuid *out,
                                struct err *err);
USHER_MUST_CHECK bool wire_time(const json_t *o, const char *name, bool may_be_null, int64_t *us,
                                struct err *err);
USHER_MUST_CHECK bool wire_int(const json_t *o, const char *name, int64_t min, int64_t max, int64_t *out,
                               struct err *err);
USHER_MUST_CHECK bool wire_text(const json_t *o, const char *name, bool may_be_null, char *out, size_t size,
                                struct err *err);
USHER_MUST_CHECK bool wire_code(const json_t *o, const char *name, enum err_code *code, struct err *err);
/* The root object of a record, version checked up to `newest`; new reference or NULL. */
json_t *wire_load(const char *buf, size_t len, int newest, struct err *err);

void wire_put_time(struct jbuf *out, const char *name, int64_t us); /* 0 = null */
void wire_put_detail(struct jbuf *out, const char *detail);         /* "" = null */

#endif
