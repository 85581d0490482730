// Clock: the only source of time for everything inside. Thread-safe. Tests inject one that they turn by hand.
#ifndef CACHECHAIN_BASE_CLOCK_H_
#define CACHECHAIN_BASE_CLOCK_H_

#include <cstdint>
#include <mutex>

#include "base/condition.h"

namespace cachechain {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic, for deadlines.
  virtual int64_t mono_ns() = 0;
  // Wall time since 1970 UTC, for lives and stamps.
  virtual int64_t unix_ms() = 0;
  // The same within a few milliseconds and far cheaper, for judging the life of a hit.
  virtual int64_t coarse_unix_ms() = 0;
  // Until the condition is notified or mono_ns() reaches deadline_ns (0: never); may return early.
  virtual void wait(Condition &condition, std::unique_lock<std::mutex> &lock, int64_t deadline_ns) = 0;

  // The machine's clocks. Lives as long as the process.
  static Clock &system();
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_CLOCK_H_
