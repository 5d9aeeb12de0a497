/* Verbs on workspaces: an operator's or owner's commands, in the same order and the same audit as everything
 * else of a workspace. The settings are the table's (schemas/api/workspace_settings.h). */
#ifndef USHER_WORKERS_APPLY_WORKSPACE_H
#define USHER_WORKERS_APPLY_WORKSPACE_H

#include "workers/apply/decision.h"

enum err_code apply_workspace_create(struct decision *d);
enum err_code apply_workspace_set(struct decision *d);
/* Changes nothing: that somebody takes a copy of the audit is on record. */
enum err_code apply_audit_export(struct decision *d);
enum err_code apply_audit_resume(struct decision *d);

#endif
