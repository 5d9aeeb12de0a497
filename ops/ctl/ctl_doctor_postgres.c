/* usherctl doctor: PostgreSQL, and what usher keeps in it. */
#include "ops/ctl/ctl_doctor.h"
#include "ops/runtime/clock.h"
#include "sql/ask/slots.h"
#include "sql/migrate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#define AREA "postgres"
#define OLDEST_SERVER 150000
#define CLOCK_WARN_US 1000000
#define CLOCK_BAD_US 30000000
#define TRANSACTION_S 300
#define WAL_BYTES (1LL << 30)
#define REPLICA_BYTES (64LL << 20) /* four files of WAL: what a replica may be behind for a moment */
#define OUTBOX_WARN_S 30
#define OUTBOX_BAD_S 300

/* One statement; a failure becomes a line of its own. */
static struct db_result *ask(struct doctor *d, enum statement s, const char *const *params,
                             const char *what) {
    struct db_result *r = NULL;
    struct err why = {0};
    if (db_run(d->c->db, s, params, &r, &why) == ERR_OK)
        return r;
    doctor_say(d, DOCTOR_BAD, AREA, what, "run it as the administrator of the migrations", "%s",
               err_text(&why));
    return NULL;
}

static void judge_clock(struct doctor *d, int64_t theirs, int64_t before, int64_t after) {
    int64_t apart = theirs < before ? before - theirs : theirs > after ? theirs - after : 0;
    doctor_say(d,
               apart >= CLOCK_BAD_US    ? DOCTOR_BAD
               : apart >= CLOCK_WARN_US ? DOCTOR_WARN
                                        : DOCTOR_OK,
               "clocks", "PostgreSQL", apart >= CLOCK_WARN_US ? "set both clocks (NTP)" : NULL,
               "%.1f s from this machine's", (double)apart / 1e6);
}

/* What "durable" means rests on these. */
static void judge_durable(struct doctor *d, const struct db_result *r) {
    const char *commit = db_text(r, 0, 5);
    if (!db_bool(r, 0, 3) || !db_bool(r, 0, 4) || strcmp(commit, "off") == 0)
        doctor_say(
            d, DOCTOR_BAD, AREA, "durable",
            "switch fsync, full_page_writes and synchronous_commit on: without them an answered change can be lost",
            "fsync %s, full_page_writes %s, synchronous_commit %s", db_bool(r, 0, 3) ? "on" : "off",
            db_bool(r, 0, 4) ? "on" : "off", commit);
    else
        doctor_say(d, DOCTOR_OK, AREA, "durable", NULL,
                   "fsync and full_page_writes on, synchronous_commit %s", commit);
}

/* A disk, where it is one of this machine's. size: of what is on it. */
static void judge_disk(struct doctor *d, const char *what, const char *size, const struct statvfs *fs) {
    double part = 100.0 * (double)fs->f_bavail / (double)fs->f_blocks;
    doctor_say(d,
               part < 5    ? DOCTOR_BAD
               : part < 15 ? DOCTOR_WARN
                           : DOCTOR_OK,
               "disk", what, part < 15 ? "make room: a full disk stops all writes" : NULL,
               "%s; %.0f %% of its disk is free", size, part);
}

/* The disk of the data, and that of the WAL where it has one of its own. */
static void judge_disks(struct doctor *d, const char *size, const char *folder) {
    struct statvfs data, wal;
    char text[80], path[4096];
    if (*folder == '\0' || statvfs(folder, &data) != 0 || data.f_blocks == 0) {
        doctor_say(d, DOCTOR_OK, "disk", "PostgreSQL", NULL,
                   "the database has %s; the disk cannot be seen from here", size);
        return;
    }
    snprintf(text, sizeof text, "the database has %s", size);
    judge_disk(d, "PostgreSQL", text, &data);
    snprintf(path, sizeof path, "%s/pg_wal", folder);
    if (statvfs(path, &wal) == 0 && wal.f_fsid != data.f_fsid && wal.f_blocks > 0)
        judge_disk(d, "WAL", "pg_wal has a disk of its own", &wal);
}

