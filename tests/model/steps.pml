/* What PostgreSQL, Kafka and a worker's memory hold, and the steps that change them. A step runs without interruption:
 * it is one PostgreSQL transaction, whose locks are held to its end, or one request to Kafka. */

#define bit(n) (1 << (n))
#define below(n) (bit(n) - 1)
#define NONE 255

/* ---- PostgreSQL ---- */
byte claimed[4];          /* by txn: 0 no, 1 by a worker, 2 cancelled */
byte done[4];             /* by txn: slices that are committed: the stored cursor */
byte nrows;               /* the outbox of the partition: rows 1 to nrows */
byte row_workspace[ROWS + 1], row_seq[ROWS + 1];
#ifdef ORIGIN
byte row_offset[ROWS + 1];
#endif
byte seq[2];              /* by workspace: the last number given */
byte mark;                /* rows up to this one may have been dropped from the outbox */
byte fence = NONE;        /* the worker that has taken the partition last */

#define unfinished(t) (done[t] > 0 && done[t] < SLICES(t))
#define any_unfinished (unfinished(0) || unfinished(1) || unfinished(2) || unfinished(3))
#define busy_with(v, t) (WORKSPACE(t) == (v) && unfinished(t))
#define busy(v) (busy_with(v, 0) || busy_with(v, 1) || busy_with(v, 2) || busy_with(v, 3))
#define undecided(t) (claimed[t] == 0 && done[t] == 0)

/* ---- Kafka ---- */
byte owner;               /* of the partition in the group */
byte committed, emitted;  /* the group's offset, and its metadata: the last emitted row; NONE if Kafka has forgotten */
bool open[2];             /* the worker's transaction, as the coordinator sees it */
bool pending[2];          /* offset and metadata that wait in it */
byte pending_offset[2], pending_emitted[2];
#define MAXOUT 20
#define COMMITTED 2
byte out_n;               /* the output partition, from the first record that no read_committed reader has got */
byte out_row[MAXOUT];
byte out_by[MAXOUT];      /* the worker whose transaction is open, or COMMITTED */
byte want[2] = 1;         /* read_committed readers, by workspace: the seq that must come next */
byte last_read;           /* and the highest row in the partition before the first open transaction */
byte seen[2];             /* read_uncommitted readers, by workspace: the highest seq */

/* ---- a worker's memory ---- */
#define DEAD 0            /* a transaction was left open */
#define IDLE 1
#define ASSIGNED 2
#define FENCED 3
#define PLACED 4
#define RUNNING 5
byte state[2] = IDLE;
bool member[2];           /* its generation is the group's, so the coordinator takes its offsets */
byte pos[2];              /* the next offset */
byte parked[2];           /* offsets that wait for their workspace, a bit each */
byte slicing[2];          /* txns that have slices left, a bit each */
byte queue[2];            /* rows to emit, bit n - 1 for row n */
byte known[2];            /* the last row of a Kafka transaction whose end was seen */
byte upto[2];             /* the last row in the open one */
byte phase[2];            /* of the open one: 0 there is none, 1 rows go in, 2 the offset is in */
#ifdef LANES
byte late[2];             /* rows committed and not yet handed to the emitter */
#endif
#ifdef NO_CURSOR
byte half[2];             /* txn + 1 whose row is committed and whose cursor is not */
#endif
#define base(w) (phase[w] == 0 -> known[w] : upto[w])

#ifdef STEPS
byte saw[2];              /* 1 + the seq of workspace 0 when txn 0 was looked up; 0: it was not */
#define forget_saw(w) saw[w] = 0
#define in_steps(t) ((t) == 0)
#else
#define forget_saw(w) skip
#define in_steps(t) false
#endif

byte told;                /* txns whose client got a 2xx, a bit each */

/* The partition is finished: all is decided, complete and emitted. */
#ifdef ORIGIN
#define finished (committed == OFFSETS && !any_unfinished)
#else
#define finished (committed == OFFSETS && emitted == nrows && !any_unfinished)
#endif

hidden byte x, x1, x2, row, off, txn; /* scratch, within one step */

