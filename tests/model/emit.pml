/* How a worker carries commands from the log to the streams: large commands in slices, records through an outbox whose
 * rows are numbered per partition, the number of the last emitted row beside the consumer offset. README.md says what
 * this means for the program, and the script `run` checks it.
 *
 * The model has one partition of usher.commands, two workers, two workspaces and one output partition. A row of the
 * outbox stands for all records that one PostgreSQL transaction writes; here it is one record of one workspace.
 *
 * Checked:
 *   read_committed readers see seq 1, 2, 3 of each workspace once each and in order (resolve);
 *   read_uncommitted readers never see a jump (produce);
 *   a command finds all that stands before it in its workspace decided and complete (decide);
 *   no slice comes twice (add_row);
 *   what was looked up before a decision has not changed until then (decide_looked);
 *   a cancelled command has no effect, and nobody was told that it has (cancel);
 *   no row is needed that may have been dropped (read_place);
 *   in the end everything is decided, complete and emitted (the_end), and nothing gets stuck (an end state elsewhere).
 *
 * -DNO_… switches a rule off: `run` shows that the checker then finds a violation. Other variants: ORIGIN is the rule
 * that the outbox replaces; CATCH_UP needs no fence, because each PostgreSQL transaction looks for rows that its worker
 * does not know; STEPS looks the sliced command up before it is decided, while others go on; LANES has several threads commit rows of one partition, which reach the emitter in any order. */

/* How many faults of each kind. A crash is every loss of a worker's memory: also a COMMIT whose answer does not come.
 * After a rebalance the former owner notices at some time, or never. A stray goes through the start-up although the
 * partition is another's. */
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef REBALANCES
#define REBALANCES 1
#endif
#ifndef STRAYS
#define STRAYS 0
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0 /* of Kafka transactions, or aborts by the worker itself */
#endif
#ifndef CANCELS
#define CANCELS 0 /* by an ingest, at the deadline */
#endif
#ifndef LOSSES
#define LOSSES 0 /* of the group's offsets */
#endif
byte crashes, rebalances, strays, timeouts, cancels, losses;

/* So many rows at most go into one Kafka transaction. */
#ifndef BOUND
#define BOUND 2
#endif

#if defined(ORIGIN) || defined(CATCH_UP)
#define NO_FENCE
#endif

#include "commands.pml"
#include "steps.pml"

