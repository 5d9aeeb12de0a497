#include "workers/roles.h"

#include "schemas/proof/note.h"
#include "workers/deliver/settings.h"

#include <stdio.h>
#include <string.h>

enum err_code roles_parse(const char *text, struct roles *out, struct err *err) {
    *out = (struct roles){0};
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        bool *role = n == strlen("apply") && strncmp(at, "apply", n) == 0       ? &out->apply
                     : n == strlen("archive") && strncmp(at, "archive", n) == 0 ? &out->archive
                     : n == strlen("deliver") && strncmp(at, "deliver", n) == 0 ? &out->deliver
                                                                                : NULL;
        if (role == NULL || *role)
            return err_set(err, ERR_CONFIG, "roles: '%.*s' %s", (int)n, at,
                           role == NULL ? "is none; there are apply, archive and deliver"
                                        : "stands there twice");
        *role = true;
        at += n;
        if (*at == '\0')
            return ERR_OK;
    }
}

enum err_code roles_judge(const struct config *config, struct err *err) {
    struct roles roles;
    const char *origin = config_str(config, "audit-origin");
    if (roles_parse(config_str(config, "roles"), &roles, err) != ERR_OK)
        return err->code;
    /* With workspace and tree behind it, it must be a name that can sign. */
    if (!note_name_good(origin) || strlen(origin) > NOTE_NAME_MAX - 64)
        return err_set(err, ERR_CONFIG, "audit-origin: a name without blanks and '+', of at most %d bytes",
                       NOTE_NAME_MAX - 64);
    return deliver_judge(config, err);
}
