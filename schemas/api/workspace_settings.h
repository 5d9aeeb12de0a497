/* The settings of a workspace: one table for all code that reads, checks, shows or stores them, in the
 * worker, the admin API, usherctl and the OpenAPI document (ops/DESIGN.md, "Workspaces"). */
#ifndef USHER_SCHEMAS_API_WORKSPACE_SETTINGS_H
#define USHER_SCHEMAS_API_WORKSPACE_SETTINGS_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Texts are borrowed, or an arena's. */
struct workspace_settings {
    const char *name;
    int64_t seats; /* limit; -1: none */
    int64_t rate;  /* units in any 60 s, per key */
    const char *seat_mode;
    const char *default_role;
    bool default_transmit;
    bool require_email;
    bool link_by_email;
    bool restore_rooms;
    bool unique_rooms;
    bool require_sso, sso_ready;
    bool managed_lock;
    const char *strictness;
    bool passwords;
    const char *events;
    const char *guard_mode;
    int64_t guard_share;  /* percent */
    int64_t guard_window; /* seconds */
    int64_t guard_min;    /* so many are always let through */
    int64_t audit_days;   /* the archive keeps records so long */
};

enum setting_kind { SETTING_NAME, SETTING_COUNT, SETTING_BOOL, SETTING_CHOICE };

struct workspace_setting {
    const char *name;   /* in JSON: "seatMode" */
    const char *flag;   /* of usherctl, without dashes: "seat-mode"; NULL = given otherwise */
    const char *column; /* of the table workspaces */
    enum setting_kind kind;
    bool nullable; /* null (on the command line: none) means no limit */
    int64_t min, max;
    const char *const *choices; /* NULL-terminated */
    size_t offset;              /* in struct workspace_settings */
    const char *initial;        /* JSON text of what a new workspace has */
    const char *description;
};

extern const struct workspace_setting workspace_setting_table[];
extern const size_t workspace_setting_count;

const struct workspace_setting *workspace_setting_of(const char *name); /* NULL if there is none */
const struct workspace_setting *workspace_setting_by_flag(const char *flag);

/* Every member of `given` (an object) names a setting and has an allowed value: else ERR_INVALID_VALUE with
 * the setting as path. */
enum err_code workspace_settings_check(const json_t *given, struct err *err);
/* A name of a workspace or a key: 1 to 120 bytes of UTF-8, no control characters, no '/', no outer blanks,
 * something to see, not shaped like an id. `what` is "workspace" or "key". */
enum err_code workspace_name_check(const char *what, const char *name, struct err *err);

/* What a new workspace has; its name is NULL. */
void workspace_settings_init(struct workspace_settings *s);
/* Sets one checked value; texts are copied to the arena. */
void workspace_setting_set(struct workspace_settings *s, const struct workspace_setting *row,
                           const json_t *value, struct arena *a);
/* Appends the value as JSON. */
void workspace_setting_put(const struct workspace_settings *s, const struct workspace_setting *row,
                           struct jbuf *out);
/* The value as PostgreSQL reads it, NULL for SQL NULL; lives in the arena. And back. */
const char *workspace_setting_column(const struct workspace_settings *s, const struct workspace_setting *row,
                                     struct arena *a);
void workspace_setting_load(struct workspace_settings *s, const struct workspace_setting *row,
                            const char *column, struct arena *a);

#endif
