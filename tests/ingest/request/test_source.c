#include "ingest/request/source.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct row {
    const char *trusted, *peer, *forwarded, *forwarded_for, *due;
} rows[] = {
    /* nobody is trusted: the headers are hearsay */
    {"", "203.0.113.9", "for=192.0.2.1", NULL, "203.0.113.9"},
    {"", "203.0.113.9", NULL, "192.0.2.2", "203.0.113.9"},
    {"10.0.0.0/8", "203.0.113.9", "for=192.0.2.1", NULL, "203.0.113.9"},
    {"10.0.0.0/8", "203.0.113.9", NULL, "192.0.2.2", "203.0.113.9"},
    {"10.0.0.0/8", "10.0.0.1", NULL, NULL, "10.0.0.1"},
    /* one proxy */
    {"10.0.0.0/8", "10.0.0.1", NULL, "192.0.2.2", "192.0.2.2"},
    {"10.0.0.0/8", "10.0.0.1", "for=192.0.2.1", NULL, "192.0.2.1"},
    {"10.0.0.0/8", "10.0.0.1", "for=192.0.2.1;proto=https;by=10.0.0.1", NULL, "192.0.2.1"},
    /* what the client claimed itself stands before what our proxy saw */
    {"10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1, 192.0.2.2", "192.0.2.2"},
    {"10.0.0.0/8", "10.0.0.1", "for=1.1.1.1, for=192.0.2.1", NULL, "192.0.2.1"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.7, 192.0.2.2", "192.0.2.2"},
    /* two proxies of ours */
    {"10.0.0.0/8", "10.0.0.1", NULL, "1.1.1.1, 192.0.2.2, 10.0.0.2", "192.0.2.2"},
    /* all are ours: the request comes from inside */
    {"10.0.0.0/8", "10.0.0.1", NULL, "10.0.0.3,10.0.0.2", "10.0.0.3"},
    /* not to be read: the last sure address */
    {"10.0.0.0/8", "10.0.0.1", NULL, "192.0.2.2, unknown", "10.0.0.1"},
    {"10.0.0.0/8", "10.0.0.1", "for=192.0.2.1, for=_hidden", NULL, "10.0.0.1"},
    {"10.0.0.0/8", "10.0.0.1", "proto=https", NULL, "10.0.0.1"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "192.0.2.2, nonsense, 10.0.0.2", "10.0.0.2"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "", "10.0.0.1"},
    /* ports, brackets, quotes, letter case */
    {"10.0.0.0/8", "10.0.0.1", NULL, "192.0.2.2:4711", "192.0.2.2"},
    {"10.0.0.0/8", "10.0.0.1", "For=\"[2001:db8::17]:4711\"", NULL, "2001:db8::17"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "[2001:db8::17]:4711", "2001:db8::17"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "2001:db8::17", "2001:db8::17"},
    {"10.0.0.0/8", "10.0.0.1", "for=\"192.0.2.1, for=1.1.1.1\"", NULL, "10.0.0.1"},
    {"10.0.0.0/8", "10.0.0.1", NULL, "[2001:db8::17", "10.0.0.1"},
    /* an open quote of the client hides nothing */
    {"10.0.0.0/8", "10.0.0.1", NULL, "\"1.1.1.1, 192.0.2.2", "192.0.2.2"},
    {"10.0.0.0/8", "10.0.0.1", "for=\"1.1.1.1, for=192.0.2.1", NULL, "192.0.2.1"},
    {"::ffff:10.0.0.1", "10.0.0.1", NULL, "192.0.2.2", "192.0.2.2"},
};

static void every_row(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct net_ranges trusted;
        struct net_address peer, at;
        char text[NET_TEXT_SIZE];
        assert_true(net_ranges_parse(rows[i].trusted, &trusted, NULL));
        assert_true(net_address_parse(rows[i].peer, strlen(rows[i].peer), &peer));
        bool forwarded = rows[i].forwarded != NULL;
        at = source_address(&trusted, &peer, forwarded ? PROXY_FORWARDED : PROXY_X_FORWARDED_FOR,
                            forwarded ? rows[i].forwarded : rows[i].forwarded_for);
        if (strcmp(net_address_text(&at, text), rows[i].due) != 0)
            fail_msg("row %zu: %s, due is %s", i, text, rows[i].due);
        net_ranges_free(&trusted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
