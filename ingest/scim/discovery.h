/* The discovery endpoints (rules D1-D10): any valid key may read them. */
#ifndef USHER_INGEST_SCIM_DISCOVERY_H
#define USHER_INGEST_SCIM_DISCOVERY_H

#include "ingest/request/request.h"

void discovery_answer(struct request *r);

#endif
