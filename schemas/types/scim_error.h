/* The error body of SCIM (RFC 7644 section 3.12), for answers, Bulk results and events alike. */
#ifndef USHER_SCHEMAS_TYPES_SCIM_ERROR_H
#define USHER_SCHEMAS_TYPES_SCIM_ERROR_H

#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

/* The error as a client may see it: faults of database and log become UNAVAILABLE or INTERNAL. */
enum err_code scim_error_outward(enum err_code code);
/* Appends {"schemas":[…Error],"status":"404","scimType":…,"detail":…}. scim_type: NULL = none. */
void scim_error_put(struct jbuf *out, int status, const char *scim_type, const char *detail);

#endif
