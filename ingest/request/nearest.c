#include "ingest/request/nearest.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define PARTS_MAX 12
#define NAME_MAX_LEN 32  /* longer names are compared as a whole only */
#define PATH_MAX_LEN 160 /* of a path that is told */
/* What differs has a cost; what costs more than this is not near. */
#define COST_MOST 5
#define COST_LETTER 2 /* one letter more, less, or another one; two neighbours that have changed places */
#define COST_BASE 1   /* a part of a base path ("scim", "v2", "api") that is missing, or too much */
#define COST_PART 4   /* any other part that is too much, at the front; elsewhere none may be */
#define NEVER 1000

struct part {
    const char *p;
    size_t n;
};

struct parts {
    struct part part[PARTS_MAX];
    size_t n;
};

static bool split(const char *path, struct parts *out) {
    out->n = 0;
    while (*path == '/') {
        size_t n = strcspn(path + 1, "/");
        if (out->n == PARTS_MAX)
            return false;
        out->part[out->n++] = (struct part){path + 1, n};
        path += 1 + n;
    }
    return true;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* How many letters must change? (Optimal string alignment, letter case ignored.) */
static int letters_between(const struct part *a, const struct part *b) {
    int d[3][NAME_MAX_LEN + 1];
    int *before = d[0], *last = d[1], *now = d[2];
    for (size_t j = 0; j <= b->n; j++)
        last[j] = (int)j;
    for (size_t i = 1; i <= a->n; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= b->n; j++) {
            bool same = tolower((unsigned char)a->p[i - 1]) == tolower((unsigned char)b->p[j - 1]);
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (same ? 0 : 1));
            if (i > 1 && j > 1 &&
                tolower((unsigned char)a->p[i - 1]) == tolower((unsigned char)b->p[j - 2]) &&
                tolower((unsigned char)a->p[i - 2]) == tolower((unsigned char)b->p[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *free_one = before;
        before = last;
        last = now;
        now = free_one;
    }
    return last[b->n];
}

static int cost_of_name(const struct part *sent, const struct part *name) {
    if (sent->n == name->n && strncasecmp(sent->p, name->p, name->n) == 0)
        return 0;
    size_t longer = sent->n > name->n ? sent->n : name->n, shorter = sent->n + name->n - longer;
    if (longer > NAME_MAX_LEN || longer - shorter > 2 || shorter < 3)
        return NEVER;
    int letters = letters_between(sent, name);
    return letters <= 2 && (size_t)letters * 3 <= longer ? letters * COST_LETTER : NEVER;
}

static bool part_is(const struct part *p, const char *word) {
    return p->n == strlen(word) && strncasecmp(p->p, word, p->n) == 0;
}

/* A part of a base path. A version is one, whichever it is. */
static bool is_base(const struct part *p) {
    return part_is(p, "scim") || part_is(p, "api") || part_is(p, "w") ||
           (p->n == 2 && tolower((unsigned char)p->p[0]) == 'v' && isdigit((unsigned char)p->p[1]));
}

/* ---- one row ---- */

struct comparison {
    const struct parts *sent, *row;
    bool own_types;
    /* the least cost of bringing sent[i..] to row[k..], and how: */
    int cost[PARTS_MAX + 1][PARTS_MAX + 1];
    char step[PARTS_MAX + 1][PARTS_MAX + 1]; /* '=' both go on, '-' sent has too much, '+' too little */
    const struct resource_type *type;        /* the nearest one to the part in the place of {type} */
};

static int cost_of_type(struct comparison *c, const struct part *sent) {
    const struct resource_type *rt;
    int best = NEVER;
    for (size_t i = 0; (rt = resource_type_at(i)) != NULL; i++) {
        struct part name = {rt->endpoint + 1, strlen(rt->endpoint + 1)};
        int cost = rt->kind != RESOURCE_CUSTOM || c->own_types ? cost_of_name(sent, &name) : NEVER;
        if (cost < best) {
            best = cost;
            c->type = rt;
        }
    }
    return best;
}

static int cost_of_pair(struct comparison *c, const struct part *sent, const struct part *row) {
    if (row->p[0] != '{')
        return cost_of_name(sent, row);
    if (strncmp(row->p, "{type}", 6) == 0)
        return cost_of_type(c, sent);
    return sent->n > 0 ? 0 : NEVER;
}

static void choose(struct comparison *c, size_t i, size_t k) {
    const struct parts *sent = c->sent, *row = c->row;
    int best = i == sent->n && k == row->n ? 0 : NEVER, cost;
    char step = '=';
    if (i < sent->n && k < row->n) {
        cost = cost_of_pair(c, &sent->part[i], &row->part[k]) + c->cost[i + 1][k + 1];
        best = least(best, cost);
    }
    if (i < sent->n) {
        const struct part *p = &sent->part[i];
        int own = p->n == 0 ? 0 : is_base(p) ? COST_BASE : k == 0 ? COST_PART : NEVER;
        cost = own + c->cost[i + 1][k];
        if (cost < best) {
            best = cost;
            step = '-';
        }
    }
    if (k < row->n && is_base(&row->part[k]) && COST_BASE + c->cost[i][k + 1] < best) {
        best = COST_BASE + c->cost[i][k + 1];
        step = '+';
    }
    c->cost[i][k] = best < NEVER ? best : NEVER;
    c->step[i][k] = step;
}

static int compare(struct comparison *c) {
    for (size_t i = c->sent->n + 1; i-- > 0;)
        for (size_t k = c->row->n + 1; k-- > 0;)
            choose(c, i, k);
    return c->cost[0][0];
}

/* The path of the row, with what was sent in its places. */
static const char *path_of(struct comparison *c, struct arena *a) {
    char *text = arena_strdup(a, "");
    for (size_t i = 0, k = 0; k < c->row->n;) {
        char step = c->step[i][k];
        const struct part *row = &c->row->part[k], *one = row;
        if (step == '-') {
            i++;
            continue;
        }
        if (step == '=' && row->p[0] == '{')
            one = &c->sent->part[i];
        if (step == '=' && strncmp(row->p, "{type}", 6) == 0) {
            (void)cost_of_type(c, one);
            text = arena_printf(a, "%s%s", text, c->type->endpoint);
        } else {
            text = arena_printf(a, "%s/%.*s", text, (int)one->n, one->p);
        }
        i += step == '=';
        k++;
    }
    return text;
}

/* ---- all rows ---- */

static bool is_place(const struct route_row *row) {
    return strchr(row->path, '*') == NULL && strstr(row->path, "{version}") == NULL;
}

/* With what may stand at its front, if the client has begun so. */
static bool parts_of_row(const struct route_row *row, bool workspace, struct parts *out, struct arena *a) {
    const char *path = row->path;
    if (path[0] == '(') {
        const char *end = strchr(path, ')');
        path = workspace ? arena_printf(a, "%.*s%s", (int)(end - path - 1), path + 1, end + 1) : end + 1;
    }
    if (!split(path, out))
        return false;
    if (out->n > 0 && out->part[out->n - 1].n == 0) /* a slash at the end is none in what is told */
        out->n--;
    return true;
}

struct nearest nearest_path(const struct route_table *t, const char *path, const struct form *among,
                            bool own_types, struct arena *a) {
    struct nearest found = {0};
    struct parts sent, row;
    int best = COST_MOST + 1;
    if (strlen(path) > PATH_MAX_LEN || !split(path, &sent) || sent.n == 0)
        return found;
    bool workspace = part_is(&sent.part[0], "w") && sent.n > 1;
    for (size_t i = 0; i < t->n; i++) {
        const struct route_row *one = &t->rows[i];
        if (!is_place(one) || (among != NULL && one->form != among) ||
            (i > 0 && strcmp(one->path, t->rows[i - 1].path) == 0) || !parts_of_row(one, workspace, &row, a))
            continue;
        struct comparison c = {.sent = &sent, .row = &row, .own_types = own_types};
        int cost = compare(&c);
        if (cost >= best)
            continue;
        best = cost;
        found = (struct nearest){path_of(&c, a), one->form};
    }
    return found;
}
