/* The body of a Bulk: its envelope, then references, ids and order. */
#include "ingest/http/routes.h"
#include "ingest/scim/bulk_request.h"
#include "schemas/resource/body.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define BASE "https://usher.example/scim/v2"

static const struct body_limits limits = {.max_bytes = 1 << 20, .max_depth = 32, .max_elements = 20000};

/* Every operation once, and each behind what it cannot come before. */
static void check_order(const struct bulk_request *b, struct arena *a) {
    size_t *place = arena_alloc(a, (b->n + 1) * sizeof *place);
    for (size_t i = 0; i < b->n; i++) {
        FUZZ_CHECK(b->order[i] < b->n && place[b->order[i]] == 0, "operation %zu comes twice", b->order[i]);
        place[b->order[i]] = i + 1;
    }
    for (size_t i = 0; i < b->n; i++) {
        const struct bulk_op *op = &b->ops[i];
        for (size_t k = 0; k < op->nlinks; k++) {
            const struct bulk_link *l = &op->links[k];
            FUZZ_CHECK(l->to < b->n && l->to != i, "a link to nowhere");
            FUZZ_CHECK(!l->hard || !l->dropped, "a hard link is dropped");
            FUZZ_CHECK(l->dropped || op->code != ERR_OK || place[l->to] < place[i] ||
                           b->ops[l->to].code != ERR_OK,
                       "operation %zu comes before %zu, which it refers to", i, l->to);
        }
    }
}

static void check_operation(const struct bulk_op *op, size_t i) {
    FUZZ_CHECK(op->method != NULL, "operation %zu without method", i);
    FUZZ_CHECK(op->code == ERR_OK || err_class(op->code) == ERR_CLASS_REJECT, "operation %zu: %s", i,
               err_name(op->code));
    if (op->code != ERR_OK)
        return;
    FUZZ_CHECK(op->route.rt != NULL && op->path != NULL, "operation %zu goes nowhere", i);
    FUZZ_CHECK(op->route.method != HTTP_POST || (uuid_is_set(&op->id) && op->bulk_id != NULL),
               "a create without id or bulkId: %zu", i);
    FUZZ_CHECK(op->route.method == HTTP_POST || op->route.segment != NULL, "operation %zu on nothing", i);
    FUZZ_CHECK(op->data != NULL || op->route.method == HTTP_DELETE, "operation %zu without data", i);
    FUZZ_CHECK(op->bulk_id == NULL || strlen(op->bulk_id) <= BULK_ID_MAX, "a bulkId too long: %zu", i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *a = arena_new();
    struct err err = {0};
    struct bulk_request b = {0};
    json_t *body = NULL;
    struct fuzz_input in;
    fuzz_input(data, size, a, &in);
    if (body_parse(in.text, in.len, &limits, &body, &err) == ERR_OK) {
        enum err_code code = bulk_parse(body, false, a, &b, &err);
        FUZZ_CHECK(code == ERR_OK || (err_class(code) == ERR_CLASS_REJECT && err.detail[0] != '\0'),
                   "bulk_parse gives %s", err_name(code));
        if (code == ERR_OK) {
            bulk_plan(&b, &routes, BASE, "/scim/v2", a);
            for (size_t i = 0; i < b.n; i++)
                check_operation(&b.ops[i], i);
            check_order(&b, a);
        }
        json_decref(body);
    }
    arena_free(a);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    return fuzz_mutate_json(data, size, max_size, seed);
}
