/* What the fuzz targets share. A target is one file fuzz_<name>.c with LLVMFuzzerTestOneInput. It is built
 * twice: with clang and libFuzzer for `make fuzz`, and with the unit tests' compiler and replay.c for `make
 * check`, which runs what is kept in corpus/<name>/ and regressions/<name>/. */
#ifndef USHER_TESTS_FUZZ_FUZZ_H
#define USHER_TESTS_FUZZ_FUZZ_H

#include "ops/runtime/arena.h"
#include "ops/runtime/err.h"
#include "ops/runtime/jbuf.h"
#include "schemas/filter/filter.h"
#include "schemas/types/dialect.h"
#include "schemas/types/schema.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* Called by libFuzzer and by replay.c. Always gives 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Asked for by libFuzzer where a target has it: see fuzz_mutate_json. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Something that must be true is not: says so and ends the process, which is a finding. */
_Noreturn void fuzz_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define FUZZ_CHECK(condition, ...)                                                                           \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fuzz_fail(__VA_ARGS__);                                                                          \
    } while (0)

/* The first byte of an input says for whom the rest is: '0' to '8' are User, Group and the tests' Probe (a
 * type with all kinds of attributes) under the dialects rfc, entra and okta. */
struct fuzz_input {
    const struct resource_type *rt;
    enum dialect dialect;
    const char *text; /* the rest, NUL-terminated in the arena; may hold NULs itself */
    size_t len;
};
#define FUZZ_KINDS 9
void fuzz_input(const uint8_t *data, size_t size, struct arena *a, struct fuzz_input *in);

/* A document of the type with something in most of its attributes, as the store would hold it. New reference.
 */
json_t *fuzz_document(const struct resource_type *rt);

/* The promises of a document (schemas/resource/resource.h): no null, "" or empty part stays, at most one
 * primary in a list, "schemas" first and right, and as a request body it normalises to itself. what: said in
 * the failure.
 */
void fuzz_check_document(const struct resource_type *rt, const json_t *doc, const char *what);
/* Text of JSON must be JSON: gives it parsed (new reference) or fails. */
json_t *fuzz_parse(const char *text, const char *what);

/* Do two trees say the same, node by node? */
bool fuzz_same_filter(const struct filter *f, const struct filter *g);
/* The same tree with other values of the same kinds: ids for ids, other texts for texts. What may not hold a
 * value (SQL, logs) must be the same for both. Lives in the arena. */
const struct filter *fuzz_other_values(const struct filter *f, struct arena *a);

/* A mutation of JSON text as a tree: values replaced, moved, wrapped, removed, members renamed to what the
 * schemas know. Falls back on bytes where the text is no JSON, and now and then anyway. */
size_t fuzz_mutate_json(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
