#include "queue/warm_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/gate.h"
#include "support/virtual_clock.h"

namespace cachechain {
namespace {

const cachechain_space kSpace{};
const cachechain_space kOtherSpace{};

// Remembers what came, and how often something came, behind a gate.
class Scripted final : public WarmQueue::Sink {
 public:
  explicit Scripted(Gate &gate) : gate_(gate) {}
  void warm(std::span<const cachechain_put> puts) noexcept override {
    gate_.pass();
    std::lock_guard<std::mutex> lock(mutex_);
    ++batches_;
    for (const cachechain_put &put : puts) {
      seen_.push_back(std::string(reinterpret_cast<const char *>(put.key->data), put.key->size) + "=" +
                      std::string(reinterpret_cast<const char *>(put.data), put.size));
    }
  }
  std::vector<std::string> seen() {
    std::lock_guard<std::mutex> lock(mutex_);
    return seen_;
  }
  int batches() {
    std::lock_guard<std::mutex> lock(mutex_);
    return batches_;
  }

 private:
  Gate &gate_;
  std::mutex mutex_;
  int batches_ = 0;
  std::vector<std::string> seen_;
};

class WarmQueueTest : public ::testing::Test {
 protected:
  ~WarmQueueTest() override {
    gate_.open();
    EXPECT_TRUE(queue_.close(0));
    group_.stop();
  }

  static cachechain_key key(const std::string &name, const cachechain_space &space = kSpace) {
    return {reinterpret_cast<const uint8_t *>(name.data()), name.size(), std::hash<std::string>()(name), &space};
  }
  bool offer(const std::string &name, const std::string &data, uint64_t version = 1, const uint64_t *fence = nullptr,
             const cachechain_space &space = kSpace) {
    const cachechain_key raw = key(name, space);
    cachechain_put put{};
    put.key = &raw;
    put.data = reinterpret_cast<const uint8_t *>(data.data());
    put.size = data.size();
    put.version = version;
    put.fence = fence;
    return queue_.offer(put);
  }
  // The worker is in the sink with an entry of its own, and what is offered from now on waits.
  void hang() {
    gate_.shut();
    ASSERT_TRUE(offer("hung", "x"));
    gate_.wait_for_arrival();
  }
  using Seen = std::vector<std::string>;

  VirtualClock clock_;
  Gate gate_;
  Scripted sink_{gate_};
  WorkerGroup group_{"test", 2};
  WarmQueue queue_{{4, 100, 5'000}, clock_, group_, sink_};
};

TEST_F(WarmQueueTest, BringsWhatItIsOffered) {
  ASSERT_TRUE(offer("a", "1"));
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), Seen{"a=1"});
}

TEST_F(WarmQueueTest, WhatWaitsGoesOutTogetherInItsOrder) {
  hang();
  ASSERT_TRUE(offer("a", "1"));
  ASSERT_TRUE(offer("b", "2"));
  EXPECT_EQ(queue_.numbers().waiting, 2u);
  EXPECT_EQ(queue_.numbers().bytes, 4u);
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), (Seen{"hung=x", "a=1", "b=2"}));
  EXPECT_EQ(sink_.batches(), 2);
  EXPECT_EQ(queue_.numbers().bytes, 0u);
}

TEST_F(WarmQueueTest, OfAKeyOnlyTheNewestVersionWaits) {
  hang();
  ASSERT_TRUE(offer("a", "2", 2));
  ASSERT_TRUE(offer("a", "1", 1));
  EXPECT_EQ(queue_.numbers().waiting, 1u);
  ASSERT_TRUE(offer("a", "3", 3));
  EXPECT_EQ(queue_.numbers().waiting, 1u);
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), (Seen{"hung=x", "a=3"}));
}

TEST_F(WarmQueueTest, EqualKeysOfTwoNamespacesAreApart) {
  hang();
  ASSERT_TRUE(offer("a", "1"));
  ASSERT_TRUE(offer("a", "2", 1, nullptr, kOtherSpace));
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), (Seen{"hung=x", "a=1", "a=2"}));
}

TEST_F(WarmQueueTest, WhenFullTheOldestGoes) {
  hang();
  for (const char *name : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(offer(name, "1"));
  EXPECT_EQ(queue_.numbers().waiting, 4u);
  EXPECT_EQ(queue_.numbers().dropped_full, 1u);
  ASSERT_TRUE(offer("f", std::string(97, 'f')));  // one byte is left beside it, and "e" has two
  EXPECT_EQ(queue_.numbers().waiting, 2u);
  EXPECT_FALSE(offer("g", std::string(100, 'g')));
  EXPECT_EQ(queue_.numbers().dropped_full, 5u);
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen().size(), 3u);
  EXPECT_EQ(sink_.seen()[1], "e=1");
}

