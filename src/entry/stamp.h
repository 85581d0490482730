// Stamps: the versions of entries. A hybrid logical clock in 63 bits: 41 bits of milliseconds since 2024-01-01 UTC,
// 11 bits of counter, 10 bits of writer, and a lowest bit that is always 1, so that version - 1 is free for
// INVALIDATED. Thread-safe; every stamp that a clock gives is larger than all that it gave or observed before.
#ifndef CACHECHAIN_ENTRY_STAMP_H_
#define CACHECHAIN_ENTRY_STAMP_H_

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "base/random.h"

namespace cachechain {

// Where the milliseconds of a stamp begin: 2024-01-01 UTC.
inline constexpr int64_t kStampEpochMs = 1'704'067'200'000;
inline constexpr int kStampTimeShift = 22;
inline constexpr int kStampTickShift = 11;  // below it is who made the stamp
inline constexpr uint64_t kStampMax = (uint64_t{1} << 63) - 1;

// The largest stamp of that millisecond; 0 before the epoch, kStampMax past the 41 bits.
uint64_t stamp_ceiling(int64_t unix_ms);
// The millisecond that a stamp was made in.
int64_t stamp_unix_ms(uint64_t stamp);

// A token for a lease of this version: a stamp of the same tick, the rest by chance, so that two leases of one version
// differ. No other stamp of the clock that gave the version comes between the two, so a clear voids both or neither.
inline uint64_t lease_token(uint64_t version, Random &random) {
  constexpr uint64_t kChance = (uint64_t{1} << kStampTickShift) - 1;
  return (version & ~kChance) | (random.next() & kChance) | 1;
}

class StampClock {
 public:
  // `writer` tells processes apart, 10 bits are used. Stamps further ahead of the clock than max_drift_ms are never
  // adopted: one broken clock must not freeze keys.
  StampClock(Clock &clock, uint32_t writer, int64_t max_drift_ms);

  // A wall clock that goes back, or that is outside the range of stamps, leaves the counter to go on alone.
  uint64_t next();
  // Learns of another's stamp. False if it is from too far ahead, and then nothing is learned.
  [[nodiscard]] bool observe(uint64_t stamp);
  // Above it a stored version counts as oldest. Never below what this clock gave or learned; kStampMax, which discounts
  // nobody, while the wall clock is outside the range of stamps.
  uint64_t horizon();

 private:
  Clock &clock_;
  const uint64_t writer_bits_;
  const int64_t max_drift_ms_;
  std::atomic<uint64_t> last_{0};
};

}  // namespace cachechain

#endif  // CACHECHAIN_ENTRY_STAMP_H_
