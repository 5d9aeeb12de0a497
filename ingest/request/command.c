#include "ingest/request/command.h"

struct request_command *request_make_command(struct request *r, enum command_type type) {
    if (r->command == NULL)
        r->command = arena_alloc(r->arena, sizeof *r->command);
    r->command->type = type;
    return r->command;
}

bool request_is_published(const struct request *r) {
    return r->command != NULL && r->command->encoded != NULL;
}
