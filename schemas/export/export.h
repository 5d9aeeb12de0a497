/* Records of usher.audit as others want them: CSV for people, OCSF for a SIEM. (NDJSON is the records
 * themselves.) A record is given as the parsed value; what comes out is one line, with its end. */
#ifndef USHER_SCHEMAS_EXPORT_EXPORT_H
#define USHER_SCHEMAS_EXPORT_EXPORT_H

#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* RFC 4180, with CR LF. A cell that a spreadsheet would run (it begins with '=', '+', '-', '@', a tab or a
 * return) gets a "'" in front. */
void export_csv_head(struct jbuf *b);
void export_csv(struct jbuf *b, const json_t *record);

/* An event of the Open Cybersecurity Schema Framework, 1.8.0. version: usher's own. */
void export_ocsf(struct jbuf *b, const json_t *record, const char *event, const char *version);
/* Does the record tell of a seat alone, which OCSF has no activity for? Of versions up to 0.3.0 half of all
 * changes are such. */
bool export_is_seat(const json_t *record);

/* The end of an export: what it has, from where to where, and what proves it. */
struct export_end {
    const char *workspace, *tree; /* "changes", "requests" */
    bool filtered;                /* records were left out */
    int64_t records;              /* written */
    int64_t size;                 /* leaves of the tree that were looked at */
    int64_t first, last;          /* places in the tree of the first and the last one written, from 0 */
    int64_t first_epoch, first_seq, last_epoch, last_seq; /* of changes; of requests 0 */
    int64_t time_us;                                      /* of the export */
    const char *checkpoint;                               /* the note; NULL: there is none */
};
/* As a JSON object; as a row whose kind is "end", with that object as reason; as an event of no class, with
 * that object as `unmapped`. */
void export_end_ndjson(struct jbuf *b, const struct export_end *e);
void export_end_csv(struct jbuf *b, const struct export_end *e);
void export_end_ocsf(struct jbuf *b, const struct export_end *e, const char *version);

#endif
