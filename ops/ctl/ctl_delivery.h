/* What the commands of usherctl delivery share. */
#ifndef USHER_CTL_DELIVERY_H
#define USHER_CTL_DELIVERY_H

#include "ops/ctl/ctl_find.h"

struct ctl_delivery {
    struct uuid workspace, id;
    char name[128], signature[16];
};
/* The endpoint that the operand of the command line names, by id or name, within --workspace if that is
 * given. ERR_NOT_FOUND, ERR_CONFLICT. */
enum err_code ctl_delivery_named(struct ctl *c, struct ctl_delivery *out, struct err *err);

#endif
