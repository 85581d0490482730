/* A shared layer above the user's own table, in several processes: the whole chain of the query mode.

   T is the table, without versions of ours. S is a shared layer that applies conditional puts; a call to it may
   fail, and it may lose everything. Each process P has a memory layer U, which may have evicted anything whenever it
   is looked at, and a clock that is not the others'. One key; a mutation in process A, a reader in A and one in B,
   and after the mutation has returned another reader in A. Every read that the core can be overtaken in is a step of
   its own.

   Asked, once all is quiet and every debt is settled:
     1. is a value in S the one that T holds?
     2. does process A, after its mutation returned, ever read an older value, and does its U hold one?
     3. with BUS, is a value in the U of process B the one that T holds?

   The protocol that holds:
     mutation  put a mark into S: a lease of the mutation's own, which nobody can fulfil; write T; stamp; BUMP a void
               into S; if that failed, note that S owes it; shut the flights of the key; void the key in U; return.
               Later, the debt's BUMP, and only then is the debt forgotten.
     flight    miss in U; join the key's record; see whether S owes the key; ask S. A value is believed unless S owed
               then. With nothing there: stamp, EXACT put of a lease with a token of its own, read T, EXACT put of
               the value over that very lease, and only if it was applied, the put into U. If S owes or cannot be
               asked: stamp, read T, put into U alone. If somebody else has the lease: read T, keep nothing.
     fence     a put into U is refused if a mutation shut its flight: flights are told apart by when they began, not
               by the versions that they carry.

   Each switch takes one rule away, or adds to the surroundings:
     NO_LEASE          violated: a fill by NEWER wins against the void if the reader's clock is ahead
     NO_AFTER          violated: void before the write only
     NO_TOKEN          violated: S forgets, and two leases have the same version
     NO_DEBT           violated: a void that did not reach S is forgotten
     NO_FENCE          violated: flights that are under way put what they read before
     DEBT_BY_VERSION   violated: a value in S is not believed if it is older than the debt; another process's clock
                       was ahead, so the old value has the newer version
     LATE_CHECK        violated: whether S owes is looked at after S answered; the repair may have landed in between
     FENCE_BY_VERSION  the fence is the version that the void got in S (while S owes, above every version). Violated
                       if S may forget: the void then gets a version of A's clock, below that of an old value already
                       on its way to U. Holds if it cannot (KEEPS)
     UPPER_NEWER       violated: the mutation's put into U is a NEWER, and an old value with a newer version stays
     CRASH             the process may die once T is written. Then question 1 needs the mark before the write:
                       violated with NO_BEFORE or PLAIN_VOID, a void that lets readers take leases. The mark outlives
                       the write's deadline. With FAULTS violated all the same: what S forgot or never got, no dead
                       process repairs; its lives bound it
     NO_BEFORE, PLAIN_VOID, STAMP_EARLY, KEEP_ON_CONFLICT
                       hold without CRASH: while the process lives, these rules only make the stale time of others
                       shorter
     AHEAD=P           the clock of process P is ahead; FAULTS=n: how often S fails or forgets; SECOND=P: a second
                       mutation, in process P; ONLY_A, ONLY_B: one reader beside the mutation, for a smaller search */
#define EMPTY 0
#define VALUE 1
#define VOID  2
#define LEASE 3
#define A 0
#define B 1
#define MAX(a, b) ((a) > (b) -> (a) : (b))

byte T = 1;                                                /* how often the table was written */
byte s_kind = EMPTY, s_ver = 0, s_value = 0, s_token = 0;
byte u_kind[2] = EMPTY, u_ver[2] = 0, u_value[2] = 0;
byte hlc[2] = 0;                                           /* each process's clock */
byte shut[2] = 0;                                          /* flights that joined at another count are shut */
byte fence[2] = 0;
byte owes[2] = 0, debts[2] = 0;
byte mine[2] = 0;                                          /* what the process wrote and was told so */
byte busy = 0;
bool writing = false, dead = false;
#ifdef FAULTS
byte faults = FAULTS;
#endif

