/* What the emitter asks PostgreSQL: rows that memory had no room for, and the mark. */
#include "ops/runtime/clock.h"
#include "ops/runtime/failpoint.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"
#include "sql/ask/outbox.h"
#include "workers/emit/emitter_impl.h"
#include "workers/emit/topics.h"

#include <stdlib.h>
#include <unistd.h>

#define MARK_EVERY_US 1000000
#define PAUSE_US 100000

/* ---- rows ---- */

struct fetched {
    struct emitter *e;
    struct lane *lane;
    int64_t next;  /* number that must come */
    size_t *bytes; /* that there is room for */
    bool gap;
};

/* Rows are numbered without gaps, so a missing one is a fault that nothing may pass. */
static void take_fetched(void *arg, const struct outbox_row *from) {
    struct fetched *f = arg;
    struct row *row = xcalloc(1, sizeof *row);
    *row = (struct row){.partition = f->lane->partition,
                        .number = from->number,
                        .bytes = from->bytes,
                        .n = from->n,
                        .since_us = clock_mono_us() - from->waited_us};
    f->gap |= row->number != f->next;
    if (f->gap) {
        row_free(row);
        return;
    }
    struct err err = {0};
    f->next++;
    if (row_decode(row->bytes, row->n, &row->items, &err) == ERR_OK)
        row->records = row->items.n;
    *f->bytes -= row->n < *f->bytes ? row->n : *f->bytes;
    pthread_mutex_lock(&f->e->lock);
    lane_insert(&f->e->lanes, f->lane, row);
    pthread_mutex_unlock(&f->e->lock);
}

static bool fetch_lane(struct emitter *e, struct lane *p, int64_t last, size_t *bytes) {
    struct err err = {0};
    struct fetched f = {.e = e, .lane = p, .next = p->sent + 1, .bytes = bytes};
    if (outbox_rows(e->db, p->partition, p->sent, last, *bytes, take_fetched, &f, &err) != ERR_OK)
        return false;
    if (!f.gap && f.next > p->sent + 1)
        return true;
    log_event(e->troubled ? LOG_DEBUG : LOG_ERROR, "outbox-gap", "partition=%d number=%lld", p->partition,
              (long long)f.next);
    e->troubled = true;
    return false;
}

bool emitter_fetch_rows(struct emitter *e) {
    bool good = true;
    pthread_mutex_lock(&e->lock);
    size_t room = e->lanes.bytes < e->lanes.most_bytes ? e->lanes.most_bytes - e->lanes.bytes : 0;
    pthread_mutex_unlock(&e->lock);
    room = room < ROW_BYTES ? room : ROW_BYTES;
    for (int32_t i = 0; good && i < e->lanes.n; i++) {
        int64_t last;
        struct lane *p = &e->lanes.lane[i];
        pthread_mutex_lock(&e->lock);
        bool lacks = lane_lacks(p, &last);
        pthread_mutex_unlock(&e->lock);
        if (lacks)
            good = fetch_lane(e, p, last, &room);
    }
    return good;
}

/* ---- the mark ---- */

static char *positions_text(const struct lane *p) {
    struct jbuf text = {0};
    jb_raw(&text, "{");
    for (int t = 0; t < LANE_TOPICS; t++)
        if (p->positions[t] > 0)
            jb_kint(&text, emit_topics[t], p->positions[t]);
    jb_raw(&text, "}");
    return jb_take(&text);
}

void emitter_write_marks(struct emitter *e) {
    struct err err = {0};
    size_t n = 0;
    struct outbox_mark *marks = xcalloc((size_t)e->lanes.n, sizeof *marks);
    pthread_mutex_lock(&e->lock);
    for (int32_t i = 0; i < e->lanes.n; i++) {
        const struct lane *p = &e->lanes.lane[i];
        if (p->held && p->done > p->marked)
            marks[n++] = (struct outbox_mark){i, p->done, positions_text(p)};
    }
    pthread_mutex_unlock(&e->lock);
    (void)failpoint("emit.before_mark");
    bool good = n > 0 && outbox_set_marks(e->db, marks, n, &err) == ERR_OK;
    (void)failpoint("emit.after_mark");
    if (n > 0 && !good)
        usleep(PAUSE_US); /* who settles asks again at once */
    pthread_mutex_lock(&e->lock);
    e->marks_at_us = clock_mono_us() + MARK_EVERY_US;
    for (size_t i = 0; i < n; i++) {
        if (good)
            e->lanes.lane[marks[i].partition].marked = marks[i].number;
        free((char *)(uintptr_t)marks[i].positions);
    }
    pthread_mutex_unlock(&e->lock);
    free(marks);
}
