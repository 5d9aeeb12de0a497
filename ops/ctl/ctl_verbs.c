#include "ops/ctl/ctl_verbs.h"

#include "ops/ctl/ctl_help.h"
#include "ops/ctl/ctl_settings.h"
#include "schemas/api/workspace_settings.h"

#include <string.h>

static const struct {
    const char *name, *words;
} reaches[] = {
    [CTL_NEAR] = {"near", "It needs PostgreSQL, and for changes Kafka"},
    [CTL_FAR] = {"far", "It needs a login (usherctl login)"},
    [CTL_BOTH] = {"both", "It needs PostgreSQL and Kafka, or a login (usherctl login)"},
    [CTL_ANYWHERE] = {"anywhere", "It needs neither PostgreSQL nor a login"},
};

const char *ctl_reach_name(enum ctl_reach reach) {
    return reaches[reach].name;
}

const char *ctl_reach_words(enum ctl_reach reach) {
    return reaches[reach].words;
}

bool ctl_verb_has_settings(const struct ctl_verb *v) {
    return strstr(v->usage, "SETTINGS") != NULL;
}

/* Calls fn with each flag of the command. */
static void each_flag(const struct ctl_verb *v, void (*fn)(struct jbuf *out, const char *flag),
                      struct jbuf *out) {
    for (size_t i = 0; v->flags[i] != NULL; i++)
        fn(out, v->flags[i]);
    for (size_t i = 0; ctl_verb_has_settings(v) && i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL)
            fn(out, workspace_setting_table[i].flag);
}

/* ---- completion ---- */

/* Both shells run the same function: it prints what may follow the words that are there. What follows a flag
 * is its value; only flags with a list of values have something to say there. */
static const char head[] =
    "# Made by `usherctl completion`; not to be edited.\n"
    "_usherctl_next() {\n"
    "    local word noun='' name='' last=''\n"
    "    for word in \"$@\"; do\n"
    "        case $last in\n"
    "        --json|--yes|--far|--help|-h|-y|'') ;;\n"
    "        -*=*) ;;\n"
    "        -*) last='' && continue ;;\n"
    "        esac\n"
    "        last=''\n"
    "        case $word in\n"
    "        -*) last=$word ;;\n"
    "        *) if [ -z \"$noun\" ]; then noun=$word; elif [ -z \"$name\" ]; then name=$word; fi ;;\n"
    "        esac\n"
    "    done\n"
    "    _usherctl_values \"$last\" && return\n"
    "    _usherctl_of \"$noun${name:+ $name}\" || _usherctl_of \"$noun\" || return 0\n"
    "    [ -z \"$noun\" ] || echo \"$_usherctl_common\"\n"
    "}\n";

static const char bash_tail[] =
    "_usherctl() {\n"
    "    local IFS=$' \\t\\n'\n"
    "    COMPREPLY=($(compgen -W \"$(_usherctl_next \"${COMP_WORDS[@]:1:COMP_CWORD-1}\")\" -- "
    "\"${COMP_WORDS[COMP_CWORD]}\"))\n"
    "}\n"
    "complete -o default -F _usherctl usherctl\n";

static const char zsh_tail[] =
    "_usherctl() {\n"
    "    local -a found\n"
    "    found=(${=\"$(_usherctl_next \"${(@)words[2,CURRENT-1]}\")\"})\n"
    "    compadd -a found || _files\n"
    "}\n"
    "if [ \"${funcstack[1]}\" = _usherctl ]; then _usherctl \"$@\"; elif [ -n \"${functions[compdef]}\" ]; then "
    "compdef _usherctl usherctl; fi\n";

static void put_completed_flag(struct jbuf *out, const char *flag) {
    jb_printf(out, " --%s", flag);
}

/* The words that may follow a noun alone: the second words, and the flags where there is a command of the
 * noun alone. */
static void put_noun(struct jbuf *out, const struct ctl_verb *verbs, size_t n, const char *noun) {
    jb_printf(out, "    '%s') echo \"", noun);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(verbs[i].noun, noun) != 0)
            continue;
        if (verbs[i].name != NULL)
            jb_printf(out, " %s", verbs[i].name);
        else
            each_flag(&verbs[i], put_completed_flag, out);
    }
    jb_raw(out, "\" ;;\n");
}

static bool is_first_of_noun(const struct ctl_verb *verbs, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (strcmp(verbs[k].noun, verbs[i].noun) == 0)
            return false;
    return true;
}

