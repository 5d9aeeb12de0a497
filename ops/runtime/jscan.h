/* Reads members of a JSON object without making a tree of the whole: for records and replies, of which a few
 * members are wanted and the rest is kept as it is. (Documents of any shape are handled by jansson.) */
#ifndef USHER_RUNTIME_JSCAN_H
#define USHER_RUNTIME_JSCAN_H

#include "ops/runtime/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum js_kind { JS_NONE, JS_NULL, JS_FALSE, JS_TRUE, JS_INT, JS_REAL, JS_TEXT, JS_LIST, JS_OBJECT };

/* A value where it stands; lives as long as the text. */
struct js_value {
    enum js_kind kind; /* JS_NONE: the member is not there */
    const char *p;     /* its text; of a JS_TEXT what is between the quotes */
    size_t n;
    int64_t number; /* of a JS_INT */
    bool escaped;   /* there are escapes in a JS_TEXT */
};

/* Deeper texts are refused. */
#define JS_DEPTH_MAX 256

/* Finds the members with these names; of a name that comes twice the last. It is quickest where the names
 * stand in the order of the text. The whole text is checked: false where it is no JSON object or array (RFC
 * 8259), has a number that neither an int64 nor a double holds, a name with a NUL in it, or is too deep. An
 * array has no members. */
bool js_members(const char *text, size_t n, const char *const *names, size_t nnames, struct js_value *out);

/* A JS_TEXT without its escapes. Gives its length; out has it, with a NUL behind, where it is less than size.
 */
size_t js_unescape(const struct js_value *v, char *out, size_t size);
/* The same in the arena; NULL where the value is no text. */
char *js_text(const struct js_value *v, struct arena *a);
/* Is it this text? */
bool js_is(const struct js_value *v, const char *text);

#endif
