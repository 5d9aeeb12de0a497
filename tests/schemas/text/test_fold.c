/* One meaning of "case-insensitive" (ops/DESIGN.md, "Decided points"): what is equal but for letter case and
 * form folds to the same text. */
#include "schemas/text/fold.h"
#include "tests/schemas/support.h"

#include <unistr.h>

static void check(const char *text, const char *want) {
    char *got = fold_text(text);
    if (strcmp(got, want) != 0)
        fail_msg("'%s' folds to '%s', not '%s'", text, got, want);
    free(got);
}

static void test_ascii(void **state) {
    (void)state;
    check("", "");
    check("Ines.FALK@Nordwind.example", "ines.falk@nordwind.example");
    check("@[`{Zz09", "@[`{zz09"); /* the neighbours of the letters stay */
}

static void test_unicode(void **state) {
    (void)state;
    check("\xc3\x84RGER", "\xc3\xa4rger");  /* Ä */
    check("A\xcc\x88rger", "\xc3\xa4rger"); /* A and a combining diaeresis: composed */
    check("STRASSE", "strasse");
    check("stra\xc3\x9f"
          "e",
          "strasse");            /* sharp s */
    check("\xe1\xba\x9e", "ss"); /* capital sharp s */
    check("\xce\xa3\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x82",
          "\xcf\x83\xce\xaf\xcf\x83\xcf\x85\xcf\x86\xce\xbf\xcf\x83"); /* final sigma */
    check("\xef\xbc\xa1\xef\xbc\xa2", "ab");                           /* full width */
    check("\xef\xac\x81n", "fin");                                     /* ligature */
    check("I", "i");                                                   /* no Turkish */
    check("\xd0\x96", "\xd0\xb6");                                     /* Cyrillic */
    check("\xe2\x84\x8c", "h");                                        /* U+210C: a capital only after NFKC */
}

static void test_invalid_utf8_is_kept(void **state) {
    (void)state;
    check("A\xff"
          "B",
          "A\xff"
          "B");
    check("\xc3", "\xc3");
}

/* Nothing to see: all that folds to a space, has no width, or says nothing. */
static void test_blank(void **state) {
    (void)state;
    static const char *const blank[] = {
        "",
        " \t\r\n\v\f",
        "\xc2\xa0",
        "\xe2\x80\x8b",
        "\xef\xbb\xbf",
        "\xe2\x81\xa0",
        "\xe3\x80\x80",
        "\xe2\x80\x83 \xe2\x80\xaf", /* em space, narrow no-break space */
        "\xc2\xad",                  /* soft hyphen */
        "\xe1\x85\xa0",              /* Hangul filler */
        "\xe3\x85\xa4",              /* the same, folded to it */
        "\xe2\xa0\x80",              /* Braille without dots */
        "\xf3\xa0\x80\xa0",          /* a tag */
        "\xe2\x80\xae",              /* from right to left */
        "\xc2\x85\xe2\x80\xa8",      /* next line, line separator */
    };
    static const char *const seen[] = {"a", "\xe2\x80\x8b.", "\xe3\x80\x80\xe5\xb1\xb1", "0", "\xcc\x81"};
    for (size_t i = 0; i < sizeof blank / sizeof *blank; i++)
        if (!fold_is_blank(blank[i]))
            fail_msg("row %zu is not blank", i);
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        if (fold_is_blank(seen[i]))
            fail_msg("'%s' is blank", seen[i]);
}

/* Every character there is: folding what is folded changes nothing, or a stored key could not be found again.
 */
static void test_settled_for_all_of_unicode(void **state) {
    (void)state;
    for (ucs4_t c = 1; c <= 0xe1000; c++) {
        if (c == 0x30000) /* nothing but ideographs without case up to here, nothing assigned from here */
            c = 0xe0000;
        uint8_t text[8] = {0};
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        assert_true(u8_uctomb(text, c, 7) > 0);
        char *once = fold_text((const char *)text);
        char *twice = fold_text(once);
        if (strcmp(once, twice) != 0)
            fail_msg("U+%04X folds to '%s', and that to '%s'", c, once, twice);
        free(once);
        free(twice);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii),
        cmocka_unit_test(test_unicode),
        cmocka_unit_test(test_blank),
        cmocka_unit_test(test_invalid_utf8_is_kept),
        cmocka_unit_test(test_settled_for_all_of_unicode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
