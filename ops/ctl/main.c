/* usherctl: the operator's tool. */
#include "ops/ctl/ctl.h"
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_help.h"
#include "ops/ctl/ctl_settings.h"
#include "ops/ctl/ctl_verbs.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/lifecycle.h"
#include "ops/runtime/log.h"
#include "schemas/api/workspace_settings.h"
#include "sql/migrate.h"

#include <ctype.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* It tries once, and a busy PostgreSQL may take long to answer. */
#define CONNECT_S 20

static const char *const no_flags[] = {NULL};
static const char *const name_flag[] = {"name", NULL};
static const char *const key_create_flags[] = {"workspace", "name",     "scopes", "expires",
                                               "dialect",   "networks", "rate",   "jwks",
                                               "jwks-uri",  "dry-run",  NULL};
static const char *const key_set_flags[] = {"workspace", "jwks", "jwks-uri", "dry-run", NULL};
static const char *const key_rotate_flags[] = {"workspace", "overlap", NULL};
static const char *const owner_create_flags[] = {"workspace", "name", "role", "expires", NULL};
static const char *const portal_link_flags[] = {"workspace", "owner", "expires", NULL};
static const char *const delivery_create_flags[] = {"workspace", "name",  "endpoint", "events",
                                                    "signature", "state", NULL};
static const char *const sign_in_flags[] = {"workspace",   "issuer", "client-id",
                                            "secret-file", "people", NULL};
static const char *const delivery_set_flags[] = {"workspace", "name", "endpoint", "events", "state", NULL};
static const char *const delivery_rotate_flags[] = {"workspace", "overlap", NULL};
static const char *const delivery_replay_flags[] = {"workspace", "since", "after", "number", NULL};
static const char *const workspace_flag[] = {"workspace", NULL};
static const char *const backup_role_flags[] = {"name", "password-file", NULL};
static const char *const doctor_flags[] = {"settings", "ingest", "worker", "transaction-seconds", NULL};
static const char *const audit_check_flags[] = {"key", NULL};
static const char *const audit_resume_flags[] = {"tree", "why", NULL};
static const char *const audit_verify_flags[] = {"key", "checkpoint", NULL};
#define AUDIT_FILTER                                                                                         \
    "workspace", "kind", "from", "to", "actor", "action", "target", "subject", "txn", "status", "method",    \
        "path", "source", "limited"
static const char *const audit_search_flags[] = {AUDIT_FILTER, "limit", NULL};
static const char *const audit_export_flags[] = {AUDIT_FILTER, "format", "seats", NULL};
static const char *const activity_flags[] = {"workspace", "key", "step", "from", "to", NULL};
static const char *const audit_follow_flags[] = {AUDIT_FILTER, NULL};
#define AUDIT_WORDS                                                                                          \
    "--workspace W [--kind changes|requests] [--from TIME] [--to TIME]\n                          [--actor " \
    "ID] [--action A] [--target ID] [--subject ID] [--txn TXN] [--status 403|4xx]\n"                         \
    "                          [--method M] [--path P|P*] [--source ADDRESS] [--limited true]"

static enum err_code run_completion(struct ctl *c, struct err *err);

