#include "ingest/request/query.h"

#include "ops/runtime/jbuf.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#define PARAMS_MAX 64

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ---- parameters that are given twice ---- */

/* A list may be given in pieces. Of anything else nobody knows which one is meant. */
static bool is_list(const char *name) {
    return strcmp(name, "attributes") == 0 || strcmp(name, "excludedAttributes") == 0;
}

static void join(struct query_param *to, const char *more, struct arena *a) {
    if (to->value[0] == '\0')
        to->value = more;
    else if (more[0] != '\0')
        to->value = arena_printf(a, "%s,%s", to->value, more);
}

/* What any interface reads. A parameter that nobody knows is ignored (rule T7), however often it comes. */
static const char *const known[] = {
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "limit",
    "userName",
    "externalId",
    "stream_id",
    "email",
    "displayName",
    "active",
    /* the search in the audit */
    "kind",
    "from",
    "to",
    "actor",
    "key",
    "action",
    "target",
    "subject",
    "txn",
    "status",
    "method",
    "path",
    "source",
    "limited",
    "format",
    "seats",
    "changes",
    "requests",
    /* activity, and changes as they happen */
    "step",
    "follow",
    /* signing in by a provider */
    "workspace",
    "code",
    "state",
    "iss",
    "error",
};

static bool is_known(const char *name) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static enum err_code refuse_second(const char *name, struct err *err) {
    return err_set_path(err, ERR_INVALID_VALUE, name, "The parameter %s is given twice", name);
}

/* Among the first n. */
static struct query_param *find(const struct query *q, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(q->params[i].name, name) == 0)
            return &q->params[i];
    return NULL;
}

/* What is refused stays, so that the masked query shows all that came. */
static enum err_code settle_repeated(struct query *q, struct arena *a, struct err *err) {
    enum err_code code = ERR_OK;
    size_t n = 0;
    for (size_t i = 0; i < q->n; i++) {
        const struct query_param p = q->params[i];
        struct query_param *first = find(q, n, p.name);
        if (first != NULL && is_list(p.name)) {
            join(first, p.value, a);
            continue;
        }
        if (first != NULL && code == ERR_OK && is_known(p.name))
            code = refuse_second(p.name, err);
        q->params[n++] = p;
    }
    q->n = n;
    return code;
}

/* ---- the text ---- */

char *query_decode(const char *text, size_t len, bool plus, struct arena *a) {
    char *out = arena_alloc(a, len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '+' && plus) {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < len ? hex_digit(text[i + 1]) : -1,
                low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == '\0')
            return NULL;
        out[n++] = c;
    }
    out[n] = '\0';
    return u8_check((const uint8_t *)out, n) == NULL ? out : NULL;
}

enum err_code query_parse(const char *text, struct arena *a, struct query *out, struct err *err) {
    size_t sent = 0;
    *out = (struct query){0};
    if (text == NULL || text[0] == '\0')
        return ERR_OK;
    out->params = arena_alloc(a, PARAMS_MAX * sizeof *out->params);
    while (*text != '\0') {
        size_t len = strcspn(text, "&");
        size_t name_len = 0;
        while (name_len < len && text[name_len] != '=')
            name_len++;
        if (len > 0 && ++sent <= PARAMS_MAX) {
            struct query_param p = {query_decode(text, name_len, true, a), ""};
            if (name_len < len)
                p.value = query_decode(text + name_len + 1, len - name_len - 1, true, a);
            if (p.name == NULL || p.value == NULL)
                return err_set(err, ERR_BAD_REQUEST, "The query is not correctly encoded");
            out->params[out->n++] = p;
        }
        text += len;
        text += *text == '&';
    }
    if (sent > PARAMS_MAX)
        return err_set(err, ERR_BAD_REQUEST, "The query has %zu parameters; at most %d are allowed", sent,
                       PARAMS_MAX);
    return settle_repeated(out, a, err);
}

const char *query_get(const struct query *q, const char *name) {
    const struct query_param *p = find(q, q->n, name);
    return p != NULL ? p->value : NULL;
}

