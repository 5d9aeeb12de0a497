#include "workers/archive/resume.h"

#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>

/* A slice of what is aside. *after: the last offset that was looked at. *done: nothing is left to do. */
static enum err_code resume_slice(struct book *b, const struct archive_resumed *r, int64_t *after, bool *done,
                                  struct err *err) {
    struct archive_set_aside *asides = xcalloc(ARCHIVE_ASIDES_MAX, sizeof *asides);
    struct entry_source *records = xcalloc(ARCHIVE_ASIDES_MAX, sizeof *records);
    size_t n;
    bool more, stopped = false;
    enum err_code code = archive_asides(b->db, r, *after, asides, &n, &more, err);
    for (size_t i = 0; i < n; i++) {
        records[i] = (struct entry_source){.partition = r->partition,
                                           .offset = asides[i].offset,
                                           .time_us = asides[i].at_us,
                                           .event = asides[i].event,
                                           .of_stream = true, /* it was readable when it was put aside */
                                           .value = asides[i].bytes,
                                           .n = asides[i].nbytes};
        *after = asides[i].offset;
    }
    if (code == ERR_OK && n > 0)
        code = book_resume(b, r, records, n, !more, &stopped, err);
    *done = n == 0 || !more || stopped;
    if (code == ERR_OK && n > 0)
        log_event(LOG_INFO, "archive-resumed", "workspace=%s tree=%d records=%zu goes_on=%s", r->workspace,
                  r->tree, n, *done ? (stopped ? "no" : "yes") : "soon");
    for (size_t i = 0; i < n; i++) {
        free(asides[i].event);
        free(asides[i].bytes);
    }
    free(asides);
    free(records);
    return code;
}

static enum err_code resume_tree(struct book *b, const struct archive_resumed *r, struct err *err) {
    int64_t after = -1;
    enum err_code code = ERR_OK;
    for (bool done = false; code == ERR_OK && !done;)
        code = resume_slice(b, r, &after, &done, err);
    return code;
}

enum err_code resume_trees(struct book *b, const int32_t *partitions, size_t n, struct err *err) {
    struct archive_resumed *trees = xcalloc(ARCHIVE_RESUMED_MAX, sizeof *trees);
    size_t ntrees;
    enum err_code code = archive_resumed(b->db, partitions, n, trees, &ntrees, err);
    for (size_t i = 0; i < ntrees; i++) {
        if (code == ERR_OK)
            code = resume_tree(b, &trees[i], err);
        free(trees[i].why);
    }
    free(trees);
    return code;
}
