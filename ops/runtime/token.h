/* Tokens: a prefix for the kind, 32 random bytes in base62 (43 digits, fixed width), and the CRC-32 of both
 * in base62 (6 digits, fixed width). The CRC lets a mistyped token be refused without a look-up. Only the
 * SHA-256 of a token is stored (ops/DESIGN.md, "Keys and scopes"). Access tokens have another form:
 * access_token.h. */
#ifndef USHER_RUNTIME_TOKEN_H
#define USHER_RUNTIME_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_TEXT_SIZE 64
#define TOKEN_HASH_SIZE 32
#define TOKEN_PREFIX_SIZE 13 /* "ush_" + first 8 digits + NUL: what lists show */

enum token_kind {
    TOKEN_KEY,   /* "ush_": an API key */
    TOKEN_OWNER, /* "uso_": the credential of an owner or administrator */
    /* These two are no bearer tokens: */
    TOKEN_SESSION, /* "uss_": the cookie of a session of the portal */
    TOKEN_LINK,    /* "usl_": of a link into the portal that works once */
};

void token_new(enum token_kind kind, char text[TOKEN_TEXT_SIZE]);
/* Prefix, alphabet, length and CRC; *kind (may be NULL) is set where they are right. */
bool token_well_formed(const char *text, size_t len, enum token_kind *kind);
#define TOKEN_LENGTH 53
/* What is wrong with the form of a text that should be a token. Whoever guesses learns nothing from it that
 * does not stand at the top of this file. */
enum token_fault {
    TOKEN_GOOD,
    TOKEN_PREFIX,  /* it begins like none of usher's */
    TOKEN_LETTERS, /* it has a character that no token has */
    TOKEN_CUT,
    TOKEN_LONG,
    TOKEN_TWICE,    /* it stands there twice */
    TOKEN_MISTYPED, /* the CRC does not fit */
};
enum token_fault token_fault(const char *text, size_t len);
void token_hash(const char *text, size_t len, unsigned char hash[TOKEN_HASH_SIZE]);
void token_show_prefix(const char *text, char out[TOKEN_PREFIX_SIZE]);
/* What may be shown of a text that somebody sent as a token: false unless it begins like one, and goes on
 * behind the prefix. Whatever else it may be, a secret of another service for instance, nobody sees it. */
bool token_show_foreign(const char *text, char out[TOKEN_PREFIX_SIZE]);
/* Cuts every token in the text, access tokens too, or the beginning of one, after its prefix; in place. */
void token_mask(char *text);

#endif
