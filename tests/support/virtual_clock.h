// VirtualClock: a clock that only a test turns. Thread-safe. Wall and monotonic time advance together, and the wall
// alone can be stepped, as an operator or NTP would.
#ifndef CACHECHAIN_TESTS_SUPPORT_VIRTUAL_CLOCK_H_
#define CACHECHAIN_TESTS_SUPPORT_VIRTUAL_CLOCK_H_

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace cachechain {

class VirtualClock final : public Clock {
 public:
  // 2025-01-01 UTC, unless the test wants another day.
  static constexpr int64_t kStartUnixMs = 1'735'689'600'000;

  explicit VirtualClock(int64_t unix_ms = kStartUnixMs) : unix_ms_(unix_ms) {}

  int64_t mono_ns() override { return mono_ns_.load(); }
  int64_t unix_ms() override { return unix_ms_.load(); }
  int64_t coarse_unix_ms() override { return unix_ms_.load(); }
  // Looks again every now and then: whoever turns the clock does not know who waits.
  void wait(Condition &condition, std::unique_lock<std::mutex> &lock, int64_t) override {
    condition.wait_until(lock, Clock::system().mono_ns() + 1'000'000);
  }

  void advance_ms(int64_t ms) {
    mono_ns_ += ms * 1'000'000;
    unix_ms_ += ms;
  }
  void step_wall_ms(int64_t ms) { unix_ms_ += ms; }
  void set_wall_ms(int64_t unix_ms) { unix_ms_ = unix_ms; }

 private:
  std::atomic<int64_t> mono_ns_{1'000'000'000};
  std::atomic<int64_t> unix_ms_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_VIRTUAL_CLOCK_H_
