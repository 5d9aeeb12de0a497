/* API tokens: "ush_" + 32 random bytes in base62 (43 digits, fixed width) + CRC-32 of all that in base62 (6
 * digits, fixed width). The CRC lets a mistyped token be refused before any look-up; only the SHA-256 is ever
 * stored. DESIGN section 4. */
#ifndef USHER_RUNTIME_TOKEN_H
#define USHER_RUNTIME_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_TEXT_SIZE 64
#define TOKEN_HASH_SIZE 32
#define TOKEN_PREFIX_SIZE 13 /* "ush_" + first 8 digits + NUL: what lists show */

void token_new(char text[TOKEN_TEXT_SIZE]);
bool token_well_formed(const char *text, size_t len); /* prefix, alphabet, length and CRC */
void token_hash(const char *text, size_t len, unsigned char hash[TOKEN_HASH_SIZE]);
void token_show_prefix(const char *text, char out[TOKEN_PREFIX_SIZE]);

#endif