proctype worker(byte w) {
  do
  /* start-up: end the transaction that was left open, get the partition, take it in PostgreSQL, learn the place, read
   * the outbox */
  :: d_step { state[w] == DEAD -> resolve(w, false); state[w] = IDLE }
  :: d_step { state[w] == IDLE && owner == w && !finished -> member[w] = true; state[w] = ASSIGNED }
  :: d_step { state[w] == IDLE && owner != w && !finished && strays < STRAYS -> strays++; state[w] = ASSIGNED }
#ifdef NO_FENCE_FIRST
  :: d_step { state[w] == ASSIGNED && readable -> read_place(w) }
  :: d_step { state[w] == PLACED -> read_outbox(w); state[w] = FENCED }
  :: d_step { state[w] == FENCED -> fence = w; state[w] = RUNNING }
#else
  :: d_step { state[w] == ASSIGNED -> fence = w; state[w] = FENCED }
  :: d_step { state[w] == FENCED && readable -> read_place(w) }
  :: d_step { state[w] == PLACED -> read_outbox(w) }
#endif
  :: d_step { state[w] > IDLE && !member[w] -> forget(w) }
  :: d_step { state[w] > IDLE && crashes < CRASHES -> crashes++; forget(w) }

  /* commands and slices */
  :: d_step { state[w] == RUNNING && pos[w] < OFFSETS -> next_commands(w) }
#ifdef STEPS
  :: d_step { (parked[w] & bit(0)) && saw[w] == 0 -> look(w) }
  :: d_step { (parked[w] & bit(0)) && saw[w] > 0 -> decide_looked(w) }
#endif
  :: d_step { may_go(w, 1) -> take_parked(w, 1) }
  :: d_step { may_go(w, 2) -> take_parked(w, 2) }
  :: d_step { may_go(w, 3) -> take_parked(w, 3) }
#ifdef NO_CURSOR
  :: d_step { (slicing[w] & bit(0)) && half[w] == 0 -> txn = 0; slice(w) }
  :: d_step { (slicing[w] & bit(1)) && half[w] == 0 -> txn = 1; slice(w) }
  :: d_step { half[w] > 0 -> txn = half[w] - 1; half[w] = 0; done[txn]++ }
#else
  :: d_step { slicing[w] & bit(0) -> txn = 0; slice(w) }
  :: d_step { slicing[w] & bit(1) -> txn = 1; slice(w) }
#endif
#ifdef NO_REPLY_ORDER
  :: d_step { state[w] == RUNNING && pos[w] < OFFSETS && undecided(TXN(pos[w])) -> told = told | bit(TXN(pos[w])) }
#endif

  /* records */
#ifdef LANES
  :: d_step { late[w] > 0 -> x = 0; do :: !(late[w] & bit(x)) -> x++ :: else -> break od; hand_over(w) }
  :: d_step { late[w] > 0 -> x = 7; do :: !(late[w] & bit(x)) -> x-- :: else -> break od; hand_over(w) }
#endif
  :: d_step { phase[w] < 2 && may_produce(w) -> produce(w) }
  :: d_step { phase[w] == 1 -> send_offset(w) }
  :: d_step { phase[w] == 0 && !may_produce(w) && pos[w] == OFFSETS && parked[w] == 0 && committed < OFFSETS ->
       send_offset(w) }                                    /* nothing to emit, but the offset moves */
  :: d_step { phase[w] == 2 -> commit(w, true) }
#if defined(NO_METADATA) || defined(NO_END)
  :: d_step { phase[w] == 2 -> commit(w, false) }
#endif
#ifndef ORIGIN
  :: d_step { phase[w] > 0 && open[w] && timeouts < TIMEOUTS -> timeouts++; abort_and_retry(w) }
#endif
#ifdef NO_DOUBT
  :: d_step { phase[w] == 2 && open[w] -> commit_blindly(w) }
#endif

  :: finished && !open[w] -> break
  od
}

proctype kafka() {
  do
  :: d_step { rebalances < REBALANCES -> rebalances++; new_generation(); owner = 1 - owner }
  :: d_step { timeouts < TIMEOUTS && open[0] -> timeouts++; resolve(0, false) }
  :: d_step { timeouts < TIMEOUTS && open[1] -> timeouts++; resolve(1, false) }
  :: d_step { losses < LOSSES && !finished -> losses++; lose_offsets() }
  :: finished -> break
  od
}

/* At its deadline an ingest claims the txn itself, or loses to the worker that has decided it. */
inline cancel(t) {
  cancels++;
  assert(done[t] == 0);
  assert(!(told & bit(t)));
  claimed[t] = 2
}

proctype ingest() {
  do
  :: d_step { cancels < CANCELS && claimed[0] == 0 -> cancel(0) }
  :: d_step { cancels < CANCELS && claimed[2] == 0 -> cancel(2) }
  :: finished -> break
  od
}

proctype the_end() {
  d_step {
    finished && !open[0] && !open[1] ->
    assert(out_n == 0);
    x = 0;
    do
    :: x < OFFSETS ->
       assert(claimed[TXN(x)] == 2 || (claimed[TXN(x)] == 1 && done[TXN(x)] == SLICES(TXN(x))));
       x++
    :: else -> break
    od;
    assert(want[0] == seq[0] + 1 && want[1] == seq[1] + 1)
  }
}

init { atomic { run worker(0); run worker(1); run kafka(); run ingest(); run the_end() } }
