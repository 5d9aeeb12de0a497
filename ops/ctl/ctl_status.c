/* usherctl status: whether everything is there, and whether the workers keep up. */
#include "ops/ctl/ctl_far.h"
#include "ops/ctl/ctl_find.h"
#include "schemas/text/jsonx.h"

#include "sql/ask/slots.h"
#include "sql/migrate.h"

#include <stdio.h>

/* Where an ingest listens, unless its settings say otherwise. */
#define READY_URL "http://127.0.0.1:8080"

static void put_state(struct ctl *c, bool reachable, const struct schema_state *state,
                      const struct err *why) {
    if (c->json) {
        jb_key(&c->out, "postgres");
        jb_raw(&c->out, "{");
        jb_kbool(&c->out, "reachable", reachable);
        jb_kbool(&c->out, "migrated", reachable && schema_is_current(state));
        jb_kint(&c->out, "at", state->applied);
        jb_kint(&c->out, "newest", state->known);
        jb_kstr(&c->out, "error", reachable ? NULL : err_text(why));
        jb_raw(&c->out, "}");
    } else if (!reachable) {
        jb_printf(&c->out, "PostgreSQL  NOT reachable: %s\n", err_text(why));
    } else {
        jb_printf(&c->out, "PostgreSQL  reachable, schema at %04d%s\n", state->applied,
                  schema_is_current(state)         ? ", the newest"
                  : state->applied > state->known  ? " and NEWER than this usherctl"
                  : state->applied == state->known ? " with OTHER functions: run usherctl migrate"
                                                   : " and NOT the newest: run usherctl migrate");
    }
}

