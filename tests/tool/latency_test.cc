// The histogram against the sorted numbers themselves.
#include "latency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace cachechain::tool {
namespace {

TEST(Latency, BucketsAreInOrderWithoutGapsOrOverlaps) {
  uint64_t expected = 0;
  for (size_t bucket = 0; bucket < 3000; ++bucket) {
    ASSERT_EQ(LatencyBuckets::of(expected), bucket) << expected;
    ASSERT_EQ(LatencyBuckets::of(LatencyBuckets::last_in(bucket)), bucket);
    expected = LatencyBuckets::last_in(bucket) + 1;
  }
}

TEST(Latency, PercentilesAreWithinOnePercentOfTheTruth) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> spread(8, 3);
  Latency latency;
  std::vector<uint64_t> all;
  for (int i = 0; i < 100'000; ++i) {
    auto ns = static_cast<uint64_t>(spread(random));
    all.push_back(ns);
    latency.record(ns);
  }
  std::sort(all.begin(), all.end());
  for (double share : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    auto truth = static_cast<double>(all[static_cast<size_t>(std::ceil(share * 100'000)) - 1]);
    auto told = static_cast<double>(latency.percentile_ns(share));
    EXPECT_GE(told, truth);
    EXPECT_LE(told, truth * 1.01 + 1) << share;
  }
  EXPECT_EQ(latency.max_ns(), all.back());
  EXPECT_EQ(latency.count(), 100'000u);
}

TEST(Latency, EmptyAndExtreme) {
  Latency latency;
  EXPECT_EQ(latency.percentile_ns(0.99), 0u);
  EXPECT_EQ(latency.mean_ns(), 0u);
  latency.record(0);
  EXPECT_EQ(latency.percentile_ns(1), 0u);
  latency.record(UINT64_MAX / 4);  // longer than the last bucket reaches
  EXPECT_EQ(latency.max_ns(), UINT64_MAX / 4);
  EXPECT_EQ(latency.count(), 2u);
}

TEST(Latency, AddingIsRecordingInOne) {
  Latency left;
  Latency right;
  Latency both;
  for (uint64_t ns = 1; ns < 1'000'000; ns = ns * 5 / 4 + 1) {
    (ns % 2 == 0 ? left : right).record(ns);
    both.record(ns);
  }
  left.add(right);
  EXPECT_EQ(left.count(), both.count());
  EXPECT_EQ(left.mean_ns(), both.mean_ns());
  for (double share : {0.1, 0.5, 0.99}) EXPECT_EQ(left.percentile_ns(share), both.percentile_ns(share));
}

}  // namespace
}  // namespace cachechain::tool
