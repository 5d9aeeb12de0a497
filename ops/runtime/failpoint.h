/* Failpoints: named places where a test can end, stop or delay the process. Compiled in, off unless
 * USHER_FAILPOINT is set: "name=action[@n]" separated by commas; action: kill (SIGKILL to self), stop
 * (SIGSTOP to self), sleep:MS, error (the call returns true, the caller behaves as if the step had failed);
 * @n = at the n-th pass (default 1, counted from process start; for every pass: @*). One predicted branch
 * when off. */
#ifndef USHER_RUNTIME_FAILPOINT_H
#define USHER_RUNTIME_FAILPOINT_H

#include <stdbool.h>

extern bool failpoints_armed;
void failpoint_init(void); /* reads the environment; logs what is armed at warn level */
bool failpoint_pass(const char *name);

static inline bool failpoint(const char *name) {
    return __builtin_expect(failpoints_armed, false) && failpoint_pass(name);
}

#endif
