/* A message as Standard Webhooks 1.0 has it: body and signature. Pure. */
#ifndef USHER_WORKERS_DELIVER_WEBHOOK_H
#define USHER_WORKERS_DELIVER_WEBHOOK_H

#include "ops/runtime/jbuf.h"
#include "schemas/api/delivery.h"

#include <stddef.h>
#include <stdint.h>

/* {"type","timestamp","data"}: the same bytes each time, so that a repeat is one. value: the JSON of the
 * stream's record, as it is. */
void webhook_body(struct jbuf *out, const char *type, int64_t at_us, const char *value);

/* Appends what a message says of a signed head of the audit:
 * {"workspace","tree","origin","size","root","note"}. subject: ce_subject of its record, "audit/changes";
 * note: its value, which stands in the object as it is. False, and nothing appended: it is no head. */
USHER_MUST_CHECK bool webhook_checkpoint(struct jbuf *out, const char *workspace, const char *subject,
                                         const char *note, size_t n);

struct webhook_key {
    struct delivery_secret secret;
    bool is_pair; /* Ed25519; else HMAC */
};
/* What stands in webhook-signature: one signature a key, with a blank between. */
void webhook_sign(struct jbuf *out, const struct webhook_key *keys, size_t nkeys, const char *id,
                  int64_t timestamp_s, const char *body, size_t n);

#endif
