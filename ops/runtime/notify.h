/* What the service manager is told (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names. Nothing
 * happens where there is none. */
#ifndef USHER_RUNTIME_NOTIFY_H
#define USHER_RUNTIME_NOTIFY_H

/* Thread-safe: "READY=1", "STOPPING=1". */
void notify_send(const char *text);
/* One line of words for people, sent where it is another one than the last. One thread only. */
void notify_status(const char *words);
/* The loop that does the work goes on: tells it, at half the time that WATCHDOG_USEC gives. Thread-safe, and
 * cheap enough for every turn. */
void notify_alive(void);

#endif
