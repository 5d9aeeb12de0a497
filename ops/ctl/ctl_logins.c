#include "ops/ctl/ctl_logins.h"

#include "ops/runtime/mem.h"
#include "schemas/text/jsonx.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Its folder; a new text. NULL: there is no home. */
static char *login_folder(void) {
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (xdg != NULL && xdg[0] == '/')
        return xasprintf("%s/usher", xdg);
    return home != NULL && home[0] == '/' ? xasprintf("%s/.config/usher", home) : NULL;
}

/* What others can read is no secret any more, so it is not used. */
static enum err_code read_logins(const char *path, json_t **out, struct err *err) {
    struct stat st;
    json_error_t why;
    *out = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK
                               : err_set(err, ERR_USAGE, "%s cannot be read: %s", path, strerror(errno));
    enum err_code code = ERR_OK;
    if (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        code = err_set(err, ERR_USAGE, "%s: others can read it (chmod 600)", path);
    else if ((*out = json_loadfd(fd, 0, &why)) == NULL || !json_is_object(json_object_get(*out, "logins")))
        code = err_set(err, ERR_USAGE,
                       "%s is no file of logins; usherctl login writes a new one once it is gone", path);
    close(fd);
    if (code != ERR_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return code;
}

static bool make_folders(char *path) {
    for (char *p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
        *p = '\0';
        bool there = mkdir(path, 0700) == 0 || errno == EEXIST;
        *p = '/';
        if (!there)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Under another name first, so that a reader never sees half a file. */
static enum err_code write_logins(char *folder, const char *path, const json_t *logins, struct err *err) {
    char *temporary = xasprintf("%s/logins.XXXXXX", folder);
    int fd = make_folders(folder) ? mkstemp(temporary) : -1; /* mkstemp gives it mode 0600 */
    bool good = fd >= 0 && json_dumpfd(logins, fd, JSON_INDENT(2)) == 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (good && rename(temporary, path) != 0) {
        good = false;
        why = errno;
    }
    if (!good && fd >= 0)
        unlink(temporary);
    free(temporary);
    return good ? ERR_OK : err_set(err, ERR_USAGE, "%s cannot be written: %s", path, strerror(why));
}

struct login_file {
    char *folder, *path;
    json_t *logins; /* NULL: none yet */
};

static enum err_code open_logins(struct login_file *f, struct err *err) {
    *f = (struct login_file){.folder = login_folder()};
    if (f->folder == NULL)
        return ERR_OK;
    f->path = xasprintf("%s/logins.json", f->folder);
    return read_logins(f->path, &f->logins, err);
}

static void close_logins(struct login_file *f) {
    free(f->folder);
    free(f->path);
    json_decref(f->logins);
}

enum err_code ctl_logins_find(const char *url, char **found, char **token, struct err *err) {
    struct login_file f;
    *found = *token = NULL;
    enum err_code code = open_logins(&f, err);
    const char *which = url[0] != '\0' ? url : json_string_value(json_object_get(f.logins, "current"));
    const char *secret =
        which != NULL ? json_string_value(json_object_get(json_object_get(f.logins, "logins"), which)) : NULL;
    if (code == ERR_OK && secret != NULL) {
        *found = xstrdup(which);
        *token = xstrdup(secret);
    }
    close_logins(&f);
    return code;
}

enum err_code ctl_logins_keep(const char *url, const char *token, struct err *err) {
    struct login_file f;
    enum err_code code = open_logins(&f, err);
    if (code == ERR_OK && f.folder == NULL)
        code = err_set(err, ERR_USAGE, "neither XDG_CONFIG_HOME nor HOME says where a login is kept");
    if (code == ERR_OK) {
        if (f.logins == NULL)
            f.logins = json_pack("{s:o}", "logins", json_object());
        jsonx_put(f.logins, "current", json_string(url));
        jsonx_put(json_object_get(f.logins, "logins"), url, json_string(token));
        code = write_logins(f.folder, f.path, f.logins, err);
    }
    close_logins(&f);
    return code;
}

enum err_code ctl_logins_forget(const char *url, char **forgotten, struct err *err) {
    struct login_file f;
    *forgotten = NULL;
    enum err_code code = open_logins(&f, err);
    const char *current = json_string_value(json_object_get(f.logins, "current")),
               *which = url[0] != '\0' ? url : current;
    if (code == ERR_OK && which != NULL)
        *forgotten = xstrdup(which);
    if (code == ERR_OK && (which == NULL || json_object_del(json_object_get(f.logins, "logins"), which) != 0))
        code = err_set(err, ERR_NOT_FOUND, "there is no login%s%s", which != NULL ? " for " : "",
                       which != NULL ? which : "");
    if (code == ERR_OK && current != NULL && strcmp(current, *forgotten) == 0)
        (void)json_object_del(f.logins, "current");
    if (code == ERR_OK)
        code = write_logins(f.folder, f.path, f.logins, err);
    close_logins(&f);
    return code;
}
