/* usherctl status: is everything there, and does it keep up? */
#include "ops/ctl/ctl.h"

#include "sql/migrate.h"

static void put_state(struct ctl *c, bool reachable, int applied, int known, const struct err *why) {
    if (c->json) {
        jb_key(&c->out, "postgres");
        jb_raw(&c->out, "{");
        jb_kbool(&c->out, "reachable", reachable);
        jb_kbool(&c->out, "migrated", reachable && applied == known);
        jb_kint(&c->out, "at", applied);
        jb_kint(&c->out, "newest", known);
        jb_kstr(&c->out, "error", reachable ? NULL : err_text(why));
        jb_raw(&c->out, "}");
    } else if (!reachable) {
        jb_printf(&c->out, "PostgreSQL  NOT reachable: %s\n", err_text(why));
    } else {
        jb_printf(&c->out, "PostgreSQL  reachable, schema at %04d%s\n", applied,
                  applied == known  ? ", the newest"
                  : applied < known ? " and NOT the newest: run usherctl migrate"
                                    : " and NEWER than this usherctl");
    }
}

/* Counts that only a migrated database can answer. */
static enum err_code put_counts(struct ctl *c, struct err *err) {
    static const char sql[] =
        "SELECT (SELECT count(*) FROM usher.workspaces), (SELECT count(*) FROM usher.worker_slots),"
        " (SELECT count(*) FROM usher.worker_slots WHERE dirty)";
    struct db_result *r;
    if (db_run(c->db, sql, 0, NULL, &r, err) != ERR_OK)
        return err->code;
    if (c->json) {
        jb_kint(&c->out, "workspaces", db_int(r, 0, 0));
        jb_key(&c->out, "workers");
        jb_raw(&c->out, "{");
        jb_kint(&c->out, "slots", db_int(r, 0, 1));
        jb_kint(&c->out, "inUse", db_int(r, 0, 2));
        jb_raw(&c->out, "}");
    } else {
        jb_printf(&c->out, "workspaces  %s\nworkers     %s slots known, %s in use\n", db_text(r, 0, 0),
                  db_text(r, 0, 1), db_text(r, 0, 2));
    }
    db_results_free(&r, 1);
    return ERR_OK;
}

enum err_code ctl_status(struct ctl *c, struct err *err) {
    struct err why = {0};
    int applied = 0, known = 0;
    if (c->json)
        jb_raw(&c->out, "{\"status\":{");
    bool reachable = migrate_state(c->db, &applied, &known, &why) == ERR_OK;
    put_state(c, reachable, applied, known, &why);
    bool good = reachable && applied == known;
    if (good && put_counts(c, &why) != ERR_OK)
        good = false;
    if (!ctl_status_kafka(c))
        good = false;
    if (c->json) {
        jb_kbool(&c->out, "ok", good);
        jb_raw(&c->out, "}}\n");
    }
    return good ? ERR_OK : err_set(err, ERR_UNAVAILABLE, "not everything is in order");
}
