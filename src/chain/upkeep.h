// Upkeep: the house-keeping of one level that is not inline. Once something was put there, its `maintain` is called now
// and then on the level's worker group, so that what expired goes also where nobody writes any more. A level that keeps
// no house is asked once.
//
// [any] thread. close() after the timers have stopped, and before the worker group does.
#ifndef CACHECHAIN_CHAIN_UPKEEP_H_
#define CACHECHAIN_CHAIN_UPKEEP_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "async/task.h"
#include "async/timers.h"
#include "async/worker_group.h"
#include "base/condition.h"
#include "chain/core.h"

namespace cachechain {

class Upkeep final : private Timer, private Task {
 public:
  // All of these outlive it.
  Upkeep(Core &core, Level &level, Namespace &home, Timers &timers, WorkerGroup &workers)
      : core_(core), level_(level), home_(home), timers_(timers), workers_(workers) {}
  Upkeep(const Upkeep &) = delete;
  Upkeep &operator=(const Upkeep &) = delete;

  // Something was put into the level.
  void written() noexcept {
    if (!begun_.load(std::memory_order_relaxed)) begin();
  }
  // False if a call is still under way at the deadline (0: none).
  bool close(int64_t deadline_ns);

 private:
  void begin() noexcept;
  void arm(int64_t span_ns) noexcept;
  int32_t maintain() noexcept;

  void due() noexcept override;
  void run() noexcept override;
  void drop() noexcept override;

  Core &core_;
  Level &level_;
  Namespace &home_;
  Timers &timers_;
  WorkerGroup &workers_;
  std::atomic<bool> begun_{false};
  bool failing_ = false;  // of the one call that is under way

  std::mutex mutex_;
  Condition idle_;
  bool at_work_ = false;  // queued in the group, or running
  bool closed_ = false;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_UPKEEP_H_
