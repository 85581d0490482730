// Core: what all paths through a chain share: the levels in their order, what their kinds make possible, the records of
// keys, clocks. It is made when the chain opens and constant from then on, but for the parts that are thread-safe by
// themselves.
#ifndef CACHECHAIN_CHAIN_CORE_H_
#define CACHECHAIN_CHAIN_CORE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel_token.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/status.h"
#include "base/threads.h"
#include "chain/level.h"
#include "chain/namespaces.h"
#include "chain/watchers.h"
#include "config/settings.h"
#include "entry/stamp.h"
#include "key/loads.h"
#include "key/record_table.h"

namespace cachechain {

// What a chain works with besides its settings.
struct ChainParts {
  Clock *clock = nullptr;  // these three outlive the chain and every value
  Random *random = nullptr;
  Allocator *allocator = &Allocator::system();
  std::shared_ptr<Logger> log;
  std::vector<std::string> plugin_path;
  Threads *threads = &Threads::system();  // outlives the chain
  MakeError make_error = nullptr;         // for events; NULL: they carry none
  std::shared_ptr<Watchers> watchers;     // made by Chain::open()

  // Once: from then on what is logged passes by the watchers.
  void put_watchers_around_log() {
    if (watchers != nullptr) return;
    watchers = std::make_shared<Watchers>(std::move(log), make_error);
    log = watchers;
  }
};

struct Core {
  Core(ChainSettings its_settings, ChainParts its_parts, std::vector<std::string> its_warnings);
  Core(const Core &) = delete;
  Core &operator=(const Core &) = delete;

  // Takes the open layers, one for each enabled one of the settings, in their order, and works out what they make
  // together. Once, before any call.
  Status take_layers(std::vector<OpenedLayer> layers);

  bool is_truth(size_t at) const { return source == Source::kLastLayer && at + 1 == levels.size(); }
  bool is_plain(size_t at) const { return levels[at]->layer->traits().can(CACHECHAIN_CAP_PLAIN); }
  // Whether the record of clears is the truth's: then a clear that it did not acknowledge has not happened.
  bool clear_is_truths() const { return clear_level < levels.size() && is_truth(clear_level); }
  // Longer than this the level keeps nothing that was put now; 0: no such bound.
  int64_t longest_life_ms(size_t at) const;
  // On the clock's own count; 0 for none. `timeout_ns` 0 is the chain's own.
  int64_t deadline_after(int64_t timeout_ns) const;

  // The one form of an operator's line: `shop/L2 redis 10.0.3.7:6379: no reply in 100 ms`.
  std::string describe(const Level &level, int32_t status, const cachechain_report &report) const;
  void layer_failed(Level &level, int32_t status, const cachechain_report &report);
  void layer_answered(Level &level);
  // One call of a level's slot. Whatever puts goes through one of these: here the outcome of the whole call, once,
  // counts for the level's health.
  int32_t put(const Caller &caller, Level &level, const cachechain_put &put, cachechain_put_result &result,
              int64_t deadline_ns, std::span<const uint8_t> trace, cachechain_report &report,
              CancelToken *cancel = nullptr);
  int32_t put_many(const Caller &caller, Level &level, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results, int64_t deadline_ns, std::span<const uint8_t> trace,
                   cachechain_report &report);
  // One put that is neither a mutation's nor a copy.
  int32_t put_mark(const Caller &caller, size_t at, cachechain_put put, int64_t deadline_ns,
                   std::span<const uint8_t> trace = {});
  // Many of them in one call. Each result has its own status.
  void put_marks(const Caller &caller, size_t at, std::span<cachechain_put> puts,
                 std::span<cachechain_put_result> results, int64_t deadline_ns);

  const ChainSettings settings;
  const ChainParts parts;
  StampClock stamps;
  std::vector<std::string> warnings;
  Source source = Source::kApplication;
  std::vector<std::unique_ptr<Level>> levels;  // the enabled layers, fastest first
  size_t leading_inline = 0;
  size_t truth = 0;           // the deepest level that takes writes, levels.size() for none
  bool marks_leases = false;  // truth arbitrates between processes, and is not the source itself
  // Whether versions alone tell what was read before a mutation. They do if one level orders all mutations and never
  // forgets; where it may, a mutation shuts out whoever read before it, and no version wins over its own copies.
  bool ordered = true;
  size_t shared = 0;       // under a truth without versions: the level that its readers lease from; levels.size(): none
  size_t clear_level = 0;  // the level that keeps the records of clears, levels.size() for none
  bool costs_count = false;  // some level is warmed by what a fetch took
  bool queues = false;       // some level is warmed by a queue
  Loads loads;
  RecordTable records;
  Namespaces namespaces{*this};

 private:
  void note_health(Level &level, int32_t outcome, const cachechain_report &report) noexcept;
  Status check_source();
  void choose_clear_level();
  void settle_lives();
};

inline cachechain_call make_call(const Caller &caller, const Level &level, int64_t deadline_ns,
                                 cachechain_report *report, std::span<const uint8_t> trace = {},
                                 CancelToken *cancel = nullptr) {
  cachechain_call call{};
  call.struct_size = sizeof(call);
  call.deadline_ns = deadline_ns;
  call.cancel = cancel == nullptr ? nullptr : cancel->handle();
  call.report = report;
  call.thread_word = caller.block.words() + level.index;
  call.trace = trace.data();
  call.trace_size = trace.size();
  return call;
}

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_CORE_H_
