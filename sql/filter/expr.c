#include "sql/filter/expr.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/id.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistr.h>

struct expr expr_json(struct builder *b, const struct attr *attr, const char *json, const char *name) {
    struct jbuf value = {0}, text = {0}, sql = {0};
    struct expr e = {.form = EXPR_TEXT};
    jb_printf(&value, name != NULL ? "%s->" : "%s", json);
    jb_printf(&text, name != NULL ? "(%s->>" : "(%s #>> '{}')", json);
    if (name != NULL) {
        builder_name(&value, name);
        builder_name(&text, name);
        jb_raw(&text, ")");
    }
    const char *cast = NULL;
    switch (attr->type) {
    case ATTR_BOOLEAN:
        e.form = EXPR_BOOL;
        jb_printf(&sql, "(%s = 'true'::jsonb)", value.p);
        break;
    case ATTR_INTEGER:
        e.form = EXPR_NUMERIC;
        cast = "numeric";
        break;
    case ATTR_DECIMAL:
        e.form = EXPR_FLOAT;
        cast = "float8";
        break;
    case ATTR_DATETIME:
        e.form = EXPR_MICROS;
        cast = "numeric";
        break;
    default:
        jb_raw(&sql, text.p);
    }
    if (cast != NULL)
        jb_printf(&sql, "(CASE WHEN jsonb_typeof(%s) = 'number' THEN %s::%s END)", value.p, text.p, cast);
    jb_free(&value);
    jb_free(&text);
    e.sql = builder_keep(b, &sql);
    return e;
}

const char *expr_location(struct builder *b, const struct expr *e) {
    return arena_printf(b->params->arena, "($%d::text || %s)", sql_params_add(b->params, e->prefix), e->sql);
}

/* ---- comparing ---- */

static const char *const order_signs[] = {
    [FILTER_EQ] = "=", [FILTER_GT] = ">", [FILTER_GE] = ">=", [FILTER_LT] = "<", [FILTER_LE] = "<=",
};

/* value: an SQL expression without NULL. */
static void put_order(struct jbuf *out, const char *sql, enum filter_op op, const char *value) {
    if (op == FILTER_NE)
        jb_printf(out, "(%s IS DISTINCT FROM %s)", sql, value);
    else
        jb_printf(out, "(%s %s %s)", sql, order_signs[op], value);
}

static void put_text(struct builder *b, const char *sql, enum filter_op op, const char *text) {
    char value[32];
    snprintf(value, sizeof value, "$%d::text", sql_params_add(b->params, text));
    switch (op) {
    case FILTER_EQ:
    case FILTER_NE:
        put_order(b->out, sql, op, value);
        break;
    case FILTER_CO:
        jb_printf(b->out, "(strpos(%s, %s) > 0)", sql, value);
        break;
    case FILTER_SW:
        jb_printf(b->out, "starts_with(%s, %s)", sql, value);
        break;
    case FILTER_EW:
        jb_printf(b->out, "(right(%s, length(%s)) = %s)", sql, value, value);
        break;
    default: /* by code point, as memory compares UTF-8 */
        jb_printf(b->out, "(%s COLLATE \"C\" %s %s)", sql, order_signs[op], value);
    }
}

/* The first text beyond all that begin with this one, in the order of code points, which is that of UTF-8's
 * bytes: the last code point is the next one. NULL: there is none. */
static const char *beyond_prefix(struct builder *b, const char *text) {
    size_t n = strlen(text);
    while (n > 0) {
        size_t at = n - 1;
        while (at > 0 && ((unsigned char)text[at] & 0xc0) == 0x80)
            at--;
        ucs4_t last;
        char next[8];
        if (u8_mbtouc(&last, (const uint8_t *)text + at, n - at) > 0 && last < 0x10ffff) {
            last = last == 0xd7ff ? 0xe000 : last + 1; /* those between are no characters */
            int length = u8_uctomb((uint8_t *)next, last, sizeof next);
            return arena_printf(b->params->arena, "%.*s%.*s", (int)at, text, length, next);
        }
        n = at; /* the last one there is: the one before it counts */
    }
    return NULL;
}

