#include "workers/emit/lanes.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void lanes_init(struct lanes *l, int32_t partitions, size_t most_bytes) {
    *l = (struct lanes){.n = partitions, .most_bytes = most_bytes};
    l->lane = xcalloc((size_t)partitions, sizeof *l->lane);
    for (int32_t i = 0; i < partitions; i++) {
        l->lane[i].partition = i;
        l->lane[i].tail = l->lane[i].next = &l->lane[i].head;
    }
}

/* Rows up to this number are needed no more. */
static void drop_rows(struct lanes *l, struct lane *p, int64_t number) {
    while (p->head != NULL && p->head->number <= number) {
        struct row *row = p->head;
        p->head = row->next;
        l->bytes -= row->n;
        if (p->next == &row->next)
            p->next = &p->head;
        if (p->head == NULL)
            p->tail = &p->head;
        row_free(row);
    }
}

void lanes_free(struct lanes *l) {
    for (int32_t i = 0; i < l->n; i++)
        drop_rows(l, &l->lane[i], INT64_MAX);
    free(l->lane);
}

void lane_take(struct lanes *l, int32_t partition, int64_t number, int64_t last, int64_t mark,
               int64_t offset) {
    struct lane *p = &l->lane[partition];
    drop_rows(l, p, INT64_MAX);
    *p = (struct lane){.partition = partition,
                       .held = true,
                       .done = number,
                       .sent = number,
                       .last = last,
                       .marked = mark,
                       .offset = offset,
                       .committed = offset,
                       .ending = offset,
                       .since_us = clock_mono_us()};
    p->tail = p->next = &p->head;
}

void lane_release(struct lanes *l, int32_t partition) {
    struct lane *p = &l->lane[partition];
    drop_rows(l, p, INT64_MAX);
    *p = (struct lane){.partition = partition};
    p->tail = p->next = &p->head;
}

void lane_push(struct lanes *l, struct row *row) {
    struct lane *p = &l->lane[row->partition];
    if (!p->held) {
        row_free(row); /* whoever has the partition next finds it in the table */
        return;
    }
    assert(row->number > p->last);
    if (p->last == p->sent)
        p->since_us = row->since_us;
    p->last = row->number;
    if (l->bytes + row->n > l->most_bytes) {
        row_free(row);
        return;
    }
    row->next = NULL;
    *p->tail = row;
    p->tail = &row->next;
    l->bytes += row->n;
}

struct row *lane_next(const struct lane *p) {
    struct row *row = *p->next;
    return row != NULL && row->number == p->sent + 1 ? row : NULL;
}

bool lane_lacks(const struct lane *p, int64_t *last) {
    if (!p->held || p->last == p->sent || lane_next(p) != NULL)
        return false;
    *last = *p->next != NULL ? (*p->next)->number - 1 : p->last;
    return true;
}

void lane_insert(struct lanes *l, struct lane *p, struct row *row) {
    struct row **at = p->next;
    while (*at != NULL && (*at)->number < row->number)
        at = &(*at)->next;
    row->next = *at;
    *at = row;
    if (row->next == NULL)
        p->tail = &row->next;
    l->bytes += row->n;
}

void lane_sent(struct lane *p) {
    p->sent++;
    p->next = &(*p->next)->next;
}

void lane_commit(struct lanes *l, struct lane *p) {
    p->done = p->sent;
    p->committed = p->ending;
    for (int t = 0; t < LANE_TOPICS; t++)
        if (p->open_positions[t] > p->positions[t])
            p->positions[t] = p->open_positions[t];
    memset(p->open_positions, 0, sizeof p->open_positions);
    drop_rows(l, p, p->done);
    if (p->last > p->done && p->head == NULL)
        p->since_us = clock_mono_us(); /* nobody knows; the table will say */
}

void lane_abort(struct lane *p) {
    p->sent = p->done;
    p->ending = p->committed;
    p->next = &p->head;
    memset(p->open_positions, 0, sizeof p->open_positions);
}

void lane_settle(struct lanes *l, struct lane *p, int64_t number, int64_t offset) {
    p->done = p->sent = number;
    p->committed = p->ending = offset;
    drop_rows(l, p, number);
    p->next = &p->head;
}

int64_t lanes_waiting(const struct lanes *l) {
    int64_t n = 0;
    for (int32_t i = 0; i < l->n; i++)
        n += l->lane[i].last - l->lane[i].done;
    return n;
}

int64_t lanes_since_us(const struct lanes *l) {
    int64_t oldest_us = 0;
    for (int32_t i = 0; i < l->n; i++) {
        const struct lane *p = &l->lane[i];
        if (p->last == p->done)
            continue;
        int64_t since_us =
            p->head != NULL && p->head->number == p->done + 1 ? p->head->since_us : p->since_us;
        if (oldest_us == 0 || since_us < oldest_us)
            oldest_us = since_us;
    }
    return oldest_us;
}

bool lanes_wait(const struct lanes *l) {
    for (int32_t i = 0; i < l->n; i++)
        if (lane_waits(&l->lane[i]))
            return true;
    return false;
}

bool lanes_unmarked(const struct lanes *l) {
    for (int32_t i = 0; i < l->n; i++)
        if (l->lane[i].held && l->lane[i].done > l->lane[i].marked)
            return true;
    return false;
}
