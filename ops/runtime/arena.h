/* Memory with one lifetime: everything allocated from an arena goes when it is reset or freed; nothing is
 * freed singly. One owner thread at a time. Allocation failure aborts the process (as every allocation in
 * usher does). */
#ifndef USHER_RUNTIME_ARENA_H
#define USHER_RUNTIME_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);  /* runs the deferred calls (last first) and frees all; NULL is fine */
void arena_reset(struct arena *a); /* as free, but the arena can be used again */

void *arena_alloc(struct arena *a, size_t n);       /* zeroed, aligned for any type */
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Ties a foreign object (json_t, PGresult, Kafka message) to the arena's life. */
void arena_defer(struct arena *a, void (*fn)(void *), void *ptr);

#endif
