/* What the codecs of commands and replies share. */
#ifndef USHER_SCHEMAS_STREAM_COMMAND_IMPL_H
#define USHER_SCHEMAS_STREAM_COMMAND_IMPL_H

#include "schemas/stream/command.h"

#define COMMAND_VERSION 1

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
/* The root object of a record, version checked; new reference or NULL. */
json_t *wire_load(const char *buf, size_t len, struct err *err);

void wire_put_time(struct jbuf *out, const char *name, int64_t us); /* 0 = null */
void wire_put_detail(struct jbuf *out, const char *detail);         /* "" = null */

#endif
