#include "workers/traces.h"

#include "ops/runtime/clock.h"
#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/trace.h"

#include <stdio.h>

/* Attributes by OpenTelemetry's conventions for Kafka. */
static void trace_delivery(const struct delivery *d, size_t together, int64_t began_us, int64_t ended_us) {
    struct trace_span s;
    char partition[12];
    if (!d->decoded || d->waits || !trace_child(d->command.traceparent, &s))
        return;
    snprintf(partition, sizeof partition, "%d", d->partition);
    s.kind = TRACE_CONSUMER;
    s.name = "process " TOPIC_COMMANDS;
    s.begin_us = began_us;
    s.end_us = ended_us;
    if (d->poison)
        s.error = err_name(d->decode_err.code);
    trace_text(&s, "messaging.system", "kafka");
    trace_text(&s, "messaging.operation.type", "process");
    trace_text(&s, "messaging.destination.name", TOPIC_COMMANDS);
    trace_text(&s, "messaging.destination.partition.id", partition);
    trace_number(&s, "messaging.kafka.offset", d->offset);
    trace_text(&s, "usher.workspace", d->command.workspace.s);
    trace_text(&s, "usher.txn", d->command.txn.s);
    trace_text(&s, "usher.command", command_type_text(d->command.type));
    trace_text(&s, "usher.outcome", d->reply.code == ERR_OK ? "applied" : err_name(d->reply.code));
    trace_number(&s, "usher.commands_together", (int64_t)together);
    trace_send(&s);
}

void traces_batch(const struct batch *b, int64_t began_us) {
    int64_t ended_us = clock_wall_us();
    for (size_t i = 0; i < b->n; i++)
        trace_delivery(&b->deliveries[i], b->n, began_us, ended_us);
}
