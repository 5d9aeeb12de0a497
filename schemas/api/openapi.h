/* The OpenAPI 3.1 document of the Management API, the admin API and the token endpoint: schemas/openapi.json,
 * built into the program. Kept true by tests against the table of routes and the table of settings. */
#ifndef USHER_SCHEMAS_API_OPENAPI_H
#define USHER_SCHEMAS_API_OPENAPI_H

extern const char openapi_json[];

#endif
