// What the memory plugin keeps, against an exact LRU over the same requests, and the parts that decide it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <list>
#include <memory>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "memory/index.h"
#include "memory/queues.h"
#include "memory_fixture.h"

namespace cachechain::memory {
namespace {

class ExactLru {
 public:
  explicit ExactLru(size_t most) : most_(most) {}
  // True for a hit; stores the key in any case.
  bool request(size_t key) {
    const auto found = where_.find(key);
    if (found != where_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return true;
    }
    order_.push_front(key);
    where_[key] = order_.begin();
    if (order_.size() > most_) {
      where_.erase(order_.back());
      order_.pop_back();
    }
    return false;
  }

 private:
  const size_t most_;
  std::list<size_t> order_;
  std::unordered_map<size_t, std::list<size_t>::iterator> where_;
};

std::vector<size_t> zipf(size_t keys, size_t requests, double exponent, uint64_t seed) {
  std::vector<double> sums(keys);
  double sum = 0;
  for (size_t i = 0; i < keys; ++i) sums[i] = sum += std::pow(static_cast<double>(i + 1), -exponent);
  std::mt19937_64 random(seed);
  std::vector<size_t> result(requests);
  for (size_t &key : result) {
    const double at = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    key =
        std::min<size_t>(static_cast<size_t>(std::lower_bound(sums.begin(), sums.end(), at) - sums.begin()), keys - 1);
  }
  return result;
}

struct Ratios {
  double ours;
  double lru;
};

Ratios replay(const std::vector<size_t> &requests, size_t most) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "256MiB", "max_entries": )" + std::to_string(most) + "}");
  std::vector<TestKey> keys;
  const size_t universe = *std::max_element(requests.begin(), requests.end()) + 1;
  for (size_t i = 0; i < universe; ++i) keys.emplace_back(std::to_string(i));
  ExactLru lru(most);
  size_t ours = 0;
  size_t theirs = 0;
  for (const size_t key : requests) {
    if (memory.copy(keys[key], 16).status == CACHECHAIN_OK) {
      ++ours;
    } else {
      EXPECT_EQ(memory.set(keys[key], "v"), CACHECHAIN_OK);
    }
    theirs += lru.request(key) ? 1 : 0;
  }
  EXPECT_LE(memory.stat("entries"), most);
  const auto all = static_cast<double>(requests.size());
  return {100 * static_cast<double>(ours) / all, 100 * static_cast<double>(theirs) / all};
}

