/* The transmitter of the OpenID Shared Signals Framework 1.0, for receivers: what it can do, and their
 * streams (schemas/api/ssf.h). A receiver is a key, and sees its own streams alone. Every change is a
 * command. */
#ifndef USHER_INGEST_API_SSF_H
#define USHER_INGEST_API_SSF_H

#include "ingest/request/form.h"
#include "ingest/request/handler.h"

#define SSF_PREFIX "/ssf"
#define SSF_CONFIGURATION "/.well-known/ssf-configuration"

extern const struct form ssf_form;
/* ssf.c */
extern const struct handler ssf_create, ssf_read_streams, ssf_update, ssf_replace, ssf_delete, ssf_status,
    ssf_set_status, ssf_verify, ssf_add_subject, ssf_remove_subject;
/* ssf_metadata.c */
extern const struct handler ssf_metadata;
/* ssf_poll.c: POST /ssf/poll/{stream} (RFC 8936) */
extern const struct handler ssf_poll;

/* What streams and tokens of this request's receiver name as issuer. */
const char *ssf_issuer(const struct request *r);

#endif
