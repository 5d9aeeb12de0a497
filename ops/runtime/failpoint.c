#include "ops/runtime/failpoint.h"

#include "ops/runtime/log.h"
#include "ops/runtime/mem.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST 16

enum action { ACT_KILL, ACT_STOP, ACT_SLEEP, ACT_ERROR };

struct point {
    char name[64];
    enum action action;
    int ms;
    long at; /* the pass that acts; 0 = every one */
    atomic_long passes;
};

bool failpoints_armed;
static struct point points[MOST];
static int npoints;

static bool parse_action(const char *text, struct point *p) {
    if (strcmp(text, "kill") == 0)
        p->action = ACT_KILL;
    else if (strcmp(text, "stop") == 0)
        p->action = ACT_STOP;
    else if (strcmp(text, "error") == 0)
        p->action = ACT_ERROR;
    else if (strncmp(text, "sleep:", 6) == 0) {
        char *end;
        p->action = ACT_SLEEP;
        p->ms = (int)strtol(text + 6, &end, 10);
        return end != text + 6 && *end == '\0' && p->ms >= 0;
    } else
        return false;
    return true;
}

static bool parse_pass(const char *text, long *at) {
    if (strcmp(text, "*") == 0)
        return *at = 0, true;
    char *end;
    *at = strtol(text, &end, 10);
    return end != text && *end == '\0' && *at >= 1;
}

/* Reads name=action[@n]; changes the text. */
static bool parse_point(char *text, struct point *p) {
    char *action = strchr(text, '=');
    if (action == NULL || action == text)
        return false;
    *action++ = 0;
    p->at = 1;
    char *at = strchr(action, '@');
    if (at != NULL) {
        *at++ = 0;
        if (!parse_pass(at, &p->at))
            return false;
    }
    if (strlen(text) >= sizeof p->name)
        return false;
    strcpy(p->name, text);
    return parse_action(action, p);
}

/* A test that armed nothing would pass for the wrong reason, so a wrong setting ends the process. */
void failpoint_init(void) {
    npoints = 0;
    failpoints_armed = false;
    const char *setting = getenv("USHER_FAILPOINT");
    if (setting == NULL || *setting == '\0')
        return;
    char *copy = xstrdup(setting), *rest = copy, *part;
    while ((part = strsep(&rest, ","))) {
        char shown[128], quoted[160];
        snprintf(shown, sizeof shown, "%s", part);
        if (*part == '\0')
            continue;
        if (npoints == MOST ||
            (memset(&points[npoints], 0, sizeof points[npoints]), !parse_point(part, &points[npoints]))) {
            fprintf(stderr, "USHER_FAILPOINT: cannot understand \"%s\"\n", shown);
            exit(2);
        }
        npoints++;
        log_event(LOG_WARN, "failpoint_armed", "point=%s", log_quote(shown, quoted, sizeof quoted));
    }
    free(copy);
    failpoints_armed = npoints > 0;
}

static bool act(struct point *p) {
    log_event(LOG_WARN, "failpoint", "name=%s", p->name);
    switch (p->action) {
    case ACT_KILL:
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    case ACT_STOP:
        kill(getpid(), SIGSTOP);
        return false;
    case ACT_SLEEP:
        usleep((useconds_t)p->ms * 1000);
        return false;
    case ACT_ERROR:
        return true;
    }
    return false;
}

bool failpoint_pass(const char *name) {
    bool failed = false;
    for (int i = 0; i < npoints; i++) {
        struct point *p = &points[i];
        if (strcmp(p->name, name) != 0)
            continue;
        long pass = atomic_fetch_add(&p->passes, 1) + 1;
        if (p->at == 0 || p->at == pass)
            failed |= act(p);
    }
    return failed;
}