inline forget(w) {
  state[w] = (open[w] -> DEAD : IDLE);
  member[w] = false; pos[w] = 0; parked[w] = 0; slicing[w] = 0; queue[w] = 0; known[w] = 0; upto[w] = 0; phase[w] = 0;
#ifdef LANES
  late[w] = 0;
#endif
#ifdef NO_CURSOR
  half[w] = 0;
#endif
  forget_saw(w)
}

/* ---- the coordinator ---- */

/* The transaction of worker w ends. What it aborts vanishes; readers get all that stands before the first open one. */
inline resolve(w, commits) {
  x = 0; x2 = 0;
  do
  :: x < out_n ->
     if
     :: out_by[x] == w && !commits -> skip
     :: else -> out_row[x2] = out_row[x]; out_by[x2] = (out_by[x] == w -> COMMITTED : out_by[x]); x2++
     fi;
     x++
  :: else -> break
  od;
  x = 0;
  do
  :: x < x2 && out_by[x] == COMMITTED ->
     row = out_row[x];
     assert(row_seq[row] == want[row_workspace[row]]);     /* read_committed: once each, in order */
     want[row_workspace[row]]++;
     last_read = (row > last_read -> row : last_read);
     x++
  :: else -> break
  od;
  x1 = 0;
  do
  :: x < x2 -> out_row[x1] = out_row[x]; out_by[x1] = out_by[x]; x1++; x++
  :: else -> break
  od;
  x = x1;
  do
  :: x < out_n -> out_row[x] = 0; out_by[x] = 0; x++
  :: else -> break
  od;
  out_n = x1;
  open[w] = false;
  if
  :: pending[w] && commits -> committed = pending_offset[w]; emitted = pending_emitted[w]
  :: else -> skip
  fi;
  pending[w] = false; pending_offset[w] = 0; pending_emitted[w] = 0
}

inline new_generation() {
  member[0] = false; member[1] = false
}

inline lose_offsets() {
  new_generation();
  committed = 0; emitted = NONE;
  pending[0] = false; pending_offset[0] = 0; pending_emitted[0] = 0;
  pending[1] = false; pending_offset[1] = 0; pending_emitted[1] = 0
}

/* ---- PostgreSQL transactions of worker w ---- */

#ifdef NO_FENCE
#define may_write(w) true
#else
#define may_write(w) (fence == (w))
#endif
#ifdef NO_FENCE_ON_KNOWN
#define may_read(w) true
#else
#define may_read(w) may_write(w)
#endif

inline load_slicing(w) {
  x = 0;
  do
  :: x < 4 -> slicing[w] = (unfinished(x) -> slicing[w] | bit(x) : slicing[w]); x++
  :: else -> break
  od
}

inline catch_up(w) {
#ifdef CATCH_UP
  queue[w] = queue[w] | (below(nrows) & ~below(base(w)));
  load_slicing(w)
#else
  skip
#endif
}

/* One row of the outbox: numbered under the partition's lock, its seq given under the workspace's lock. */
inline add_row(w, offset) {
  assert(nrows < ROWS);                                    /* no slice twice */
  nrows++;
  seq[WORKSPACE(txn)]++;
  row_workspace[nrows] = WORKSPACE(txn);
  row_seq[nrows] = seq[WORKSPACE(txn)];
#ifdef ORIGIN
  row_offset[nrows] = offset;
#endif
#ifdef LANES
  late[w] = late[w] | bit(nrows - 1);
#else
  queue[w] = queue[w] | bit(nrows - 1);
#endif
  catch_up(w)
}

#ifdef LANES
inline hand_over(w) {
  late[w] = late[w] & ~bit(x);
  queue[w] = queue[w] | bit(x)
}
#endif

/* The deciding transaction. The command finds everything decided and complete that stands before it in its workspace.
 * The reply goes out after it; where the reply is lost, the ingest reads the outcome. */
inline decide(w, offset) {
  txn = TXN(offset);
  x = 0;
  do
  :: x < offset ->
     assert(WORKSPACE(TXN(x)) != WORKSPACE(txn) || TXN(x) == txn || (claimed[TXN(x)] != 0 && !unfinished(TXN(x))));
     x++
  :: else -> break
  od;
#ifdef NO_CLAIM_FIRST
  claimed[txn] = (SLICES(txn) == 1 -> 1 : 0);
#else
  claimed[txn] = 1;
#endif
  told = told | bit(txn);
  done[txn] = 1;
  slicing[w] = (unfinished(txn) -> slicing[w] | bit(txn) : slicing[w]);
  add_row(w, offset)
}

