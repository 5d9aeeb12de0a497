/* An export of the archive, piece by piece: no more is in memory than one piece. What it has was fixed when
 * it began: the trees as their newest signed heads have them. */
#ifndef USHER_SQL_ASK_AUDIT_EXPORT_H
#define USHER_SQL_ASK_AUDIT_EXPORT_H

#include "schemas/export/export.h"
#include "sql/ask/audit.h"

enum audit_format { AUDIT_NDJSON, AUDIT_CSV, AUDIT_OCSF, AUDIT_FORMATS };
USHER_MUST_CHECK bool audit_format_parse(const char *name, enum audit_format *out);
const char *audit_format_type(enum audit_format format); /* "application/x-ndjson" */

struct audit_export {
    /* in; texts live as long as the export */
    const char *workspace;
    struct audit_filter filter; /* tree 0: both, changes first */
    enum audit_format format;
    bool without_seats;
    /* inside */
    bool begun;
    int tree;
    int64_t next, ends[AUDIT_TREES];
    struct export_end end;
    char *notes[AUDIT_TREES];
};
/* Appends the next piece, which may be empty. *done: that was the last one. */
enum err_code audit_export_next(struct db *db, struct audit_export *e, struct jbuf *out, bool *done,
                                struct err *err);
void audit_export_clear(struct audit_export *e);

#endif
