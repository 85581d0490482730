/* The breaker's half-open permits: calls admitted while it was closed end late, in another state.

   Asked: are there ever more than P probes in flight in one half-open period?

   GEN  an admission carries the breaker's generation, and the end of a call from another generation changes nothing

   Violated without GEN; holds with it. */
#define CLOSED 0
#define OPEN 1
#define HALF 2
#define P 1
byte st = CLOSED, gen = 0, permits = 0, probes = 0; bool backend_up = false; byte hung = 0;
inline toHalf() { st = HALF; gen++; permits = P; probes = 0 }
proctype Caller() {
  byte g; bool probe = false; bool adm = false;
  atomic {
    if
    :: st == CLOSED -> adm = true; g = gen
    :: st == HALF && permits > 0 -> permits--; adm = true; probe = true; g = gen; probes++; assert(probes <= P)
    :: else -> skip
    fi };
  if
  :: adm ->
     /* outcome decided by the plugin at any later moment; an "ignored" outcome = caller cancelled */
     if
     :: atomic { true;                            /* ignored: give the permit back */
#ifdef GEN
          if :: g == gen && st == HALF -> permits++; probes-- :: else -> skip fi
#else
          if :: st == HALF -> permits++; if :: probe -> probes-- :: else -> skip fi :: else -> skip fi
#endif
        }
     :: atomic { true;                            /* failure */
#ifdef GEN
          if :: g == gen && st != OPEN -> st = OPEN; gen++ :: else -> skip fi
#else
          if :: st != OPEN -> st = OPEN; gen++ :: else -> skip fi
#endif
        }
     fi
  :: else -> skip
  fi
}
proctype Timer() { if :: atomic { st == OPEN -> toHalf() } :: skip fi }
init { atomic { run Caller(); run Caller(); run Caller(); run Caller(); run Timer() } }
