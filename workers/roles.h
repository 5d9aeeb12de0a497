/* What a worker process does: the setting `roles`. Roles share nothing but the process. */
#ifndef USHER_WORKERS_ROLES_H
#define USHER_WORKERS_ROLES_H

#include "ops/runtime/config.h"
#include "ops/runtime/err.h"

struct roles {
    bool apply;   /* commands into PostgreSQL, and changes to the streams */
    bool archive; /* records of usher.audit into PostgreSQL */
    bool deliver; /* events over HTTP */
};

/* "apply,archive,deliver": at least one, each once. ERR_CONFIG otherwise. */
enum err_code roles_parse(const char *text, struct roles *out, struct err *err);
/* For worker_config: the roles, and what goes with them. */
enum err_code roles_judge(const struct config *config, struct err *err);

#endif
