/* A memory layer that may evict anything at any moment, tombstones too: what keeps an old fill out?

   U is the memory layer, B the bottom one. One process, one key, a set, a delete, two readers. Asked: does a
   mutation's own process ever read an older value afterwards, and when all is quiet, is a value in U the one that B
   holds?

   EVN=n      evictions allowed
   CHECKPUT   a fill looks at the floor and then puts, in two steps (what is left without FENCE)
   RECHECK    and looks again after the put, removing what it put
   FENCE      the put itself loads the fence; a mutation raises the fence before its upper put
   FASTFLOOR  a hit in U is compared with the floor
   FAILU      the mutation's upper put may be lost; DEBT: then U owes it, hits in U older than the debt are not
              believed, and a repair lands later

   A check before the put is enough without evictions only; a fence inside the put holds, with a debt also when puts
   are lost. */
#define EMPTY 0
#define VALUE 1
#define DEAD 2
byte uK=EMPTY,uV=0,bK=VALUE,bV=1,clk=1,floor=0,fence=0,done=0,ev=EVN; byte debt=0,debtK=DEAD;
inline put(k,v){ atomic{
#ifdef FENCE
  if :: v>uV && v>=fence -> uK=k; uV=v
     :: v>uV && v<fence -> uK=EMPTY; uV=0      /* outdated on arrival: what U holds is older still, so it goes */
     :: else fi
#else
  if :: v>uV -> uK=k; uV=v :: else fi
#endif
} }
inline upper(k,v){
#ifdef FAILU
  if :: put(k,v)
     :: atomic{ skip;
#ifdef DEBT
        if :: v>debt -> debt=v; debtK=k :: else fi
#endif
      }
  fi
#else
  put(k,v)
#endif
}
inline get(k,w,f){ atomic{ k=uK; w=uV;
#ifdef FASTFLOOR
   if :: w<floor -> k=EMPTY :: else fi;
#endif
#ifdef DEBT
   if :: w<debt -> k=EMPTY :: else fi;
#endif
   skip };
   if :: k!=VALUE -> atomic{ k=bK; w=bV } :: else fi }
inline raise(v){ atomic{ if :: v>floor -> floor=v :: else fi; if :: v>fence -> fence=v :: else fi } }
proctype Mut(byte kind){ byte v,k,w; atomic{clk++; v=clk};
  atomic{ if :: v>bV -> bK=kind; bV=v :: else v=0 fi };
  if :: v>0 -> raise(v); upper(kind,v);
     get(k,w,0); assert(!(k==VALUE && w<v))          /* I2: my own write is seen */
  :: else fi; done++ }
proctype Reader(){ byte k,w; bool hit;
  atomic{ k=uK; w=uV; hit=(k==VALUE);
#ifdef FASTFLOOR
   if :: w<floor -> hit=false :: else fi;
#endif
#ifdef DEBT
   if :: w<debt -> hit=false :: else fi;
#endif
   skip };
  if :: !hit ->
     atomic{ k=bK; w=bV };
     if :: k==VALUE ->
#ifdef FENCE
        put(VALUE,w)
#else
        if :: w>=floor ->
             put(VALUE,w);
#ifdef RECHECK
             if :: w<floor -> atomic{ if :: uV==w && uK==VALUE -> uK=EMPTY; uV=0 :: else fi } :: else fi
#else
             skip
#endif
        :: else fi
#endif
     :: else fi
  :: else fi; done++ }
proctype Evict(){ do :: ev>0 -> atomic{ ev--; uK=EMPTY; uV=0 } :: break od }
#ifdef DEBT
proctype Repair(){ byte v;
  end: do :: atomic{ debt>0 -> v=debt }; put(debtK,v); atomic{ if :: debt==v -> debt=0 :: else fi } od }
#endif
init{ atomic{ run Mut(VALUE); run Mut(DEAD); run Reader(); run Reader(); run Evict();
#ifdef DEBT
  run Repair();
#endif
 }
 (done==4 && debt==0);
#ifndef NOI3
 assert(!(uK==VALUE && !(bK==VALUE && bV==uV)))
#endif
}
