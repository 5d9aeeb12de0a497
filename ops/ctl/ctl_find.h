/* What the commands share: finding a workspace or a credential by the command line's words, listing what a
 * workspace has, and revoking a credential. */
#ifndef USHER_CTL_FIND_H
#define USHER_CTL_FIND_H

#include "ops/ctl/ctl.h"

struct ctl_workspace {
    struct uuid id;
    char name[128];
};
/* The workspace whose id or name is `given`; ERR_NOT_FOUND. */
enum err_code ctl_workspace_find(struct ctl *c, const char *given, struct ctl_workspace *out,
                                 struct err *err);

/* How rows are shown. */
struct ctl_list {
    const char *name; /* JSON: the member that has them */
    const char *none; /* text: printed where there are none, with its end of line */
    void (*put)(struct jbuf *b, const struct db_result *r, size_t row);   /* as a JSON object, with jb_sep */
    void (*print)(struct jbuf *b, const struct db_result *r, size_t row); /* as lines */
};
void ctl_show_rows(struct ctl *c, const struct ctl_list *list, const struct db_result *r);
/* The rows that the statement has for $1, the workspace that --workspace names. ERR_USAGE, ERR_NOT_FOUND. */
enum err_code ctl_list_workspace(struct ctl *c, const struct ctl_list *list, enum statement rows,
                                 struct err *err);

enum ctl_credential_kind { CTL_KEY, CTL_OWNER };
struct ctl_credential {
    struct uuid workspace, id;
    char name[128];
};
/* The credential that the operand of the command line names, within --workspace if that is given: by id, or
 * by name. Of several with that name the one that is not revoked. ERR_NOT_FOUND, ERR_CONFLICT. */
enum err_code ctl_credential_named(struct ctl *c, enum ctl_credential_kind kind, struct ctl_credential *out,
                                   struct err *err);
/* The one with this id or name in the workspace. */
enum err_code ctl_credential_find(struct ctl *c, enum ctl_credential_kind kind, const char *given,
                                  const struct ctl_workspace *w, struct ctl_credential *out, struct err *err);
/* Finds the credential as above and revokes it: in PostgreSQL first, so that no log is needed; then through
 * the log, for the order and the audit. If the log does not take the command, stderr says so, and that is no
 * error. With --json the answer is written here, otherwise by the caller. ERR_CONFLICT for the last owner of
 * a workspace. */
enum err_code ctl_credential_revoke(struct ctl *c, enum ctl_credential_kind kind, struct ctl_credential *out,
                                    struct err *err);

#endif
