#include "schemas/export/export.h"

void export_end_ndjson(struct jbuf *b, const struct export_end *e) {
    struct jbuf text = {0}; /* of its own: commas are put by what stands before */
    jb_raw(&text, "{");
    jb_kstr(&text, "kind", "end");
    jb_kstr(&text, "workspace", e->workspace);
    jb_kstr(&text, "tree", e->tree);
    jb_kbool(&text, "filtered", e->filtered);
    jb_kint(&text, "records", e->records);
    jb_kint(&text, "size", e->size);
    if (e->records > 0) {
        jb_kint(&text, "firstIndex", e->first);
        jb_kint(&text, "lastIndex", e->last);
    }
    if (e->records > 0 && e->first_seq > 0) {
        jb_kint(&text, "firstEpoch", e->first_epoch);
        jb_kint(&text, "firstSeq", e->first_seq);
        jb_kint(&text, "lastEpoch", e->last_epoch);
        jb_kint(&text, "lastSeq", e->last_seq);
    }
    jb_kstr(&text, "checkpoint", e->checkpoint);
    jb_raw(&text, "}\n");
    jb_mem(b, text.p, text.n);
    jb_free(&text);
}