/* Counts that only a migrated database can answer. */
static enum err_code put_counts(struct ctl *c, struct err *err) {
    char lock_class[16];
    snprintf(lock_class, sizeof lock_class, "%d", SLOTS_WORKERS);
    const char *params[] = {lock_class};
    struct db_result *r;
    if (db_run(c->db, SQL_CTL_STATUS_COUNTS, params, &r, err) != ERR_OK)
        return err->code;
    if (c->json) {
        jb_kint(&c->out, "workspaces", db_int(r, 0, 0));
        jb_key(&c->out, "workers");
        jb_raw(&c->out, "{");
        jb_kint(&c->out, "running", db_int(r, 0, 1));
        jb_kint(&c->out, "deadSlots", db_int(r, 0, 2));
        jb_raw(&c->out, "}");
    } else {
        jb_printf(&c->out, "workspaces  %s\nworkers     %s running, %s dead and not cleared up\n",
                  db_text(r, 0, 0), db_text(r, 0, 1), db_text(r, 0, 2));
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

/* Where the log had lost commands, and how many of them were told as failed. Nothing where there is none. */
static enum err_code put_gaps(struct ctl *c, struct err *err) {
    struct db_result *r;
    if (db_run(c->db, SQL_CTL_STATUS_GAPS, NULL, &r, err) != ERR_OK)
        return err->code;
    if (c->json) {
        jb_key(&c->out, "gaps");
        jb_raw(&c->out, "[");
    }
    for (size_t i = 0; i < db_rows(r); i++) {
        if (c->json) {
            jb_sep(&c->out);
            jb_raw(&c->out, "{");
            jb_kint(&c->out, "partition", db_int(r, i, 0));
            jb_kstr(&c->out, "found", db_text(r, i, 1));
            jb_kint(&c->out, "lost", db_int(r, i, 2));
            jb_kbool(&c->out, "settled", db_bool(r, i, 3));
            jb_raw(&c->out, "}");
        } else {
            jb_printf(&c->out, "gap         partition %s, %s: %s accepted requests told as failed%s\n",
                      db_text(r, i, 0), db_text(r, i, 1), db_text(r, i, 2),
                      db_bool(r, i, 3) ? "" : " so far");
        }
    }
    if (c->json)
        jb_raw(&c->out, "]");
    db_results_free(&r, 1);
    return ERR_OK;
}

static void put_far(struct ctl *c, const struct ctl_exchange *x, bool ready, const json_t *seats) {
    if (c->json) {
        jb_raw(&c->out, "{\"status\":{");
        jb_kstr(&c->out, "url", c->far->server.url);
        jb_kbool(&c->out, "ready", ready);
        jb_kstr(&c->out, "workspace", ready ? c->far->workspace.name : NULL);
        jb_key(&c->out, "seats");
        jsonx_text(seats, &c->out);
        jb_kbool(&c->out, "ok", ready);
        jb_raw(&c->out, "}}\n");
        return;
    }
    jb_printf(&c->out, "ingest      %s at %s%s%s\n", ready ? "ready" : "NOT ready", c->far->server.url,
              ready ? "" : ": ", ready || x->answer.n == 0 ? "" : x->answer.p);
    if (seats != NULL) {
        jb_printf(&c->out, "workspace   %s, %lld seats used of ", c->far->workspace.name,
                  (long long)ctl_number(seats, "used"));
        jsonx_text(json_object_get(seats, "limit"), &c->out);
        jb_raw(&c->out, "\n");
    }
}

/* What /readyz says, and the seats. How far the workers are behind, only PostgreSQL and Kafka know. */
static enum err_code status_far(struct ctl *c, struct err *err) {
    struct ctl_exchange x = {.method = "GET", .path = "/readyz"};
    json_t *seats = NULL;
    enum err_code code = ctl_http_ask(&c->far->server, &x, err);
    bool ready = code == ERR_OK && x.status == 200;
    if (code == ERR_OK && ready)
        code = ctl_far_workspace(c, err);
    if (code == ERR_OK && ready)
        code = ctl_far_ask(c, "GET", "/seats", NULL, &seats, err);
    if (code == ERR_OK)
        put_far(c, &x, ready, seats);
    json_decref(seats);
    jb_free(&x.answer);
    if (code == ERR_OK && !ready)
        code = err_set(err, ERR_UNAVAILABLE, "not everything is in order");
    return code;
}

/* For a container's health check: no token is needed, so http is good enough. */
enum err_code ctl_ready(struct ctl *c, struct err *err) {
    const char *url = config_str(c->config, "url");
    struct ctl_server server = {.url = url[0] != '\0' ? url : READY_URL,
                                .ca_file = config_str(c->config, "ca-file"),
                                .timeout_ms = config_int(c->config, "deadline-ms")};
    struct ctl_exchange x = {.method = "GET", .path = "/readyz"};
    enum err_code code = ctl_http_ask(&server, &x, err);
    bool ready = code == ERR_OK && x.status == 200;
    if (code == ERR_OK && c->json)
        jb_printf(&c->out, "{\"ready\":%s}\n", ready ? "true" : "false");
    else if (code == ERR_OK)
        jb_printf(&c->out, "%s\n", ready ? "ready" : "NOT ready");
    if (code == ERR_OK && !ready)
        code = err_set(err, ERR_UNAVAILABLE, "%s is not ready: %ld %.300s", server.url, x.status,
                       x.answer.n > 0 ? x.answer.p : "");
    jb_free(&x.answer);
    return code;
}

enum err_code ctl_status(struct ctl *c, struct err *err) {
    if (c->far != NULL)
        return status_far(c, err);
    struct err why = {0};
    struct schema_state state = {0};
    if (c->json)
        jb_raw(&c->out, "{\"status\":{");
    bool reachable = migrate_state(c->db, &state, &why) == ERR_OK;
    put_state(c, reachable, &state, &why);
    bool good = reachable && schema_is_current(&state);
    if (good && (put_counts(c, &why) != ERR_OK || put_gaps(c, &why) != ERR_OK))
        good = false;
    if (!ctl_status_kafka(c))
        good = false;
    if (c->json) {
        jb_kbool(&c->out, "ok", good);
        jb_raw(&c->out, "}}\n");
    }
    return good         ? ERR_OK
           : !reachable ? err_set(err, ERR_DB_LOST, "not everything is in order")
                        : err_set(err, ERR_UNAVAILABLE, "not everything is in order");
}
