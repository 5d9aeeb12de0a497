/* Structured logs: one line per event on stderr, in logfmt ("ts=… level=info sys=worker event=… key=value
 * …"), with values quoted where needed. Callers never pass secrets. Thread-safe; one write(2) per line. */
#ifndef USHER_RUNTIME_LOG_H
#define USHER_RUNTIME_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* sys: the program or part ("ingest", "worker"); level from settings "debug|info|warn|error". */
void log_init(const char *sys, const char *level);
/* How often a kind of warning or error (its level and event) is written: `burst` lines at once, then one in
 * repeat_us; a line that follows others says how many were left out (left_out=). An outage says the same
 * thing again and again, and would fill disks with it. repeat_us 0: each is written. Without a call:
 * LOG_BURST and LOG_REPEAT_US. */
#define LOG_BURST 20
#define LOG_REPEAT_US 10000000
void log_limit(int burst, long repeat_us);
/* fields: printf format that yields ready `key=value` pairs, e.g. log_event(LOG_INFO, "batch", "n=%d ms=%d",
 * n, ms); may be "". Text from elsewhere goes through log_quote or log_word. Whatever control byte still
 * comes along is written as a blank, so that no value can begin a line or move a terminal's cursor. */
void log_event(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Quotes a value for a log line into out (escapes quotes, backslash and control bytes, cuts at size); returns
 * out. */
char *log_quote(const char *value, char *out, unsigned size);
/* The same for what is one plain word unless somebody means harm: without quotes if it is one. */
char *log_word(const char *value, char *out, unsigned size);
_Bool log_enabled(enum log_level level);
_Bool log_is_level(const char *name); /* "debug" … */

#endif
