#include "entry/stamp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "support/virtual_clock.h"

namespace cachechain {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kYearMs = 365 * 24 * kHourMs;
constexpr int64_t kDriftMs = 30'000;
constexpr int64_t kEndMs = kStampEpochMs + (int64_t{1} << 41);

uint64_t stamp_at(int64_t unix_ms) { return static_cast<uint64_t>(unix_ms - kStampEpochMs) << kStampTimeShift | 1; }

TEST(Stamp, LayoutIsMillisecondsCounterWriterOne) {
  VirtualClock clock;
  StampClock stamps(clock, 0x2a5, kDriftMs);
  const uint64_t first = stamps.next();
  EXPECT_EQ(first, static_cast<uint64_t>(clock.unix_ms() - kStampEpochMs) << 22 | 0x2a5 << 1 | 1);
  EXPECT_EQ(stamps.next(), first + (1 << 11));
  EXPECT_EQ(stamp_unix_ms(first), clock.unix_ms());
}

TEST(Stamp, OnlyTenBitsOfTheWriterAreUsed) {
  VirtualClock clock;
  StampClock stamps(clock, 0xffffffff, kDriftMs);
  const uint64_t stamp = stamps.next();
  EXPECT_EQ(stamp & 0x7ff, 0x7ffu);
  EXPECT_EQ(stamp_unix_ms(stamp), clock.unix_ms());
  EXPECT_EQ(stamp >> 11 & 0x7ff, 0u) << "the writer leaked into the counter";
}

TEST(Stamp, CeilingCoversItsMillisecondAndStaysInRange) {
  const int64_t now = VirtualClock::kStartUnixMs;
  EXPECT_EQ(stamp_unix_ms(stamp_ceiling(now)), now);
  EXPECT_EQ(stamp_unix_ms(stamp_ceiling(now) + 1), now + 1);
  EXPECT_EQ(stamp_ceiling(kStampEpochMs - 1), 0u);
  EXPECT_EQ(stamp_ceiling(INT64_MIN), 0u);
  EXPECT_EQ(stamp_ceiling(kStampEpochMs), (uint64_t{1} << 22) - 1);
  EXPECT_EQ(stamp_ceiling(kEndMs - 1), kStampMax);
  EXPECT_EQ(stamp_ceiling(kEndMs), kStampMax);
  EXPECT_EQ(stamp_ceiling(INT64_MAX), kStampMax);
}

TEST(Stamp, AFullCounterCarriesIntoTheMilliseconds) {
  VirtualClock clock;
  StampClock stamps(clock, 7, kDriftMs);
  uint64_t last = 0;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t stamp = stamps.next();
    ASSERT_GT(stamp, last);
    ASSERT_EQ(stamp & 0x7ff, 7u << 1 | 1);
    last = stamp;
  }
  EXPECT_EQ(stamp_unix_ms(last), clock.unix_ms() + 4999 / 2048);
}

TEST(Stamp, AClockThatGoesBackDoesNot) {
  for (int64_t step : {-kHourMs, -10 * kYearMs, -100 * kYearMs}) {
    VirtualClock clock;
    StampClock stamps(clock, 7, kDriftMs);
    const uint64_t before = stamps.next();
    clock.step_wall_ms(step);
    EXPECT_EQ(stamps.next(), before + (1 << 11));
    clock.step_wall_ms(-step + kHourMs);
    EXPECT_EQ(stamp_unix_ms(stamps.next()), clock.unix_ms());
  }
}

TEST(Stamp, AClockThatLeapsAheadIsFollowedAndNeverTakenBack) {
  for (int64_t step : {kHourMs, 10 * kYearMs}) {
    VirtualClock clock;
    StampClock stamps(clock, 7, kDriftMs);
    const uint64_t before = stamps.next();
    clock.step_wall_ms(step);
    const uint64_t ahead = stamps.next();
    EXPECT_GT(ahead, before);
    EXPECT_EQ(stamp_unix_ms(ahead), clock.unix_ms());
    clock.step_wall_ms(-step);
    EXPECT_GT(stamps.next(), ahead);
  }
}

TEST(Stamp, ClocksOutsideTheRangeKeepStampsValidAndRising) {
  for (int64_t wall : {INT64_MIN, int64_t{-1}, int64_t{0}, kStampEpochMs - 1, kStampEpochMs, kEndMs - 1, kEndMs,
                       kEndMs + 10 * kYearMs, INT64_MAX}) {
    VirtualClock clock;
    StampClock stamps(clock, 1023, kDriftMs);
    uint64_t last = stamps.next();
    clock.set_wall_ms(wall);
    for (int i = 0; i < 5000; ++i) {
      const uint64_t stamp = stamps.next();
      ASSERT_GT(stamp, last) << "wall " << wall;
      ASSERT_LE(stamp, kStampMax);
      last = stamp;
    }
    // The wrong clock was not followed: once it is set right, stamps are those of the right time again.
    clock.set_wall_ms(VirtualClock::kStartUnixMs + kHourMs);
    EXPECT_EQ(stamp_unix_ms(stamps.next()), clock.unix_ms()) << "wall " << wall;
  }
}

