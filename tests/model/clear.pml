/* A clear of a namespace, and the mutations that it races with: is a write that came after it ever lost, and is
   anything from before it ever answered?

   T is the level whose word is the truth: one entry with its version and its `created`, and the record of clears. Two
   processes, each with a clock of its own that hears of what it meets; three writers, one of them in the process that
   clears. An entry whose `created` is not above the record is void.

   LOOK     a mutation reads the record before it takes its stamp, and its clock hears of it
   FOLLOW   where T raises the version of a put, it raises `created` with it

   Without LOOK a process whose clock is behind writes what is void at once. Without FOLLOW a mutation that was stamped
   before the clear and reaches T after it replaces a write from after the clear, and is itself void: nothing is left. */
byte clock[2] = 1;
byte ver = 0, created = 0, who = 0, record = 0;
bool clear_begun = false, clear_done = false, late = false;
bool early[4] = false;
byte ended = 0;

inline hear(p, v) {
  if :: clock[p] < v -> clock[p] = v :: else fi
}

proctype Writer(byte id; byte p) {
  byte stamp, known = 0;
  bool after;
  after = clear_done;
#ifdef LOOK
  atomic { known = record; hear(p, known) };
#endif
  atomic { clock[p]++; stamp = clock[p] };
  atomic {
    if
    :: ver == 0 || created <= known || stamp > ver -> ver = stamp; created = stamp
    :: else ->
       ver = ver + 1;
#ifdef FOLLOW
       created = ver
#else
       created = stamp
#endif
    fi;
    who = id;
    hear(p, ver)
  };
  atomic {
    early[id] = p == 0 && !clear_begun;   /* a clock that is ahead may outlive a clear */
    late = late || after;
    ended++
  }
}

proctype Clear(byte p) {
  byte stamp;
  atomic { clear_begun = true; clock[p]++; stamp = clock[p] };
  atomic { if :: record < stamp -> record = stamp :: else fi };
  atomic { clear_done = true; ended++ }
}

init {
  atomic { clock[1] = 1; run Writer(1, 0); run Writer(2, 1); run Writer(3, 1); run Clear(0) };
  ended == 4;
  assert(!late || created > record);              /* what came after the clear is there, or what replaced it */
  assert(created <= record || !early[who])        /* and nothing from before it */
}
