/* What a worker and an ingest take from Kafka: commands ('c' first) and replies. Nothing that decodes may
 * change on its way through. A command of a newer version is put off, not refused. */
#include "schemas/stream/command.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void check_command(const char *text, size_t len) {
    struct err err = {0};
    struct command c;
    struct jbuf once = {0}, twice = {0};
    enum err_code code = command_decode(text, len, &c, &err);
    FUZZ_CHECK(code == ERR_OK ||
                   ((code == ERR_DECODE || code == ERR_NOT_IMPLEMENTED) && err.detail[0] != '\0'),
               "command_decode gives %s", err_name(code));
    if (code != ERR_OK)
        return;
    command_encode(&c, &once);
    command_clear(&c);
    FUZZ_CHECK(command_decode(once.p, once.n, &c, &err) == ERR_OK,
               "an encoded command does not decode (%s): %s", err_text(&err), once.p);
    command_encode(&c, &twice);
    code = command_check(&c, &err);
    FUZZ_CHECK(code == ERR_OK || err.detail[0] != '\0', "a refusal without a reason: %s", err_name(code));
    FUZZ_CHECK(code != ERR_OK || command_check(&c, &err) == ERR_OK, "what was checked is not good: %s",
               err_text(&err));
    command_clear(&c);
    FUZZ_CHECK(strcmp(once.p, twice.p) == 0, "a command changes: %s -> %s", once.p, twice.p);
    jb_free(&once);
    jb_free(&twice);
}

static void check_reply(const char *text, size_t len) {
    struct err err = {0};
    struct reply r;
    struct jbuf once = {0}, twice = {0};
    enum err_code code = reply_decode(text, len, &r, &err);
    FUZZ_CHECK(code == ERR_OK || (code == ERR_DECODE && err.detail[0] != '\0'), "reply_decode gives %s",
               err_name(code));
    if (code != ERR_OK)
        return;
    reply_encode(&r, &once);
    reply_clear(&r);
    FUZZ_CHECK(reply_decode(once.p, once.n, &r, &err) == ERR_OK, "an encoded reply does not decode (%s): %s",
               err_text(&err), once.p);
    reply_encode(&r, &twice);
    reply_clear(&r);
    FUZZ_CHECK(strcmp(once.p, twice.p) == 0, "a reply changes: %s -> %s", once.p, twice.p);
    jb_free(&once);
    jb_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    char *text = malloc(size); /* of exactly its size, so that a read beyond it is seen */
    if (text == NULL)
        abort();
    memcpy(text, data + 1, size - 1);
    if (data[0] == 'c')
        check_command(text, size - 1);
    else
        check_reply(text, size - 1);
    free(text);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    return fuzz_mutate_json(data, size, max_size, seed);
}
