// The generator against the distribution that it claims to draw from.
#include "zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace cachechain::tool {
namespace {

// Pearson's chi-squared over ranks with at least `least` expected draws, the rest in one bin; and its freedom.
struct ChiSquared {
  double statistic = 0;
  double freedom = 0;
};

ChiSquared compare(uint64_t count, double exponent, uint64_t draws) {
  Zipf zipf(count, exponent);
  std::mt19937_64 random(42);
  std::vector<double> seen(count + 1);
  for (uint64_t i = 0; i < draws; ++i) {
    uint64_t rank = zipf(random);
    EXPECT_GE(rank, 1u);
    EXPECT_LE(rank, count);
    ++seen[rank];
  }
  double norm = 0;
  for (uint64_t k = 1; k <= count; ++k) norm += std::pow(static_cast<double>(k), -exponent);
  ChiSquared result;
  double rest_expected = 0;
  double rest_seen = 0;
  auto add = [&](double found, double expected) {
    result.statistic += (found - expected) * (found - expected) / expected;
    ++result.freedom;
  };
  for (uint64_t k = 1; k <= count; ++k) {
    double expected = static_cast<double>(draws) * std::pow(static_cast<double>(k), -exponent) / norm;
    if (expected >= 10) {
      add(seen[k], expected);
    } else {
      rest_expected += expected;
      rest_seen += seen[k];
    }
  }
  if (rest_expected > 0) add(rest_seen, rest_expected);
  --result.freedom;
  return result;
}

class ZipfFrequencies : public testing::TestWithParam<double> {};

TEST_P(ZipfFrequencies, AreThoseOfTheDistribution) {
  for (uint64_t count : {2u, 10u, 1000u, 100'000u}) {
    ChiSquared found = compare(count, GetParam(), 1'000'000);
    // Mean is the freedom, variance twice that: five deviations, for one fixed seed.
    EXPECT_LT(found.statistic, found.freedom + 5 * std::sqrt(2 * found.freedom) + 5)
        << count << " keys, freedom " << found.freedom;
  }
}

INSTANTIATE_TEST_SUITE_P(Exponents, ZipfFrequencies, testing::Values(0.0, 0.5, 0.99, 1.0, 1.2, 3.0));

TEST(Zipf, OneKeyIsAlwaysFound) {
  std::mt19937_64 random(1);
  Zipf zipf(1, 0.99);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(zipf(random), 1u);
}

std::vector<std::string> all_keys(ZipfSource &source) {
  std::vector<std::string> keys;
  Block block;
  for (;;) {
    block.clear();
    source.fill(block);
    if (block.operations.empty()) return keys;
    EXPECT_LE(block.operations.size(), Block::kOperations);
    for (const Operation &operation : block.operations) keys.emplace_back(block.key(operation));
  }
}

TEST(ZipfSource, SameSeedSameKeysAndAsManyAsWereAskedFor) {
  ZipfSource first(5000, 300, 0.99, 100, 7);
  ZipfSource second(5000, 300, 0.99, 100, 7);
  ZipfSource other(5000, 300, 0.99, 100, 8);
  std::vector<std::string> keys = all_keys(first);
  EXPECT_EQ(keys.size(), 5000u);
  EXPECT_EQ(keys, all_keys(second));
  EXPECT_NE(keys, all_keys(other));
  EXPECT_EQ(first.share_done(), 1.0);
}

TEST(ZipfSource, RanksHaveKeysOfTheirOwn) {
  ZipfSource uniform(200'000, 1000, 0, 100, 1);
  std::vector<std::string> keys = all_keys(uniform);
  std::set<std::string> distinct(keys.begin(), keys.end());
  EXPECT_EQ(distinct.size(), 1000u);
  for (const std::string &key : distinct) EXPECT_EQ(key.size(), 16u);
}

TEST(ZipfSource, StopsWhenTold) {
  ZipfSource source(1'000'000, 1000, 0.99, 100, 1);
  Block block;
  source.fill(block);
  EXPECT_TRUE(block.full());
  source.stop();
  block.clear();
  source.fill(block);
  EXPECT_TRUE(block.operations.empty());
}

}  // namespace
}  // namespace cachechain::tool
