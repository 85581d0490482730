/* Two layers: can a warm-up or a late write bring a deleted or older value back into the upper layer?

   U is the upper layer (memory), B the bottom one, whose word is the truth. One key, one set, one delete, two
   readers whose warm-up of U comes late. Asked when all is quiet: is a value in U the one that B holds? And with
   RYW: does the process that deleted ever read an older value again?

   COND          a write applies only if its version is newer, in one step inside the layer
   TOMB          a delete leaves a tombstone with its version; without it the entry is gone
   BOTTOMUP      a mutation writes B first; without it U first
   EXPIRE        a tombstone in U may expire; EXPIRE_SAFE: only while no older fill is on its way
   AGE           time passes, and a fill is dropped once its read is a tick old; a tombstone expires after two ticks
   SETAGE        the same for the upper write of a set, which becomes a marker instead
   FAILU         the upper write of a mutation may be lost; RECOVER: a repair queue applies it later
   FLOOR         a process takes no entry that is older than its own last acknowledged mutation
   RYW, NOI3     ask the second question; do not ask the first
   READ_THROUGH  a tombstone in U sends the reader to B; without it the tombstone is the answer
   INVALIDATED   late and repaired sets leave a marker "older than v is void", which a value of version v may replace

   Blind writes, no tombstones, tombstones that expire at will, lost upper writes without repair: each is violated.
   Versions, tombstones and repair together hold, in either order; bottom first is chosen because a crash then leaves
   no phantom. */
#define EMPTY 0
#define VALUE 1
#define DEAD  2
#define INVAL 3
#ifdef READ_THROUGH
# define MISS(k) (k != VALUE)
#else
# define MISS(k) (k == EMPTY)
#endif
#ifdef INVALIDATED
# define MARKER INVAL
# define NEWER_U(k, v) (v > uV || (uK == INVAL && v == uV && k == VALUE))
# define FADES(k) (k == DEAD || k == INVAL)
# define REPAIRED(k) (k == VALUE -> INVAL : k)
#else
# define MARKER DEAD
# define NEWER_U(k, v) NEWER(v, uV)
# define FADES(k) (k == DEAD)
# define REPAIRED(k) k
#endif
byte uK = EMPTY, uV = 0;          /* upper : kind, version */
byte bK = VALUE, bV = 1;          /* bottom: value written by version 1 */
byte clk = 1;                     /* idealised hybrid logical clock */
byte floor = 0;                   /* highest version this process has acknowledged */
byte inflight = 0;                /* fills between their bottom read and their upper write */
byte done = 0;
byte t = 0; byte td = 0;  /* coarse clock ticks; tick at which the tombstone reached U */
bool pending_rec = false; byte recK = EMPTY, recV = 0;

inline alloc(v) { atomic { clk++; v = clk } }

#ifdef COND
# define NEWER(v, cur) ((v) > (cur))
#else
# define NEWER(v, cur) true
#endif

inline applyB(k, v) {
  atomic {
    if
    :: NEWER(v, bV) ->
#ifdef TOMB
         bK = k; bV = v
#else
         if :: k == DEAD -> bK = EMPTY; bV = 0
            :: else      -> bK = k;     bV = v
         fi
#endif
    :: else -> skip
    fi
  }
}
inline applyU(k, v) {
  atomic {
    if
    :: NEWER_U(k, v) ->
#ifdef TOMB
         uK = k; uV = v; if :: FADES(k) -> td = t :: else -> skip fi
#else
         if :: k == DEAD -> uK = EMPTY; uV = 0
            :: else      -> uK = k;     uV = v
         fi
#endif
    :: else -> skip
    fi
  }
}
inline mutU(k, v) {
#ifdef FAILU
  if
  :: applyU(k, v)
  :: atomic { skip;                                   /* lost */
#ifdef RECOVER
       if :: v > recV -> recK = REPAIRED(k); recV = v; pending_rec = true  /* coalesce by key, newest wins */
          :: else -> skip
       fi
#endif
     }
  fi
#else
  applyU(k, v)
#endif
}
inline ack(v) { atomic { if :: v > floor -> floor = v :: else -> skip fi } }

proctype Setter() {
  byte v; byte t0;
  atomic { alloc(v); t0 = t };
#ifdef BOTTOMUP
  applyB(VALUE, v);
# ifdef SETAGE
  /* a mutation's upper write that is too old becomes an unconditional-to-age invalidation (DEAD with its version) */
  atomic { if :: t == t0 -> mutU(VALUE, v) :: else -> mutU(MARKER, v) fi };
# else
  mutU(VALUE, v);
# endif
#else
  mutU(VALUE, v); applyB(VALUE, v);
#endif
  ack(v);
  done++
}

proctype Deleter() {
  byte v; byte k; byte w;
  alloc(v);
#ifdef BOTTOMUP
  applyB(DEAD, v); mutU(DEAD, v);
#else
  mutU(DEAD, v); applyB(DEAD, v);
#endif
  ack(v);
#ifdef RYW
  atomic { k = uK; w = uV };
#ifdef FLOOR
  if :: w < floor -> k = EMPTY; w = 0 :: else -> skip fi;
#endif
  if
  :: k == EMPTY -> atomic { k = bK; w = bV }
  :: else -> skip
  fi;
  assert(!(k == VALUE && w < v));     /* I2: read-your-writes */
#endif
  done++
}

proctype Reader() {
  byte k; byte v; byte t0;
  atomic { k = uK; v = uV };
#ifdef FLOOR
  if :: v < floor -> k = EMPTY :: else -> skip fi;
#endif
  if
  :: MISS(k) ->
       atomic { k = bK; v = bV; t0 = t; inflight++ };
#ifdef AGE
       /* warm_max_age: a fill is dropped once its read is one tick old (checked where it is applied) */
       if :: k == VALUE -> atomic { if :: t == t0 -> applyU(VALUE, v) :: else -> skip fi }
          :: else -> skip
       fi;
#else
       if :: k == VALUE -> applyU(VALUE, v)           /* the asynchronous warm-up */
          :: else -> skip
       fi;
#endif
       inflight--
  :: else -> skip
  fi;
  done++
}

#ifdef AGE
proctype Clock() { do :: t < 4 -> t++ :: break od }
#endif
#ifdef EXPIRE
proctype Expirer() {
  if
#ifdef AGE
  :: atomic { (FADES(uK) && t >= td + 2) -> uK = EMPTY; uV = 0 }
#elif defined(EXPIRE_SAFE)
  :: atomic { (uK == DEAD && inflight == 0 && done == 4) -> uK = EMPTY; uV = 0 }
#else
  :: atomic { (uK == DEAD) -> uK = EMPTY; uV = 0 }
#endif
  :: skip
  fi
}
#endif
#ifdef RECOVER
proctype Recovery() {
end:  do
  :: atomic { pending_rec -> pending_rec = false };
     applyU(recK, recV)
  od
}
#endif

init {
  atomic {
    run Setter(); run Deleter(); run Reader(); run Reader();
#ifdef EXPIRE
    run Expirer();
#endif
#ifdef AGE
    run Clock();
#endif
#ifdef RECOVER
    run Recovery();
#endif
  }
  (done == 4);
#ifdef RECOVER
  (!pending_rec && uV >= recV);
#endif
  (inflight == 0);
  /* I3: at quiescence the upper layer never holds a live value the bottom does not hold */
#ifndef NOI3
  assert(!(uK == VALUE && !(bK == VALUE && bV == uV)))
#endif
}
