// Chain: the layers in their order, and the paths through them. A get goes down until a layer answers and warms the
// inline layers above; a load is a get that may come back with the lease to fill in what is missing; a mutation goes to
// the layer whose word is the truth first, then to the others. Calls of one key meet in its record (key/hold.h).
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
#include "key/hold.h"
#include "key/loads.h"
#include "key/record_table.h"
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
  Clock *clock = nullptr;  // these three outlive the chain and every value
  Random *random = nullptr;
  Allocator *allocator = &Allocator::system();
  std::shared_ptr<Logger> log;
  std::vector<std::string> plugin_path;
};

// How a get is to be done.
struct ReadOptions {
  int64_t timeout_ns = 0;    // 0: the chain's own
  uint64_t min_version = 0;  // an older entry is no answer
  std::span<const uint8_t> trace;
};

// What a mutation is asked to do. Checked by the caller: sizes, flags, signs of times.
struct Mutation {
  std::span<const uint8_t> data;
  uint32_t kind = CACHECHAIN_KIND_VALUE;  // or a tombstone, or an invalidation
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

  using Key = std::span<const uint8_t>;
  // `value` comes zeroed. `failure`, nullable, is written on a failure only.
  int32_t get(ThreadBlocks::Block &block, Key key, const ReadOptions &options, std::span<uint8_t> buffer,
              cachechain_value &value, Status *failure);
  // The same, and beside it the lease to load the key, if it is this call's turn. `lease` comes zeroed.
  int32_t get_load(ThreadBlocks::Block &block, Key key, const ReadOptions &options, std::span<uint8_t> buffer,
                   cachechain_value &value, cachechain_lease &lease, Status *failure);

  // Sets, deletes and invalidates.
  Status mutate(ThreadBlocks::Block &block, Key key, const Mutation &mutation, cachechain_write &result);
  // Gives the entry new times.
  Status touch(ThreadBlocks::Block &block, Key key, const Mutation &times, cachechain_write &result);
  // Removes the entry wherever it is the one of this version, but not from the truth.
  Status reject(ThreadBlocks::Block &block, Key key, const Mutation &options, uint64_t version);

  // The endings of a lease. `loaded` is a value or an absence.
  using Lease = const cachechain_lease &;
  Status fulfil(ThreadBlocks::Block &block, Lease lease, const Mutation &loaded, cachechain_write &result);
  Status unchanged(ThreadBlocks::Block &block, Lease lease, int64_t ttl_ms);
  Status fail_load(ThreadBlocks::Block &block, Lease lease, std::string_view message, int64_t hold_off_ms);
  Status abandon(ThreadBlocks::Block &block, Lease lease);
  Status renew(ThreadBlocks::Block &block, cachechain_lease &lease, int64_t lease_ms);

  std::string stats() const;
  std::string explain() const;
  std::string explain(std::span<const uint8_t> key);

  // OK when every call has left and every layer is closed; DEADLINE if calls are still inside after timeout_ns.
  Status close(int64_t timeout_ns);
  // In a fork child: every later call answers FORKED, and whoever owns the chain leaks it.
  void mark_forked() { state_.store(State::kForked, std::memory_order_relaxed); }
  bool forked() const { return state_.load(std::memory_order_relaxed) == State::kForked; }

  const ChainSettings &settings() const { return settings_; }
  // What is under way for a key in this process.
  RecordTable::Look look(Key key) { return records_.look(make_key(key)); }

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

  cachechain_key make_key(Key key) const;
  bool is_truth(size_t at) const { return source_ == Source::kLastLayer && at + 1 == levels_.size(); }

  // The read path. Levels are positions in levels_.
  int32_t ask_first(ThreadBlocks::Block &block, const cachechain_key &key, std::span<uint8_t> buffer,
                    cachechain_value &value);
  int32_t fly(ThreadBlocks::Block &block, const cachechain_key &key, Hold &hold, bool leads, Walk &walk,
              cachechain_value &value);
  int32_t lead(ThreadBlocks::Block &block, const cachechain_key &key, Hold &hold, Walk &walk, cachechain_value &value);
  static void end_flight(Hold &hold, int32_t status, const cachechain_value &value, const Walk &walk);
  int32_t walk_down(ThreadBlocks::Block &block, const cachechain_key &key, size_t end, Walk &walk,
                    cachechain_value &value);
  int32_t ask(ThreadBlocks::Block &block, size_t at, const cachechain_key &key, Walk &walk, cachechain_value &value);
  int32_t found_at(ThreadBlocks::Block &block, size_t at, const cachechain_key &key, Walk &walk,
                   cachechain_value &value);
  void warm(ThreadBlocks::Block &block, const cachechain_key &key, size_t below, const Walk &walk,
            const cachechain_value &value);
  int32_t nobody_has_it(Walk &walk, cachechain_value &value);
  int64_t deadline_of(Walk &walk) const;
  void count_answer(ThreadBlocks::Block &block, int32_t status, const cachechain_value &value);

