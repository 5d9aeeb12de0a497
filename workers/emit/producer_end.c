#include "workers/emit/producer_end.h"

#include "ops/runtime/clock.h"

#define SERVE_US 5000000

void producer_end(rd_kafka_t *rk) {
    int64_t until_us = clock_mono_us() + SERVE_US;
    /* Waits for the brokers' threads: afterwards they have nothing to send, and know none of the requests
     * that the broker may still answer. */
    (void)rd_kafka_purge(rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    do
        rd_kafka_poll(rk, 10);
    while (rd_kafka_outq_len(rk) > 0 && clock_mono_us() < until_us);
    rd_kafka_destroy(rk);
}
