#include "workers/archive/sums.h"

#include "ops/runtime/id.h"
#include "ops/runtime/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKET 7 /* less than 2^7 us */

static const int64_t spans_us[ARCHIVE_SPANS] = {60000000, INT64_C(3600000000), INT64_C(86400000000)};

struct sums {
    struct archive_sum *spans[ARCHIVE_SPANS];
    struct archive_source *sources;
    size_t nspans[ARCHIVE_SPANS], nsources;
};

struct sums *sums_new(void) {
    return xcalloc(1, sizeof(struct sums));
}

void sums_free(struct sums *s) {
    for (int i = 0; i < ARCHIVE_SPANS; i++)
        free(s->spans[i]);
    free(s->sources);
    free(s);
}

/* The newest are looked at first: most requests of a batch are of few keys and of one minute. */
static struct archive_sum *sum_of(struct sums *s, int span, const struct entry *e) {
    int64_t at_us = e->leaf.at_us - e->leaf.at_us % spans_us[span];
    for (size_t i = s->nspans[span]; i-- > 0;) {
        struct archive_sum *sum = &s->spans[span][i];
        if (sum->at_us == at_us && strcmp(sum->key, e->key) == 0 &&
            strcmp(sum->workspace, e->leaf.workspace) == 0)
            return sum;
    }
    s->spans[span] = xreallocarray(s->spans[span], s->nspans[span] + 1, sizeof **s->spans);
    struct archive_sum *sum = &s->spans[span][s->nspans[span]++];
    *sum = (struct archive_sum){.at_us = at_us, .first_us = e->leaf.at_us, .last_us = e->leaf.at_us};
    snprintf(sum->workspace, sizeof sum->workspace, "%s", e->leaf.workspace);
    snprintf(sum->key, sizeof sum->key, "%s", e->key);
    return sum;
}

static int bucket_of(int64_t us) {
    int i = 0;
    while (i < ARCHIVE_BUCKETS - 1 && us >= INT64_C(1) << (i + FIRST_BUCKET))
        i++;
    return i;
}

static void widen(int64_t *first_us, int64_t *last_us, int64_t at_us) {
    *first_us = at_us < *first_us ? at_us : *first_us;
    *last_us = at_us > *last_us ? at_us : *last_us;
}

static void add_to(struct archive_sum *sum, const struct entry *e) {
    int status = e->leaf.status;
    int64_t *class = status == 429   ? &sum->limited
                     : status >= 500 ? &sum->failed
                     : status >= 400 ? &sum->refused
                     : status >= 300 ? &sum->redirected
                                     : &sum->ok;
    sum->requests += e->requests;
    sum->operations += e->operations;
    sum->superseded += e->supersedes;
    *class += e->requests;
    sum->bytes_in += e->bytes_in;
    sum->bytes_out += e->bytes_out;
    if (e->requests == 1)
        sum->latency[bucket_of(e->leaf.duration_us)]++;
    widen(&sum->first_us, &sum->last_us, e->leaf.at_us);
    if (!e->is_write)
        return;
    sum->writes++;
    sum->write_us = e->leaf.at_us > sum->write_us ? e->leaf.at_us : sum->write_us;
}

/* Strangers' addresses are not counted: there is no end of them. They stand in the records. */
static void add_source(struct sums *s, const struct entry *e) {
    if (e->leaf.source == NULL || e->requests == 0 || strcmp(e->key, UUID_NIL) == 0)
        return;
    for (size_t i = s->nsources; i-- > 0;) {
        struct archive_source *source = &s->sources[i];
        if (strcmp(source->source, e->leaf.source) != 0 || strcmp(source->key, e->key) != 0 ||
            strcmp(source->workspace, e->leaf.workspace) != 0)
            continue;
        source->requests += e->requests;
        widen(&source->first_us, &source->last_us, e->leaf.at_us);
        return;
    }
    s->sources = xreallocarray(s->sources, s->nsources + 1, sizeof *s->sources);
    struct archive_source *source = &s->sources[s->nsources++];
    *source = (struct archive_source){.source = e->leaf.source,
                                      .requests = e->requests,
                                      .first_us = e->leaf.at_us,
                                      .last_us = e->leaf.at_us};
    snprintf(source->workspace, sizeof source->workspace, "%s", e->leaf.workspace);
    snprintf(source->key, sizeof source->key, "%s", e->key);
}

void sums_add(struct sums *s, const struct entry *e) {
    if (e->leaf.tree != ARCHIVE_REQUESTS)
        return;
    for (int span = 0; span < ARCHIVE_SPANS; span++)
        add_to(sum_of(s, span, e), e);
    add_source(s, e);
}

void sums_put(const struct sums *s, struct archive_batch *out) {
    for (int span = 0; span < ARCHIVE_SPANS; span++) {
        out->sums[span] = s->spans[span];
        out->nsums[span] = s->nspans[span];
    }
    out->sources = s->sources;
    out->nsources = s->nsources;
}
