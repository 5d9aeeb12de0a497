/* usherctl: the operator's tool. */
#include "ops/ctl/ctl.h"
#include "ops/ctl/ctl_settings.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "schemas/api/workspace_settings.h"
#include "sql/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It tries once, and a busy PostgreSQL may take long to answer. */
#define CONNECT_S 20

static const char *const no_flags[] = {NULL};
static const char *const name_flag[] = {"name", NULL};
static const char *const key_create_flags[] = {"workspace", "name", "scopes", "expires",  "dialect",
                                               "networks",  "rate", "jwks",   "jwks-uri", NULL};
static const char *const key_set_flags[] = {"workspace", "jwks", "jwks-uri", NULL};
static const char *const key_rotate_flags[] = {"workspace", "overlap", NULL};
static const char *const owner_create_flags[] = {"workspace", "name", "role", "expires", NULL};
static const char *const workspace_flag[] = {"workspace", NULL};
static const char *const audit_check_flags[] = {"key", NULL};
static const char *const audit_verify_flags[] = {"key", "checkpoint", NULL};
#define AUDIT_FILTER                                                                                         \
    "workspace", "kind", "from", "to", "actor", "action", "target", "subject", "txn", "status", "method",    \
        "path", "source", "limited"
static const char *const audit_search_flags[] = {AUDIT_FILTER, "limit", NULL};
static const char *const audit_export_flags[] = {AUDIT_FILTER, "format", "seats", NULL};
static const char *const audit_follow_flags[] = {AUDIT_FILTER, NULL};
#define AUDIT_WORDS                                                                                          \
    "--workspace W [--kind changes|requests] [--from TIME] [--to TIME]\n                          [--actor " \
    "ID] [--action A] [--target ID] [--subject ID] [--txn TXN] [--status 403|4xx]\n"                         \
    "                          [--method M] [--path P|P*] [--source ADDRESS] [--limited true]"

static const struct verb {
    const char *noun, *name; /* name NULL: the noun alone */
    size_t operands;
    const char *const *flags; /* the settings of a workspace besides, where the usage has SETTINGS */
    enum err_code (*run)(struct ctl *c, struct err *err);
    const char *usage;
} verbs[] = {
    {"migrate", "finish", 0, no_flags, ctl_migrate_finish, "migrate finish"},
    {"migrate", NULL, 0, no_flags, ctl_migrate, "migrate"},
    {"workspace", "create", 1, no_flags, ctl_workspace_create, "workspace create NAME [SETTINGS]"},
    {"workspace", "set", 1, name_flag, ctl_workspace_set, "workspace set W [--name NEW] [SETTINGS]"},
    {"workspace", "list", 0, no_flags, ctl_workspace_list, "workspace list"},
    {"key", "create", 0, key_create_flags, ctl_key_create,
     "key create --workspace W --name NAME --scopes all|a,b,… [--expires 30d|TIME] [--dialect "
     "rfc|entra|okta]\n                          [--networks any|CIDR,…] [--rate N|ipsie]\n                          [--jwks FILE|none] [--jwks-uri URL|none]"},
    {"key", "set", 1, key_set_flags, ctl_key_set,
     "key set KEY [--workspace W] [--jwks FILE|none] [--jwks-uri URL|none]"},
    {"key", "rotate", 1, key_rotate_flags, ctl_key_rotate,
     "key rotate KEY [--workspace W] [--overlap 24h|TIME]"},
    {"key", "list", 0, workspace_flag, ctl_key_list, "key list --workspace W"},
    {"key", "revoke", 1, workspace_flag, ctl_key_revoke, "key revoke KEY [--workspace W]"},
    {"owner", "create", 0, owner_create_flags, ctl_owner_create,
     "owner create --workspace W --name NAME [--role owner|administrator] [--expires 30d|TIME]"},
    {"owner", "list", 0, workspace_flag, ctl_owner_list, "owner list --workspace W"},
    {"owner", "revoke", 1, workspace_flag, ctl_owner_revoke, "owner revoke OWNER [--workspace W]"},
    {"guard", "list", 0, workspace_flag, ctl_guard_list, "guard list --workspace W"},
    {"guard", "release", 1, workspace_flag, ctl_guard_release, "guard release KEY [--workspace W]"},
    {"schema", "check", 1, no_flags, ctl_schema_check, "schema check DIR"},
    {"schema", "reindex", 1, no_flags, ctl_schema_reindex, "schema reindex DIR"},
    {"audit", "search", 0, audit_search_flags, ctl_audit_search, "audit search " AUDIT_WORDS " [--limit N]"},
    {"audit", "export", 0, audit_export_flags, ctl_audit_export,
     "audit export, as search, [--format ndjson|csv|ocsf] [--seats false]"},
    {"audit", "follow", 0, audit_follow_flags, ctl_audit_follow, "audit follow, as search"},
    {"audit", "verify", 1, audit_verify_flags, ctl_audit_verify,
     "audit verify W [--checkpoint FILE] [--key VKEY,…]"},
    {"audit", "prove", 1, workspace_flag, ctl_audit_prove, "audit prove ID [--workspace W]"},
    {"audit", "check", 1, audit_check_flags, ctl_audit_check, "audit check FILE --key VKEY,…"},
    {"why", NULL, 2, workspace_flag, ctl_why, "why ROOM USER --workspace W"},
    {"status", NULL, 0, no_flags, ctl_status, "status"},
};
#define NVERBS (sizeof verbs / sizeof verbs[0])

