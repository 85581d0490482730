// ReadPath: how a get goes: down the levels until one has a live entry, then warm the levels above it. Where
// there is anything below the first level, all gets of a key share one such traversal (key/hold.h). Thread-safe.
#ifndef CACHECHAIN_CHAIN_READ_PATH_H_
#define CACHECHAIN_CHAIN_READ_PATH_H_

#include "chain/clear_path.h"
#include "chain/core.h"
#include "chain/query_path.h"
#include "chain/repairs.h"
#include "chain/request.h"
#include "chain/walk.h"
#include "chain/warmer.h"

namespace cachechain {

class ReadPath {
 public:
  ReadPath(Core &core, Repairs &repairs, QueryPath &query, ClearPath &clears, Warmer &warmer)
      : core_(core), repairs_(repairs), query_(query), clears_(clears), warmer_(warmer) {}

  // `value` comes zeroed. `failure`, nullable, is written on a failure only.
  int32_t get(const Caller &caller, std::span<const uint8_t> key, const ReadOptions &options, std::span<uint8_t> buffer,
              cachechain_value &value, Status *failure);

  // The steps, for loads. Each works on a `value` that comes zeroed.

  // The common case, a hit in the first layer, without a clock, a lock or a virtual call. MISS: take the long way.
  int32_t ask_first(const Caller &caller, const cachechain_key &key, std::span<uint8_t> buffer,
                    cachechain_value &value);
  // Leads the traversal of this key, or shares another's.
  int32_t fly(const Caller &caller, const cachechain_key &key, Hold &hold, bool leads, Walk &walk,
              cachechain_value &value);
  static void end_flight(Hold &hold, int32_t status, const cachechain_value &value, const Walk &walk);
  // Counts the get once, as what its caller is told.
  static void count_answer(const Caller &caller, int32_t status, const cachechain_value &value);
  int64_t deadline_of(Walk &walk) const;
  int32_t cancelled(Walk &walk, cachechain_value &value) const;

  // The steps of a traversal, for batches. For each level from the first down: arrive(); then, unless it refuses, the
  // level is asked; settle_call() once for the call; after a failure failed(); in any case judge(), which gives the
  // answer or says MISS: then go on. After the last level: give_up().

  // OK: ask it. MISS: it cannot hold such a key. < 0: it may not be asked, and everything about that has been noted.
  int32_t arrive(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk);
  // Counts the outcome of one call for the level's health, whatever number of keys it was about.
  void settle_call(const Caller &caller, size_t at, int32_t status, const cachechain_report &report,
                   int64_t deadline_ns);
  void failed(const Caller &caller, size_t at, int32_t status, const cachechain_report &report, Walk &walk);
  int32_t judge(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk, int32_t status,
                cachechain_value &value);
  int32_t give_up(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value);

 private:
  // The long way of get(), with a frame of its own: a hit in the first layer pays for nothing that only this needs.
  [[gnu::noinline]] int32_t search(const Caller &caller, const cachechain_key &key, const ReadOptions &options,
                                   std::span<uint8_t> buffer, cachechain_value &value, Status *failure);
  int32_t lead(const Caller &caller, const cachechain_key &key, Hold &hold, Walk &walk, cachechain_value &value);
  int32_t walk_down(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value);
  int32_t ask(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk, cachechain_value &value);
  int32_t may_ask(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk);
  int32_t found_at(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk, cachechain_value &value);
  int32_t nobody_has_it(Walk &walk, cachechain_value &value);

  Core &core_;
  Repairs &repairs_;
  QueryPath &query_;
  ClearPath &clears_;
  Warmer &warmer_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_READ_PATH_H_