inline stamp(p, v) { hlc[p]++; v = hlc[p] }
inline observe(p, v) { hlc[p] = MAX(hlc[p], v) }
inline bump(kind, v, token) { s_ver = MAX(v, s_ver + 1); s_kind = kind; s_value = 0; s_token = token; v = s_ver }

/* Before each use of S: it answers, fails, or has forgotten everything. */
inline ask(failed) {
#ifdef FAULTS
  if
  :: skip
  :: faults > 0 -> faults--; failed = true
#ifndef KEEPS
  :: faults > 0 && s_kind != EMPTY -> faults--; s_kind = EMPTY; s_ver = 0; s_value = 0; s_token = 0
#endif
  fi
#else
  skip
#endif
}

/* Before each look at U. */
inline evict(p) { if :: skip :: u_kind[p] != EMPTY -> u_kind[p] = EMPTY; u_ver[p] = 0; u_value[p] = 0 fi }

#ifdef FENCE_BY_VERSION
#define REFUSED(p, v, joined) (v < fence[p])
#else
#define REFUSED(p, v, joined) (joined != shut[p])
#endif
#ifdef BUS
#define ASKED(p) true
#else
#define ASKED(p) (p == A)                                  /* nothing is asked of B's memory: leave it empty */
#endif
inline put_upper(p, v, x, joined) {
  if
  :: ASKED(p) ->
     evict(p);
     if
     :: v <= u_ver[p] -> skip
     :: v > u_ver[p] && REFUSED(p, v, joined) -> u_kind[p] = EMPTY; u_ver[p] = 0; u_value[p] = 0
     :: v > u_ver[p] && !(REFUSED(p, v, joined)) -> u_kind[p] = VALUE; u_ver[p] = v; u_value[p] = x
     fi
  :: else
  fi
}

#ifdef NO_TOKEN
#define TOKEN 9
#else
#define TOKEN me
#endif
#ifdef CRASH
#define EXPIRED !writing
#else
#define EXPIRED true
#endif

proctype Reader(byte p; byte me; byte least) {
  byte joined, debt, k, seen, x, t, v; bool failed;
  atomic {
    evict(p);
    if :: u_kind[p] == VALUE -> x = u_value[p]; goto answer :: else fi;
    joined = shut[p]
  };
#ifndef LATE_CHECK
  debt = owes[p];
#endif
  atomic {
    ask(failed);
    if :: failed -> failed = false; goto alone :: else -> k = s_kind; seen = s_ver; x = s_value; t = s_token fi
  };
#ifdef LATE_CHECK
  debt = owes[p];
#endif
  atomic {
    if
#ifdef DEBT_BY_VERSION
    :: k == VALUE && seen < debt -> goto alone
    :: k == VALUE && seen >= debt ->
#else
    :: debt > 0 -> goto alone
    :: debt == 0 && k == VALUE ->
#endif
       observe(p, seen); put_upper(p, seen, x, joined); goto answer
    :: k == LEASE -> goto side
    :: k == LEASE && EXPIRED -> skip
    :: k == EMPTY || k == VOID -> skip
    fi;
    observe(p, seen);
    stamp(p, v)
  };
#ifdef NO_LEASE
  x = T;
  atomic {
    ask(failed);
    if :: !failed && v > s_ver -> s_kind = VALUE; s_ver = v; s_value = x; s_token = 0 :: else -> failed = true fi
  };
#else
  atomic {
    ask(failed);
    if
    :: failed -> failed = false; goto alone
    :: !failed && s_kind == k && s_ver == seen && s_token == t ->
       s_kind = LEASE; s_ver = v; s_value = 0; s_token = TOKEN
    :: else -> goto side
    fi
  };
  x = T;
  atomic {
    ask(failed);
    if
    :: !failed && s_kind == LEASE && s_ver == v && s_token == TOKEN -> s_kind = VALUE; s_value = x; s_token = 0
    :: else -> failed = true
    fi
  };
#endif
  atomic {
#ifdef KEEP_ON_CONFLICT
    failed = false;
#endif
    if :: !failed -> put_upper(p, v, x, joined) :: else fi;
    goto answer
  };
alone:
  atomic { stamp(p, v); x = T };
  atomic { put_upper(p, v, x, joined); goto answer };
side:
  atomic { x = T; goto answer };
answer:
  atomic {
    assert(x >= least);
    busy--;
    p = 0; me = 0; least = 0; joined = 0; debt = 0; k = 0; seen = 0; x = 0; t = 0; v = 0; failed = false
  }
}

