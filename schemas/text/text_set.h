/* A set of byte strings that keeps constant work per string however many there are and whatever they are:
 * callers choose the bytes, so the hash is keyed (SipHash) and nobody can aim at one slot. */
#ifndef USHER_SCHEMAS_TEXT_TEXT_SET_H
#define USHER_SCHEMAS_TEXT_TEXT_SET_H

#include <stdbool.h>
#include <stddef.h>

struct text_set;

struct text_set *text_set_new(size_t expected);
void text_set_free(struct text_set *set);
/* Adds a copy of s[0..n); false if it was in the set already. *index (may be NULL): the how-manieth distinct
 * string it is, from 0. */
bool text_set_add(struct text_set *set, const char *s, size_t n, size_t *index);

#endif
