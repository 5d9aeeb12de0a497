#include "schemas/stream/audit_action.h"

#include <assert.h>

static const struct audit_action_row rows[ACTION_COUNT] = {
#define ACTION_ROW(sym, name, target, subject, words) {name, TARGET_##target, TARGET_##subject, words},
    AUDIT_ACTIONS(ACTION_ROW)
#undef ACTION_ROW
};

const struct audit_action_row *audit_action_row(enum audit_action action) {
    assert(action < ACTION_COUNT);
    return &rows[action];
}
