#include "workers/apply/create.h"

#include "schemas/resource/resource.h"
#include "workers/apply/carry.h"
#include "workers/apply/link.h"

enum err_code apply_create(struct decision *d) {
    const struct command *cmd = d->command;
    struct unit_resource *r = unit_resource(d->unit, d->workspace, cmd->rt, cmd->id.s);
    if (r == NULL)
        return decision_db_error(d);
    if (r->state != ROW_ABSENT)
        return err_set(&d->err, ERR_CONFLICT, "The id is already in use");
    struct unit_resource *account = link_account(d);
    if (account != NULL)
        return link_take_over(d, account);
    if (unit_error(d->unit, &d->err) != ERR_OK)
        return d->err.code;
    resource_default(cmd->rt, cmd->resource);
    struct member_delta members = {.kind = MEMBER_ADD};
    members.ids = decision_id_texts(d, cmd->members, &members.nids);
    struct change c = {.decision = d,
                       .resource = r,
                       .after = cmd->resource,
                       .deltas = &members,
                       .ndeltas = members.nids > 0};
    return change_carry_through(&c);
}