static void print_setting(FILE *to, const struct workspace_setting *s) {
    fprintf(to, "  --%s ", s->flag);
    if (s->kind == SETTING_BOOL)
        fputs("true|false", to);
    for (size_t i = 0; s->kind == SETTING_CHOICE && s->choices[i] != NULL; i++)
        fprintf(to, "%s%s", i > 0 ? "|" : "", s->choices[i]);
    if (s->kind == SETTING_COUNT)
        fputs(s->nullable ? "N|none" : strcmp(s->flag, "rate") == 0 ? "N|ipsie" : "N", to);
    fprintf(to, "  %s\n", s->description);
}

static void print_usage(FILE *to) {
    fputs("usherctl: workspaces, keys and state of an usher installation\n\n", to);
    for (size_t i = 0; i < NVERBS; i++)
        fprintf(to, "  usherctl %s\n", verbs[i].usage);
    fputs("\nSETTINGS of a workspace:\n", to);
    for (size_t i = 0; i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL)
            print_setting(to, &workspace_setting_table[i]);
    fputs("\nW, KEY and OWNER are an id or a name. --json anywhere: one JSON object instead of text.\n", to);
}

static const struct verb *find_verb(const struct ctl_args *a, size_t *used) {
    for (size_t i = 0; i < NVERBS; i++) {
        *used = verbs[i].name != NULL ? 2 : 1;
        if (a->nwords >= *used && strcmp(a->words[0], verbs[i].noun) == 0 &&
            (verbs[i].name == NULL || strcmp(a->words[1], verbs[i].name) == 0))
            return &verbs[i];
    }
    return NULL;
}

/* The flags that the verb knows. */
static enum err_code check_flags(const struct verb *verb, const struct ctl_args *a, struct err *err) {
    const char *allowed[CTL_FLAGS_MAX + 1] = {NULL};
    size_t n = 0;
    for (; verb->flags[n] != NULL; n++)
        allowed[n] = verb->flags[n];
    for (size_t i = 0; strstr(verb->usage, "SETTINGS") != NULL && i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL && n < CTL_FLAGS_MAX)
            allowed[n++] = workspace_setting_table[i].flag;
    return ctl_args_check(a, allowed, err);
}

/* The command that the words name, its words and flags checked. */
static enum err_code choose_verb(const struct ctl_args *a, const struct verb **verb, struct err *err) {
    size_t used;
    *verb = find_verb(a, &used);
    if (*verb == NULL && a->nwords == 0)
        return err_set(err, ERR_USAGE, "give a command; see usherctl --help");
    if (*verb == NULL)
        return err_set(err, ERR_USAGE, "\"%s%s%s\" is not a command; see usherctl --help", a->words[0],
                       a->nwords > 1 ? " " : "", a->nwords > 1 ? a->words[1] : "");
    enum err_code code = check_flags(*verb, a, err);
    if (code == ERR_OK && a->nwords != used + (*verb)->operands)
        code = err_set(err, ERR_USAGE, "usage: usherctl %s", (*verb)->usage);
    return code;
}

static int report_failure(bool json, const struct err *err) {
    if (json) {
        struct jbuf b = {0};
        jb_raw(&b, "{\"error\":{");
        jb_kstr(&b, "code", err_name(err->code));
        jb_kstr(&b, "message", err_text(err));
        jb_raw(&b, "}}\n");
        fputs(b.p, stderr);
        jb_free(&b);
    } else {
        fprintf(stderr, "usherctl: %s\n", err_text(err));
    }
    return err->code == ERR_USAGE ? 2 : 1;
}

static enum err_code migrate(struct ctl *c, bool finish, struct err *err) {
    struct schema_state state;
    int applied;
    if (migrate_run(c->db, finish, &applied, err) != ERR_OK || migrate_state(c->db, &state, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_printf(&c->out, "{\"migrations\":{\"applied\":%d,\"at\":%d,\"finished\":%s}}\n", applied,
                  state.applied, state.finished ? "true" : "false");
    else
        jb_printf(&c->out, "%d applied, the database is at %04d%s\n", applied, state.applied,
                  state.finished ? ""
                                 : "; usherctl migrate finish, once no program of a version before runs");
    return ERR_OK;
}

enum err_code ctl_migrate(struct ctl *c, struct err *err) {
    return migrate(c, false, err);
}

enum err_code ctl_migrate_finish(struct ctl *c, struct err *err) {
    return migrate(c, true, err);
}

static int run_verb(const struct verb *verb, const struct ctl_args *a, const struct config *config) {
    struct ctl c = {.config = config, .args = a, .json = a->json};
    struct err err = {0};
    c.db = db_new(config_str(config, "pg"), "usherctl", "");
    db_connect_within(c.db, CONNECT_S);
    enum err_code code = verb->run(&c, &err);
    if (c.out.n > 0 && fputs(c.out.p, stdout) < 0)
        code = err_set(&err, ERR_INTERNAL, "cannot write to stdout");
    fflush(stdout);
    int status = code == ERR_OK ? 0 : report_failure(a->json, &err);
    jb_free(&c.out);
    db_free(c.db);
    return status;
}

int main(int argc, char **argv) {
    static char help[] = "--help"; /* the settings table prints itself and exits */
    struct ctl_args args;
    struct err err = {0};
    const struct verb *verb = NULL;
    char **rest;
    int nrest, status;

    lifecycle_init();
    enum err_code code = ctl_args_split(argc, argv, ctl_config.rows, &args, &err);
    if (args.help) {
        print_usage(stdout);
        fputs("\nSettings:\n", stdout);
        fflush(stdout);
        args.settings[args.nsettings++] = help;
    }
    struct config *config = config_load(&ctl_config, args.nsettings, args.settings, &rest, &nrest);
    log_init("usherctl", config_str(config, "log-level"));
    if (code == ERR_OK)
        code = choose_verb(&args, &verb, &err);
    status = code == ERR_OK ? run_verb(verb, &args, config) : report_failure(args.json, &err);
    config_free(config);
    free(args.settings);
    return status;
}
