/* The discovery endpoints (rules D1-D10). Any valid key may read them. */
#ifndef USHER_INGEST_SCIM_DISCOVERY_H
#define USHER_INGEST_SCIM_DISCOVERY_H

#include "ingest/request/request.h"

extern const struct handler discovery_config_get, discovery_types_get, discovery_type_get,
    discovery_schemas_get, discovery_schema_get;

#endif
