/* usherctl doctor: the files that the programs' settings name on this machine: keys that others can read,
 * certificates that run out. */
#include "ops/ctl/ctl_doctor.h"
#include "ops/runtime/cert.h"
#include "ops/runtime/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define AREA "files"
#define EXPIRY_WARN_DAYS 20
#define DAY_US (86400LL * 1000000)

enum kind { SECRET, CERTIFICATE };

/* Settings that name a file, of all programs. */
static const struct {
    const char *key;
    enum kind kind;
} named[] = {
    {"tls-key", SECRET},
    {"signing-key", SECRET},
    {"signing-key-rsa", SECRET},
    {"audit-key", SECRET},
    {"audit-key-old", SECRET},
    {"livekit-secret-file", SECRET},
    {"kafka.ssl.key.location", SECRET},
    {"kafka.ssl.keystore.location", SECRET},
    {"tls-cert", CERTIFICATE},
    {"jwks-ca", CERTIFICATE},
    {"kafka.ssl.certificate.location", CERTIFICATE},
    {"kafka.ssl.ca.location", CERTIFICATE},
};

static bool there(struct doctor *d, const char *path, struct stat *st) {
    if (stat(path, st) == 0)
        return true;
    doctor_say(d, DOCTOR_BAD, AREA, "missing", "put it there, or correct the setting", "%s: %s", path,
               strerror(errno));
    return false;
}

static void judge_secret(struct doctor *d, const char *path) {
    struct stat st;
    if (!there(d, path, &st))
        return;
    bool open = (st.st_mode & (S_IRWXO | S_IWGRP)) != 0;
    doctor_say(d, open ? DOCTOR_BAD : DOCTOR_OK, AREA, "secret", open ? "chmod o-rwx,g-w" : NULL,
               "%s has mode %04o", path, (unsigned)(st.st_mode & 07777));
}

static void judge_certificate(struct doctor *d, const char *path) {
    struct stat st;
    struct err why = {0};
    int64_t at;
    if (!there(d, path, &st))
        return;
    if (cert_expiry(path, &at, &why) != ERR_OK) {
        doctor_say(d, DOCTOR_BAD, AREA, "certificate", "give a PEM file", "%s", err_text(&why));
        return;
    }
    int64_t days = (at - clock_wall_us()) / DAY_US;
    bool over = at <= clock_wall_us();
    doctor_say(d,
               over                      ? DOCTOR_BAD
               : days < EXPIRY_WARN_DAYS ? DOCTOR_WARN
                                         : DOCTOR_OK,
               AREA, "certificate",
               days < EXPIRY_WARN_DAYS ? "renew it; the ingest takes a new one without a restart" : NULL,
               over ? "%s has run out, %" PRId64 " days ago" : "%s is good for %" PRId64 " days", path,
               over ? -days : days);
}

static void judge_file(struct doctor *d, enum kind kind, const char *path) {
    if (kind == SECRET)
        judge_secret(d, path);
    else
        judge_certificate(d, path);
}

/* One line of a settings file: "key = value". */
static void judge_line(struct doctor *d, char *line) {
    char *equals = strchr(line, '=');
    char *key = line + strspn(line, " \t");
    if (*key == '#' || equals == NULL)
        return;
    char *value = equals + 1 + strspn(equals + 1, " \t");
    *equals = '\0';
    key[strcspn(key, " \t")] = '\0';
    value[strcspn(value, "\r\n")] = '\0';
    for (size_t n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
        value[n - 1] = '\0';
    for (size_t i = 0; *value != '\0' && i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].key, key) == 0)
            judge_file(d, named[i].kind, value);
}

/* asked: somebody has named it, so it must be there. */
static void look_at_file(struct doctor *d, const char *path, bool asked) {
    char line[4096];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        if (asked || errno != ENOENT)
            doctor_say(d, asked ? DOCTOR_BAD : DOCTOR_WARN, AREA, "settings", "run it as who may read it",
                       "%s: %s", path, strerror(errno));
        return;
    }
    judge_secret(d, path); /* it holds the password for PostgreSQL */
    while (fgets(line, sizeof line, f) != NULL)
        judge_line(d, line);
    fclose(f);
}

/* usherctl's own settings of librdkafka, which may come by flag. */
static void judge_own(const char *key, const char *value, void *ctx) {
    char full[128];
    snprintf(full, sizeof full, "kafka.%s", key);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcmp(named[i].key, full) == 0)
            judge_file(ctx, named[i].kind, value);
}

void doctor_files(struct doctor *d) {
    static const char *const usual[] = {"/etc/usher/ingest.conf", "/etc/usher/worker.conf",
                                        "/etc/usher/livekit.conf"};
    const char *wanted = ctl_flag(d->c->args, "settings");
    char path[1024];
    config_each(d->c->config, "kafka.", judge_own, d);
    for (size_t i = 0; wanted == NULL && i < sizeof usual / sizeof *usual; i++)
        look_at_file(d, usual[i], false);
    for (const char *at = wanted; at != NULL && *at != '\0';) {
        size_t n = strcspn(at, ",");
        snprintf(path, sizeof path, "%.*s", (int)n, at);
        look_at_file(d, path, true);
        at += n + (at[n] == ',');
    }
}
