/* usherctl doctor: what people will run into soon, in any workspace: seats that run out, credentials that
 * expire. */
#include "ops/ctl/ctl_doctor.h"
#include "ops/runtime/clock.h"
#include "sql/ask/sight.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NAMED 3

static void look_at_seats(struct doctor *d, struct arena *a) {
    struct sight_seats seats;
    struct err why = {0};
    if (sight_seats(d->c->db, NAMED, a, &seats, &why) != ERR_OK) {
        doctor_say(d, DOCTOR_WARN, "seats", "full workspaces",
                   "run it as the administrator of the migrations", "%s", err_text(&why));
        return;
    }
    struct jbuf names = {0};
    for (size_t i = 0; i < seats.n; i++)
        jb_printf(&names, "%s%s (%" PRId64 " of %" PRId64 ")",
                  i > 0 ? ", " : "; the fullest: ", seats.fullest[i].name, seats.fullest[i].used,
                  seats.fullest[i].limit);
    doctor_say(d, seats.full > 0 ? DOCTOR_WARN : DOCTOR_OK, "seats", "full workspaces",
               seats.full > 0 ? "usherctl workspace set W --seats N, or let people go" : NULL,
               "%" PRId64 " have more than %d %% of their seats taken%s", seats.full, SIGHT_FULL_PERCENT,
               names.p != NULL ? names.p : "");
    jb_free(&names);
}

static void say_credentials(struct doctor *d, const char *what, const char *todo, bool soon,
                            const struct sight_credentials *c) {
    char day[16] = "";
    time_t at = (time_t)(c->soonest_us / 1000000);
    struct tm utc;
    if (c->many > 0 && gmtime_r(&at, &utc) != NULL)
        strftime(day, sizeof day, "%Y-%m-%d", &utc);
    if (c->many == 0)
        doctor_say(d, DOCTOR_OK, "credentials", what, NULL, "none expires within %d days", SIGHT_EXPIRY_DAYS);
    else
        doctor_say(d, soon ? DOCTOR_WARN : DOCTOR_OK, "credentials", what, soon ? todo : NULL,
                   "%" PRId64 " within %d days; the first on %s: %s of %s", c->many, SIGHT_EXPIRY_DAYS, day,
                   c->name, c->workspace);
}

static void look_at_credentials(struct doctor *d, struct arena *a) {
    struct sight_credentials kinds[SIGHT_KINDS];
    struct err why = {0};
    if (sight_credentials(d->c->db, a, kinds, &why) != ERR_OK) {
        doctor_say(d, DOCTOR_WARN, "credentials", "keys", "run it as the administrator of the migrations",
                   "%s", err_text(&why));
        return;
    }
    say_credentials(d, "keys", "make a new key, give it to whoever uses it, revoke this one", true,
                    &kinds[SIGHT_KEY]);
    say_credentials(d, "owners", "make a new credential for its owner, revoke this one", true,
                    &kinds[SIGHT_OWNER]);
    say_credentials(d, "made for a short time", NULL, false, &kinds[SIGHT_SHORT]);
}

void doctor_sight(struct doctor *d) {
    struct arena *a = arena_new();
    look_at_seats(d, a);
    look_at_credentials(d, a);
    arena_free(a);
}
