// Chain: the layers in their order, and the two paths through them. A get goes down until a layer answers and warms the
// inline layers above; a mutation goes to the layer whose word is the truth first, then to the others.
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
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status.h"
#include "base/thread_blocks.h"
#include "chain/level.h"
#include "config/settings.h"
#include "entry/stamp.h"
#include "metrics/counters.h"

namespace cachechain {

// A namespace's texts, and the cachechain_space that points to them.
class Space {
 public:
  Space(uint32_t id, std::string_view chain, std::string_view name);
  Space(const Space &) = delete;
  Space &operator=(const Space &) = delete;
  const cachechain_space &raw() const { return raw_; }
  uint64_t seed() const { return seed_; }

 private:
  std::string prefix_;
  std::string name_;
  cachechain_space raw_{};
  uint64_t seed_;
};

// What a chain works with besides its settings.
struct ChainParts {
  Clock *clock = nullptr;  // these two outlive the chain and every value
  Random *random = nullptr;
  std::shared_ptr<Logger> log;
  std::vector<std::string> plugin_path;
};

// How a get is to be done.
struct ReadOptions {
  int64_t timeout_ns = 0;  // 0: the chain's own
  std::span<const uint8_t> trace;
};

// What a mutation is asked to do. Checked by the caller: sizes, flags, signs of times.
struct Mutation {
  std::span<const uint8_t> data;
  uint32_t kind = CACHECHAIN_KIND_VALUE;  // or a tombstone
  int64_t timeout_ns = 0;
  std::span<const uint8_t> trace;
  int64_t ttl_ms = 0;
  int64_t fresh_ms = 0;
  bool expects = false;
  uint64_t expect_version = 0;
  uint64_t created = 0;
};

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

  // A call: `Inside inside(chain.threads().mine())`, then entered() answers OK, CLOSED or FORKED.
  ThreadBlocks &threads() { return threads_; }
  int32_t entered() const {
    const State state = state_.load(std::memory_order_relaxed);
    return state == State::kOpen ? CACHECHAIN_OK : refusal(state);
  }

  // `value` comes zeroed. `failure`, nullable, is written on a failure only.
  int32_t get(ThreadBlocks::Block &block, std::span<const uint8_t> key, const ReadOptions &options,
              std::span<uint8_t> buffer, cachechain_value &value, Status *failure);
  Status mutate(ThreadBlocks::Block &block, std::span<const uint8_t> key, const Mutation &mutation,
                cachechain_write &result);

  std::string stats() const;
  std::string explain() const;
  std::string explain(std::span<const uint8_t> key);

  // OK when every call has left and every layer is closed; DEADLINE if calls are still inside after timeout_ns.
  Status close(int64_t timeout_ns);
  // In a fork child: every later call answers FORKED, and the destructor leaks what the parent owns.
  void mark_forked() { state_.store(State::kForked, std::memory_order_relaxed); }
  bool forked() const { return state_.load(std::memory_order_relaxed) == State::kForked; }

  const ChainSettings &settings() const { return settings_; }

 private:
  struct Walk;
  struct Told;

  Chain(ChainSettings settings, ChainParts parts, std::vector<std::string> warnings);
  void take_layers(std::vector<OpenedLayer> layers);
  Status check_source();
  void settle_lives();

  static int32_t refusal(State state);
  int64_t deadline_after(int64_t timeout_ns) const;
  static cachechain_call make_call(ThreadBlocks::Block &block, const Level &level, int64_t deadline_ns,
                                   cachechain_report *report, std::span<const uint8_t> trace = {}) {
    cachechain_call call{};
    call.struct_size = sizeof(call);
    call.deadline_ns = deadline_ns;
    call.report = report;
    call.thread_word = block.words() + level.index;
    call.trace = trace.data();
    call.trace_size = trace.size();
    return call;
  }
  void layer_failed(Level &level, int32_t status, const cachechain_report &report);
  void layer_answered(Level &level);
  std::string describe(const Level &level, int32_t status, const cachechain_report &report) const;

  // The read path. Levels are positions in levels_.
  int32_t walk_down(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk, cachechain_value &value);
  int32_t ask(ThreadBlocks::Block &block, size_t at, const cachechain_key &key, Walk &walk, cachechain_value &value);
  void warm(ThreadBlocks::Block &block, const cachechain_key &key, size_t below, const cachechain_value &value);
  int32_t nobody_has_it(ThreadBlocks::Block &block, const Walk &walk, cachechain_value &value);

  // The write path.
  Status put_truth(ThreadBlocks::Block &block, Told &told);
  void put_copies(ThreadBlocks::Block &block, Told &told);
  void void_inline_copies(ThreadBlocks::Block &block, Told &told);
  int32_t put_one(ThreadBlocks::Block &block, size_t at, cachechain_put put, Told &told);

  const ChainSettings settings_;
  const ChainParts parts_;
  const Space space_;
  StampClock stamps_;
  std::vector<std::string> warnings_;
  Source source_ = Source::kApplication;
  std::vector<std::unique_ptr<Level>> levels_;  // the enabled layers, fastest first
  size_t leading_inline_ = 0;
  size_t truth_ = 0;  // the deepest level that takes writes, levels_.size() for none
  ThreadBlocks threads_;
  std::atomic<State> state_{State::kOpen};
  std::mutex closing_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_CHAIN_H_
