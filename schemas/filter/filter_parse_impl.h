/* What the files of filter_parse share: the text, and the words and values in it. */
#ifndef USHER_SCHEMAS_FILTER_FILTER_PARSE_IMPL_H
#define USHER_SCHEMAS_FILTER_FILTER_PARSE_IMPL_H

#include "schemas/filter/filter.h"

struct parser {
    const struct resource_type *rt;
    const struct attr *of; /* inside brackets: the attribute before them; else NULL */
    enum dialect dialect;
    const char *text;
    size_t len, pos;
    int depth, terms;
    bool *unknown; /* by term: the type has no such attribute, which then has no value (F9); NULL: an error */
    struct arena *arena;
    struct err *err;
};

/* A value as it is written, before an attribute gives it a type. */
enum literal_kind { LITERAL_STRING, LITERAL_NUMBER, LITERAL_TRUE, LITERAL_FALSE, LITERAL_NULL, LITERAL_BARE };
struct literal {
    enum literal_kind kind;
    const char *text; /* the decoded string, or the token */
};

/* ERR_INVALID_FILTER: "Filter, position N: <what>". */
enum err_code lex_refuse(struct parser *p, size_t at, const char *what);
bool lex_at_end(const struct parser *p);
/* The byte at the position, or NUL at the end (no NUL is inside: filter text with one is refused before). */
char lex_peek(const struct parser *p);
/* True if there was any. */
bool lex_skip_space(struct parser *p);
/* Of the word that begins at the position: up to a space, a bracket or a quote. */
size_t lex_token_length(const struct parser *p);
bool lex_token_is(const struct parser *p, const char *word); /* in any letter case */
/* Takes " and " or " or ": a space before it, a space or "(" behind it. Otherwise stays where it is. */
bool lex_take_junction(struct parser *p, const char *word);
enum err_code lex_take_byte(struct parser *p, char c, const char *what);
enum err_code lex_take_literal(struct parser *p, struct literal *out);

#endif
