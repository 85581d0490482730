// What a queue is told unasked: states of layers and lines of log; and that a queue and a chain may end in any order.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "unit/chain/chain_fixture.h"
#include "unit/chain/test_queue.h"

namespace cachechain {
namespace {

class WatchersTest : public ChainTest {
 protected:
  void open_two() {
    fake(kFakeInline);
    fake(kFakeTable);
    ASSERT_TRUE(open(Source::kLastLayer).ok());
  }
  void fails(bool now) {
    fakes_[1]->step = [now](const char *) { return now ? int32_t{CACHECHAIN_TIMEOUT} : int32_t{0}; };
    (void)get("k");
  }

  TestQueue queue_;
};

TEST_F(WatchersTest, ALayerThatFailsAndOneThatAnswersAgain) {
  open_two();
  ASSERT_TRUE(chain_->watch(*queue_, CACHECHAIN_WATCH_LAYER, CACHECHAIN_LOG_OFF).ok());
  fails(true);
  fails(true);
  std::vector<Event> events = queue_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, uint32_t{CACHECHAIN_EVENT_LAYER});
  EXPECT_EQ(events[0].status, CACHECHAIN_TIMEOUT);
  EXPECT_EQ(events[0].layer, 1);
  EXPECT_EQ(events[0].data, "test/L2 fake: scripted TIMEOUT");
  EXPECT_EQ(events[0].message, events[0].data);
  fails(false);
  events = queue_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].status, CACHECHAIN_OK);
  EXPECT_EQ(events[0].data, "test/L2 fake: answers again");
  // Nobody looks for a while: only the newest state is there.
  for (int i = 0; i < 10; ++i) {
    fails(true);
    fails(false);
  }
  fails(true);
  events = queue_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].status, CACHECHAIN_TIMEOUT);
}

TEST_F(WatchersTest, LinesOfLogGoBothWays) {
  open_two();
  ASSERT_TRUE(chain_->watch(*queue_, CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_WARN).ok());
  TestQueue errors;
  ASSERT_TRUE(chain_->watch(*errors, CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_ERROR).ok());
  log_.clear();
  fails(true);
  const std::vector<Event> events = queue_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, uint32_t{CACHECHAIN_EVENT_LOG});
  EXPECT_EQ(events[0].status, CACHECHAIN_LOG_WARN);
  EXPECT_EQ(events[0].data, "test/L2 fake: scripted TIMEOUT (TIMEOUT)");
  EXPECT_EQ(log_, std::vector<std::string>{events[0].data});
  EXPECT_TRUE(errors.events().empty());
  // A later word about the same queue replaces the first; no kinds are the end of it.
  ASSERT_TRUE(chain_->watch(*queue_, CACHECHAIN_WATCH_LAYER, CACHECHAIN_LOG_OFF).ok());
  fails(false);
  ASSERT_EQ(queue_.events().size(), 1u);
  ASSERT_TRUE(chain_->watch(*queue_, 0, CACHECHAIN_LOG_OFF).ok());
  ASSERT_TRUE(chain_->watch(*queue_, 0, CACHECHAIN_LOG_OFF).ok());
  fails(true);
  EXPECT_TRUE(queue_.events().empty());
}

TEST_F(WatchersTest, WhatOnlyAQueueWantsIsMadeForAsLongAsItIsThere) {
  const auto sink = [](void *lines, int32_t, const uint8_t *text, uint64_t size) {
    static_cast<std::vector<std::string> *>(lines)->emplace_back(reinterpret_cast<const char *>(text), size);
  };
  Watchers watchers(Logger::to_sink(sink, &log_, CACHECHAIN_LOG_WARN), nullptr);
  EXPECT_FALSE(watchers.enabled(CACHECHAIN_LOG_DEBUG));
  ASSERT_TRUE(watchers.watch(*queue_, CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_DEBUG, 0).ok());
  EXPECT_TRUE(watchers.enabled(CACHECHAIN_LOG_DEBUG));
  EXPECT_FALSE(watchers.enabled(CACHECHAIN_LOG_TRACE));
  watchers.log(CACHECHAIN_LOG_TRACE, "too quiet");
  watchers.log(CACHECHAIN_LOG_DEBUG, "quiet");
  const std::vector<Event> events = queue_.events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].data, "quiet");
  EXPECT_TRUE(log_.empty());
  queue_.free();
  watchers.log(CACHECHAIN_LOG_DEBUG, "to nobody");
  EXPECT_FALSE(watchers.enabled(CACHECHAIN_LOG_DEBUG));
}

TEST_F(WatchersTest, EitherMayBeFreedFirst) {
  open_two();
  TestQueue first;
  ASSERT_TRUE(chain_->watch(*first, CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_TRACE).ok());
  fails(true);
  first.free();  // with two events in it
  fails(false);
  ASSERT_TRUE(chain_->watch(*queue_, CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_TRACE).ok());
  fails(true);
  chain_.reset();
  const std::vector<Event> events = queue_.events();  // states are the chain's, lines are the queue's
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, uint32_t{CACHECHAIN_EVENT_LOG});
}

TEST_F(WatchersTest, QueuesComeAndGoWhileLayersFail) {
  open_two();
  std::atomic<uint64_t> turn{0};
  fakes_[1]->wait_step = [&](const char *, const cachechain_call &) {
    return turn++ % 2 == 0 ? int32_t{CACHECHAIN_TIMEOUT} : int32_t{0};
  };
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (const std::string key : {"a", "b"}) {
    readers.emplace_back([&, key] {
      while (!stop) {
        cachechain_value value{};
        (void)chain_->reads().get(caller(), bytes(key), {}, {}, value, nullptr);
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    TestQueue queue;
    ASSERT_TRUE(chain_->watch(*queue, CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_TRACE).ok());
    if (i % 2 == 0) (void)queue.await(1);
    if (i % 3 == 0) {
      ASSERT_TRUE(chain_->watch(*queue, 0, CACHECHAIN_LOG_OFF).ok());
    }
  }
  stop = true;
  for (std::thread &reader : readers) reader.join();
}

}  // namespace
}  // namespace cachechain
