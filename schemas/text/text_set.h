/* A set of byte strings with constant work per string. Clients choose the strings, so the hash is keyed
 * (SipHash): nobody can make many strings fall into one slot. */
#ifndef USHER_SCHEMAS_TEXT_TEXT_SET_H
#define USHER_SCHEMAS_TEXT_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>

struct text_set;

struct text_set *text_set_new(size_t expected);
void text_set_free(struct text_set *set);
/* Adds a copy of s[0..n); false if it was in the set already. *index (may be NULL): the number of the string
 * among the distinct ones, from 0. */
bool text_set_add(struct text_set *set, const char *s, size_t n, size_t *index);

#endif
