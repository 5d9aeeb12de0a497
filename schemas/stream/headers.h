/* The headers of every record, as names and values: CloudEvents 1.0 in Kafka's binary mode, and usher's own
 * (schemas/README.md). This file knows nothing of Kafka; the producer copies the rows into the message. */
#ifndef USHER_SCHEMAS_STREAM_HEADERS_H
#define USHER_SCHEMAS_STREAM_HEADERS_H

#include "ops/runtime/clock.h"
#include "ops/runtime/err.h"
#include "schemas/stream/command.h"
#include "schemas/stream/record.h"

#include <stddef.h>
#include <stdint.h>

#define HEADERS_MAX 20
#define HEADER_ROW "usher-row"

struct header {
    const char *name;
    const char *value; /* never NULL */
};

/* Values borrow from what the headers were made of, or from the texts at the end: so the struct must not be
 * copied, and lives no longer than its source. */
struct headers {
    struct header row[HEADERS_MAX];
    size_t n;
    char time[RFC3339_SIZE];
    char id[256], type[64], source[48], subject[96], seq[24], epoch[24], offset[24], bytes[24], number[24];
};

/* Of usher.membership, usher.rooms (tombstones too), usher.events and change records of usher.audit.
 * traceparent: "" or NULL = none. */
void headers_record(struct headers *h, const struct record *r, const char *workspace, const char *txn,
                    const char *traceparent);
/* Of a request record of usher.audit: ce_id is "{instance}/{n}", the number is n, and there is no epoch. */
void headers_audit_request(struct headers *h, const struct audit_request *r, const char *traceparent);
/* The message key of a request record and the name its partition is computed from: the workspace, or the nil
 * UUID where the credential is unknown. */
const char *audit_request_key(const struct audit_request *r);
void headers_command(struct headers *h, const struct command *c);
void headers_reply(struct headers *h, const char *workspace, const char *txn, int64_t time_us);
/* Of usher.stream.stub, in the place of r. */
void headers_stub(struct headers *h, const struct record *r, const char *workspace, const char *txn,
                  const char *traceparent);

/* What is said of a record of usher.deadletter. Its key and value are those of what was set aside. */
struct deadletter {
    enum err_code why;
    const char *detail;
    const char *topic; /* where the command stood … */
    int32_t partition;
    int64_t offset;
    int64_t time_us;
    const struct record
        *record; /* … and which of its records Kafka refused; NULL: the command itself is set aside */
    const char *sha256; /* of the whole value, in hex, where the value here is cut; else NULL */
    size_t bytes;       /* … and its length */
};
void headers_deadletter(struct headers *h, const struct deadletter *d);
/* usher-row: the number of the row of the outbox that the record stood in. Appended to any of these. */
void headers_add_row(struct headers *h, int64_t number);

#endif
