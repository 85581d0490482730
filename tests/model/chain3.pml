/* Three layers: does what holds for two (warm.pml) hold for a chain?

   Layer 0 is memory, 1 a shared cache, 2 the bottom one, whose word is the truth. One key, one set, one delete, two
   readers that warm both layers above where they found the value, each fill on its own. Asked when all is quiet: is
   a value in an upper layer the one that the bottom holds, and is no upper version newer than the bottom's?

   TOPDOWN       a mutation writes the layers from the top; without it from the bottom
   NOVER         writes are blind; without it a write applies only if its version is newer
   NOTOMB        a delete removes the entry from layers 0 and 1; without it a tombstone stays
   READ_THROUGH  a tombstone in an upper layer sends the reader further down; without it the tombstone is the answer

   Blind writes and versions without tombstones are violated; versions with tombstones hold, in either order. */
#define EMPTY 0
#define VALUE 1
#define DEAD 2
#ifdef READ_THROUGH
#define MISS(k) (k != VALUE)
#else
#define MISS(k) (k == EMPTY)
#endif
byte K[3] = EMPTY; byte V[3] = 0; byte clk = 1; byte done = 0; byte fills = 0;
inline apply(i, k, v) { atomic {
  if
#ifdef NOVER
  :: true ->
#else
  :: v > V[i] ->
#endif
#ifdef NOTOMB
     if :: k == DEAD && i < 2 -> K[i] = EMPTY; V[i] = 0 :: else -> K[i] = k; V[i] = v fi
#else
     K[i] = k; V[i] = v
#endif
#ifndef NOVER
  :: else -> skip
#endif
  fi } }
proctype Mut(byte k) {
  byte v;
  atomic { clk++; v = clk };
#ifdef TOPDOWN
  apply(0,k,v); apply(1,k,v); apply(2,k,v);
#else
  apply(2,k,v); apply(1,k,v); apply(0,k,v);
#endif
  done++
}
proctype Fill(byte i; byte k; byte v) { apply(i,k,v); fills-- }   /* asynchronous warm-up */
proctype Reader() {
  byte k, v;
  atomic { k = K[0]; v = V[0] };
  if
  :: MISS(k) ->
     atomic { k = K[1]; v = V[1] };
     if
     :: k == VALUE -> atomic { fills++; run Fill(0,k,v) }
     :: MISS(k) ->
        atomic { k = K[2]; v = V[2] };
        if
        :: k == VALUE -> atomic { fills = fills + 2; run Fill(0,k,v); run Fill(1,k,v) }
        :: else -> skip
        fi
     :: else -> skip
     fi
  :: else -> skip
  fi;
  done++
}
init {
  atomic { K[2] = VALUE; V[2] = 1; run Mut(VALUE); run Mut(DEAD); run Reader(); run Reader() }
  (done == 4 && fills == 0);
  assert(!(K[0] == VALUE && !(K[2] == VALUE && V[2] == V[0])));
  assert(!(K[1] == VALUE && !(K[2] == VALUE && V[2] == V[1])));
  assert(V[2] >= V[0] && V[2] >= V[1])
}
