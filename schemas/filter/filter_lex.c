/* The words and values of filter text. */
#include "schemas/filter/filter_parse_impl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum err_code lex_refuse(struct parser *p, size_t at, const char *what) {
    return err_set(p->err, ERR_INVALID_FILTER, "Filter, position %zu: %s", at + 1, what);
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool lex_at_end(const struct parser *p) {
    return p->pos >= p->len;
}

char lex_peek(const struct parser *p) {
    return lex_at_end(p) ? '\0' : p->text[p->pos];
}

bool lex_skip_space(struct parser *p) {
    size_t start = p->pos;
    while (is_space(lex_peek(p)))
        p->pos++;
    return p->pos > start;
}

size_t lex_token_length(const struct parser *p) {
    size_t n = 0;
    while (p->pos + n < p->len && !is_space(p->text[p->pos + n]) &&
           strchr("()[]\"", p->text[p->pos + n]) == NULL)
        n++;
    return n;
}

bool lex_token_is(const struct parser *p, const char *word) {
    size_t n = strlen(word);
    return lex_token_length(p) == n && strncasecmp(p->text + p->pos, word, n) == 0;
}

bool lex_take_junction(struct parser *p, const char *word) {
    size_t start = p->pos;
    if (lex_skip_space(p) && lex_token_is(p, word)) {
        p->pos += strlen(word);
        if (is_space(lex_peek(p)) || lex_peek(p) == '(')
            return true;
    }
    p->pos = start;
    return false;
}

enum err_code lex_take_byte(struct parser *p, char c, const char *what) {
    lex_skip_space(p);
    if (lex_peek(p) != c)
        return lex_refuse(p, p->pos, what);
    p->pos++;
    return ERR_OK;
}

/* A JSON string (F13); jansson decodes it, and refuses bad escapes, control characters, NUL and invalid
 * UTF-8. */
static enum err_code take_string(struct parser *p, struct literal *out) {
    size_t start = p->pos, end = start + 1;
    while (end < p->len && p->text[end] != '"')
        end += p->text[end] == '\\' ? 2 : 1;
    if (end >= p->len)
        return lex_refuse(p, start, "the string does not end");
    json_t *s = json_loadb(p->text + start, end + 1 - start, JSON_DECODE_ANY, NULL);
    if (s == NULL)
        return lex_refuse(p, start, "not a JSON string");
    out->kind = LITERAL_STRING;
    out->text = arena_strdup(p->arena, json_string_value(s));
    json_decref(s);
    p->pos = end + 1;
    return ERR_OK;
}

/* JSON's number grammar (RFC 8259 section 6). */
static bool is_number(const char *s) {
    s += *s == '-';
    if (*s == '0')
        s++;
    else if (isdigit((unsigned char)*s))
        s += strspn(s, "0123456789");
    else
        return false;
    if (*s == '.') {
        size_t n = strspn(s + 1, "0123456789");
        if (n == 0)
            return false;
        s += 1 + n;
    }
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '+' || s[1] == '-');
        size_t n = strspn(s, "0123456789");
        if (n == 0)
            return false;
        s += n;
    }
    return *s == '\0';
}

enum err_code lex_take_literal(struct parser *p, struct literal *out) {
    if (lex_peek(p) == '"')
        return take_string(p, out);
    size_t start = p->pos, n = lex_token_length(p);
    if (n == 0)
        return lex_refuse(p, start, "a value is expected");
    out->text = arena_strndup(p->arena, p->text + start, n);
    p->pos += n;
    if (strcasecmp(out->text, "true") == 0)
        out->kind = LITERAL_TRUE;
    else if (strcasecmp(out->text, "false") == 0)
        out->kind = LITERAL_FALSE;
    else if (strcasecmp(out->text, "null") == 0)
        out->kind = LITERAL_NULL;
    else if (is_number(out->text))
        out->kind = LITERAL_NUMBER;
    else
        out->kind = LITERAL_BARE;
    if (out->kind != LITERAL_BARE)
        return ERR_OK;
    if (p->dialect != DIALECT_ENTRA) /* Q47 */
        return lex_refuse(p, start, "a string value must stand in double quotes");
    json_t *check = json_string(out->text);
    if (check == NULL)
        return lex_refuse(p, start, "not UTF-8");
    json_decref(check);
    return ERR_OK;
}
