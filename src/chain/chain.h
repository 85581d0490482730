// Chain: the layers in their order, and the paths through them: reads, writes and loads. A call belongs to one of the
// chain's namespaces, in which it counts.
//
// Every function but the destructor may be called from any thread at the same time. A call holds an Inside while it
// runs; close() waits for those. Failures come back as a Status with a text for an operator.
#ifndef CACHECHAIN_CHAIN_CHAIN_H_
#define CACHECHAIN_CHAIN_CHAIN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "async/timers.h"
#include "chain/async_calls.h"
#include "chain/clear_path.h"
#include "chain/core.h"
#include "chain/load_many.h"
#include "chain/load_path.h"
#include "chain/query_path.h"
#include "chain/read_many.h"
#include "chain/read_path.h"
#include "chain/repairs.h"
#include "chain/warmer.h"
#include "chain/write_path.h"

namespace cachechain {

class Chain {
 public:
  enum class State : uint32_t { kOpen, kClosing, kClosed, kForked };

  // Loads the plugins and opens the layers that the settings name.
  static Result<std::unique_ptr<Chain>> open(ChainSettings settings, ChainParts parts,
                                             std::vector<std::string> warnings);
  // Over layers that are open already, one for each enabled one of the settings, in their order.
  static Result<std::unique_ptr<Chain>> open(ChainSettings settings, ChainParts parts,
                                             std::vector<std::string> warnings, std::vector<OpenedLayer> layers);
  ~Chain();
  Chain(const Chain &) = delete;
  Chain &operator=(const Chain &) = delete;

  // A call: `Inside inside(space.threads().mine())`, then entered() answers OK, CLOSED or FORKED.
  Namespace &home() { return core_.namespaces.home(); }
  Result<Namespace *> space(std::string_view name) { return core_.namespaces.find_or_make(name); }
  int32_t entered() const {
    const State state = state_.load(std::memory_order_relaxed);
    return state == State::kOpen ? CACHECHAIN_OK : refusal(state);
  }

  ReadPath &reads() { return reads_; }
  ReadMany &read_many() { return read_many_; }
  WritePath &writes() { return writes_; }
  LoadPath &loads() { return loads_; }
  LoadMany &load_many() { return load_many_; }
  ClearPath &clears() { return clears_; }
  AsyncCalls &calls() { return calls_; }
  // From now on the queue is sent what the bits of `kinds` (CACHECHAIN_WATCH_...) say; 0 ends it.
  Status watch(CompletionQueue &queue, uint32_t kinds, int32_t log_level);

  // Of all namespaces together, and of one.
  std::string stats() const;
  std::string stats(const Namespace &space) const;
  std::string explain(const Namespace &space) const;
  std::string explain(const Caller &caller, std::span<const uint8_t> key);

  // OK when every call has left and every layer is closed; DEADLINE if calls are still inside after timeout_ns.
  Status close(int64_t timeout_ns);
  // In a fork child: every later call answers FORKED, and whoever owns the chain leaks it.
  void mark_forked() { state_.store(State::kForked, std::memory_order_relaxed); }
  bool forked() const { return state_.load(std::memory_order_relaxed) == State::kForked; }

  const ChainSettings &settings() const { return core_.settings; }
  const Level &level(size_t at) const { return *core_.levels[at]; }
  // What is under way for a key in this process.
  RecordTable::Look look(const cachechain_key &key) { return core_.records.look(key); }

 private:
  Chain(ChainSettings settings, ChainParts parts, std::vector<std::string> warnings);
  void prepare_levels();
  static int32_t refusal(State state);
  struct Counted;
  // As JSON.
  std::string layer_stats(const Counted &counted) const;
  std::string describe(const Namespace &space) const;

  Core core_;
  Repairs repairs_{core_};
  QueryPath query_{core_};
  ClearPath clears_{core_};
  Warmer warmer_{core_};
  ReadPath reads_{core_, repairs_, query_, clears_, warmer_};
  ReadMany read_many_{core_, reads_};
  WritePath writes_{core_, repairs_, query_, clears_};
  LoadPath loads_{core_, reads_, writes_};
  LoadMany load_many_{core_, read_many_, loads_};
  AsyncCalls calls_{*this, core_};
  Timers housekeeper_;
  std::atomic<State> state_{State::kOpen};
  std::mutex closing_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_CHAIN_H_
