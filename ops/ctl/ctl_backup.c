/* usherctl backup: a role that sees every workspace, and a dump of one moment by pg_dump. What is written is
 * whole or not there: it gets its name when pg_dump and the disk have said that it is. */
#include "ops/ctl/ctl.h"
#include "ops/runtime/clock.h"
#include "sql/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROLE "usher_backup"
#define DEBIAN "/usr/lib/postgresql"
#define PASSWORD_SIZE 1024

/* ---- the role ---- */

static enum err_code read_password(const char *path, char out[PASSWORD_SIZE], struct err *err) {
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (f == NULL)
        return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
    bool got = fgets(out, PASSWORD_SIZE, f) != NULL;
    if (f != stdin)
        fclose(f);
    out[strcspn(out, "\r\n")] = '\0';
    if (!got || *out == '\0')
        return err_set(err, ERR_USAGE, "%s holds no password in its first line", path);
    return ERR_OK;
}

enum err_code ctl_backup_role(struct ctl *c, struct err *err) {
    const char *path, *name = ctl_flag(c->args, "name") ?: ROLE;
    char password[PASSWORD_SIZE];
    struct db_result *r;
    if (ctl_flag_required(c->args, "password-file", &path, err) != ERR_OK ||
        read_password(path, password, err) != ERR_OK ||
        db_run(c->db, SQL_CTL_BACKUP_ROLE, (const char *[]){name, password}, &r, err) != ERR_OK)
        return err->code;
    enum err_code code = db_script(c->db, db_text(r, 0, 0), err);
    if (code == ERR_OK)
        code = db_script(c->db, db_text(r, 0, 1), err);
    db_results_free(&r, 1);
    if (code != ERR_OK)
        return code;
    if (c->json) {
        jb_raw(&c->out, "{\"role\":{");
        jb_kstr(&c->out, "name", name);
        jb_raw(&c->out, "}}\n");
    } else {
        jb_printf(&c->out, "%s may read every row, and change nothing\n", name);
    }
    return ERR_OK;
}

/* ---- the dump ---- */

/* The folder of the pg_dump to take: that of the server's version, or a newer one; "" for the one in PATH. */
static void find_folder(int server, char *out, size_t n) {
    int best = 0;
    struct dirent *entry;
    DIR *dir = opendir(DEBIAN);
    *out = '\0';
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        int version = atoi(entry->d_name);
        char path[600];
        snprintf(path, sizeof path, DEBIAN "/%s/bin/pg_dump", entry->d_name);
        if (version < server || (best != 0 && version > best) || access(path, X_OK) != 0)
            continue;
        best = version;
        snprintf(out, n, DEBIAN "/%s/bin/", entry->d_name);
    }
    if (dir != NULL)
        closedir(dir);
}

static void put_environment(const char *name, const char *value, void *ctx) {
    (void)ctx;
    setenv(name, value, 1);
}

/* Its arguments hold no password: what the connection string says goes into its environment. */
static enum err_code dump(const char *uri, const char *program, const char *to, struct err *err) {
    char *const words[] = {
        (char *)program, "--format=custom", "--schema=usher", "--no-password", "--file", (char *)to, NULL};
    int status = 0;
    pid_t pid;
    if (db_uri_environment(uri, put_environment, NULL, err) != ERR_OK)
        return err->code;
    if (posix_spawnp(&pid, program, NULL, NULL, words, environ) != 0)
        return err_set(err, ERR_USAGE, "there is no pg_dump here: install PostgreSQL's client programs");
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return ERR_OK;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(err, ERR_USAGE, "there is no pg_dump here: install PostgreSQL's client programs");
    return err_set(err, ERR_UNAVAILABLE, "pg_dump failed; it has said why");
}

/* On the disk, under its name. */
static enum err_code keep(const char *part, const char *to, int64_t *bytes, struct err *err) {
    struct stat st;
    int fd = open(part, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0 && fstat(fd, &st) == 0 && st.st_size > 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (good && rename(part, to) == 0) {
        *bytes = st.st_size;
        return ERR_OK;
    }
    return err_set(err, ERR_UNAVAILABLE, "%s: %s", to, strerror(good ? errno : why));
}

/* Row-level security is forced: whoever does not see all rows gets no dump, so this is said before pg_dump
 * begins. */
static enum err_code check_role(struct ctl *c, int *server, struct err *err) {
    struct db_result *r;
    if (db_run(c->db, SQL_CTL_BACKUP_SEES_ALL, NULL, &r, err) != ERR_OK)
        return err->code;
    *server = (int)db_int(r, 0, 3);
    enum err_code code = ERR_OK;
    if (!db_bool(r, 0, 1) || !db_bool(r, 0, 2))
        code = err_set(
            err, ERR_FORBIDDEN,
            "the role %s does not see every row (row-level security): make one that does with usherctl backup "
            "role, as a superuser, and give it by --pg",
            db_text(r, 0, 0));
    db_results_free(&r, 1);
    return code;
}

enum err_code ctl_backup(struct ctl *c, struct err *err) {
    const char *to = c->args->words[1];
    struct schema_state state;
    char folder[600], program[640], part[4096];
    int server = 0;
    int64_t began = clock_mono_us(), bytes = 0;
    if (access(to, F_OK) == 0)
        return err_set(err, ERR_CONFLICT, "%s is there; name another file", to);
    if (check_role(c, &server, err) != ERR_OK || migrate_state(c->db, &state, err) != ERR_OK)
        return err->code;
    find_folder(server, folder, sizeof folder);
    snprintf(program, sizeof program, "%spg_dump", folder);
    if ((size_t)snprintf(part, sizeof part, "%s.part", to) >= sizeof part)
        return err_set(err, ERR_USAGE, "the name of the file is too long");
    umask(077);
    enum err_code code = dump(config_str(c->config, "pg"), program, part, err);
    if (code == ERR_OK)
        code = keep(part, to, &bytes, err);
    if (code != ERR_OK) {
        unlink(part);
        return code;
    }
    double seconds = (double)(clock_mono_us() - began) / 1e6;
    if (c->json) {
        jb_raw(&c->out, "{\"backup\":{");
        jb_kstr(&c->out, "file", to);
        jb_kint(&c->out, "bytes", bytes);
        jb_kint(&c->out, "schema", state.applied);
        jb_raw(&c->out, "}}\n");
    } else {
        jb_printf(&c->out, "%s: %lld bytes, schema at %04d, in %.1f s\n", to, (long long)bytes, state.applied,
                  seconds);
    }
    return ERR_OK;
}
