#include "ingest/request/prefer.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define WAIT_MAX_S 3600

struct preference {
    char name[32], value[32]; /* "" = none. Longer texts are cut: no known preference is that long */
};

static bool is_token_byte(char c) {
    return isalnum((unsigned char)c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *skip_blanks(const char *p) {
    return p + strspn(p, " \t");
}

static void put(char out[32], size_t *n, char c) {
    if (*n < 31)
        out[(*n)++] = c;
    else
        out[0] = '?'; /* no known name begins so */
    out[*n] = '\0';
}

static const char *take_token(const char *p, char out[32]) {
    size_t n = 0;
    for (out[0] = '\0'; is_token_byte(*p); p++)
        put(out, &n, *p);
    return p;
}

/* A token or a quoted string with escapes. NULL: the string does not end. */
static const char *take_word(const char *p, char out[32]) {
    size_t n = 0;
    if (*p != '"')
        return take_token(p, out);
    for (out[0] = '\0', p++; *p != '"'; p++) {
        if (*p == '\\' && p[1] != '\0')
            p++;
        if (*p == '\0')
            return NULL;
        put(out, &n, *p);
    }
    return p + 1;
}

/* name [= value] [; parameters…], up to the comma. NULL: the rest cannot be read. */
static const char *take_preference(const char *p, struct preference *out) {
    char ignored[32];
    p = take_token(p, out->name);
    for (bool first = true;; first = false) {
        char *value = first ? out->value : ignored;
        value[0] = '\0';
        p = skip_blanks(p);
        if (*p == '=' && (p = take_word(skip_blanks(p + 1), value)) == NULL)
            return NULL;
        p = skip_blanks(p);
        if (*p != ';')
            return p;
        p = take_token(skip_blanks(p + 1), ignored);
    }
}

static int seconds(const char *value) {
    int s = 0;
    if (value[0] == '\0')
        return -1;
    for (; *value != '\0'; value++) {
        if (!isdigit((unsigned char)*value))
            return -1;
        s = s * 10 + (*value - '0');
        if (s > WAIT_MAX_S)
            s = WAIT_MAX_S;
    }
    return s;
}

enum { ASYNC = 1, WAIT = 2, RETURN = 4 };

static void apply(const struct preference *f, unsigned *seen, struct prefer *out) {
    unsigned which = strcasecmp(f->name, "respond-async") == 0 ? ASYNC
                     : strcasecmp(f->name, "wait") == 0        ? WAIT
                     : strcasecmp(f->name, "return") == 0      ? RETURN
                                                               : 0;
    if (which == 0 || (*seen & which) != 0)
        return;
    *seen |= which;
    if (which == ASYNC)
        out->respond_async = f->value[0] == '\0';
    else if (which == WAIT)
        out->wait_s = seconds(f->value);
    else if (strcasecmp(f->value, "minimal") == 0)
        out->returned = PREFER_MINIMAL;
    else if (strcasecmp(f->value, "representation") == 0)
        out->returned = PREFER_REPRESENTATION;
}

void prefer_parse(const char *text, struct prefer *out) {
    unsigned seen = 0;
    *out = (struct prefer){.wait_s = -1};
    for (const char *p = text; p != NULL && *p != '\0';) {
        struct preference f = {0};
        p = skip_blanks(p);
        if (*p == ',') {
            p++;
            continue;
        }
        p = take_preference(p, &f);
        if (p == NULL)
            return;
        if (*p == ',' || *p == '\0')
            apply(&f, &seen, out);
        else /* this preference is not in the grammar and is ignored */
            p += strcspn(p, ",");
    }
}
