/* What OAuth clients can learn by themselves: how to get a token (RFC 8414), and whose tokens a resource
 * takes (RFC 9728). The well-known part stands between host and path (RFC 8414 section 3.1), so each
 * workspace can be an issuer of its own: https://host/w/{workspace}. The documents say nothing of a
 * workspace, not even that there is one. */
#ifndef USHER_INGEST_API_OAUTH_METADATA_H
#define USHER_INGEST_API_OAUTH_METADATA_H

#include "ingest/request/request.h"

/* GET /.well-known/oauth-authorization-server, and behind it the path of a workspace. */
extern const struct handler oauth_server_metadata;
/* GET /.well-known/oauth-protected-resource, and behind it the path of SCIM or of the Management API. */
extern const struct handler oauth_resource_metadata;

#endif