static void put_commands(struct jbuf *out, const struct ctl_verb *verbs, size_t n) {
    jb_raw(out, "_usherctl_of() {\n    case $1 in\n    '') echo \"help");
    for (size_t i = 0; i < n; i++)
        if (is_first_of_noun(verbs, i))
            jb_printf(out, " %s", verbs[i].noun);
    jb_raw(out, "\" ;;\n");
    for (size_t i = 0; i < n; i++) {
        if (is_first_of_noun(verbs, i))
            put_noun(out, verbs, n, verbs[i].noun);
        if (verbs[i].name == NULL)
            continue;
        jb_printf(out, "    '%s %s') echo \"", verbs[i].noun, verbs[i].name);
        each_flag(&verbs[i], put_completed_flag, out);
        jb_raw(out, "\" ;;\n");
    }
    jb_raw(out, "    *) return 1 ;;\n    esac\n}\n");
}

/* Flags that have a list of values. True where the last word was a flag that waits for its value. */
static void put_values(struct jbuf *out) {
    jb_raw(out, "_usherctl_values() {\n    case $1 in\n"
                "    -o|--output) echo \"table json jsonl\" ;;\n"
                "    --log-level) echo \"debug info warn error\" ;;\n"
                "    --role) echo \"owner administrator\" ;;\n"
                "    --dialect) echo \"rfc entra okta\" ;;\n"
                "    --step) echo \"minute hour day\" ;;\n"
                "    --kind) echo \"changes requests\" ;;\n");
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *s = &workspace_setting_table[i];
        if (s->flag == NULL || (s->kind != SETTING_BOOL && s->kind != SETTING_CHOICE))
            continue;
        jb_printf(out, "    --%s) echo \"%s", s->flag, s->kind == SETTING_BOOL ? "true false" : "");
        for (size_t k = 0; s->kind == SETTING_CHOICE && s->choices[k] != NULL; k++)
            jb_printf(out, " %s", s->choices[k]);
        jb_raw(out, "\" ;;\n");
    }
    jb_raw(
        out,
        "    --json|--yes|--far|--help|-h|-y|'') return 1 ;;\n    -*=*) return 1 ;;\n    *) ;;\n    esac\n}\n");
}

enum err_code ctl_verbs_completion(struct jbuf *out, const struct ctl_verb *verbs, size_t n,
                                   const char *shell, struct err *err) {
    bool bash = strcmp(shell, "bash") == 0;
    if (!bash && strcmp(shell, "zsh") != 0)
        return err_set(err, ERR_USAGE, "\"%s\" is not bash or zsh", shell);
    if (!bash)
        jb_raw(out, "#compdef usherctl\n");
    jb_raw(out, head);
    put_commands(out, verbs, n);
    put_values(out);
    jb_raw(out, "_usherctl_common='-o --json --yes --far --help --config");
    for (const struct config_row *row = ctl_config.rows; row->key != NULL; row++)
        put_completed_flag(out, row->key);
    jb_raw(out, "'\n");
    jb_raw(out, bash ? bash_tail : zsh_tail);
    return ERR_OK;
}

/* ---- JSON ---- */

static void put_flag_name(struct jbuf *out, const char *flag) {
    jb_sep(out);
    jb_str(out, flag);
}

void ctl_verbs_json(struct jbuf *out, const struct ctl_verb *verbs, size_t n) {
    jb_raw(out, "{\"commands\":[");
    for (size_t i = 0; i < n; i++) {
        const struct ctl_words *w = ctl_words_of(verbs[i].noun, verbs[i].name);
        jb_sep(out);
        jb_raw(out, "{");
        jb_kstr(out, "noun", verbs[i].noun);
        jb_kstr(out, "name", verbs[i].name);
        jb_kstr(out, "usage", verbs[i].usage);
        jb_kstr(out, "words", w != NULL ? w->words : NULL);
        jb_kstr(out, "reach", ctl_reach_name(verbs[i].reach));
        jb_kbool(out, "asks", w != NULL && w->asks != CTL_ASKS_NOTHING);
        jb_kbool(out, "settings", ctl_verb_has_settings(&verbs[i]));
        jb_key(out, "flags");
        jb_raw(out, "[");
        each_flag(&verbs[i], put_flag_name, out);
        jb_raw(out, "]}");
    }
    jb_raw(out, "],\"settings\":[");
    for (size_t i = 0; i < workspace_setting_count; i++) {
        const struct workspace_setting *s = &workspace_setting_table[i];
        if (s->flag == NULL)
            continue;
        jb_sep(out);
        jb_raw(out, "{");
        jb_kstr(out, "flag", s->flag);
        jb_kstr(out, "words", s->description);
        jb_raw(out, "}");
    }
    jb_raw(out, "]}\n");
}