proctype Message(byte p; byte v) {
  atomic {
    shut[p]++;
    fence[p] = MAX(fence[p], v);
    u_kind[p] = EMPTY; u_ver[p] = 0; u_value[p] = 0;
    busy--; p = 0; v = 0
  }
}
#ifdef BUS
#define PUBLISH(p, v) busy++; run Message(1 - p, v)
#else
#define PUBLISH(p, v) skip
#endif

proctype Repair(byte p; byte debt) {
  byte v;
  atomic { v = hlc[p]; bump(VOID, v, 0); observe(p, v); PUBLISH(p, v) };
  atomic {
    if :: debts[p] == debt -> owes[p] = 0; fence[p] = v :: else fi;
    busy--; p = 0; debt = 0; v = 0
  }
}

proctype Mutator(byte p) {
  byte v, wrote; bool failed;
#ifdef STAMP_EARLY
  atomic { stamp(p, v) };
#endif
#ifndef NO_BEFORE
  atomic {
    writing = true;
    ask(failed);
    if
#ifdef PLAIN_VOID
    :: !failed -> bump(VOID, v, 0); observe(p, v)
#else
    :: !failed -> bump(LEASE, v, 10 + p); observe(p, v)
#endif
    :: else -> failed = false
    fi
  };
#endif
  atomic {
    T++; wrote = T; writing = false;
#ifdef CRASH
    if :: dead = true; goto gone :: skip fi;
#endif
#ifndef STAMP_EARLY
    stamp(p, v)
#endif
  };
#ifndef NO_AFTER
  atomic {
    ask(failed);
    if
    :: !failed -> bump(VOID, v, 0); observe(p, v); PUBLISH(p, v)
    :: else ->
       failed = false;
#ifndef NO_DEBT
       debts[p]++;
#ifdef DEBT_BY_VERSION
       owes[p] = MAX(owes[p], v);
#else
       owes[p] = 1;
#endif
       fence[p] = 255;
       busy++;
       run Repair(p, debts[p])
#endif
    fi
  };
#endif
#ifndef NO_FENCE
  atomic { shut[p]++; fence[p] = MAX(fence[p], v) };
#endif
  atomic {
#ifdef UPPER_NEWER
    if :: v > u_ver[p] -> u_kind[p] = VOID; u_ver[p] = v; u_value[p] = 0 :: else fi;
#else
    u_ver[p] = MAX(v, u_ver[p] + 1); u_kind[p] = VOID; u_value[p] = 0; observe(p, u_ver[p]);
#endif
    mine[p] = MAX(mine[p], wrote);
    busy++;
    run Reader(p, 3 + p, wrote)
  };
gone:
  atomic { busy--; p = 0; v = 0; wrote = 0 }
}

init {
  atomic {
#ifdef AHEAD
    hlc[AHEAD] = 3;
#endif
    if :: skip :: s_kind = VALUE; s_ver = MAX(hlc[B], 1); s_value = 1 fi;
    busy = 1;
    run Mutator(A);
#ifndef ONLY_B
    busy++;
    run Reader(A, 1, 0);
#endif
#ifndef ONLY_A
    busy++;
    run Reader(B, 2, 0);
#endif
#ifdef SECOND
    busy++;
    run Mutator(SECOND)
#endif
  };
  (busy == 0);
  assert(!(s_kind == VALUE && s_value != T));
  assert(dead || !(u_kind[A] == VALUE && u_value[A] < mine[A]));
#ifdef BUS
  assert(dead || !(u_kind[B] == VALUE && u_value[B] != T))
#endif
}
