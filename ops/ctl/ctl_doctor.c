/* usherctl doctor: looks at everything that usher stands on, and says what is wrong and what to do. It
 * changes nothing. */
#include "ops/ctl/ctl_doctor.h"

#include "ops/runtime/version.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {[DOCTOR_OK] = "ok", [DOCTOR_WARN] = "warn", [DOCTOR_BAD] = "bad"};

void doctor_say(struct doctor *d, enum doctor_state state, const char *area, const char *what,
                const char *todo, const char *format, ...) {
    struct jbuf *out = &d->c->out;
    char says[600];
    va_list ap;
    va_start(ap, format);
    vsnprintf(says, sizeof says, format, ap);
    va_end(ap);
    d->counts[state]++;
    if (d->c->json) {
        jb_sep(out);
        jb_raw(out, "{");
        jb_kstr(out, "area", area);
        jb_kstr(out, "what", what);
        jb_kstr(out, "state", names[state]);
        jb_kstr(out, "says", says);
        jb_kstr(out, "todo", todo);
        jb_raw(out, "}");
        return;
    }
    jb_printf(out, "%-4s  %-10s %-24s %s\n", names[state], area, what, says);
    if (todo != NULL)
        jb_printf(out, "%41s-> %s\n", "", todo);
}

rd_kafka_event_t *doctor_ask(rd_kafka_t *rk, rd_kafka_admin_op_t op,
                             void (*ask)(rd_kafka_t *rk, const rd_kafka_AdminOptions_t *options,
                                         rd_kafka_queue_t *queue, void *ctx),
                             void *ctx, char *why, size_t n) {
    char text[256];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, op);
    rd_kafka_AdminOptions_set_request_timeout(options, DOCTOR_ANSWER_MS, text, sizeof text);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    ask(rk, options, queue, ctx);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DOCTOR_ANSWER_MS + 1000);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    if (event == NULL) {
        snprintf(why, n, "no answer");
    } else if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(why, n, "%s", rd_kafka_event_error_string(event));
        rd_kafka_event_destroy(event);
        event = NULL;
    }
    return event;
}

/* librdkafka: what this machine's can do with the settings that are given. */
static void look_at_versions(struct doctor *d) {
    char why[400];
    doctor_say(d, DOCTOR_OK, "versions", "usherctl", NULL, "%s", usher_version);
    if (kafka_pass.doubt(d->c->config, why, sizeof why))
        doctor_say(d, DOCTOR_BAD, "versions", "librdkafka",
                   "take a newer librdkafka, PLAIN over TLS, or client certificates", "%s", why);
    else
        doctor_say(d, DOCTOR_OK, "versions", "librdkafka", NULL, "%s", rd_kafka_version_str());
}

enum err_code ctl_doctor(struct ctl *c, struct err *err) {
    struct doctor d = {.c = c};
    const char *seconds = ctl_flag(c->args, "transaction-seconds");
    if (seconds != NULL &&
        ctl_value_int("transaction-seconds", seconds, 1, 86400, &d.transaction_s, err) != ERR_OK)
        return err->code;
    if (c->json)
        jb_raw(&c->out, "{\"checks\":[");
    look_at_versions(&d);
    doctor_postgres(&d);
    doctor_kafka(&d);
    doctor_files(&d);
    if (c->json)
        jb_raw(&c->out, "]}\n");
    else
        jb_printf(&c->out, "%d ok, %d to be looked at, %d wrong\n", d.counts[DOCTOR_OK],
                  d.counts[DOCTOR_WARN], d.counts[DOCTOR_BAD]);
    if (d.unreachable)
        return err_set(err, ERR_DB_LOST, "PostgreSQL or Kafka cannot be reached");
    return d.counts[DOCTOR_BAD] == 0 ? ERR_OK : err_set(err, ERR_UNAVAILABLE, "something is wrong");
}
