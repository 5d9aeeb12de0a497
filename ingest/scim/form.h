/* The form of SCIM (RFC 7644 sections 3.4.2 and 3.12). */
#ifndef USHER_INGEST_SCIM_FORM_H
#define USHER_INGEST_SCIM_FORM_H

#include "ingest/request/form.h"

#define SCIM_PREFIX "/scim/v2"
#define SCIM_JSON "application/scim+json"

extern const struct form scim_form;

#endif
