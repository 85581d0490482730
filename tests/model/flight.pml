/* Single flight and read-your-writes: can a get that began after a delete returned, in the same process, be answered
   by a flight that read the bottom before the delete?

   FORGET  the delete detaches the key's flight after the bottom acknowledged; later callers start another
   EARLY   it detaches the flight only before the bottom write
   CHECK   a follower remembers the last acknowledged version when it joins, and asks again if the result is older

   Violated without either and with EARLY; FORGET or CHECK holds. */
bool row = true; byte ver = 1; byte clk = 1; byte floor = 0;
byte fid = 0; bool flying = false; bool resk[4]; byte resv[4]; bool ready[4];
byte fin = 0;
proctype Leader(byte id) {
  bool k; byte v;
  atomic { k = row; v = ver };
  atomic { resk[id] = k; resv[id] = v; ready[id] = true; if :: fid == id -> flying = false :: else -> skip fi }
}
inline join(id) { atomic { if :: flying -> id = fid :: else -> fid++; id = fid; flying = true; run Leader(id) fi } }
proctype Getter() { byte id; join(id); ready[id]; fin++ }
proctype Deleter() {
  byte v; byte id; byte f; bool k; byte w;
  atomic { clk++; v = clk };
#ifdef EARLY
  flying = false;
#endif
  atomic { row = false; ver = v };
  floor = v;
#ifdef FORGET
  flying = false;
#endif
  /* Delete has returned; now Get in the same process */
  f = floor;
again:
  join(id); ready[id];
  atomic { k = resk[id]; w = resv[id] };
#ifdef CHECK
  if :: w < f -> goto again :: else -> skip fi;
#endif
  assert(!(k && w < v));
  fin++
}
init { atomic { run Getter(); run Deleter() } }
