#include "workers/apply/verbs.h"

#include "workers/apply/announce.h"
#include "workers/apply/checks.h"
#include "workers/apply/create.h"
#include "workers/apply/deliveries.h"
#include "workers/apply/keys.h"
#include "workers/apply/login.h"
#include "workers/apply/mass_guard.h"
#include "workers/apply/member.h"
#include "workers/apply/owners.h"
#include "workers/apply/resource.h"
#include "workers/apply/sign_in.h"
#include "workers/apply/stand_in.h"
#include "workers/apply/streams.h"
#include "workers/apply/workspace.h"

#include <assert.h>

static void announce_nothing(struct unit *u, struct unit_workspace *w, const struct command *c) {
    (void)u, (void)w, (void)c;
}

/* An operation of an asynchronous Bulk that the ingest has refused. Its outcome takes its place between those
 * of the other operations. */
static enum err_code apply_request_refused(struct decision *d) {
    return err_set(&d->err, d->command->refusal, "%s", d->command->refusal_detail);
}

/* One that stands for itself is no verb's (bulk_trial.h). */
static enum err_code apply_bulk_in_bulk(struct decision *d) {
    return err_set(&d->err, ERR_INVALID_VALUE, "A Bulk cannot be part of a Bulk");
}

static const struct verb verbs[COMMAND_TYPE_COUNT] = {
    [COMMAND_USER_CREATE] = {announce_create, apply_create},
    [COMMAND_USER_REPLACE] = {announce_replace, apply_replace},
    [COMMAND_USER_PATCH] = {announce_patch, apply_patch},
    [COMMAND_USER_DELETE] = {announce_delete, apply_delete},
    [COMMAND_ROOM_CREATE] = {announce_create, apply_create},
    [COMMAND_ROOM_REPLACE] = {announce_replace, apply_replace},
    [COMMAND_ROOM_PATCH] = {announce_patch, apply_patch},
    [COMMAND_ROOM_DELETE] = {announce_delete, apply_delete},
    [COMMAND_RESOURCE_CREATE] = {announce_create, apply_create},
    [COMMAND_RESOURCE_REPLACE] = {announce_replace, apply_replace},
    [COMMAND_RESOURCE_PATCH] = {announce_patch, apply_patch},
    [COMMAND_RESOURCE_DELETE] = {announce_delete, apply_delete},
    [COMMAND_REQUEST_REFUSED] = {announce_nothing, apply_request_refused},
    [COMMAND_BULK_TRY] = {announce_nothing, apply_bulk_in_bulk},
    [COMMAND_WORKSPACE_CREATE] = {announce_nothing, apply_workspace_create},
    [COMMAND_WORKSPACE_SET] = {announce_nothing, apply_workspace_set},
    [COMMAND_KEY_CREATE] = {announce_key, apply_key_create},
    [COMMAND_KEY_SET] = {announce_key, apply_key_set},
    [COMMAND_KEY_REVOKE] = {announce_key, apply_key_revoke},
    [COMMAND_KEY_ROTATE] = {announce_key, apply_key_rotate},
    [COMMAND_OWNER_CREATE] = {announce_owners, apply_owner_create},
    [COMMAND_OWNER_REVOKE] = {announce_owners, apply_owner_revoke},
    [COMMAND_USER_LOGIN] = {announce_login, apply_user_login},
    [COMMAND_MEMBER_PUT] = {announce_member, apply_member_put},
    [COMMAND_MEMBER_DELETE] = {announce_member, apply_member_delete},
    [COMMAND_GUARD_RELEASE] = {announce_key, apply_guard_release},
    [COMMAND_AUDIT_EXPORT] = {announce_nothing, apply_audit_export},
    [COMMAND_AUDIT_RESUME] = {announce_nothing, apply_audit_resume},
    [COMMAND_DELIVERY_CREATE] = {announce_deliveries, apply_endpoint_create},
    [COMMAND_DELIVERY_SET] = {announce_deliveries, apply_endpoint_set},
    [COMMAND_DELIVERY_ROTATE] = {announce_deliveries, apply_delivery_rotate},
    [COMMAND_DELIVERY_REPLAY] = {announce_deliveries, apply_delivery_replay},
    [COMMAND_DELIVERY_DELETE] = {announce_deliveries, apply_delivery_delete},
    [COMMAND_SIGN_IN_SET] = {announce_sign_in, apply_sign_in_set},
    [COMMAND_DELIVERY_VERIFY] = {announce_deliveries, apply_delivery_verify},
};

const struct verb *verb_of(enum command_type type) {
    assert(type < COMMAND_TYPE_COUNT && verbs[type].apply != NULL);
    return &verbs[type];
}

enum err_code verb_decide(struct decision *d, const struct err *fault) {
    enum err_code code = check_command(d);
    if (code == ERR_OK && d->command->dry)
        stand_ins_make(d);
    if (code == ERR_OK && fault->code != ERR_OK) {
        d->err = *fault;
        code = fault->code;
    }
    if (code == ERR_OK)
        code = verb_of(d->command->type)->apply(d);
    assert(code == d->err.code);
    return code;
}