/* The next slice of txn: rows and cursor in one transaction. */
inline slice(w) {
  if
  :: unfinished(txn) && may_write(w) ->
#ifdef NO_CURSOR
     half[w] = txn + 1;
#else
     done[txn]++;
     claimed[txn] = (done[txn] == SLICES(txn) -> 1 : claimed[txn]);
#endif
     add_row(w, txn)
  :: !unfinished(txn) && may_read(w) -> slicing[w] = slicing[w] & ~bit(txn); catch_up(w)
  :: else -> forget(w)
  fi
}

/* The rule that the outbox replaces: a known command's rows go out again, if this is the record that was applied. */
inline repeat(w, offset) {
#ifdef ORIGIN
  x = 0;
  do
  :: x < nrows -> queue[w] = (row_offset[x + 1] == offset -> queue[w] | bit(x) : queue[w]); x++
  :: else -> break
  od;
  load_slicing(w)
#else
  skip
#endif
}

/* A command whose turn has come. A worker that has lost the fence goes back to the start-up. */
inline take(w, offset) {
  if
  :: undecided(TXN(offset)) && may_write(w) -> decide(w, offset)
  :: !undecided(TXN(offset)) && may_read(w) -> catch_up(w); repeat(w, offset)
  :: else -> forget(w)
  fi
}

/* Commands wait for a sliced one of their workspace, and for those that wait already. */
#ifdef NO_STEP_PARKING
#define holds_others(p) (!in_steps(TXN(p)))
#else
#define holds_others(p) true
#endif
#define parked_at(w, p, o) \
  ((p) < (o) && (parked[w] & bit(p)) && holds_others(p) && WORKSPACE(TXN(p)) == WORKSPACE(TXN(o)))
#define parked_before(w, o) (parked_at(w, 0, o) || parked_at(w, 1, o) || parked_at(w, 2, o) || parked_at(w, 3, o))
#if defined(NO_PARKING)
#define must_wait(w, o) false
#elif defined(NO_PARKING_ORDER)
#define must_wait(w, o) busy(WORKSPACE(TXN(o)))
#else
#define must_wait(w, o) (busy(WORKSPACE(TXN(o))) || parked_before(w, o))
#endif
#define may_go(w, p) ((parked[w] & bit(p)) && !must_wait(w, p))

/* The next commands of the log: those that are known, and one that is not. */
inline next_commands(w) {
  do
  :: off = pos[w]; pos[w]++;
     if
     :: undecided(TXN(off)) || pos[w] == OFFSETS -> break
     :: else -> repeat(w, off)
     fi
  od;
  if
  :: undecided(TXN(off)) && (must_wait(w, off) || in_steps(TXN(off))) && may_read(w) -> parked[w] = parked[w] | bit(off); catch_up(w)
  :: else -> take(w, off)
  fi
}

inline take_parked(w, p) {
  parked[w] = parked[w] & ~bit(p);
  take(w, p)
}

#ifdef STEPS
/* What a large command is about is looked up, in as many steps as there are. They write nothing, but each is a
 * transaction like others, so a worker hears there that it has lost the fence. Then the command is decided, and nothing
 * has changed. */
inline look(w) {
  if
  :: may_read(w) && !must_wait(w, 0) -> saw[w] = seq[0] + 1
  :: may_read(w) && must_wait(w, 0) -> catch_up(w)
  :: else -> forget(w)
  fi
}

inline decide_looked(w) {
  assert(!undecided(0) || !may_write(w) || saw[w] == seq[0] + 1);
  saw[w] = 0;
  take_parked(w, 0)
}
#endif

/* ---- Kafka transactions of worker w ---- */

/* The offset that may be committed: the first that is not decided. What was emitted does not matter for it. */
inline offset_of(w) {
  off = pos[w];
#ifndef NO_HOLD
  x = 0;
  do
  :: x < off && !(parked[w] & bit(x)) -> x++
  :: else -> break
  od;
  off = x;
#endif
#ifdef ORIGIN /* there it does: the first that is not decided, complete and emitted */
  x = 0;
  do
  :: x < nrows -> off = ((queue[w] & bit(x)) && row_offset[x + 1] < off -> row_offset[x + 1] : off); x++
  :: else -> break
  od;
  x = 0;
  do
  :: x < 4 -> off = (unfinished(x) && x < off -> x : off); x++
  :: else -> break
  od;
#endif
}

