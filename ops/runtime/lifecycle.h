/* Start and stop of a process: signals only set a flag; a watchdog ends a stop that hangs. */
#ifndef USHER_RUNTIME_LIFECYCLE_H
#define USHER_RUNTIME_LIFECYCLE_H

#include <stdbool.h>

/* Blocks SIGTERM/SIGINT/SIGHUP in all threads created later, ignores SIGPIPE, seeds jansson's hash, inits
 * libsodium. First call of main. */
void lifecycle_init(void);
/* Waits up to timeout_ms (-1 = for ever) for SIGTERM or SIGINT; true when a stop was asked for (also by
 * lifecycle_stop). */
bool lifecycle_wait(int timeout_ms);
/* Called by lifecycle_wait, on its thread, for each SIGHUP. One at most; set before waiting. */
void lifecycle_on_hangup(void (*fn)(void *ctx), void *ctx);
bool lifecycle_stopping(void);
/* After a stop was asked for: waits so long, or until SIGTERM or SIGINT comes once more. */
void lifecycle_linger(int ms);
void lifecycle_stop(void);
/* From now on the process has seconds left to end; then _exit(code). */
void lifecycle_watchdog(int seconds, int code);
/* Writes one line to the descriptor in $USHER_READY_FD, if set, and closes it, and tells the service manager
 * (notify.h): the program is ready. */
void lifecycle_ready(void);

#endif
