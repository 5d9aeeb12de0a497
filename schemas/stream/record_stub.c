/* What stands in a stream in the place of a record that Kafka refuses for ever. */
#include "schemas/stream/record.h"

void record_stub(const struct record *r, const char *workspace, const char *txn, const char *reason,
                 struct jbuf *out) {
    jb_raw(out, "{");
    jb_kstr(out, "workspace", workspace);
    jb_kint(out, "epoch", r->epoch);
    jb_kint(out, "seq", r->seq);
    jb_kstr(out, "type", r->ce_type);
    jb_kstr(out, "txn", txn);
    jb_kstr(out, "reason", reason);
    jb_raw(out, "}");
}