static const struct ctl_verb verbs[] = {
    {"migrate", "finish", 0, no_flags, ctl_migrate_finish, CTL_NEAR, "migrate finish"},
    {"migrate", NULL, 0, no_flags, ctl_migrate, CTL_NEAR, "migrate"},
    {"workspace", "create", 1, no_flags, ctl_workspace_create, CTL_NEAR, "workspace create NAME [SETTINGS]"},
    {"workspace", "set", 1, name_flag, ctl_workspace_set, CTL_BOTH,
     "workspace set W [--name NEW] [SETTINGS]"},
    {"workspace", "show", 1, no_flags, ctl_workspace_show, CTL_BOTH, "workspace show W"},
    {"workspace", "list", 0, no_flags, ctl_workspace_list, CTL_NEAR, "workspace list"},
    {"key", "create", 0, key_create_flags, ctl_key_create, CTL_BOTH,
     "key create --workspace W --name NAME --scopes all|a,b,… [--expires 30d|TIME] [--dialect "
     "rfc|entra|okta]\n                          [--networks any|CIDR,…] [--rate N|ipsie]\n                          [--jwks FILE|none] [--jwks-uri URL|none] [--dry-run yes|no]"},
    {"key", "set", 1, key_set_flags, ctl_key_set, CTL_BOTH,
     "key set KEY [--workspace W] [--jwks FILE|none] [--jwks-uri URL|none] [--dry-run yes|no]"},
    {"key", "rotate", 1, key_rotate_flags, ctl_key_rotate, CTL_BOTH,
     "key rotate KEY [--workspace W] [--overlap 24h|TIME]"},
    {"key", "list", 0, workspace_flag, ctl_key_list, CTL_BOTH, "key list --workspace W"},
    {"key", "revoke", 1, workspace_flag, ctl_key_revoke, CTL_BOTH, "key revoke KEY [--workspace W]"},
    {"owner", "create", 0, owner_create_flags, ctl_owner_create, CTL_BOTH,
     "owner create --workspace W --name NAME [--role owner|administrator] [--expires 30d|TIME]"},
    {"owner", "list", 0, workspace_flag, ctl_owner_list, CTL_BOTH, "owner list --workspace W"},
    {"owner", "revoke", 1, workspace_flag, ctl_owner_revoke, CTL_BOTH, "owner revoke OWNER [--workspace W]"},
    {"portal", "link", 0, portal_link_flags, ctl_portal_link, CTL_NEAR,
     "portal link --workspace W [--owner OWNER] [--expires 24h|TIME]"},
    {"sign-in", "show", 0, workspace_flag, ctl_sign_in_show, CTL_BOTH, "sign-in show --workspace W"},
    {"sign-in", "set", 0, sign_in_flags, ctl_sign_in_set, CTL_BOTH,
     "sign-in set --workspace W [--issuer URL] [--client-id ID] [--secret-file FILE|-|none]\n                          "
     "[--people none|ADDRESS=OWNER,sub:SUBJECT=OWNER,…]"},
    {"sign-in", "off", 0, workspace_flag, ctl_sign_in_off, CTL_BOTH, "sign-in off --workspace W"},
    {"guard", "list", 0, workspace_flag, ctl_guard_list, CTL_BOTH, "guard list --workspace W"},
    {"guard", "release", 1, workspace_flag, ctl_guard_release, CTL_BOTH, "guard release KEY [--workspace W]"},
    {"delivery", "create", 0, delivery_create_flags, ctl_delivery_create, CTL_BOTH,
     "delivery create --workspace W --name NAME --endpoint URL [--events all|TYPE,…]\n                          "
     "[--signature hmac|ed25519] [--state enabled|paused]"},
    {"delivery", "list", 0, workspace_flag, ctl_delivery_list, CTL_BOTH, "delivery list --workspace W"},
    {"delivery", "show", 1, workspace_flag, ctl_delivery_show, CTL_BOTH,
     "delivery show DELIVERY [--workspace W]"},
    {"delivery", "set", 1, delivery_set_flags, ctl_delivery_set, CTL_BOTH,
     "delivery set DELIVERY [--workspace W] [--name NAME] [--endpoint URL] [--events all|TYPE,…]\n                "
     "          [--state enabled|paused|disabled]"},
    {"delivery", "rotate", 1, delivery_rotate_flags, ctl_delivery_rotate, CTL_BOTH,
     "delivery rotate DELIVERY [--workspace W] [--overlap none|24h|TIME]"},
    {"delivery", "test", 1, workspace_flag, ctl_delivery_test, CTL_BOTH,
     "delivery test DELIVERY [--workspace W]"},
    {"delivery", "attempts", 1, workspace_flag, ctl_delivery_attempts, CTL_BOTH,
     "delivery attempts DELIVERY [--workspace W]"},
    {"delivery", "replay", 1, delivery_replay_flags, ctl_delivery_replay, CTL_BOTH,
     "delivery replay DELIVERY [--workspace W] --since 2h|TIME | --after N | --number N"},
    {"delivery", "revoke", 1, workspace_flag, ctl_delivery_revoke, CTL_BOTH,
     "delivery revoke DELIVERY [--workspace W]"},
    {"schema", "check", 1, no_flags, ctl_schema_check, CTL_ANYWHERE, "schema check DIR"},
    {"schema", "reindex", 1, no_flags, ctl_schema_reindex, CTL_NEAR, "schema reindex DIR"},
    {"audit", "search", 0, audit_search_flags, ctl_audit_search, CTL_BOTH,
     "audit search " AUDIT_WORDS " [--limit N]"},
    {"audit", "export", 0, audit_export_flags, ctl_audit_export, CTL_BOTH,
     "audit export, as search, [--format ndjson|csv|ocsf] [--seats false]"},
    {"audit", "follow", 0, audit_follow_flags, ctl_audit_follow, CTL_BOTH, "audit follow, as search"},
    {"audit", "verify", 1, audit_verify_flags, ctl_audit_verify, CTL_BOTH,
     "audit verify W|operator [--checkpoint FILE] [--key VKEY,…]"},
    {"audit", "prove", 1, workspace_flag, ctl_audit_prove, CTL_BOTH, "audit prove ID [--workspace W]"},
    {"audit", "check", 1, audit_check_flags, ctl_audit_check, CTL_ANYWHERE, "audit check FILE --key VKEY,…"},
    {"audit", "resume", 1, audit_resume_flags, ctl_audit_resume, CTL_NEAR,
     "audit resume W|operator --tree changes|requests --why TEXT"},
    {"stream", "verify", 0, workspace_flag, ctl_stream_verify, CTL_NEAR, "stream verify [--workspace W]"},
    {"backup", "role", 0, backup_role_flags, ctl_backup_role, CTL_NEAR,
     "backup role --password-file FILE|- [--name ROLE]"},
    {"backup", NULL, 1, no_flags, ctl_backup, CTL_NEAR, "backup FILE"},
    {"restore", NULL, 0, no_flags, ctl_restore, CTL_NEAR, "restore"},
    {"rooms", "rebuild", 0, no_flags, ctl_rooms_rebuild, CTL_NEAR, "rooms rebuild"},
    {"why", NULL, 2, workspace_flag, ctl_why, CTL_BOTH, "why ROOM USER --workspace W"},
    {"activity", NULL, 0, activity_flags, ctl_activity, CTL_FAR,
     "activity [--key ID] [--step minute|hour|day] [--from TIME] [--to TIME]"},
    {"status", NULL, 0, no_flags, ctl_status, CTL_BOTH, "status"},
    {"doctor", NULL, 0, doctor_flags, ctl_doctor, CTL_NEAR,
     "doctor [--settings FILE,…] [--ingest PRINCIPAL] [--worker PRINCIPAL]\n                          [--transaction-seconds N]"},
    {"ready", NULL, 0, no_flags, ctl_ready, CTL_ANYWHERE, "ready [--url URL]"},
    {"login", NULL, 1, no_flags, ctl_login, CTL_ANYWHERE, "login URL"},
    {"logout", NULL, 0, no_flags, ctl_logout, CTL_ANYWHERE, "logout [--url URL]"},
    {"explain", NULL, 1, no_flags, ctl_explain, CTL_ANYWHERE, "explain CODE|STATUS"},
    {"completion", NULL, 1, no_flags, run_completion, CTL_ANYWHERE, "completion bash|zsh"},
};
#define NVERBS (sizeof verbs / sizeof verbs[0])