static void look_at_server(struct doctor *d) {
    int64_t before = clock_wall_us();
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_SERVER, NULL, "server");
    int64_t after = clock_wall_us();
    if (r == NULL)
        return;
    bool old = db_int(r, 0, 0) < OLDEST_SERVER;
    doctor_say(d, old ? DOCTOR_BAD : DOCTOR_OK, "versions", "PostgreSQL",
               old ? "15 or later is needed" : NULL, "%s", db_text(r, 0, 1));
    judge_clock(d, db_int(r, 0, 2), before, after);
    judge_durable(d, r);
    int64_t used = db_int(r, 0, 6), most = db_int(r, 0, 7);
    bool crowded = used * 10 > most * 8;
    doctor_say(d, crowded ? DOCTOR_WARN : DOCTOR_OK, AREA, "connections",
               crowded ? "raise max_connections, or end who does not need them" : NULL,
               "%" PRId64 " of %" PRId64, used, most);
    judge_disks(d, db_text(r, 0, 8), db_text(r, 0, 9));
    db_results_free(&r, 1);
}

static bool look_at_schema(struct doctor *d) {
    struct schema_state state;
    struct err why = {0};
    if (migrate_state(d->c->db, &state, &why) != ERR_OK) {
        d->unreachable = why.code == ERR_DB_LOST;
        doctor_say(d, DOCTOR_BAD, AREA, "reachable",
                   why.code == ERR_DB_LOST
                       ? "check the setting pg, the password, pg_hba.conf and that it runs"
                       : "run it as the administrator of the migrations",
                   "%s", err_text(&why));
        return false;
    }
    if (state.applied > state.known)
        doctor_say(d, DOCTOR_WARN, AREA, "schema", "take the usherctl of the newer version",
                   "at %04d, newer than this usherctl (%04d)", state.applied, state.known);
    else if (!schema_is_current(&state))
        doctor_say(d, DOCTOR_BAD, AREA, "schema", "usherctl migrate", "at %04d%s", state.applied,
                   state.applied < state.known ? ", not the newest" : ", with other functions");
    else if (!state.finished)
        doctor_say(d, DOCTOR_WARN, AREA, "schema",
                   "usherctl migrate finish, once no program of the version before runs",
                   "at %04d, the newest; what only older programs need is still there", state.applied);
    else
        doctor_say(d, DOCTOR_OK, AREA, "schema", NULL, "at %04d, the newest", state.applied);
    return state.applied >= state.known;
}

static void look_at_sessions(struct doctor *d) {
    int64_t most = d->transaction_s > 0 ? d->transaction_s : TRANSACTION_S;
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_TRANSACTIONS, NULL, "old transactions");
    if (r == NULL)
        return;
    int64_t oldest = db_int(r, 0, 0), prepared = db_int(r, 0, 2);
    if (oldest > most)
        doctor_say(d, DOCTOR_WARN, AREA, "old transactions",
                   "end it: while it is open, old versions of rows stay",
                   "one is open for %" PRId64 " s (%s)", oldest, db_text(r, 0, 1));
    else
        doctor_say(d, DOCTOR_OK, AREA, "old transactions", NULL, "the oldest is open for %" PRId64 " s",
                   oldest);
    if (prepared > 0)
        doctor_say(d, DOCTOR_WARN, AREA, "prepared transactions",
                   "usher makes none: whoever made them must end them", "%" PRId64, prepared);
    db_results_free(&r, 1);
}

static void look_at_replication(struct doctor *d) {
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_REPLICATION_SLOTS, NULL, "replication slots");
    if (r == NULL)
        return;
    for (size_t i = 0; i < db_rows(r); i++) {
        int64_t kept = db_int(r, i, 2);
        bool idle = !db_bool(r, i, 1), much = kept > WAL_BYTES;
        doctor_say(d, idle || much ? DOCTOR_WARN : DOCTOR_OK, AREA, "replication slot",
                   idle || much ? "start its reader, or drop it: its WAL fills the disk" : NULL,
                   "%s: %s, keeps %" PRId64 " MB of WAL", db_text(r, i, 0),
                   idle ? "nobody reads it" : "in use", kept / 1000000);
    }
    db_results_free(&r, 1);
}

/* Who may not see all sessions sees that a replica is there, and not where. */
static void look_at_replicas(struct doctor *d) {
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_REPLICAS, NULL, "replicas");
    if (r == NULL)
        return;
    for (size_t i = 0; i < db_rows(r); i++) {
        int64_t behind = db_int(r, i, 4);
        const char *name = db_text(r, i, 0), *place = db_text(r, i, 1);
        if (db_is_null(r, i, 4))
            doctor_say(d, DOCTOR_OK, AREA, "replica", NULL, "%s: how far it is cannot be seen by this role",
                       name);
        else
            doctor_say(d, behind > REPLICA_BYTES ? DOCTOR_WARN : DOCTOR_OK, AREA, "replica",
                       behind > REPLICA_BYTES ? "see its log, its disk and its network: who fails over to it "
                                                "loses what it has not replayed"
                                              : NULL,
                       "%s (%s, %s, %s) is %" PRId64 " MB of WAL behind", name, place, db_text(r, i, 2),
                       db_text(r, i, 3), behind / 1000000);
    }
    db_results_free(&r, 1);
}

