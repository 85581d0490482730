#include "base/clock.h"

#include <time.h>

#include <atomic>

namespace cachechain {
namespace {

int64_t read(clockid_t id) {
  timespec now;
  clock_gettime(id, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The coarse wall time is the coarse monotonic clock plus an offset, so that a step of the wall clock reaches hits
// together with everything else: when a slow path next reads the wall, at most once a second.
class SystemClock final : public Clock {
 public:
  SystemClock() { refresh(read(CLOCK_MONOTONIC_COARSE)); }

  int64_t mono_ns() override { return read(CLOCK_MONOTONIC); }

  int64_t unix_ms() override {
    const int64_t coarse = read(CLOCK_MONOTONIC_COARSE);
    if (coarse - refreshed_ns_.load(std::memory_order_relaxed) > kRefreshNs) refresh(coarse);
    return read(CLOCK_REALTIME) / kNsPerMs;
  }

  int64_t coarse_unix_ms() override {
    const int64_t coarse = read(CLOCK_MONOTONIC_COARSE);
    if (coarse - refreshed_ns_.load(std::memory_order_relaxed) > kRefreshNs) refresh(coarse);
    return (coarse + offset_ns_.load(std::memory_order_relaxed)) / kNsPerMs;
  }

  void wait(Condition &condition, std::unique_lock<std::mutex> &lock, int64_t deadline_ns) override {
    if (deadline_ns == 0) {
      condition.wait(lock);
    } else {
      condition.wait_until(lock, deadline_ns);
    }
  }

 private:
  static constexpr int64_t kNsPerMs = 1'000'000;
  static constexpr int64_t kRefreshNs = 1'000'000'000;

  void refresh(int64_t coarse) {
    offset_ns_.store(read(CLOCK_REALTIME_COARSE) - coarse, std::memory_order_relaxed);
    refreshed_ns_.store(coarse, std::memory_order_relaxed);
  }

  std::atomic<int64_t> offset_ns_{0};
  std::atomic<int64_t> refreshed_ns_{0};
};

}  // namespace

Clock &Clock::system() {
  static SystemClock *const clock = new SystemClock;  // never destroyed: values may outlive static destructors
  return *clock;
}

}  // namespace cachechain
