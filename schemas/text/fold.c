#include "schemas/text/fold.h"

#include "ops/runtime/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* Lower-cases plain ASCII text, which needs no normal form. NULL if the text has other characters. */
static char *fold_ascii(const char *s) {
    size_t n = strlen(s);
    char *out = xmalloc(n + 1);
    for (size_t i = 0; i <= n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x80) {
            free(out);
            return NULL;
        }
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    }
    return out;
}

/* One pass over the terminated text: case folding, then NFKC. NULL for invalid UTF-8, which the library
 * itself would let through. */
static char *fold_once(const char *s) {
    size_t n = strlen(s) + 1;
    if (u8_check((const uint8_t *)s, n) != NULL)
        return NULL;
    uint8_t *out = u8_casefold((const uint8_t *)s, n, NULL, UNINORM_NFKC, NULL, &n);
    return (char *)out;
}

/* NFKC can produce capital letters (U+210C becomes "H") and folding can undo a normal form, so one pass is
 * not enough. Folded text must not change when it is folded again, or equal texts would be stored under
 * different keys. Two passes are enough for all of Unicode today; the third is for what later versions may
 * add. */
char *fold_text(const char *s) {
    char *now = fold_ascii(s);
    if (now != NULL)
        return now;
    now = fold_once(s);
    if (now == NULL)
        return xstrdup(s);
    for (int pass = 0; pass < 2; pass++) {
        char *again = fold_once(now);
        if (again == NULL)
            return now;
        bool settled = strcmp(now, again) == 0;
        free(now);
        now = again;
        if (settled)
            break;
    }
    return now;
}

#define BRAILLE_BLANK 0x2800 /* a pattern without a dot, which no property of Unicode calls a space */

bool fold_is_blank(const char *s) {
    const uint8_t *p = (const uint8_t *)s;
    ucs4_t c;
    while ((p = u8_next(&c, p)) != NULL)
        if (!uc_is_property_white_space(c) && !uc_is_property_default_ignorable_code_point(c) &&
            !uc_is_general_category(c, UC_CATEGORY_Cf) && !uc_is_general_category(c, UC_CATEGORY_Cc) &&
            c != BRAILLE_BLANK)
            return false;
    return true;
}
