/* What the commands share: finding a workspace or a credential by the command line's words, listing what a
 * workspace has, and revoking a credential. */
#ifndef USHER_CTL_FIND_H
#define USHER_CTL_FIND_H

#include "ops/ctl/ctl.h"

#include <jansson.h>

/* The workspace whose id or name is `given`; ERR_NOT_FOUND. From afar there is one, that of the token. */
enum err_code ctl_workspace_find(struct ctl *c, const char *given, struct ctl_workspace *out,
                                 struct err *err);
/* The one that --workspace names. From afar the flag may be missing. ERR_USAGE, ERR_NOT_FOUND. */
enum err_code ctl_workspace_flag(struct ctl *c, struct ctl_workspace *out, struct err *err);

/* How rows are shown. They are JSON objects, whether they come from PostgreSQL or from the admin API. */
struct ctl_list {
    const char *name; /* JSON: the member that has them */
    const char *none; /* text: printed where there are none, with its end of line */
    void (*put)(struct jbuf *b, const struct db_result *r, size_t row); /* of PostgreSQL, with jb_sep */
    void (*print)(struct jbuf *b, const json_t *row);                   /* as lines */
    const char *path; /* below /api/v1/admin; NULL: the list is not to be had from afar */
};
void ctl_show_items(struct ctl *c, const struct ctl_list *list, const json_t *rows);
/* Only the first, as {"<name>": …} where one object is due. */
void ctl_show_item(struct ctl *c, const struct ctl_list *list, const char *name, const json_t *row);
/* The rows as an array; a new reference. */
json_t *ctl_rows(const struct ctl_list *list, const struct db_result *r);
/* Shows the rows that the statement has for $1, the workspace that --workspace names; from afar what the
 * list's path has. ERR_USAGE, ERR_NOT_FOUND. */
enum err_code ctl_list_workspace(struct ctl *c, const struct ctl_list *list, enum statement rows,
                                 struct err *err);
/* A text of a row, or NULL; a number, or 0; any value as compact JSON in the buffer. */
const char *ctl_text(const json_t *row, const char *name);
int64_t ctl_number(const json_t *row, const char *name);
void ctl_put_json(struct jbuf *b, const json_t *row, const char *name);
/* The text, or what stands for none. */
const char *ctl_or(const char *text, const char *none);

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
