#include "chain/lives.h"

#include <gtest/gtest.h>

#include "chain/found.h"

namespace cachechain {
namespace {

constexpr int64_t kNow = 1'735'689'600'000;

class HalfRandom final : public Random {
 public:
  uint64_t next() override { return uint64_t{1} << 63; }
};

TEST(LivesTest, EntryLivesAsTheCallerSaysElseAsTheLayerSays) {
  HalfRandom random;
  EXPECT_EQ(times_of_entry(kNow, 500, 0, {1000, 0, 0}, random).expires_ms, kNow + 500);
  EXPECT_EQ(times_of_entry(kNow, 0, 0, {1000, 0, 0}, random).expires_ms, kNow + 1000);
  EXPECT_EQ(times_of_entry(kNow, 0, 0, {}, random).expires_ms, 0);
  EXPECT_EQ(times_of_entry(kNow, CACHECHAIN_TTL_NONE, 0, {1000, 0, 0}, random).expires_ms, 0);
  EXPECT_EQ(times_of_entry(kNow, CACHECHAIN_TTL_NONE, 0, {1000, 2000, 0}, random).expires_ms, kNow + 2000);
  EXPECT_EQ(times_of_entry(kNow, 5000, 0, {1000, 2000, 0}, random).expires_ms, kNow + 2000);
}

TEST(LivesTest, JitterShortensOnlyTheLayersOwnLife) {
  HalfRandom random;
  EXPECT_EQ(times_of_entry(kNow, 0, 0, {1000, 0, 0.2}, random).expires_ms, kNow + 900);
  EXPECT_EQ(times_of_entry(kNow, 1000, 0, {1000, 0, 0.2}, random).expires_ms, kNow + 1000);
  EXPECT_EQ(times_of_copy(kNow, {0, 0}, {1000, 0, 0.2}, random).expires_ms, kNow + 900);
  EXPECT_EQ(times_of_copy(kNow, {0, kNow + 100}, {1000, 0, 0.2}, random).expires_ms, kNow + 100);
}

TEST(LivesTest, CopyNeverOutlivesTheEntry) {
  HalfRandom random;
  for (const int64_t left : {1, 999, 1000, 1001, 100'000}) {
    EXPECT_LE(times_of_copy(kNow, {0, kNow + left}, {1000, 0, 0.1}, random).expires_ms, kNow + left);
  }
  EXPECT_EQ(times_of_copy(kNow, {0, 0}, {}, random).expires_ms, 0);
  EXPECT_EQ(times_of_copy(kNow, {0, 0}, {0, 700, 0}, random).expires_ms, kNow + 700);
}

TEST(LivesTest, HugeLivesSaturate) {
  HalfRandom random;
  EXPECT_EQ(times_of_entry(kNow, INT64_MAX, INT64_MAX, {}, random).expires_ms, kNow + kLongestMs);
  EXPECT_GT(times_of_entry(kNow, 0, 0, {INT64_MAX, INT64_MAX, 0.5}, random).expires_ms, kNow);
  EXPECT_GT(times_of_copy(kNow, {0, 0}, {INT64_MAX, INT64_MAX, 0.5}, random).expires_ms, kNow);
}

TEST(LivesTest, FreshTimeEndsNoLaterThanTheLife) {
  HalfRandom random;
  EXPECT_EQ(times_of_entry(kNow, 500, 200, {}, random).fresh_until_ms, kNow + 200);
  EXPECT_EQ(times_of_entry(kNow, 500, 900, {}, random).fresh_until_ms, kNow + 500);
  EXPECT_EQ(times_of_entry(kNow, 0, 200, {}, random).fresh_until_ms, kNow + 200);
  EXPECT_EQ(times_of_entry(kNow, 500, CACHECHAIN_TTL_NONE, {}, random).fresh_until_ms, 0);
}

TEST(LivesTest, ANamespaceDecidesInTheDeepestLayerAndCapsInAll) {
  const NamespaceLife space{5000, 8000, LifeStrategy::kPerLayer, 1};
  EXPECT_EQ(rule_in(space, {1000, 0, 0.1}, 0).ttl_ms, 5000);
  EXPECT_EQ(rule_in(space, {1000, 0, 0.1}, 1).ttl_ms, 1000);
  EXPECT_EQ(rule_in(space, {1000, 0, 0.1}, 1).jitter, 0.1);
  EXPECT_EQ(rule_in(space, {1000, 0, 0}, 0).max_ttl_ms, 8000);
  EXPECT_EQ(rule_in(space, {1000, 2000, 0}, 0).max_ttl_ms, 2000);
  EXPECT_EQ(rule_in(space, {1000, 9000, 0}, 3).max_ttl_ms, 8000);
  EXPECT_EQ(rule_in({}, {1000, 2000, 0}, 0).ttl_ms, 1000);
  EXPECT_EQ(rule_in({}, {1000, 2000, 0}, 0).max_ttl_ms, 2000);
}

TEST(LivesTest, UniformCopiesLiveAsLongAsTheEntryUnderTheCap) {
  HalfRandom random;
  const NamespaceLife space{0, 0, LifeStrategy::kUniform, 1};
  EXPECT_EQ(times_of_copy(kNow, {0, kNow + 90'000}, rule_in(space, {1000, 0, 0.5}, 1), random).expires_ms,
            kNow + 90'000);
  EXPECT_EQ(times_of_copy(kNow, {0, kNow + 90'000}, rule_in(space, {1000, 7000, 0.5}, 1), random).expires_ms,
            kNow + 7000);
  EXPECT_EQ(times_of_copy(kNow, {0, 0}, rule_in(space, {1000, 0, 0.5}, 1), random).expires_ms, 0);
}

TEST(LivesTest, DecayingCopiesGetAShareOfWhatIsLeft) {
  HalfRandom random;
  const NamespaceLife space{0, 0, LifeStrategy::kDecaying, 0.5};
  const Times entry{0, kNow + 80'000};
  EXPECT_EQ(times_of_copy(kNow, entry, rule_in(space, {1000, 0, 0.5}, 1), random).expires_ms, kNow + 40'000);
  EXPECT_EQ(times_of_copy(kNow, entry, rule_in(space, {1000, 0, 0.5}, 3), random).expires_ms, kNow + 10'000);
  EXPECT_EQ(times_of_copy(kNow + 60'000, entry, rule_in(space, {}, 1), random).expires_ms, kNow + 70'000);
  EXPECT_EQ(times_of_copy(kNow, entry, rule_in(space, {1000, 5000, 0}, 1), random).expires_ms, kNow + 5000);
  // At least a second, at most what is left.
  EXPECT_EQ(times_of_copy(kNow, {0, kNow + 1500}, rule_in(space, {}, 1), random).expires_ms, kNow + 1000);
  EXPECT_EQ(times_of_copy(kNow, {0, kNow + 500}, rule_in(space, {}, 1), random).expires_ms, kNow + 500);
  EXPECT_EQ(times_of_copy(kNow, {0, kNow - 5}, rule_in(space, {}, 1), random).expires_ms, kNow - 5);
  // What never ends has no share: the layer's own life holds.
  EXPECT_EQ(times_of_copy(kNow, {0, 0}, rule_in(space, {1000, 0, 0}, 1), random).expires_ms, kNow + 1000);
  // Nothing overflows.
  const NamespaceLife whole{0, 0, LifeStrategy::kDecaying, 1};
  EXPECT_EQ(times_of_copy(kNow, {0, INT64_MAX}, rule_in(whole, {}, 1), random).expires_ms, kNow + kLongestMs);
  const NamespaceLife none{0, 0, LifeStrategy::kDecaying, 0};
  EXPECT_EQ(times_of_copy(kNow, entry, rule_in(none, {}, 31), random).expires_ms, kNow + kLeastShareMs);
}

TEST(FoundTest, OneStrictComparisonServesAllMarks) {
  cachechain_value mark{};
  cachechain_value value{};
  const auto never = []() -> int64_t {
    ADD_FAILURE() << "no clock is needed";
    return 0;
  };
  uint64_t floor = 0;
  mark.version = 101;
  mark.flags = CACHECHAIN_KIND_TOMBSTONE;
  EXPECT_EQ(judge_entry(mark, floor, never), Found::kDeleted);
  for (const auto &[version, found] : {std::pair{99u, Found::kVoid}, {101u, Found::kVoid}, {103u, Found::kFresh}}) {
    value.version = version;
    EXPECT_EQ(judge_entry(value, floor, never), found) << version;
  }
  floor = 0;
  mark.version = 102;  // an invalidation of 103
  mark.flags = CACHECHAIN_KIND_INVALIDATED;
  EXPECT_EQ(judge_entry(mark, floor, never), Found::kDeleted);
  value.version = 103;
  EXPECT_EQ(judge_entry(value, floor, never), Found::kFresh);
}

TEST(FoundTest, ExpiredMarksAreForgotten) {
  cachechain_value mark{};
  mark.version = 101;
  mark.flags = CACHECHAIN_KIND_TOMBSTONE;
  mark.expires_ms = kNow;
  uint64_t floor = 0;
  EXPECT_EQ(judge_entry(mark, floor, [] { return kNow; }), Found::kExpired);
  EXPECT_EQ(floor, 0u);
}

}  // namespace
}  // namespace cachechain
