#include "sql/db.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* What libpq would only say when it connects, each time. */
static enum err_code check_files(const PQconninfoOption *options, struct err *err) {
    static const char *const files[] = {"sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"};
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        bool names_a_file = false;
        for (size_t i = 0; i < sizeof files / sizeof *files; i++)
            names_a_file |= strcmp(o->keyword, files[i]) == 0;
        if (!names_a_file || o->val == NULL || *o->val == '\0' || strcmp(o->val, "system") == 0)
            continue;
        FILE *f = fopen(o->val, "re");
        if (f == NULL)
            return err_set(err, ERR_CONFIG, "pg: %s: cannot read %s: %s", o->keyword, o->val,
                           strerror(errno));
        fclose(f);
    }
    return ERR_OK;
}

/* NULL: err says why. To be freed with PQconninfoFree. */
static PQconninfoOption *parse_uri(const char *uri, struct err *err) {
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(uri, &why);
    if (options == NULL)
        (void)err_set(err, ERR_CONFIG, "pg: %.*s", why != NULL ? (int)strcspn(why, "\n") : 0,
                      why != NULL ? why : "");
    PQfreemem(why);
    return options;
}

enum err_code db_uri_environment(const char *uri, void (*put)(const char *name, const char *value, void *ctx),
                                 void *ctx, struct err *err) {
    PQconninfoOption *options = parse_uri(uri, err);
    if (options == NULL)
        return err->code;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
        if (o->val != NULL && o->envvar != NULL)
            put(o->envvar, o->val, ctx);
    PQconninfoFree(options);
    return ERR_OK;
}

enum err_code db_check_uri(const char *uri, struct err *err) {
    PQconninfoOption *options = parse_uri(uri, err);
    if (options == NULL)
        return err->code;
    enum err_code code =
        *uri != '\0' ? check_files(options, err) : err_set(err, ERR_CONFIG, "pg: it names no database");
    PQconninfoFree(options);
    return code;
}
