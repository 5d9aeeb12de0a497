#include "ingest/request/command.h"

#include "ingest/request/content.h"

struct request_command *request_make_command(struct request *r, enum command_type type) {
    if (r->command == NULL)
        r->command = arena_alloc(r->arena, sizeof *r->command);
    r->command->type = type;
    return r->command;
}

void request_forget_json(struct request *r) {
    struct request_command *c = r->command;
    json_t *shown = json_incref(c->resource);
    c->ops = c->operations = c->members = c->cleared = c->must_match = c->must_not_match = c->needs = NULL;
    content_drop(r);
    content_keep(r, shown);
}

bool request_is_published(const struct request *r) {
    return r->command != NULL && r->command->encoded != NULL;
}
