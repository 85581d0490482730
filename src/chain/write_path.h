// WritePath: how mutations go: to the level whose word is the truth first, because its answer orders them among all
// others; then the fence is raised, so that nobody puts what he read before; then to the inline levels, then to the
// rest. A level that could not be told owes it. Many mutations go in lockstep, one call for each level that is not
// inline; what becomes of one is no matter to the others, and no lock is held on the way, so that batches never wait
// for each other. Thread-safe.
#ifndef CACHECHAIN_CHAIN_WRITE_PATH_H_
#define CACHECHAIN_CHAIN_WRITE_PATH_H_

#include <utility>

#include "chain/batch.h"
#include "chain/clear_path.h"
#include "chain/core.h"
#include "chain/query_path.h"
#include "chain/repairs.h"
#include "chain/request.h"
#include "chain/slices.h"
#include "chain/teller.h"
#include "chain/told.h"

namespace cachechain {

class WritePath {
 public:
  WritePath(Core &core, Repairs &repairs, QueryPath &query, ClearPath &clears)
      : core_(core), repairs_(repairs), query_(query), clears_(clears), teller_(core, repairs) {}

  // Sets, deletes and invalidates.
  Status mutate(const Caller &caller, std::span<const uint8_t> key, const Mutation &mutation, cachechain_write &result);
  // Mutations of many keys, which are all as `common` says but for their values; without `values` they have none. Each
  // answer gets its status, the version, and the DEGRADED flag where a level owes it; of several of one key the later
  // comes later. A failure of the whole has changed nothing.
  Status mutate_many(const Caller &caller, const Slices &keys, const Slices &values, const Mutation &common,
                     Batch &answers);
  // Gives the entry new times.
  Status touch(const Caller &caller, std::span<const uint8_t> key, const Mutation &times, cachechain_write &result);
  // Removes the entry wherever it is the one of this version, but not from the truth.
  Status reject(const Caller &caller, std::span<const uint8_t> key, const Mutation &options, uint64_t version);

  // The steps, for the endings of leases.

  Status check(const Mutation &mutation) const;
  // A failure if the truth cannot tell what was cleared: what it acknowledged might be void. VOID if what was made is.
  Status begin(const Caller &caller, Told &told, const cachechain_key &key);
  Status mutate_held(const Caller &caller, Hold &hold, const cachechain_key &key, const Mutation &mutation,
                     cachechain_write &result);
  // Carries out mutations that have begun, of different keys. Each one's outcome stands in its Told.
  void carry_out(const Caller &caller, Round &round);
  // One put into one level. Its bit goes to done or owed.
  int32_t put_one(const Caller &caller, size_t at, const cachechain_put &put, Told &told) {
    return teller_.tell(caller, at, put, told);
  }
  // The same for each mutation of the round that make(told, put) writes a put for and answers true.
  template <class Make>
  void put_round(const Caller &caller, size_t at, Round &round, Make &&make) {
    teller_.tell(caller, at, round, std::forward<Make>(make));
  }
  // The live entry that the truth holds, as a view.
  Status entry_to_rewrite(const Caller &caller, const cachechain_key &key, int64_t deadline_ns,
                          cachechain_value &value);

 private:
  Status cancelled() const;
  void put_truth(const Caller &caller, Round &round);
  void judge_truth(size_t at, Told &told);
  void nobody_took(Told &told);
  template <class Text>
  void refuse(Told &told, int32_t code, const Level *level, Text &&text);
  void acknowledge(const Caller &caller, Told &told);
  void spread(const Caller &caller, Round &round);
  void put_inline(const Caller &caller, size_t at, cachechain_put copy, Told &told);
  void put_inline_copies(const Caller &caller, Told &told);
  void put_other_copies(const Caller &caller, Round &round);
  void void_copies(const Caller &caller, Told &told);
  void invalidate_above_truth(const Caller &caller, Told &told);

  Core &core_;
  Repairs &repairs_;
  QueryPath &query_;
  ClearPath &clears_;
  Teller teller_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WRITE_PATH_H_
