/* Where this service is, as the client of a request sees it. */
#ifndef USHER_INGEST_REQUEST_PLACE_H
#define USHER_INGEST_REQUEST_PLACE_H

#include "ingest/request/request.h"

/* "https://usher.example": the setting public-url, else scheme and host that the client has asked for. In the
 * request's arena; NULL if nobody has said a host. */
char *place_origin(const struct request *r);
/* The same with the prefix that the client has used: what meta.location begins with. */
char *place_base(const struct request *r);
/* The sentence for a path at which nothing is (ERR_NOT_FOUND), or a version of SCIM that nobody serves
 * (ERR_INVALID_VERS): names the base URL, and the nearest path at which something is. */
const char *place_is_wrong(const struct request *r);

#endif