#if defined(ORIGIN)
#define may_produce(w) (queue[w] >> base(w))
#elif defined(NO_ROW_ORDER)
#define may_produce(w) ((queue[w] >> base(w)) && base(w) - known[w] < BOUND)
#else
#define may_produce(w) ((queue[w] & bit(base(w))) && base(w) - known[w] < BOUND)
#endif

/* The next row, into the open transaction or a new one. */
inline produce(w) {
  row = base(w);
#if defined(ORIGIN) || defined(NO_ROW_ORDER)
  do
  :: !(queue[w] & bit(row)) -> row++
  :: else -> break
  od;
#endif
  queue[w] = queue[w] & ~bit(row);
  row++;
  if
  :: phase[w] == 0 -> open[w] = true
  :: else -> skip
  fi;
  if
  :: !open[w] -> forget(w)                                 /* the coordinator has timed it out */
  :: else ->
     phase[w] = 1;
     upto[w] = row;
     assert(out_n < MAXOUT);
     out_row[out_n] = row; out_by[out_n] = w; out_n++;
     assert(row_seq[row] <= seen[row_workspace[row]] + 1); /* read_uncommitted: no jump */
     seen[row_workspace[row]] = (row_seq[row] > seen[row_workspace[row]] -> row_seq[row] : seen[row_workspace[row]])
  fi
}

#ifdef NO_GENERATION
#define may_send(w) true
#else
#define may_send(w) member[w]
#endif

inline send_offset(w) {
  if
  :: may_send(w) && (phase[w] == 0 || open[w]) ->
     offset_of(w);
     open[w] = true;
     pending[w] = true;
     pending_offset[w] = off;
     pending_emitted[w] = base(w);
     upto[w] = base(w);
     phase[w] = 2;
#ifdef NO_MARK_ORDER
     mark = (upto[w] > mark -> upto[w] : mark)
#endif
  :: else -> forget(w)
  fi
}

/* The mark is written when the commit was seen, or later. (At once is the harder case, but where a start-up would begin
 * at the mark.) */
inline commit(w, marks) {
  if
  :: open[w] ->
     resolve(w, true);
     known[w] = upto[w];
     mark = (marks && known[w] > mark -> known[w] : mark);
     upto[w] = 0; phase[w] = 0
  :: else -> forget(w)
  fi
}

/* The worker itself aborts, is told that it is done, and produces the same rows again. */
inline abort_and_retry(w) {
  queue[w] = queue[w] | (below(upto[w]) & ~below(known[w]));
  resolve(w, false);
  upto[w] = 0; phase[w] = 0
}

#ifdef NO_DOUBT /* the answer to the commit was lost, and the worker just tries again */
inline commit_blindly(w) {
  queue[w] = queue[w] | (below(upto[w]) & ~below(known[w]));
  resolve(w, true);
  upto[w] = 0; phase[w] = 0
}
#endif

/* ---- start-up of worker w ---- */

/* The place can be read: no offset waits in an open transaction. Where Kafka has forgotten the place, the end of the
 * output partition tells it, and that can be read when no transaction is open there. */
#ifdef NO_PENDING_WAIT
#define settled true
#else
#define settled (!pending[0] && !pending[1])
#endif
#ifdef NO_END_WAIT
#define readable (settled)
#else
#define readable (settled && (emitted != NONE || out_n == 0))
#endif

inline read_place(w) {
  pos[w] = committed;
#if defined(ORIGIN)
  known[w] = 0;
#elif defined(NO_METADATA)
  known[w] = mark;
#elif defined(NO_END)
  known[w] = (emitted == NONE -> mark : emitted);
#else
  known[w] = (emitted == NONE -> last_read : emitted);
#endif
#ifndef ORIGIN
  assert(known[w] >= mark);                                /* no row is needed that may have been dropped */
#endif
  state[w] = PLACED
}

inline read_outbox(w) {
#ifndef ORIGIN
  queue[w] = below(nrows) & ~below(known[w]);
#ifndef NO_RESUME
  load_slicing(w);
#endif
#endif
  state[w] = RUNNING
}
