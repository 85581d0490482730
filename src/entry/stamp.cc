#include "entry/stamp.h"

#include <algorithm>

namespace cachechain {
namespace {

constexpr int64_t kRangeMs = int64_t{1} << 41;
// The last year of the range is for the counter alone. A clock that claims to be there, or before the epoch, is wrong
// and leads nobody; the counter has room for 2^46 stamps of its own even after the highest stamp that is adopted.
constexpr int64_t kLeadMs = kRangeMs - (int64_t{1} << 35);
constexpr uint64_t kAdoptMax = (static_cast<uint64_t>(kLeadMs) << kStampTimeShift) - 1;

constexpr uint64_t kTick = uint64_t{1} << kStampTickShift;
constexpr uint64_t kWriterMask = (uint64_t{1} << 10) - 1;
constexpr uint64_t kLastTick = kStampMax & ~(kTick - 1);

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return b < 0 ? INT64_MIN : INT64_MAX;
  return sum;
}

int64_t since_epoch(int64_t unix_ms) { return saturating_add(unix_ms, -kStampEpochMs); }

bool leads(int64_t unix_ms) {
  const int64_t ms = since_epoch(unix_ms);
  return ms >= 0 && ms < kLeadMs;
}

}  // namespace

uint64_t stamp_ceiling(int64_t unix_ms) {
  const int64_t ms = since_epoch(unix_ms);
  if (ms < 0) return 0;
  if (ms >= kRangeMs) return kStampMax;
  return ((static_cast<uint64_t>(ms) + 1) << kStampTimeShift) - 1;
}

int64_t stamp_unix_ms(uint64_t stamp) { return kStampEpochMs + static_cast<int64_t>(stamp >> kStampTimeShift); }

StampClock::StampClock(Clock &clock, uint32_t writer, int64_t max_drift_ms)
    : clock_(clock), writer_bits_((writer & kWriterMask) << 1 | 1), max_drift_ms_(std::max<int64_t>(max_drift_ms, 0)) {}

// Relaxed is enough: all stamps come from the one modification order of last_.
uint64_t StampClock::next() {
  const int64_t now = clock_.unix_ms();
  const uint64_t wall = leads(now) ? static_cast<uint64_t>(since_epoch(now)) << kStampTimeShift : 0;
  uint64_t last = last_.load(std::memory_order_relaxed);
  for (;;) {
    // Adding a tick carries a full counter into the milliseconds.
    const uint64_t after = (last & ~(kTick - 1)) + kTick;
    const uint64_t stamp = std::min(std::max(wall, after), kLastTick) | writer_bits_;
    if (last_.compare_exchange_weak(last, stamp, std::memory_order_relaxed)) return stamp;
  }
}

bool StampClock::observe(uint64_t stamp) {
  uint64_t last = last_.load(std::memory_order_relaxed);
  if (stamp <= last) return true;
  if (stamp > kAdoptMax || stamp > stamp_ceiling(saturating_add(clock_.unix_ms(), max_drift_ms_))) return false;
  while (last < stamp && !last_.compare_exchange_weak(last, stamp, std::memory_order_relaxed)) {
  }
  return true;
}

// A clock that was set back must not make this process's own stamps count as oldest, and one that is certainly wrong
// must not make everybody else's.
uint64_t StampClock::horizon() {
  const int64_t now = clock_.unix_ms();
  if (!leads(now)) return kStampMax;
  return std::max(stamp_ceiling(saturating_add(now, max_drift_ms_)), last_.load(std::memory_order_relaxed));
}

}  // namespace cachechain
