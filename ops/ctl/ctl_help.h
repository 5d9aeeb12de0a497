/* The help of usherctl: what each command does, and whether it takes away what does not come back. */
#ifndef USHER_CTL_HELP_H
#define USHER_CTL_HELP_H

#include "ops/ctl/ctl_args.h"

#include <stdio.h>

/* Does a command ask before it begins? */
enum ctl_asks {
    CTL_ASKS_NOTHING,
    CTL_ASKS_PEOPLE, /* a terminal is asked; a script goes on, and so does --yes */
    CTL_ASKS_ALL,    /* a terminal is asked; a script needs --yes */
};

struct ctl_words {
    const char *command; /* "key revoke" */
    const char *words;   /* one sentence, without the full stop */
    enum ctl_asks asks;
};

/* NULL: it has none. name may be NULL. */
const struct ctl_words *ctl_words_of(const char *noun, const char *name);

/* The rows that begin the help of each command, and those that end it. */
void ctl_print_exit_codes(FILE *to);
void ctl_print_common_flags(FILE *to);
/* The settings of a workspace as flags. */
void ctl_print_workspace_settings(FILE *to);

/* Asks at the terminal, where that is due. ERR_CONFLICT: the answer was not yes. ERR_USAGE: --yes is needed.
 */
enum err_code ctl_ask_first(const struct ctl_words *w, const struct ctl_args *a, struct err *err);

#endif
