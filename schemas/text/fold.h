/* The one meaning of "case-insensitive": Unicode NFKC case folding (libunistring), computed here and stored
 * (ops/DESIGN.md, "Decided points"). */
#ifndef USHER_SCHEMAS_TEXT_FOLD_H
#define USHER_SCHEMAS_TEXT_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/* The folded form of UTF-8 text (malloc'ed, caller frees). Pure ASCII takes a fast path. Invalid UTF-8 gives
 * a plain copy. */
char *fold_text(const char *s);
/* Is there nothing to see in UTF-8 text? White space of all kinds, controls, and what Unicode says to leave
 * out (zero width, joiners, fillers). Such texts fold to a space or look like one, so no name may be one of
 * them. */
bool fold_is_blank(const char *s);

#endif