static enum err_code run_completion(struct ctl *c, struct err *err) {
    return ctl_verbs_completion(&c->out, verbs, NVERBS, c->args->words[1], err);
}

/* Is there a command of these two words? */
static bool has_second(const char *noun, const char *name) {
    for (size_t i = 0; i < NVERBS; i++)
        if (strcmp(verbs[i].noun, noun) == 0 && verbs[i].name != NULL && strcmp(verbs[i].name, name) == 0)
            return true;
    return false;
}

static void print_usage(FILE *to) {
    fputs("usherctl: workspaces, keys and state of an usher installation\n\n", to);
    for (size_t i = 0; i < NVERBS; i++)
        fprintf(to, "  usherctl %s%s\n", verbs[i].usage,
                verbs[i].reach == CTL_BOTH || verbs[i].reach == CTL_FAR ? "  *" : "");
    fputs(
        "  usherctl help [COMMAND]\n"
        "\n* also from afar: over the admin API, after usherctl login, where no PostgreSQL is configured. There\n"
        "  --workspace may be left out.\n",
        to);
    ctl_print_workspace_settings(to);
    fputs("\nW, KEY, OWNER and DELIVERY are an id or a name.\n", to);
    ctl_print_common_flags(to);
    ctl_print_exit_codes(to);
}