const char *query_repeated(const struct query *q) {
    for (size_t i = 0; i < q->n; i++)
        if (find(q, i, q->params[i].name) != NULL)
            return q->params[i].name;
    return NULL;
}

enum err_code query_int(const struct query *q, const char *name, int64_t fallback, int64_t *out,
                        struct err *err) {
    const char *s = query_get(q, name);
    *out = fallback;
    if (s == NULL || s[0] == '\0')
        return ERR_OK;
    bool negative = s[0] == '-';
    const char *digits = s + (s[0] == '-' || s[0] == '+');
    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return err_set_path(err, ERR_INVALID_VALUE, name, "The parameter %s is not an integer", name);
    int64_t n = 0;
    for (; *digits != '\0' && n < INT32_MAX; digits++)
        n = n * 10 + (*digits - '0');
    n = n > INT32_MAX ? INT32_MAX : n;
    *out = negative ? -n : n;
    return ERR_OK;
}

/* ---- masking ---- */

static bool word_byte(unsigned char c) {
    return isalnum(c) || (c != '\0' && strchr("_-.:$", c) != NULL);
}

static bool is_one_of(const char *s, size_t len, const char *const *words) {
    for (; *words != NULL; words++)
        if (strlen(*words) == len && strncasecmp(s, *words, len) == 0)
            return true;
    return false;
}

/* The length of a quoted string. If the quote is not closed, the string ends with the text. */
static size_t string_length(const char *s) {
    size_t n = 1;
    while (s[n] != '\0' && s[n] != '"')
        n += s[n] == '\\' && s[n + 1] != '\0' ? 2 : 1;
    return s[n] == '"' ? n + 1 : n;
}

static const char *const operators[] = {"eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr", NULL};
static const char *const logic[] = {"and", "or", "not", NULL};

static size_t token_length(const char *s) {
    return *s == '"' ? string_length(s) : strcspn(s, " ()[]\"");
}

/* Is the word an attribute? An operator or a bracket must follow it. */
static bool attribute_at(const char *s, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (!word_byte((unsigned char)s[i]))
            return false;
    const char *next = s + len + strspn(s + len, " ");
    return s[len] == '[' || is_one_of(next, token_length(next), operators);
}

/* Keeps what cannot be a value: operators, logical words, brackets, and attributes where one is expected. */
static void mask_filter(const char *s, struct jbuf *out) {
    bool due = true;
    for (size_t n; *s != '\0'; s += n) {
        if (strchr(" ()[]", *s) != NULL) {
            n = 1;
            due = due || *s != ' ';
            jb_mem(out, s, n);
            continue;
        }
        n = token_length(s);
        bool join = is_one_of(s, n, logic);
        if (join || is_one_of(s, n, operators) || (due && attribute_at(s, n)))
            jb_mem(out, s, n);
        else
            jb_raw(out, "\"?\"");
        due = join;
    }
}

static bool is_plain_value(const char *s) {
    for (; *s != '\0'; s++)
        if (!word_byte((unsigned char)*s) && *s != ',' && *s != ' ')
            return false;
    return true;
}

char *query_masked(const struct query *q, struct arena *a) {
    static const char *const shown[] = {"startIndex", "count",     "attributes", "excludedAttributes",
                                        "sortBy",     "sortOrder", "limit",      NULL};
    struct jbuf out = {0};
    if (q->n == 0)
        return NULL;
    for (size_t i = 0; i < q->n; i++) {
        const struct query_param *p = &q->params[i];
        if (i > 0)
            jb_raw(&out, "&");
        if (strcmp(p->name, "filter") == 0) {
            jb_raw(&out, "filter=");
            mask_filter(p->value, &out);
        } else if (is_one_of(p->name, strlen(p->name), shown) && is_plain_value(p->value)) {
            jb_printf(&out, "%s=%s", p->name, p->value);
        } else if (strcmp(p->name, "cursor") == 0) { /* a cursor is long and tells a reader nothing */
            jb_raw(&out, p->value[0] != '\0' ? "cursor=?" : "cursor=");
        } else {
            jb_raw(&out, "?");
        }
    }
    char *text = arena_strdup(a, out.p);
    jb_free(&out);
    return text;
}