  // Loads.
  int32_t load(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk, cachechain_value &value,
               cachechain_lease &lease);
  bool wait_for_load(int64_t deadline_ns);
  bool wants_refresh(const cachechain_value &value) const;
  enum class Marked { kYes, kLocal, kOvertaken, kForeign };
  Marked mark_lease(ThreadBlocks::Block &block, Hold &hold, const Seen &seen, cachechain_lease &lease, Walk &walk);
  void release_mark(ThreadBlocks::Block &block, Hold &hold, const Hold::LeaseTerms &terms);
  int32_t put_mark(ThreadBlocks::Block &block, Hold &hold, const cachechain_lease &lease, uint64_t expect_version,
                   uint64_t expect_token, int64_t lease_ms);

  // The write path.
  Status check_mutation(const Mutation &mutation) const;
  Status mutate_held(ThreadBlocks::Block &block, Hold &hold, const cachechain_key &key, const Mutation &mutation,
                     cachechain_write &result);
  void begin(Told &told, const cachechain_key &key);
  Status put_truth(ThreadBlocks::Block &block, Told &told);
  void acknowledge(ThreadBlocks::Block &block, Hold &hold, Told &told);
  void spread(ThreadBlocks::Block &block, Hold &hold, Told &told);
  void put_inline(ThreadBlocks::Block &block, Hold &hold, size_t at, cachechain_put copy, Told &told);
  void put_inline_copies(ThreadBlocks::Block &block, Hold &hold, Told &told);
  void put_other_copies(ThreadBlocks::Block &block, Told &told);
  void void_copies(ThreadBlocks::Block &block, Hold &hold, Told &told);
  Status invalidate_above_truth(ThreadBlocks::Block &block, Hold &hold, Told &told);
  int32_t put_one(ThreadBlocks::Block &block, size_t at, cachechain_put put, Told &told);
  Status fulfil_copies(ThreadBlocks::Block &block, Hold &hold, const Hold::LeaseTerms &lease, Told &told);
  Status entry_to_rewrite(ThreadBlocks::Block &block, const cachechain_key &key, int64_t deadline_ns,
                          cachechain_value &value);

  // A truth without versions, under a level that processes share.
  void announce(ThreadBlocks::Block &block, Told &told);
  void call_off(ThreadBlocks::Block &block, Told &told);
  // One put that is neither a mutation's nor a copy: its outcome counts for the level's health alone.
  int32_t put_mark_at(ThreadBlocks::Block &block, size_t at, cachechain_put put, int64_t deadline_ns,
                      std::span<const uint8_t> trace = {});
  struct Borrowed;
  Borrowed borrow(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk);
  void give_back(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk, const Borrowed &borrowed,
                 int32_t status, cachechain_value &value);

  // Debts.
  void owe(const Told &told);
  bool settle(ThreadBlocks::Block &block, Level &level, const cachechain_key &key, const Debt &debt,
              int64_t deadline_ns, cachechain_report &report);
  bool believed(ThreadBlocks::Block &block, Level &level, const cachechain_key &key, int64_t deadline_ns,
                cachechain_report &report);
  void settle_others(ThreadBlocks::Block &block, Level &level, int64_t deadline_ns);

  const ChainSettings settings_;
  const ChainParts parts_;
  const Space space_;
  StampClock stamps_;
  std::vector<std::string> warnings_;
  Source source_ = Source::kApplication;
  std::vector<std::unique_ptr<Level>> levels_;  // the enabled layers, fastest first
  size_t leading_inline_ = 0;
  size_t truth_ = 0;           // the deepest level that takes writes, levels_.size() for none
  bool marks_leases_ = false;  // truth_ arbitrates between processes, and is not the source itself
  // Whether versions alone tell what was read before a mutation. They do if one level orders all mutations and never
  // forgets; where it may, a mutation shuts out whoever read before it, and no version wins over its own copies.
  bool ordered_ = true;
  size_t shared_ = 0;  // under a truth without versions: the level that its readers lease from; levels_.size(): none
  Loads loads_;
  RecordTable records_;
  ThreadBlocks threads_;
  std::atomic<State> state_{State::kOpen};
  std::mutex closing_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_CHAIN_H_