/* The commands that the words begin with: "key", "key create". */
static size_t print_help_of(FILE *to, const char *noun, const char *name) {
    size_t found = 0;
    bool settings = false;
    for (size_t i = 0; i < NVERBS; i++) {
        const struct ctl_verb *v = &verbs[i];
        if (strcmp(v->noun, noun) != 0 || (name != NULL && v->name != NULL && strcmp(v->name, name) != 0) ||
            (name != NULL && v->name == NULL && has_second(noun, name)))
            continue;
        const struct ctl_words *w = ctl_words_of(v->noun, v->name);
        fprintf(to, "%susherctl %s\n", found++ > 0 ? "\n" : "", v->usage);
        if (w != NULL)
            fprintf(to, "    %c%s%s.\n    %s.\n", toupper((unsigned char)w->words[0]), w->words + 1,
                    w->asks != CTL_ASKS_NOTHING ? ". It asks first" : "", ctl_reach_words(v->reach));
        settings |= ctl_verb_has_settings(v);
    }
    if (settings)
        ctl_print_workspace_settings(to);
    if (found > 0)
        ctl_print_common_flags(to);
    return found;
}

static int help_of(const struct ctl_args *a, size_t from) {
    const char *noun = a->words[from], *name = a->nwords > from + 1 ? a->words[from + 1] : NULL;
    if (print_help_of(stdout, noun, name) > 0)
        return 0;
    fprintf(stderr, "usherctl: there is no command \"%s%s%s\"; see usherctl help\n", noun,
            name != NULL ? " " : "", name != NULL ? name : "");
    return 2;
}

static const struct ctl_verb *find_verb(const struct ctl_args *a, size_t *used) {
    for (size_t i = 0; i < NVERBS; i++) {
        *used = verbs[i].name != NULL ? 2 : 1;
        if (a->nwords >= *used && strcmp(a->words[0], verbs[i].noun) == 0 &&
            (verbs[i].name == NULL || strcmp(a->words[1], verbs[i].name) == 0))
            return &verbs[i];
    }
    return NULL;
}

/* The flags that the verb knows. */
static enum err_code check_flags(const struct ctl_verb *verb, const struct ctl_args *a, struct err *err) {
    const char *allowed[CTL_FLAGS_MAX + 1] = {NULL};
    size_t n = 0;
    for (; verb->flags[n] != NULL; n++)
        allowed[n] = verb->flags[n];
    for (size_t i = 0; ctl_verb_has_settings(verb) && i < workspace_setting_count; i++)
        if (workspace_setting_table[i].flag != NULL && n < CTL_FLAGS_MAX)
            allowed[n++] = workspace_setting_table[i].flag;
    return ctl_args_check(a, allowed, err);
}