/* `sw` as a range, which an index finds. */
static void put_prefix(struct builder *b, const char *sql, const char *text) {
    const char *beyond = beyond_prefix(b, text);
    jb_raw(b->out, "(");
    put_text(b, sql, FILTER_SW, text);
    jb_printf(b->out, " AND %s COLLATE \"C\" >= $%d::text", sql, sql_params_add(b->params, text));
    if (beyond != NULL)
        jb_printf(b->out, " AND %s COLLATE \"C\" < $%d::text", sql, sql_params_add(b->params, beyond));
    jb_raw(b->out, ")");
}

/* Ids: a text that is no UUID as we write them equals none. */
static void put_uuid(struct builder *b, const char *sql, const struct filter *f, const char *text) {
    struct uuid id;
    char value[32];
    if (f->op != FILTER_EQ && f->op != FILTER_NE) {
        char *cast = arena_printf(b->params->arena, "%s::text", sql);
        put_text(b, cast, f->op, text);
    } else if (!uuid_parse(text, &id) || strcmp(id.s, text) != 0) {
        jb_raw(b->out, f->op == FILTER_NE ? "(true)" : "(false)");
    } else {
        snprintf(value, sizeof value, "$%d::uuid", sql_params_add(b->params, text));
        put_order(b->out, sql, f->op, value);
    }
}

/* An address is as good as the id that it ends with. */
static void put_location(struct builder *b, const struct expr *e, const struct filter *f, const char *text) {
    size_t n = strlen(e->prefix);
    if (f->op != FILTER_EQ && f->op != FILTER_NE) {
        put_text(b, expr_location(b, e), f->op, text);
        return;
    }
    put_uuid(b, e->sql, f, strncmp(text, e->prefix, n) == 0 ? text + n : "");
}

#define MICROS_YEAR_1 (-62135596800000000)
#define MICROS_YEAR_9999 253402300799999999

/* Times beyond what PostgreSQL reads lie beyond all that is stored as well: cut to the nearest that it reads.
 */
static const char *timestamp_text(struct builder *b, int64_t us) {
    char text[RFC3339_SIZE];
    us = us < MICROS_YEAR_1 ? MICROS_YEAR_1 : us > MICROS_YEAR_9999 ? MICROS_YEAR_9999 : us;
    return arena_strdup(b->params->arena, rfc3339_us(us, text));
}

static void put_compare(struct builder *b, const struct filter *f, const struct attr *leaf,
                        const struct expr *e) {
    const struct filter_value *v = &f->value;
    const char *text = leaf->case_exact ? v->text : v->folded;
    const char *cast = "numeric";
    char value[32];
    switch (e->form) {
    case EXPR_TEXT:
        if (e->ordered && f->op == FILTER_SW)
            put_prefix(b, e->sql, text);
        else
            put_text(b, e->sql, f->op, text);
        return;
    case EXPR_UUID:
        put_uuid(b, e->sql, f, text);
        return;
    case EXPR_LOCATION:
        put_location(b, e, f, text);
        return;
    case EXPR_BOOL:
        put_order(b->out, e->sql, f->op, v->boolean ? "true" : "false");
        return;
    case EXPR_TIME:
        text = timestamp_text(b, v->time_us);
        cast = "timestamptz";
        break;
    case EXPR_MICROS:
        text = arena_printf(b->params->arena, "%lld", (long long)v->time_us);
        break;
    case EXPR_FLOAT:
        cast = "float8";
        text = arena_printf(b->params->arena, "%.17g",
                            v->number); /* a double: its text may be too long or too small for float8 */
        break;
    case EXPR_NUMERIC:
        text = v->text;
        break;
    }
    snprintf(value, sizeof value, "$%d::%s", sql_params_add(b->params, text), cast);
    put_order(b->out, e->sql, f->op, value);
}

void expr_condition(struct builder *b, const struct filter *f, const struct attr *leaf,
                    const struct expr *e) {
    if (f->kind == FILTER_COMPARE)
        put_compare(b, f, leaf, e);
    else if (e->form == EXPR_TEXT)
        jb_printf(b->out, "(%s <> '')", e->sql);
    else
        jb_printf(b->out, "(%s IS NOT NULL)", e->sql);
}
