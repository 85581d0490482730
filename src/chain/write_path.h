// WritePath: how a mutation goes: to the level whose word is the truth first, because its answer orders it among all
// others; then the fence is raised, so that nobody puts what he read before; then to the inline levels, then to the
// rest. A level that could not be told owes it. Thread-safe.
#ifndef CACHECHAIN_CHAIN_WRITE_PATH_H_
#define CACHECHAIN_CHAIN_WRITE_PATH_H_

#include "chain/core.h"
#include "chain/query_path.h"
#include "chain/repairs.h"
#include "chain/request.h"
#include "chain/told.h"

namespace cachechain {

class WritePath {
 public:
  WritePath(Core &core, Repairs &repairs, QueryPath &query) : core_(core), repairs_(repairs), query_(query) {}

  // Sets, deletes and invalidates.
  Status mutate(const Caller &caller, std::span<const uint8_t> key, const Mutation &mutation, cachechain_write &result);
  // Gives the entry new times.
  Status touch(const Caller &caller, std::span<const uint8_t> key, const Mutation &times, cachechain_write &result);
  // Removes the entry wherever it is the one of this version, but not from the truth.
  Status reject(const Caller &caller, std::span<const uint8_t> key, const Mutation &options, uint64_t version);

  // The steps, for the endings of leases.

  Status check(const Mutation &mutation) const;
  void begin(Told &told, const cachechain_key &key);
  Status mutate_held(const Caller &caller, Hold &hold, const cachechain_key &key, const Mutation &mutation,
                     cachechain_write &result);
  // One put into one level. Its bit goes to done or owed.
  int32_t put_one(const Caller &caller, size_t at, cachechain_put put, Told &told);
  // The live entry that the truth holds, as a view.
  Status entry_to_rewrite(const Caller &caller, const cachechain_key &key, int64_t deadline_ns,
                          cachechain_value &value);

 private:
  Status put_truth(const Caller &caller, Told &told);
  void acknowledge(const Caller &caller, Hold &hold, Told &told);
  void spread(const Caller &caller, Hold &hold, Told &told);
  void put_inline(const Caller &caller, Hold &hold, size_t at, cachechain_put copy, Told &told);
  void put_inline_copies(const Caller &caller, Hold &hold, Told &told);
  void put_other_copies(const Caller &caller, Told &told);
  void void_copies(const Caller &caller, Hold &hold, Told &told);
  Status invalidate_above_truth(const Caller &caller, Hold &hold, Told &told);

  Core &core_;
  Repairs &repairs_;
  QueryPath &query_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WRITE_PATH_H_