/* The command that the words name, its words and flags checked. */
static enum err_code choose_verb(const struct ctl_args *a, const struct ctl_verb **verb, struct err *err) {
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

/* As ctl_print_exit_codes tells. */
enum { DONE = 0, REFUSED = 1, WRONG_USAGE = 2, NOT_REACHED = 3 };

static int exit_code(enum err_code code) {
    switch (code) {
    case ERR_OK:
        return DONE;
    case ERR_USAGE:
    case ERR_CONFIG:
        return WRONG_USAGE;
    case ERR_DB_LOST:
    case ERR_KAFKA:
    case ERR_DEADLINE:
    case ERR_OUTCOME_UNKNOWN:
    case ERR_LOST:
        return NOT_REACHED;
    default:
        return REFUSED;
    }
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
    return exit_code(err->code);
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

/* One object a line: the items of the list that the result is, or the result itself. */
static bool print_lines(const char *text) {
    json_t *result = json_loads(text, 0, NULL), *list = NULL, *item;
    const char *name;
    size_t i;
    bool good = true;
    json_object_foreach(result, name, item) list =
        json_is_array(item) && json_object_size(result) == 1 ? item : list;
    if (list == NULL)
        good = json_dumpf(result, stdout, JSON_COMPACT) == 0 && putchar('\n') != EOF;
    json_array_foreach(list, i, item) good =
        good && json_dumpf(item, stdout, JSON_COMPACT | JSON_ENCODE_ANY) == 0 && putchar('\n') != EOF;
    json_decref(result);
    return good;
}

static bool print_result(const struct ctl *c) {
    bool good = true;
    if (c->out.n > 0)
        good = c->args->output == CTL_JSONL ? print_lines(c->out.p) : fputs(c->out.p, stdout) >= 0;
    return fflush(stdout) == 0 && good;
}

/* Near or far: as the command can, and as is configured. */
static enum err_code choose_reach(struct ctl *c, const struct ctl_verb *verb, struct err *err) {
    bool can_far = verb->reach == CTL_BOTH || verb->reach == CTL_FAR;
    if (verb->reach == CTL_ANYWHERE)
        return ERR_OK;
    if (ctl_far_open(c->config, c->args, verb->reach == CTL_FAR, &c->far, err) != ERR_OK)
        return err->code;
    if (can_far || c->far == NULL)
        return ERR_OK;
    (void)err_set(err, ERR_USAGE,
                  "usherctl %s%s%s needs PostgreSQL (--pg or USHER_PG); it cannot be done at %s", verb->noun,
                  verb->name != NULL ? " " : "", verb->name != NULL ? verb->name : "", c->far->server.url);
    return err->code;
}

static int run_verb(const struct ctl_verb *verb, const struct ctl_args *a, const struct config *config) {
    struct ctl c = {.config = config, .args = a, .json = a->json};
    struct err err = {0};
    enum err_code code = choose_reach(&c, verb, &err);
    if (code == ERR_OK)
        code = ctl_ask_first(ctl_words_of(verb->noun, verb->name), a, &err);
    c.db = db_new(config_str(config, "pg"), "usherctl", "");
    db_connect_within(c.db, CONNECT_S);
    db_say_why(c.db);
    if (code == ERR_OK)
        code = verb->run(&c, &err);
    if (!print_result(&c))
        code = err_set(&err, ERR_INTERNAL, "cannot write to stdout");
    int status = code == ERR_OK ? DONE : report_failure(a->json, &err);
    jb_free(&c.out);
    db_free(c.db);
    ctl_far_close(c.far);
    return status;
}

/* `usherctl help --json`, out of which manuals are made. */
static void print_table(void) {
    struct jbuf b = {0};
    ctl_verbs_json(&b, verbs, NVERBS);
    fputs(b.p, stdout);
    jb_free(&b);
}

/* `usherctl help [COMMAND]`, and --help behind a command. --help alone shows the settings too. */
static bool wants_help(const struct ctl_args *a, int *status) {
    bool asked = a->nwords > 0 && strcmp(a->words[0], "help") == 0;
    size_t from = asked ? 1 : 0;
    if (!asked && (!a->help || a->nwords == 0))
        return false;
    *status = DONE;
    if (a->nwords > from)
        *status = help_of(a, from);
    else if (a->json)
        print_table();
    else
        print_usage(stdout);
    return true;
}

/* A daemon ends in order; a tool ends where it is. Each of its commands may be broken off and given again. */
static void let_be_interrupted(void) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

int main(int argc, char **argv) {
    static char help[] = "--help"; /* the settings table prints itself and exits */
    struct ctl_args args;
    struct err err = {0};
    const struct ctl_verb *verb = NULL;
    int status;

    lifecycle_init();
    let_be_interrupted();
    enum err_code code = ctl_args_split(argc, argv, ctl_config.rows, &args, &err);
    if (wants_help(&args, &status)) {
        free(args.settings);
        return status;
    }
    if (args.help) {
        print_usage(stdout);
        fputs("\nSettings:\n", stdout);
        fflush(stdout);
        args.settings[args.nsettings++] = help;
    }
    struct config *config = config_load(&ctl_config, args.nsettings, args.settings);
    log_init("usherctl", config_str(config, "log-level"));
    failpoint_init();
    if (code == ERR_OK)
        code = choose_verb(&args, &verb, &err);
    status = code == ERR_OK ? run_verb(verb, &args, config) : report_failure(args.json, &err);
    config_free(config);
    free(args.settings);
    return status;
}