TEST_F(WarmQueueTest, WhatWaitedTooLongIsDropped) {
  hang();
  ASSERT_TRUE(offer("old", "1"));
  clock_.advance_ms(4'000);
  ASSERT_TRUE(offer("young", "1"));
  clock_.advance_ms(1'001);
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), (Seen{"hung=x", "young=1"}));
  EXPECT_EQ(queue_.numbers().dropped_old, 1u);
}

TEST_F(WarmQueueTest, ABarDropsWhatWaitsAndKeepsTheKeyOut) {
  hang();
  ASSERT_TRUE(offer("a", "1"));
  ASSERT_TRUE(offer("b", "1"));
  const std::string name = "a";
  {
    const cachechain_key barred = key(name);
    const WarmQueue::Bar bar(queue_, barred, 0);
    const WarmQueue::Bar another(queue_, barred, 0);
    EXPECT_TRUE(bar.quiet());
    EXPECT_FALSE(offer("a", "2", 2));
    EXPECT_TRUE(offer("c", "1"));
    EXPECT_TRUE(offer("a", "other", 1, nullptr, kOtherSpace));
  }
  EXPECT_TRUE(offer("a", "3", 3));
  gate_.open();
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), (Seen{"hung=x", "b=1", "c=1", "a=other", "a=3"}));
  EXPECT_EQ(queue_.numbers().overtaken, 2u);
}

TEST_F(WarmQueueTest, ABarWaitsForThePutThatIsUnderWay) {
  hang();
  const std::string name = "hung";
  const cachechain_key hung = key(name);
  EXPECT_TRUE(queue_.under_way(hung));
  std::thread opener([&] { gate_.open(); });
  const WarmQueue::Bar bar(queue_, hung, 0);
  opener.join();
  EXPECT_TRUE(bar.quiet());
  EXPECT_FALSE(queue_.under_way(hung));
}

TEST_F(WarmQueueTest, ABarTellsWhatItHadNoTimeFor) {
  hang();
  const std::string name = "hung";
  const WarmQueue::Bar bar(queue_, key(name), clock_.mono_ns());
  EXPECT_FALSE(bar.quiet());
}

TEST_F(WarmQueueTest, WhatIsBelowItsFenceIsNotTaken) {
  const uint64_t fence = 5;
  EXPECT_FALSE(offer("a", "1", 4, &fence));
  EXPECT_TRUE(offer("b", "1", 5, &fence));
  ASSERT_TRUE(queue_.flush(0));
  EXPECT_EQ(sink_.seen(), Seen{"b=1"});
}

TEST_F(WarmQueueTest, CloseDropsWhatWaitsAndWaitsForWhatIsUnderWay) {
  hang();
  ASSERT_TRUE(offer("a", "1"));
  EXPECT_FALSE(queue_.close(clock_.mono_ns()));
  EXPECT_EQ(queue_.numbers().dropped, 1u);
  EXPECT_FALSE(offer("b", "1"));
  gate_.open();
  EXPECT_TRUE(queue_.close(0));
  EXPECT_EQ(sink_.seen(), Seen{"hung=x"});
}

TEST_F(WarmQueueTest, AGroupThatStopsDropsWhatWaits) {
  hang();
  ASSERT_TRUE(offer("a", "1"));
  std::thread stops([&] { group_.stop(); });
  gate_.open();
  stops.join();
  EXPECT_TRUE(queue_.flush(0));
  EXPECT_FALSE(offer("b", "1"));
}

TEST_F(WarmQueueTest, ManyThreadsOfferAndBar) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 2'000; ++i) {
        const std::string name(1, static_cast<char>('a' + (i + static_cast<uint64_t>(t)) % 7));
        if (i % 5 == 0) {
          const cachechain_key barred = key(name);
          const WarmQueue::Bar bar(queue_, barred, 0);
          EXPECT_FALSE(queue_.under_way(barred));
        } else {
          (void)offer(name, "value", i);
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  ASSERT_TRUE(queue_.flush(0));
  const WarmQueue::Numbers numbers = queue_.numbers();
  EXPECT_EQ(numbers.waiting, 0u);
  EXPECT_EQ(numbers.bytes, 0u);
  EXPECT_EQ(numbers.dropped, 0u);
}

}  // namespace
}  // namespace cachechain
