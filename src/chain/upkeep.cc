#include "chain/upkeep.h"

#include <new>
#include <string>

namespace cachechain {
namespace {

constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr int64_t kEveryNs = 60 * kNsPerSecond;
// After a call that said that there is more to do.
constexpr int64_t kSoonNs = kNsPerSecond;
constexpr int64_t kLongestNs = 5 * kNsPerSecond;

}  // namespace

void Upkeep::begin() noexcept {
  if (!begun_.exchange(true, std::memory_order_relaxed)) arm(kEveryNs);
}

// Refused, the next put tries again.
void Upkeep::arm(int64_t span_ns) noexcept {
  if (!timers_.arm(*this, core_.parts.clock->mono_ns() + span_ns).ok()) {
    begun_.store(false, std::memory_order_relaxed);
  }
}

void Upkeep::due() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return;
  at_work_ = workers_.run(*this).ok();
  if (!at_work_) arm(kEveryNs);
}

void Upkeep::run() noexcept {
  const int32_t status = maintain();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!closed_ && status != CACHECHAIN_UNSUPPORTED) arm(status == CACHECHAIN_PARTIAL ? kSoonNs : kEveryNs);
  at_work_ = false;
  idle_.notify_all();
}

void Upkeep::drop() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  at_work_ = false;
  idle_.notify_all();
}

int32_t Upkeep::maintain() noexcept {
  const Caller caller(home_);
  cachechain_report report{};
  const int64_t deadline_ns = core_.parts.clock->mono_ns() + kLongestNs;
  const int32_t status = level_.layer->maintain(make_call(caller, level_, deadline_ns, &report));
  const bool fails = status < 0 && status != CACHECHAIN_UNSUPPORTED;
  if (fails && !failing_) {
    try {
      core_.parts.log->log(CACHECHAIN_LOG_WARN,
                           core_.describe(level_, status, report) + "; its house-keeping has to wait");
    } catch (const std::bad_alloc &) {
    }
  }
  failing_ = fails;
  return status;
}

bool Upkeep::close(int64_t deadline_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  while (at_work_) {
    if (deadline_ns != 0 && core_.parts.clock->mono_ns() >= deadline_ns) return false;
    core_.parts.clock->wait(idle_, lock, deadline_ns);
  }
  return true;
}

}  // namespace cachechain
