#include "schemas/types/scim_error.h"

#include "schemas/types/schema.h"

enum err_code scim_error_outward(enum err_code code) {
    switch (code) {
    case ERR_DB_RETRY:
    case ERR_DB_LOST:
    case ERR_DB_FENCED:
    case ERR_DB_SYSTEM:
    case ERR_DB_SLOW:
    case ERR_KAFKA:
        return ERR_UNAVAILABLE;
    case ERR_DB_DATA:
    case ERR_DB_BUG:
    case ERR_DECODE:
    case ERR_RECORD_REFUSED:
    case ERR_CONFIG:
    case ERR_USAGE:
        return ERR_INTERNAL;
    default:
        return code;
    }
}

void scim_error_put(struct jbuf *out, int status, const char *scim_type, const char *detail) {
    jb_printf(out, "{\"schemas\":[\"" MESSAGE_ERROR "\"],\"status\":\"%d\"", status);
    if (scim_type != NULL)
        jb_kstr(out, "scimType", scim_type);
    jb_kstr(out, "detail", detail);
    jb_raw(out, "}");
}
