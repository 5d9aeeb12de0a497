#include "ingest/request/bearer.h"

#include "ops/runtime/access_token.h"
#include "ops/runtime/token.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define WORD "Bearer"
#define WORD_LEN 6

static bool is_word(const char *text) {
    return strncasecmp(text, WORD, WORD_LEN) == 0;
}

const char *bearer_token(const char *authorization) {
    if (authorization == NULL || !is_word(authorization) || authorization[WORD_LEN] != ' ')
        return NULL;
    return authorization + WORD_LEN + strspn(authorization + WORD_LEN, " ");
}

static bool begins_like_a_token(const char *text) {
    return strncmp(text, "ush_", 4) == 0 || strncmp(text, "uso_", 4) == 0 || access_token_is(text);
}

/* Signs that people and programs put around a token; those beyond ASCII in UTF-8. */
static bool is_quote_at(const char *p) {
    static const char *const quotes[] = {"\"",
                                         "'",
                                         "`",
                                         "<",
                                         ">",
                                         "\xe2\x80\x98",
                                         "\xe2\x80\x99",
                                         "\xe2\x80\x9a",
                                         "\xe2\x80\x9c",
                                         "\xe2\x80\x9d",
                                         "\xe2\x80\x9e",
                                         "\xc2\xab",
                                         "\xc2\xbb"};
    for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++)
        if (strncmp(p, quotes[i], strlen(quotes[i])) == 0)
            return true;
    return false;
}

static bool has_quotes(const char *token) {
    size_t n = strlen(token), last = 1;
    while (last < n && last < 3 && ((unsigned char)token[n - last] & 0xc0) == 0x80)
        last++;
    return n > 0 && (is_quote_at(token) || is_quote_at(token + n - last));
}

const char *bearer_missing(const char *authorization) {
    if (authorization == NULL)
        return "The request has no Authorization header; it needs one with the word Bearer, a blank and a token";
    if (is_word(authorization) && authorization[WORD_LEN] == '\0')
        return "There is no token behind the word Bearer in the Authorization header";
    if (is_word(authorization) && authorization[WORD_LEN] != ' ')
        return "One blank must stand between the word Bearer and the token in the Authorization header";
    if (strncasecmp(authorization, "Basic", 5) == 0)
        return "The Authorization header has the scheme Basic; it must have the word Bearer, a blank and a token";
    if (begins_like_a_token(authorization) || has_quotes(authorization))
        return "The Authorization header does not begin with the word Bearer; it must stand before the token, "
               "without quotation marks";
    return "The Authorization header does not begin with the word Bearer";
}

static const char *wrong_length(size_t n, size_t right, struct arena *a) {
    return arena_printf(a,
                        n < right ? "it is cut: it has %zu characters of %zu"
                                  : "it is too long: it has %zu characters instead of %zu",
                        n, right);
}

const char *bearer_fault(const char *token, struct arena *a) {
    size_t n = strlen(token);
    if (n == 0)
        return "it is empty";
    if (is_word(token) && token[WORD_LEN] != '\0' && strchr(" \t:=", token[WORD_LEN]) != NULL)
        return "the word Bearer stands twice before it";
    if (has_quotes(token))
        return "it stands in quotation marks or brackets, and must be sent without them";
    if (strpbrk(token, " \t") != NULL)
        return "there is a blank in it";
    if (access_token_is(token))
        return n != ACCESS_TOKEN_LENGTH ? wrong_length(n, ACCESS_TOKEN_LENGTH, a)
                                        : "it begins like an access token, and is none of ours";
    switch (token_fault(token, n)) {
    case TOKEN_PREFIX:
        return "it does not begin with ush_, as the tokens of API keys do";
    case TOKEN_LETTERS:
        return "it has a character that no token has; behind ush_ stand letters and digits only";
    case TOKEN_TWICE:
        return "it stands there twice, one behind the other";
    case TOKEN_CUT:
    case TOKEN_LONG:
        return wrong_length(n, TOKEN_LENGTH, a);
    case TOKEN_MISTYPED:
        return "it is mistyped: a character is wrong, or two have changed places (the checksum does not fit)";
    case TOKEN_GOOD:
        break;
    }
    return "it is of another kind: a session or a link of the portal, which opens nothing here";
}
