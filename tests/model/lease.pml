/* A chain whose truth is the caller: a shared layer S in front of the user's own store T.

   Two loaders under leases, one writer (T := 2, then delete). S may fail, come back, and come back empty. Clocks are
   skewed: each stamp is drawn ahead by 0 or 2. Asked when all is quiet: can S hold a value that is not T's?

   MARK    the lease is recorded in S, and a fulfilment is accepted only while S still holds that very lease
   UNIQUE  a lease carries a token of its own beside its version
   LOCAL   a lease that S never saw may still be fulfilled into S, if newer
   STAMP   a mutation refused as older is stamped again, above what is stored

   Each of MARK, UNIQUE and STAMP is needed, and LOCAL is wrong. */
#define EMPTY 0
#define VAL   1
#define TOMB  2
#define LEASE 3
#ifdef UNIQUE
#define TOKEN _pid
#else
#define TOKEN 0
#endif
byte T = 1;
byte skind = EMPTY, sver = 0, sval = 0, stok = 0;
bool up = true;
byte clk = 1;
byte busy = 3;
byte faults = 2;

inline stamp(v) { atomic { clk++; if :: v = clk :: v = clk + 2 fi } }

proctype Loader() {
  byte v, x; bool known = false;
  stamp(v);
  atomic {                                   /* grant */
    if
    :: up && (skind == EMPTY || skind == TOMB) ->
#ifdef MARK
         if :: v <= sver -> v = sver + 1 :: else fi;
         skind = LEASE; sver = v; stok = TOKEN; known = true
#else
         skip
#endif
    :: up && (skind == VAL || skind == LEASE) -> busy--; goto done
    :: !up -> skip
    fi
  }
  x = T;                                     /* the load */
  atomic {                                   /* fulfilment */
    if
    :: !up -> skip
    :: up && known -> if :: skind == LEASE && sver == v && stok == TOKEN -> skind = VAL; sval = x :: else fi
    :: up && !known ->
#ifndef MARK
         if :: v > sver -> skind = VAL; sver = v; sval = x :: else fi
#else
#ifdef LOCAL
         if :: v > sver -> skind = VAL; sver = v; sval = x :: else fi
#else
         skip
#endif
#endif
    fi;
    busy--
  }
done: skip
}

proctype Writer() {
  byte v; bool owed = false;
  T = 2;
  stamp(v);
  atomic {
    if
    :: up ->
       if
       :: v > sver -> skind = TOMB; sver = v
       :: else ->
#ifdef STAMP
          v = sver + 1; skind = TOMB; sver = v
#else
          skip
#endif
       fi
    :: !up -> owed = true
    fi
  }
  if
  :: owed -> atomic { up -> v = sver + 1; skind = TOMB; sver = v }   /* repair: always wins, a reload is all it costs */
  :: else
  fi;
  busy--
}

proctype Fault() {
  do
  :: faults > 0 -> faults--; up = false;
     if :: skip :: atomic { skind = EMPTY; sver = 0; sval = 0 } fi;  /* comes back as it was, or empty */
     up = true
  :: break
  od;
  up = true
}

init { atomic { run Loader(); run Loader(); run Writer(); run Fault() }
  (busy == 0 && up && _nr_pr == 1);
  assert(!(skind == VAL && sval != T)) }
