#include "schemas/voice/voice_name.h"

#include <stdio.h>
#include <string.h>

#define ROOM "{room}"
#define WORKSPACE "{workspace}"
#define ID_LENGTH 36

static bool form_begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

enum err_code voice_name_check(const char *form, struct err *err) {
    int rooms = 0, workspaces = 0;
    if (strlen(form) > VOICE_FORM_MAX)
        return err_set(err, ERR_CONFIG, "a form of room names has %d bytes at most", VOICE_FORM_MAX);
    for (const char *p = form; *p != '\0'; p++) {
        if (form_begins(p, ROOM)) {
            rooms++;
            p += strlen(ROOM) - 1;
        } else if (form_begins(p, WORKSPACE)) {
            workspaces++;
            p += strlen(WORKSPACE) - 1;
        } else if (*p == '{' || *p == '}' || (unsigned char)*p < ' ') {
            return err_set(err, ERR_CONFIG, "in \"%.120s\" only {room} and {workspace} may stand in braces",
                           form);
        }
    }
    if (rooms == 1 && workspaces <= 1)
        return ERR_OK;
    return err_set(err, ERR_CONFIG, "in \"%.120s\" {room} must stand once, and {workspace} once at most",
                   form);
}

char *voice_name_make(const char *form, const char *workspace, const char *room, char out[VOICE_NAME_MAX]) {
    size_t n = 0;
    for (const char *p = form; *p != '\0' && n < VOICE_NAME_MAX - 1;) {
        const char *id = form_begins(p, ROOM) ? room : form_begins(p, WORKSPACE) ? workspace : NULL;
        if (id != NULL) {
            n += (size_t)snprintf(out + n, VOICE_NAME_MAX - n, "%s", id);
            p += form_begins(p, ROOM) ? strlen(ROOM) : strlen(WORKSPACE);
        } else {
            out[n++] = *p++;
        }
    }
    out[n < VOICE_NAME_MAX ? n : VOICE_NAME_MAX - 1] = '\0';
    return out;
}

/* Takes the id that the text begins with. Only lower case is usher's spelling. */
static bool take_uuid(const char **text, struct uuid *out) {
    char id[ID_LENGTH + 1];
    if (strlen(*text) < ID_LENGTH)
        return false;
    snprintf(id, sizeof id, "%.*s", ID_LENGTH, *text);
    *text += ID_LENGTH;
    return uuid_parse(id, out) && strcmp(out->s, id) == 0;
}

bool voice_name_read(const char *form, const char *name, struct uuid *workspace, struct uuid *room) {
    *workspace = *room = (struct uuid){""};
    for (const char *p = form; *p != '\0';) {
        bool is_room = form_begins(p, ROOM);
        if (is_room || form_begins(p, WORKSPACE)) {
            if (!take_uuid(&name, is_room ? room : workspace))
                return false;
            p += is_room ? strlen(ROOM) : strlen(WORKSPACE);
        } else if (*p++ != *name++) { /* a name that is shorter ends with a NUL, which no form has */
            return false;
        }
    }
    return *name == '\0';
}
