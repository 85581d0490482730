// Bars: keeps the warm-ups of a key out of all levels for the length of a mutation: what was read before it is not put
// after it. Lives on the stack of the call; the key outlives it.
#ifndef CACHECHAIN_CHAIN_BARS_H_
#define CACHECHAIN_CHAIN_BARS_H_

#include <list>

#include "chain/core.h"
#include "queue/warm_queue.h"

namespace cachechain {

class Bars {
 public:
  // Waits for warm-ups that are under way, until the deadline (0: none). Throws std::bad_alloc, with nothing barred.
  Bars(Core &core, const cachechain_key &key, int64_t deadline_ns);
  Bars(const Bars &) = delete;
  Bars &operator=(const Bars &) = delete;

  // Bit by index in the configuration: a warm-up of the key is still under way there, and may come last.
  uint32_t busy() const { return busy_; }

 private:
  std::list<WarmQueue::Bar> bars_;
  uint32_t busy_ = 0;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_BARS_H_
