#include "base/condition.h"

#include <time.h>

#include <algorithm>

namespace cachechain {

// Not std::condition_variable: it waits by pthread_cond_clockwait, which the thread sanitizer of g++ 12 does not know.
Condition::Condition() {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  pthread_cond_init(&condition_, &attributes);
  pthread_condattr_destroy(&attributes);
}

void Condition::wait_until(std::unique_lock<std::mutex> &lock, int64_t mono_ns) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  const int64_t at = std::max<int64_t>(mono_ns, 0);
  const timespec when{static_cast<time_t>(at / kNsPerSecond), static_cast<long>(at % kNsPerSecond)};
  pthread_cond_timedwait(&condition_, lock.mutex()->native_handle(), &when);
}

}  // namespace cachechain
