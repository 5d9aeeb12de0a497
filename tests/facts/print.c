/* Prints the facts that documents repeat, as one JSON object: settings, metrics, commands, audit actions,
 * errors, the version. facts.py holds the documents against it.
 *
 *     print                    the facts
 *     print PROGRAM FILE       reads FILE as the program's configuration; says what is wrong with it, and
 * ends with 1 */
#include "ingest/settings.h"
#include "ingest/stats.h"
#include "ops/broker/settings.h"
#include "ops/ctl/ctl_settings.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "ops/runtime/metrics.h"
#include "ops/runtime/process_metrics.h"
#include "ops/runtime/version.h"
#include "schemas/api/workspace_settings.h"
#include "schemas/stream/audit_action.h"
#include "schemas/stream/command_type.h"
#include "workers/livekit/settings.h"
#include "workers/livekit/stats.h"
#include "workers/settings.h"
#include "workers/sight.h"
#include "workers/stats.h"

#include <stdio.h>
#include <string.h>

static const struct config_spec *const programs[] = {&ingest_config, &worker_config, &livekit_config,
                                                     &ctl_config, &broker_config};
#define NPROGRAMS (sizeof programs / sizeof *programs)

static void put_setting(struct jbuf *b, const struct config_row *row) {
    static const char *const types[] = {
        [CONFIG_STR] = "text",     [CONFIG_INT] = "number", [CONFIG_BOOL] = "bool",
        [CONFIG_ADDRESS] = "text", [CONFIG_FILE] = "text",  [CONFIG_LEVEL] = "text"};
    jb_sep(b);
    jb_raw(b, "{");
    jb_kstr(b, "key", row->key);
    jb_kstr(b, "type", types[row->type]);
    jb_kstr(b, "default", row->def);
    jb_kint(b, "min", row->min);
    jb_kint(b, "max", row->max);
    jb_kstr(b, "help", row->help);
    jb_raw(b, "}");
}

static void put_settings(struct jbuf *b) {
    jb_key(b, "settings");
    jb_raw(b, "{");
    for (size_t i = 0; i < NPROGRAMS; i++) {
        jb_key(b, programs[i]->program);
        jb_raw(b, "[");
        for (const struct config_row *row = programs[i]->rows; row->key != NULL; row++)
            put_setting(b, row);
        jb_raw(b, "]");
    }
    jb_raw(b, "}");
}

/* One workspace, so that the labels of its series are seen. */
static void init_worker(void) {
    struct sight_workspace one = {.id = "", .name = ""};
    worker_stats_init();
    sight_show_seats(&(struct sight_seats){.fullest = &one, .n = 1});
}

/* As a scrape shows them. There is one registry: what a program has is what comes to it after those before
 * it. */
static void put_metrics(struct jbuf *b) {
    static const struct {
        const char *program;
        void (*init)(void);
    } registers[] = {
        {"usher-ingest", stats_init}, {"usher-worker", init_worker}, {"usher-livekit", livekit_stats_init}};
    struct jbuf before = {0}, now = {0};
    jb_key(b, "metrics");
    jb_raw(b, "{");
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        registers[i].init();
        jb_reset(&now);
        metrics_render(&now);
        if (strncmp(now.p, before.p != NULL ? before.p : "", before.n) != 0) {
            fprintf(stderr, "a metric of %s has a name of another program\n", registers[i].program);
            before.n = 0;
        }
        jb_kstr(b, registers[i].program, now.p + before.n);
        jb_reset(&before);
        jb_mem(&before, now.p, now.n);
    }
    jb_reset(&now);
    process_metrics_render(&now, true);
    jb_kstr(b, "Every program", now.p);
    jb_raw(b, "}");
    jb_free(&before);
    jb_free(&now);
}

static void put_commands(struct jbuf *b) {
    jb_key(b, "commands");
    jb_raw(b, "[");
    for (int t = 0; t < COMMAND_TYPE_COUNT; t++) {
        const struct command_row *row = command_row((enum command_type)t);
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "name", row->name);
        jb_kstr(b, "target", target_row(row->target)->words);
        jb_kbool(b, "resource", (row->carries & CARRY_RESOURCE) != 0);
        jb_kbool(b, "ops", (row->carries & CARRY_OPS) != 0);
        jb_kbool(b, "operations", (row->carries & CARRY_OPERATIONS) != 0);
        jb_kbool(b, "refusal", (row->carries & CARRY_REFUSAL) != 0);
        jb_kbool(b, "members", (row->carries & MAY_MEMBERS) != 0);
        jb_kbool(b, "cleared", (row->carries & MAY_CLEARED) != 0);
        jb_kbool(b, "resourceType", (row->carries & CARRY_TYPE) != 0);
        jb_kbool(b, "mayResourceType", (row->carries & (CARRY_TYPE | MAY_TYPE)) != 0);
        jb_kstr(b, "words", row->words);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

static void put_workspace_settings(struct jbuf *b) {
    jb_key(b, "workspaceSettings");
    jb_raw(b, "[");
    for (size_t i = 0; i < workspace_setting_count; i++) {
        jb_sep(b);
        jb_str(b, workspace_setting_table[i].name);
    }
    jb_raw(b, "]");
}

static void put_actions(struct jbuf *b) {
    jb_key(b, "actions");
    jb_raw(b, "[");
    for (int a = 0; a < ACTION_COUNT; a++) {
        const struct audit_action_row *row = audit_action_row((enum audit_action)a);
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "name", row->name);
        jb_kstr(b, "target", target_row(row->target)->words);
        jb_kstr(b, "subject", row->subject == TARGET_COMMAND ? NULL : target_row(row->subject)->words);
        jb_kstr(b, "words", row->words);
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

static void put_errors(struct jbuf *b) {
    static const char *const classes[] = {[ERR_CLASS_OK] = "OK",
                                          [ERR_CLASS_RETRY] = "RETRY",
                                          [ERR_CLASS_REJECT] = "REJECT",
                                          [ERR_CLASS_FATAL] = "FATAL"};
    jb_key(b, "errors");
    jb_raw(b, "[");
    for (int c = 0; c < ERR_COUNT; c++) {
        struct err err = {.code = (enum err_code)c};
        jb_sep(b);
        jb_raw(b, "{");
        jb_kstr(b, "name", err_name(err.code));
        jb_kstr(b, "class", classes[err_class(err.code)]);
        jb_kint(b, "status", err_http_status(err.code));
        jb_kstr(b, "scimType", err_scim_type(err.code));
        jb_kstr(b, "text", err_text(&err));
        jb_raw(b, "}");
    }
    jb_raw(b, "]");
}

static int check_config(const char *program, char *file) {
    char config[] = "--config";
    char *argv[] = {config, config, file, NULL};
    enum config_ask ask;
    struct err err = {0};
    for (size_t i = 0; i < NPROGRAMS; i++) {
        if (strcmp(programs[i]->program, program) != 0)
            continue;
        struct config *c = config_read(programs[i], 3, argv, &ask, &err);
        if (c == NULL)
            printf("%s\n", err_text(&err));
        config_free(c);
        return c == NULL;
    }
    printf("no such program: %s\n", program);
    return 1;
}

int main(int argc, char **argv) {
    struct jbuf b = {0};
    if (argc == 3)
        return check_config(argv[1], argv[2]);
    jb_raw(&b, "{");
    jb_kstr(&b, "version", usher_version);
    put_settings(&b);
    put_metrics(&b);
    put_commands(&b);
    put_workspace_settings(&b);
    put_actions(&b);
    put_errors(&b);
    jb_raw(&b, "}");
    puts(b.p);
    jb_free(&b);
    return 0;
}
