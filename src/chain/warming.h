// Warming: how one level that is not inline is warmed behind the readers' backs: the queue in front of it, on the
// level's worker group. A put that fails is lost and counted; the next reader who goes past the level offers the entry
// again.
//
// [any] thread; close() before it is destroyed, and before the group stops and the layer is closed.
#ifndef CACHECHAIN_CHAIN_WARMING_H_
#define CACHECHAIN_CHAIN_WARMING_H_

#include "async/worker_group.h"
#include "chain/core.h"
#include "queue/warm_queue.h"

namespace cachechain {

class Warming final : private WarmQueue::Sink {
 public:
  // All of these outlive it. `home` is where the puts are counted.
  Warming(Core &core, Level &level, Namespace &home, const WarmSettings &settings, WorkerGroup &workers);

  WarmQueue &queue() { return queue_; }
  // Drops what waits. False if a put is still under way at the deadline (0: none).
  bool close(int64_t deadline_ns) { return queue_.close(deadline_ns); }

 private:
  void warm(std::span<const cachechain_put> puts) noexcept override;

  Core &core_;
  Level &level_;
  Namespace &home_;
  WarmQueue queue_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WARMING_H_
