/* The commands of a run: which txn stands at each offset, whose it is, and how many PostgreSQL transactions it takes.
 * At most four txns, five offsets and eight rows; a sliced command is txn 0 or 1 and stands at the offset of the same
 * number. ROWS: how many rows of the outbox all of them make. */
#ifndef SCENARIO
#define SCENARIO 1
#endif

#if SCENARIO == 0 /* nothing sliced; the first command is in the log twice */
#define OFFSETS 4
#define ROWS 3
#define TXN(o) ((o) == 2 -> 0 : ((o) == 3 -> 2 : (o)))
#define WORKSPACE(t) ((t) == 1 -> 1 : 0)
#define SLICES(t) ((t) < 3 -> 1 : 0)

#elif SCENARIO == 1 /* three slices of workspace 0, a command of workspace 1, a command of workspace 0 */
#define OFFSETS 3
#define ROWS 5
#define TXN(o) (o)
#define WORKSPACE(t) ((t) == 1 -> 1 : 0)
#define SLICES(t) ((t) == 0 -> 3 : ((t) < 3 -> 1 : 0))

#elif SCENARIO == 2 /* the same, then the sliced command once more, then another of workspace 1 */
#define OFFSETS 5
#define ROWS 6
#define TXN(o) ((o) == 3 -> 0 : ((o) == 4 -> 3 : (o)))
#define WORKSPACE(t) ((t) == 1 || (t) == 3 -> 1 : 0)
#define SLICES(t) ((t) == 0 -> 3 : 1)

#elif SCENARIO == 3 /* each workspace has a sliced command, then a command that waits for it */
#define OFFSETS 4
#define ROWS 6
#define TXN(o) (o)
#define WORKSPACE(t) ((t) == 1 || (t) == 3 -> 1 : 0)
#define SLICES(t) ((t) < 2 -> 2 : 1)

#elif SCENARIO == 4 /* two commands wait for one sliced command; then workspace 1 */
#define OFFSETS 4
#define ROWS 5
#define TXN(o) (o)
#define WORKSPACE(t) ((t) == 3 -> 1 : 0)
#define SLICES(t) ((t) == 0 -> 2 : 1)
#endif