TEST(Stamp, AProcessThatStartsWithAWrongClockStillGivesValidStamps) {
  for (int64_t wall : {INT64_MIN, int64_t{0}, kStampEpochMs - 1, kEndMs - 1, kEndMs, INT64_MAX}) {
    VirtualClock clock(wall);
    StampClock stamps(clock, 0, kDriftMs);
    const uint64_t first = stamps.next();
    EXPECT_EQ(first & 1, 1u);
    EXPECT_LE(first, kStampMax);
    EXPECT_GT(stamps.next(), first);
  }
}

TEST(Stamp, ObservedStampsArePassed) {
  VirtualClock clock;
  StampClock stamps(clock, 3, kDriftMs);
  const uint64_t theirs = stamp_at(clock.unix_ms() + 20'000) | 1023 << 1;
  EXPECT_TRUE(stamps.observe(theirs));
  const uint64_t mine = stamps.next();
  EXPECT_GT(mine, theirs);
  EXPECT_EQ(mine & 0x7ff, 3u << 1 | 1);
  EXPECT_TRUE(stamps.observe(theirs)) << "an old stamp teaches nothing and is no failure";
  EXPECT_EQ(stamps.next(), mine + (1 << 11));
}

TEST(Stamp, TheEvenStampOfAnInvalidationIsPassedToo) {
  VirtualClock clock;
  StampClock stamps(clock, 0, kDriftMs);
  const uint64_t invalidated = stamp_at(clock.unix_ms() + 5) - 1;
  EXPECT_TRUE(stamps.observe(invalidated));
  const uint64_t next = stamps.next();
  EXPECT_GT(next, invalidated + 1);
  EXPECT_EQ(next & 1, 1u);
}

TEST(Stamp, StampsBeyondTheDriftAreNotAdopted) {
  VirtualClock clock;
  StampClock stamps(clock, 3, kDriftMs);
  const uint64_t before = stamps.next();
  EXPECT_FALSE(stamps.observe(stamp_ceiling(clock.unix_ms() + kDriftMs) + 1));
  EXPECT_FALSE(stamps.observe(kStampMax));
  EXPECT_FALSE(stamps.observe(kStampMax + 1));
  EXPECT_FALSE(stamps.observe(UINT64_MAX));
  EXPECT_EQ(stamps.next(), before + (1 << 11)) << "something was learned";
  EXPECT_TRUE(stamps.observe(stamp_ceiling(clock.unix_ms() + kDriftMs)));
  EXPECT_TRUE(stamps.observe(0));
}

TEST(Stamp, NoObservedStampUsesUpTheRange) {
  for (int64_t wall : {kEndMs - 1, kEndMs, INT64_MAX}) {
    VirtualClock clock(wall);
    StampClock stamps(clock, 3, INT64_MAX);
    (void)stamps.observe(kStampMax);
    const uint64_t first = stamps.next();
    EXPECT_GT(stamps.next(), first);
  }
}

TEST(Stamp, AbsurdDriftsSaturate) {
  VirtualClock clock;
  StampClock eager(clock, 0, INT64_MAX);
  EXPECT_EQ(eager.horizon(), kStampMax);
  StampClock none(clock, 0, INT64_MIN);
  EXPECT_EQ(none.horizon(), stamp_ceiling(clock.unix_ms()));
}

TEST(Stamp, TheHorizonIsNowAndTheDrift) {
  VirtualClock clock;
  StampClock stamps(clock, 0, kDriftMs);
  EXPECT_EQ(stamps.horizon(), stamp_ceiling(clock.unix_ms() + kDriftMs));
  clock.advance_ms(kHourMs);
  EXPECT_EQ(stamps.horizon(), stamp_ceiling(clock.unix_ms() + kDriftMs));
}

TEST(Stamp, OwnStampsAreNeverBeyondTheHorizon) {
  VirtualClock clock;
  StampClock stamps(clock, 0, kDriftMs);
  const uint64_t mine = stamps.next();
  clock.step_wall_ms(-kHourMs);
  EXPECT_GE(stamps.horizon(), mine);
  EXPECT_GE(stamps.horizon(), stamps.next() - (1 << 11));
}

TEST(Stamp, AClockThatIsCertainlyWrongDiscountsNobody) {
  for (int64_t wall : {int64_t{0}, kStampEpochMs - 1, kEndMs}) {
    VirtualClock clock(wall);
    StampClock stamps(clock, 0, kDriftMs);
    (void)stamps.next();
    EXPECT_EQ(stamps.horizon(), kStampMax);
  }
}

TEST(Stamp, ThreadsShareOneRisingSequence) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20'000;
  VirtualClock clock;
  StampClock stamps(clock, 9, kDriftMs);
  std::vector<std::vector<uint64_t>> given(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      given[t].reserve(kEach);
      for (int i = 0; i < kEach; ++i) {
        given[t].push_back(stamps.next());
        if (i % 64 == 0) clock.step_wall_ms(t % 2 == 0 ? 3 : -2);
        if (i % 50 == 0) {
          const uint64_t other = stamp_at(clock.unix_ms() + 10) - 1;
          if (stamps.observe(other)) {
            EXPECT_GT(stamps.next(), other);
          }
        }
        EXPECT_GE(stamps.horizon(), given[t].back());
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  std::vector<uint64_t> all;
  for (const std::vector<uint64_t> &one : given) {
    EXPECT_TRUE(std::is_sorted(one.begin(), one.end()));
    all.insert(all.end(), one.begin(), one.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::adjacent_find(all.begin(), all.end()), all.end()) << "a stamp was given twice";
}

}  // namespace
}  // namespace cachechain