/* Commits wait for a replica that synchronous_standby_names asks for, and for ever where there is none. */
static void look_at_synchronous(struct doctor *d) {
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_SYNCHRONOUS, NULL, "synchronous replica");
    if (r == NULL)
        return;
    const char *names = db_text(r, 0, 0);
    bool waits = names[0] != '\0' && !db_bool(r, 0, 1) && db_bool(r, 0, 2);
    if (names[0] != '\0')
        doctor_say(
            d, waits ? DOCTOR_BAD : DOCTOR_OK, AREA, "synchronous replica",
            waits ? "bring it back, or take it out of synchronous_standby_names: no commit ends without it"
                  : NULL,
            "synchronous_standby_names is %s, and %s", names,
            waits ? "none of them is there" : "it is met, or cannot be seen by this role");
    db_results_free(&r, 1);
}

static void look_at_workers(struct doctor *d) {
    char lock_class[16];
    snprintf(lock_class, sizeof lock_class, "%d", SLOTS_WORKERS);
    struct db_result *r = ask(d, SQL_CTL_STATUS_COUNTS, (const char *[]){lock_class}, "slots");
    if (r == NULL)
        return;
    int64_t running = db_int(r, 0, 1), dead = db_int(r, 0, 2);
    doctor_say(d, running == 0 ? DOCTOR_BAD : DOCTOR_OK, "workers", "running",
               running == 0 ? "start usher-worker: nothing is applied" : NULL, "%" PRId64, running);
    doctor_say(d, dead > 0 ? DOCTOR_WARN : DOCTOR_OK, "workers", "dead slots",
               dead > 0 ? "a living worker clears them up within a minute; see its log where they stay"
                        : NULL,
               "%" PRId64, dead);
    db_results_free(&r, 1);
}

static void look_at_outbox(struct doctor *d) {
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_OUTBOX, NULL, "outbox");
    if (r == NULL)
        return;
    int64_t waiting = db_int(r, 0, 0), age = db_int(r, 0, 1);
    doctor_say(d,
               age > OUTBOX_BAD_S    ? DOCTOR_BAD
               : age > OUTBOX_WARN_S ? DOCTOR_WARN
                                     : DOCTOR_OK,
               "workers", "outbox",
               age > OUTBOX_WARN_S
                   ? "see /readyz and the log of the workers, and \"A transaction that hangs\" in the runbook"
                   : NULL,
               "%" PRId64 " rows are not known to be in the streams, the oldest for %" PRId64 " s", waiting,
               age);
    db_results_free(&r, 1);
}

static void look_at_state(struct doctor *d) {
    static const struct {
        const char *area, *what, *todo;
        enum doctor_state state;
        int64_t most;
    } rows[] = {
        {"workers", "half-begun epoch", "run usherctl restore (or rooms rebuild) to its end", DOCTOR_BAD, 0},
        {"archive", "stopped trees", "see \"The archive\" in the runbook, then usherctl audit resume",
         DOCTOR_WARN, 0},
        {"archive", "trees not signed", "see \"The archive\" in the runbook, then usherctl audit resume",
         DOCTOR_WARN, 0},
        {"workers", "gaps of the log", "a worker settles them; see its log where they stay", DOCTOR_WARN, 0},
        {"clocks", "odd times of commands", "set the clocks of ingests and of usherctl", DOCTOR_WARN, 100},
    };
    struct db_result *r = ask(d, SQL_CTL_DOCTOR_STATE, NULL, "state");
    if (r == NULL)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = db_int(r, 0, (int)i);
        bool wrong = n > rows[i].most;
        doctor_say(d, wrong ? rows[i].state : DOCTOR_OK, rows[i].area, rows[i].what,
                   wrong ? rows[i].todo : NULL, "%" PRId64, n);
    }
    db_results_free(&r, 1);
}

void doctor_postgres(struct doctor *d) {
    bool usable = look_at_schema(d);
    if (d->unreachable)
        return;
    look_at_server(d);
    look_at_sessions(d);
    look_at_replication(d);
    look_at_replicas(d);
    look_at_synchronous(d);
    if (!usable)
        return;
    look_at_workers(d);
    look_at_outbox(d);
    look_at_state(d);
    doctor_sight(d);
}
