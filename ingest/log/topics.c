#include "ingest/log/topics.h"

#include "ops/runtime/kafka_conf.h"
#include "ops/runtime/mem.h"

#include <stdlib.h>

#define TIMEOUT_MS 3000

struct topics {
    const struct settings *settings;
    rd_kafka_t *admin;
    bool ensured;
};

struct topics *topics_new(const struct settings *s) {
    struct topics *t = xcalloc(1, sizeof *t);
    t->settings = s;
    return t;
}

static void close_admin(struct topics *t) {
    if (t->admin != NULL)
        rd_kafka_destroy(t->admin);
    t->admin = NULL;
}

enum err_code topics_ensure(struct topics *t, struct err *err) {
    const struct settings *s = t->settings;
    if (t->ensured)
        return ERR_OK;
    if (t->admin == NULL)
        t->admin = kafka_open(kafka_conf_new(s->config, KAFKA_ADMIN), KAFKA_ADMIN, err);
    if (t->admin == NULL)
        return err->code;
    enum err_code code = kafka_topics_ensure(t->admin, s->partitions, -1, TIMEOUT_MS, err);
    if (code != ERR_OK)
        return code;
    close_admin(t);
    t->ensured = true;
    return ERR_OK;
}

void topics_close(struct topics *t) {
    if (t == NULL)
        return;
    close_admin(t);
    free(t);
}
