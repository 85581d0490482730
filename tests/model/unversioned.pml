/* A bottom layer that keeps no versions: the user's own table. What version may a fill borrow?

   U is an upper layer, `row` the user's row. One delete, two readers. Asked when all is quiet: can U hold a value
   although the row is gone? The version of a fill is the clock just before the row was read.

   MUT_START   the delete takes its version before it deletes the row; MUT_AFTER: after the table acknowledged
   SKEW        the reader is another process whose clock is ahead
   LEASE       no versions: a fill needs a lease that was taken in U before the read; the delete voids it before and
               after
   LEASE_ONCE  the delete voids the lease only before

   Holds: stamped after, in one process; a lease voided before and after, in several. The rest is violated. query.pml
   asks the same of a whole chain, with faults. */
#define EMPTY 0
#define VALUE 1
#define DEAD 2
byte uK = EMPTY, uV = 0; bool row = true; byte clk = 1; byte done = 0;
byte lease = 0, nextlease = 1;   /* one outstanding token per key at U */
inline tick(v) { atomic { clk++; v = clk } }
inline applyU(k, v) { atomic { if :: v > uV -> uK = k; uV = v :: else -> skip fi } }
proctype Deleter() {
  byte v;
#ifdef LEASE
  atomic { lease = 0; uK = EMPTY };
  row = false;
# ifndef LEASE_ONCE
  atomic { lease = 0; uK = EMPTY };
# endif
#else
# ifdef MUT_START
  tick(v); row = false; applyU(DEAD, v);
# else
  row = false; tick(v); applyU(DEAD, v);
# endif
#endif
  done++
}
proctype Reader() {
  byte v; bool r; byte tok;
#ifdef LEASE
  atomic { if :: uK == EMPTY && lease == 0 -> tok = nextlease; lease = tok; nextlease++ :: else -> tok = 0 fi };
  if
  :: tok > 0 ->
     r = row;
     atomic { if :: (r && lease == tok) -> uK = VALUE; lease = 0 :: else -> skip fi }
  :: else -> skip
  fi;
#else
  if :: uK == EMPTY ->
# ifdef SKEW
     atomic { v = clk + 5 };
# else
     tick(v);
# endif
     r = row;
     if :: r -> applyU(VALUE, v) :: else -> skip fi
     :: else -> skip
  fi;
#endif
  done++
}
init { atomic { run Deleter(); run Reader(); run Reader() }
  (done == 3); assert(!(uK == VALUE && !row)) }
