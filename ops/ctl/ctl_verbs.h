/* The table of usherctl's commands, and what is made of it: completion for shells, and JSON for those who
 * make manuals. main.c has the rows. */
#ifndef USHER_CTL_VERBS_H
#define USHER_CTL_VERBS_H

#include "ops/ctl/ctl.h"

/* What a command needs. */
enum ctl_reach {
    CTL_NEAR, /* PostgreSQL, and often Kafka */
    CTL_FAR,  /* the admin API, with a login */
    CTL_BOTH, /* one of the two */
    CTL_ANYWHERE,
};

struct ctl_verb {
    const char *noun, *name; /* name NULL: the noun alone */
    size_t operands;
    const char *const *flags; /* the settings of a workspace besides, where the usage has SETTINGS */
    enum err_code (*run)(struct ctl *c, struct err *err);
    enum ctl_reach reach;
    const char *usage;
};

/* "near", "far", "both" or "anywhere"; and the same as a sentence. */
const char *ctl_reach_name(enum ctl_reach reach);
const char *ctl_reach_words(enum ctl_reach reach);

/* Does the command take the settings of a workspace as flags? */
bool ctl_verb_has_settings(const struct ctl_verb *v);

/* Appends a script that completes usherctl's commands and flags. ERR_USAGE: shell is neither bash nor zsh. */
enum err_code ctl_verbs_completion(struct jbuf *out, const struct ctl_verb *verbs, size_t n,
                                   const char *shell, struct err *err);
/* Appends {"commands":[…],"settings":[…]}: usage, words and flags of each, and what SETTINGS stands for. */
void ctl_verbs_json(struct jbuf *out, const struct ctl_verb *verbs, size_t n);

#endif
