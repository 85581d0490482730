// ReadMany: gets of many keys. What the first level has costs one call of its slot; the rest goes down level by level
// with one call each, by the rules of a single get (chain/read_path.h), which decides about each key alone. A batch
// leads the flights of the keys that nobody leads, and ends each as soon as its key is answered. Only while it leads
// none does it wait for those of others, one by one: so two batches never wait for each other. Thread-safe.
#ifndef CACHECHAIN_CHAIN_READ_MANY_H_
#define CACHECHAIN_CHAIN_READ_MANY_H_

#include <functional>
#include <span>
#include <vector>

#include "chain/batch.h"
#include "chain/core.h"
#include "chain/read_path.h"
#include "chain/slices.h"
#include "chain/travellers.h"

namespace cachechain {

class ReadMany {
 public:
  ReadMany(Core &core, ReadPath &reads) : core_(core), reads_(reads) {}

  // `batch` receives an answer for each key. A failure is of the call as a whole.
  Status get(const Caller &caller, const Slices &keys, const ReadOptions &options, Batch::Ptr &batch);

  // The steps, for loads.

  // Asks the first level for all keys. Those that it does not answer, or whose value is not `good`, are the rest.
  using Good = std::function<bool(const cachechain_value &value)>;
  std::vector<Placed> ask_first(const Caller &caller, const Slices &keys, const Good &good, Batch &batch);
  // Takes keys down. `answered` is called once for each, as soon as its status is known; the value stands in the batch.
  using Answered = std::function<void(Traveller &traveller, int32_t status)>;
  void descend(const Caller &caller, std::vector<Traveller *> travellers, Batch &batch, const Answered &answered);

 private:
  void ask_level(const Caller &caller, size_t at, std::span<Traveller *const> asked, Batch &batch);
  void go(const Caller &caller, Travellers &travellers, Batch &batch);
  void answer(const Caller &caller, Traveller &traveller, int32_t status, Batch &batch);

  Core &core_;
  ReadPath &reads_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_READ_MANY_H_
