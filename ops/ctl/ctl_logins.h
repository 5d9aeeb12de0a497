/* Logins of usherctl: which token opens which installation. They stand in logins.json in the folder usher of
 * XDG_CONFIG_HOME (or ~/.config), which its owner alone may read:
 *
 *     {"current": "https://scim.example.com", "logins": {"https://scim.example.com": TOKEN}} */
#ifndef USHER_CTL_LOGINS_H
#define USHER_CTL_LOGINS_H

#include "ops/runtime/err.h"

/* url "": the newest login. *found and *token: the address and its token, new texts; both NULL where there is
 * no login. ERR_USAGE: the file is there, and cannot be used. */
enum err_code ctl_logins_find(const char *url, char **found, char **token, struct err *err);
/* ERR_USAGE: it cannot be kept. */
enum err_code ctl_logins_keep(const char *url, const char *token, struct err *err);
/* url "": the newest. *forgotten: the address, a new text, or NULL. ERR_NOT_FOUND. */
enum err_code ctl_logins_forget(const char *url, char **forgotten, struct err *err);

#endif
