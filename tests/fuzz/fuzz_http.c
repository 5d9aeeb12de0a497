/* The head of a request: "METHOD TARGET VERSION", then headers line by line. What the guard lets through goes
 * on to the router and to the parser of queries. */
#include "ingest/http/guard.h"
#include "ingest/http/routes.h"
#include "ingest/request/etag.h"
#include "ingest/request/prefer.h"
#include "ingest/request/query.h"
#include "ingest/scim/read.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define HEADERS_MAX (GUARD_HEADERS_MAX + 2)

static char *take(char **rest, char end) {
    char *begin = *rest, *stop = strchr(begin, end);
    *rest = stop != NULL ? stop + 1 : begin + strlen(begin);
    if (stop != NULL)
        *stop = '\0';
    return begin;
}

static size_t take_headers(char *text, struct guard_header *headers) {
    size_t n = 0;
    while (*text != '\0' && n < HEADERS_MAX) {
        char *value = take(&text, '\n'), *name = take(&value, ':');
        value += strspn(value, " ");
        bool trailer = name[0] == '+';
        name += trailer;
        headers[n++] = (struct guard_header){trailer ? GUARD_TRAILER : GUARD_HEADER, name, strlen(name),
                                             value, strlen(value)};
    }
    return n;
}

/* X2: what logs show of a filter holds none of its values. */
static void check_masked(const struct query *q, struct arena *a) {
    const char *masked = query_masked(q, a);
    FUZZ_CHECK((masked == NULL) == (q->n == 0), "a masked query out of nothing");
    for (const char *p = masked; p != NULL && (p = strchr(p, '"')) != NULL; p += 3)
        FUZZ_CHECK(strncmp(p, "\"?\"", 3) == 0, "a value in a masked query: %s", masked);
}

static void check_masked_filter(const char *text, struct arena *a) {
    struct err err = {0};
    const struct filter *f = NULL;
    struct jbuf given = {0}, other = {0};
    if (filter_parse(resource_type_of(RESOURCE_USER), DIALECT_ENTRA, text, strlen(text), a, &f, &err) !=
        ERR_OK)
        return;
    filter_format(f, NULL, &given);
    filter_format(fuzz_other_values(f, a), NULL, &other);
    struct query_param one = {"filter", given.p}, two = {"filter", other.p};
    struct query q1 = {&one, 1}, q2 = {&two, 1};
    FUZZ_CHECK(strcmp(query_masked(&q1, a), query_masked(&q2, a)) == 0,
               "a masked filter tells its values: %s", query_masked(&q1, a));
    jb_free(&given);
    jb_free(&other);
}

static void check_query(const char *text, struct arena *a) {
    struct err err = {0};
    struct query q;
    int64_t number;
    enum err_code code = query_parse(text, a, &q, &err);
    FUZZ_CHECK(code == ERR_OK || (code == ERR_BAD_REQUEST && err.detail[0] != '\0'), "query_parse gives %s",
               err_name(code));
    if (code != ERR_OK)
        return;
    check_masked(&q, a);
    if (query_get(&q, "filter") != NULL)
        check_masked_filter(query_get(&q, "filter"), a);
    code = query_int(&q, "count", 100, &number, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_INVALID_VALUE, "query_int gives %s", err_name(code));
    FUZZ_CHECK(code != ERR_OK || (number >= -INT32_MAX && number <= INT32_MAX), "a count out of bounds");
}

static void check_route(const char *method, const struct guard_facts *facts, struct arena *a) {
    struct route route;
    route_parse(&routes, method, facts->path, facts->path_len, a, &route);
    FUZZ_CHECK(route.code != ERR_METHOD || route.allow != NULL, "405 without Allow");
    FUZZ_CHECK(route.row != NULL && route.row->handler != NULL && route.row->form != NULL, "no row");
    FUZZ_CHECK(route.code != ERR_OK || route.place != NULL, "a route to nowhere");
    FUZZ_CHECK(route.row->handler != &scim_read || (route.rt != NULL && route.segment != NULL),
               "a resource without type or id");
    (void)route_scopes(&route);
}

/* Headers that say how: nothing in them is an error, what cannot be read counts as not said. */
static void check_manners(const struct guard_request *r, struct arena *a) {
    for (size_t i = 0; i < r->nheaders; i++) {
        struct etag_list tags;
        struct prefer prefer;
        etag_parse(r->headers[i].value, a, &tags);
        json_t *versions = etag_versions(&tags);
        FUZZ_CHECK(tags.any || json_array_size(versions) == tags.n, "versions get lost");
        for (size_t k = 0; k < tags.n; k++)
            FUZZ_CHECK(etag_matches(&tags, tags.tags[k].version, tags.tags[k].refs),
                       "a version does not match itself");
        json_decref(versions);
        prefer_parse(r->headers[i].value, &prefer);
        FUZZ_CHECK(prefer.wait_s >= -1 && prefer.wait_s <= 3600, "a wait of %d s", prefer.wait_s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct err err = {0};
    struct guard_facts facts;
    struct guard_header *headers = arena_alloc(a, HEADERS_MAX * sizeof *headers);
    char *text = arena_strndup(a, (const char *)data, size), *rest = text;
    char *line = take(&rest, '\n');
    const char *method = take(&line, ' '), *target = take(&line, ' ');
    struct guard_request r = {
        .method = method, .version = line, .whole = true, .target = target, .headers = headers};
    r.nheaders = take_headers(rest, headers);
    enum err_code code = guard_check(&r, &facts, &err);
    FUZZ_CHECK(code == ERR_OK || code == ERR_BAD_REQUEST || code == ERR_URI_TOO_LONG ||
                   code == ERR_HEADERS_TOO_LARGE || code == ERR_HTTP_VERSION,
               "guard_check gives %s", err_name(code));
    if (code == ERR_OK) {
        FUZZ_CHECK(facts.path[0] == '/', "a request without path");
        FUZZ_CHECK(facts.host != NULL || strcmp(r.version, "HTTP/1.0") == 0, "HTTP/1.1 without a host");
        FUZZ_CHECK(!(facts.chunked && facts.has_length), "two lengths");
        check_route(method, &facts, a);
        check_query(facts.query, a);
        check_manners(&r, a);
    }
    arena_free(a);
    return 0;
}
