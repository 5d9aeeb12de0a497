/* What the commands about the audit share. */
#ifndef USHER_CTL_AUDIT_H
#define USHER_CTL_AUDIT_H

#include "ops/ctl/ctl_find.h"
#include "schemas/proof/note.h"
#include "sql/ask/audit.h"

#include <jansson.h>

#define CTL_AUDIT_KEYS 16

struct ctl_audit_keys {
    struct note_key keys[CTL_AUDIT_KEYS];
    size_t n;
    bool given; /* on the command line, and not found in the database */
};
/* Keys as --key has them: NAME+ID+BASE64, several with commas between. */
enum err_code ctl_audit_keys(const char *text, struct ctl_audit_keys *out, struct err *err);

/* A file, or standard input for "-"; to be freed. At most `most` bytes. */
enum err_code ctl_audit_read(const char *file, size_t most, char **text, size_t *n, struct err *err);
/* The workspace that --workspace names. */
enum err_code ctl_audit_workspace(struct ctl *c, struct ctl_workspace *w, struct err *err);
/* The workspace that is given; "operator": the nil workspace, whose trees have requests of unknown
 * credentials. */
enum err_code ctl_audit_whose(struct ctl *c, const char *given, struct ctl_workspace *w, struct err *err);
/* What a search, an export and following begin with: the workspace, and the flags that pick records. */
enum err_code ctl_audit_open(struct ctl *c, struct ctl_workspace *w, struct arena *a, struct audit_filter *f,
                             struct err *err);
/* A path of the admin API with these flags, and with those of an export. */
void ctl_audit_path(const struct ctl *c, const char *path, struct jbuf *out);
/* A record as one line for people. */
void ctl_audit_print(struct jbuf *b, bool is_change, const json_t *r);
void ctl_audit_print_record(struct jbuf *b, const struct audit_record *row);
/* The flags that are members of a filter. */
enum err_code ctl_audit_filter(struct ctl *c, struct arena *a, struct audit_filter *f, struct err *err);

#endif
