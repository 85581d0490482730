// Level: one enabled layer in its place in a chain, with what the chain knows about it. Made when the chain opens;
// constant but for its health.
#ifndef CACHECHAIN_CHAIN_LEVEL_H_
#define CACHECHAIN_CHAIN_LEVEL_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "chain/lives.h"
#include "chain/warm_policy.h"
#include "config/settings.h"
#include "key/debts.h"
#include "plugin/layer.h"
#include "plugin/open_layer.h"

namespace cachechain {

class Upkeep;
class Warming;
class WorkerGroup;

// The last failure of a layer, and whether it is failing now. Thread-safe. Touched by failures and by the first success
// after one, never by a hit.
class Health {
 public:
  bool failing() const { return failing_.load(std::memory_order_relaxed); }
  // True if this is the first failure after a success.
  bool failed(int32_t status, std::string text);
  // True if this is the first success after a failure.
  bool succeeded() { return failing() && failing_.exchange(false, std::memory_order_relaxed); }
  // "TIMEOUT: no reply in 100 ms", empty if it never failed.
  std::string last() const;

 private:
  std::atomic<bool> failing_{false};
  mutable std::mutex mutex_;
  std::string last_;
};

struct Level {
  explicit Level(const LayerSettings &settings);
  ~Level();

  uint32_t index = 0;  // in the configuration
  std::unique_ptr<Layer> layer;
  InlineSlots direct;
  std::atomic<bool> trusted{true};  // false once an inline plugin broke its contract: then only `layer` is asked
  LifeRule life;
  WritePolicy write = WritePolicy::kThrough;
  std::vector<std::string> warnings;
  Health health;
  Debts debts;
  WarmPolicy admission;
  // Of one that is not inline. Its threads are started when they are needed.
  std::unique_ptr<WorkerGroup> workers;
  std::unique_ptr<Upkeep> upkeep;    // of one that is writable
  std::unique_ptr<Warming> warming;  // of one that has a level below it to be warmed from

  bool is_inline() const { return direct.api != nullptr; }
  bool writable() const { return write == WritePolicy::kThrough; }
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LEVEL_H_