TEST(MemoryPolicy, ZipfIsNoWorseThanLru) {
  for (const size_t keys : {200, 2'000, 30'000}) {
    const Ratios ratios = replay(zipf(keys, 300'000, 0.99, keys), keys / 10);
    std::printf("%zu keys: %.2f %%, LRU %.2f %%\n", keys, ratios.ours, ratios.lru);
    EXPECT_GE(ratios.ours, ratios.lru) << keys << " keys";
  }
}

TEST(MemoryPolicy, ZipfThatMovesOnIsNearLru) {
  // The popular keys change every 30,000 requests.
  std::vector<size_t> requests = zipf(20'000, 300'000, 0.99, 1);
  for (size_t i = 0; i < requests.size(); ++i) requests[i] = (requests[i] + i / 30'000 * 2'000) % 20'000;
  const Ratios ratios = replay(requests, 2'000);
  EXPECT_GE(ratios.ours, ratios.lru - 3);
}

TEST(MemoryPolicy, AScanDoesNotWashOutWhatIsPopular) {
  std::vector<size_t> requests = zipf(1'000, 100'000, 0.99, 2);
  std::vector<size_t> mixed;
  size_t scanned = 1'000;
  for (const size_t key : requests) {
    mixed.push_back(key);
    mixed.push_back(scanned++);
  }
  const Ratios ratios = replay(mixed, 300);
  EXPECT_GE(ratios.ours, ratios.lru + 3);
}

TEST(MemoryPolicy, ALoopThatDoesNotFitStillFindsAPart) {
  std::vector<size_t> requests(20'000);
  for (size_t i = 0; i < requests.size(); ++i) requests[i] = i % 500;
  EXPECT_EQ(replay(requests, 500).ours, 97.5);
  const Ratios ratios = replay(requests, 400);
  EXPECT_EQ(ratios.lru, 0);
  EXPECT_GE(ratios.ours, 20);
  EXPECT_GT(replay(requests, 50).ours, 1);
}

TEST(MemoryPolicy, TinyBoundsWork) {
  const std::vector<size_t> requests = zipf(50, 20'000, 0.99, 3);
  for (const size_t most : {1, 2, 10}) {
    const Ratios ratios = replay(requests, most);
    EXPECT_GE(ratios.ours, ratios.lru - 3) << most;
  }
}

// Entries of a test's own, over a pool of a test's own.
class MemoryParts : public ::testing::Test {
 protected:
  void SetUp() override {
    pool = Pool::create(*host.table(), 64 << 20, 0);
    ASSERT_NE(pool, nullptr);
  }
  void TearDown() override {
    for (Entry *entry : entries) (void)drop(entry);
    pool->close();
    EXPECT_EQ(host.outstanding, 0);
  }

  Entry *make(std::string text, uint64_t hash) {
    keys.push_back(std::make_unique<TestKey>(std::move(text), 1, hash));
    const cachechain_put put = make_put(*keys.back(), "value", 1);
    Entry *entry = new (pool->alloc(Entry::bytes_for(put), Entry::kAlign)) Entry(*pool, false, 0);
    entry->fill(put, 1);
    entries.push_back(entry);
    return entry;
  }

  plugin::FakeHost host;
  Pool *pool = nullptr;
  std::vector<std::unique_ptr<TestKey>> keys;
  std::vector<Entry *> entries;
};

TEST_F(MemoryParts, TheIndexGrowsWithItsEntriesAndLosesNone) {
  Index index(*pool, 1 << 20);
  Room room{1 << 20, 0};
  ASSERT_TRUE(index.add_segment(room));
  EXPECT_EQ(index.bytes(), Index::first_bytes());
  std::mt19937_64 random(1);
  for (int i = 0; i < 20'000; ++i) {
    index.insert(make("key" + std::to_string(i), random()));
    while (index.full()) {
      if (index.segment_bytes() != 0) {
        ASSERT_TRUE(index.add_segment(room));
      }
      index.split();
    }
    if ((i & (i - 1)) == 0) {
      for (const auto &key : keys) ASSERT_NE(index.find(key->get()), nullptr) << i;
    }
  }
  EXPECT_EQ(index.buckets(), 40'000u);
  EXPECT_EQ(index.bytes(), (1u << 20) - room.bytes);
  EXPECT_LT(index.bytes(), 40'000u * 10 * 9 / 8) << "at most an eighth ahead of need";
  for (size_t i = 0; i < entries.size(); i += 2) index.remove(entries[i]);
  for (size_t i = 0; i < entries.size(); ++i) {
    ASSERT_EQ(index.find(keys[i]->get()), i % 2 == 0 ? nullptr : entries[i]);
  }
  EXPECT_EQ(index.count(), 10'000u);
}

TEST_F(MemoryParts, TheIndexStopsGrowingAtItsLimitAndStillFinds) {
  Index index(*pool, 1000);
  Room room{2000, 0};
  ASSERT_TRUE(index.add_segment(room));
  std::mt19937_64 random(2);
  for (int i = 0; i < 1'000; ++i) {
    index.insert(make("key" + std::to_string(i), random()));
    while (index.full()) {
      if (index.segment_bytes() != 0) {
        ASSERT_TRUE(index.add_segment(room));
      }
      index.split();
    }
  }
  EXPECT_LE(index.bytes(), 1000u);
  EXPECT_FALSE(index.crowded());
  for (size_t i = 0; i < entries.size(); ++i) ASSERT_EQ(index.find(keys[i]->get()), entries[i]);
}

TEST_F(MemoryParts, GhostsAreTheLastFourOfTheirBuckets) {
  Index index(*pool, 1000);
  Room room{1000, 0};
  ASSERT_TRUE(index.add_segment(room));
  ASSERT_TRUE(index.add_segment(room));
  while (index.segment_bytes() == 0) index.split();
  ASSERT_EQ(index.buckets(), 16u);
  const auto hash = [](uint32_t mark) { return mark << 16 | 1; };
  for (uint32_t mark = 1; mark <= 5; ++mark) index.remember(hash(mark));
  EXPECT_FALSE(index.recall(hash(1))) << "pushed out";
  EXPECT_TRUE(index.recall(hash(3)));
  EXPECT_FALSE(index.recall(hash(3))) << "once";
  EXPECT_TRUE(index.recall(hash(5)));
  EXPECT_TRUE(index.recall(hash(2)));
  EXPECT_TRUE(index.recall(hash(4)));
  EXPECT_FALSE(index.recall(hash(4)));
  index.remember(hash(6));
  EXPECT_FALSE(index.recall(hash(6) + 8)) << "another group of buckets";
  EXPECT_TRUE(index.recall(hash(6)));
}

TEST_F(MemoryParts, TheVictimIsTheOldestThatNobodyAskedFor) {
  Queues queues;
  EXPECT_EQ(queues.victim(nullptr, true), nullptr);
  for (int i = 0; i < 20; ++i) queues.push(make(std::to_string(10 + i), 0));
  entries[0]->hits = 2;
  EXPECT_EQ(queues.victim(nullptr, false), entries[1]);
  EXPECT_TRUE(entries[0]->main) << "asked for twice: it stays";
  EXPECT_EQ(queues.victim(entries[1], false), entries[2]) << "never the one that is spared";
  for (size_t i = 2; i < 20; ++i) entries[i]->hits = 3;
  Entry *first = queues.victim(nullptr, false);
  ASSERT_NE(first, nullptr);
  for (Entry *entry : entries) queues.remove(entry);
  EXPECT_EQ(queues.victim(nullptr, true), nullptr);
}

TEST_F(MemoryParts, WhatIsLookedAtGoesLast) {
  Queues queues;
  for (int i = 0; i < 3; ++i) queues.push(make(std::to_string(i), 0));
  Pins pins(*pool, 2);
  ASSERT_TRUE(pin(entries[0], pins));
  ASSERT_TRUE(pin(entries[2], pins));
  EXPECT_EQ(queues.victim(nullptr, true), entries[1]);
  EXPECT_EQ(queues.victim(entries[1], false), nullptr);
  Entry *viewed = queues.victim(entries[1], true);
  EXPECT_TRUE(viewed == entries[0] || viewed == entries[2]);
  release_view(entries[0]);
  EXPECT_EQ(queues.victim(entries[1], false), entries[0]);
  release_view(entries[2]);
}

}  // namespace
}  // namespace cachechain::memory
