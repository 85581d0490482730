// Submitted calls over a chain of fakes: when each completes, and that each does so once.
#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/few_threads.h"
#include "support/gate.h"
#include "unit/chain/chain_fixture.h"
#include "unit/chain/failing_allocator.h"
#include "unit/chain/test_queue.h"

namespace cachechain {
namespace {

class AsyncCallsTest : public ChainTest {
 protected:
  Status submit(uint32_t kind, const std::string &key, uint64_t token, TestQueue &queue,
                const ReadOptions &options = {}, const std::string &data = "") {
    const std::string key_copy = key;  // gone when the call begins
    const std::string data_copy = data;
    AsyncCalls::Wish wish;
    wish.kind = kind;
    wish.token = token;
    wish.key = bytes(key_copy);
    wish.read = options;
    wish.mutation.timeout_ns = options.timeout_ns;
    wish.mutation.cancel = options.cancel;
    wish.mutation.data = bytes(data_copy);
    const Caller mine = caller();
    const Inside inside(mine.block);
    if (wish.reads() && chain_->calls().submit_hit(mine, kind, wish.key, wish.read, token, *queue)) {
      return CACHECHAIN_OK;
    }
    return chain_->calls().submit(mine, wish, *queue);
  }
  Status submit_get(const std::string &key, uint64_t token, const ReadOptions &options = {}) {
    return submit(CACHECHAIN_EVENT_GET, key, token, queue_, options);
  }
  Status submit_load(const std::string &key, uint64_t token, const ReadOptions &options = {}) {
    return submit(CACHECHAIN_EVENT_LOAD, key, token, queue_, options);
  }
  static std::map<uint64_t, Event> by_token(std::vector<Event> events) {
    std::map<uint64_t, Event> all;
    for (Event &event : events) {
      EXPECT_EQ(all.count(event.token), 0u) << event.token << " came twice";
      const uint64_t token = event.token;
      all[token] = std::move(event);
    }
    return all;
  }
  uint64_t waiting(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).waiting; }

  // Memory over a table whose calls wait at a gate.
  FakeLayer *open_gated(uint32_t threads) {
    gate_.shut();
    settings_.async_threads = threads;
    fake(kFakeInline);
    FakeLayer *l2 = fake(kFakeTable);
    EXPECT_TRUE(open(Source::kLastLayer).ok());
    l2->wait_step = [this](const char *, const cachechain_call &) {
      ++asked_;
      gate_.pass();
      return int32_t{0};
    };
    return l2;
  }
  void wait_for_asked(int count) {
    while (asked_ < count) std::this_thread::yield();
  }

  TestQueue queue_;
  Gate gate_;
  std::atomic<int> asked_{0};
};

TEST_F(AsyncCallsTest, EachKindCompletesWithWhatItCameTo) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_SET, "k", 1, queue_, {}, "value").ok());
  const Event stored = queue_.await(1).front();
  EXPECT_EQ(stored.status, CACHECHAIN_OK);
  EXPECT_EQ(stored.kind, uint32_t{CACHECHAIN_EVENT_SET});
  EXPECT_EQ(stored.write.done, 0b11u);
  EXPECT_EQ(stored.write.version, l2->entries.at("k").version);
  l1->with_entries([](auto &entries) { entries.clear(); });
  ASSERT_TRUE(submit_get("k", 2).ok());
  const Event found = queue_.await(1).front();
  EXPECT_EQ(found.token, 2u);
  EXPECT_EQ(found.status, CACHECHAIN_OK);
  EXPECT_EQ(found.data, "value");
  EXPECT_EQ(found.layer, 1);
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_DELETE, "k", 3, queue_).ok());
  EXPECT_EQ(queue_.await(1).front().kind, uint32_t{CACHECHAIN_EVENT_DELETE});
  ASSERT_TRUE(submit_get("k", 4).ok());
  EXPECT_EQ(queue_.await(1).front().status, CACHECHAIN_NOT_FOUND);
  ASSERT_TRUE(submit_load("k", 5).ok());
  const Event granted = queue_.await(1).front();
  EXPECT_EQ(granted.kind, uint32_t{CACHECHAIN_EVENT_LOAD});
  EXPECT_NE(granted.lease.id, 0u);
  EXPECT_EQ(chain_->loads().abandon(caller(), granted.lease).code(), CACHECHAIN_OK);
  l2->step = [](const char *) { return int32_t{CACHECHAIN_TIMEOUT}; };
  ASSERT_TRUE(submit_get("other", 6).ok());
  const Event failed = queue_.await(1).front();
  EXPECT_EQ(failed.status, CACHECHAIN_UNAVAILABLE);
  EXPECT_NE(failed.message.find("scripted TIMEOUT"), std::string::npos) << failed.message;
  EXPECT_EQ(count(ChainCounter::kSets), 1u);
  EXPECT_EQ(count(ChainCounter::kDeletes), 1u);
}

TEST_F(AsyncCallsTest, AHitInMemoryIsThereBeforeAnybodyWaits) {
  FewThreads none(0);
  threads_ = &none;
  fake(kFakeInline);
  fake(kFakeTable);
  settings_.refresh_ms = 1'000;
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  Mutation lives;
  lives.fresh_ms = 10'000;
  ASSERT_TRUE(set("k", "value", lives).ok());
  ASSERT_TRUE(submit_get("k", 1).ok());
  ASSERT_TRUE(submit_load("k", 2).ok());
  const auto events = by_token(queue_.events());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events.at(1).data, "value");
  EXPECT_EQ(events.at(1).kind, uint32_t{CACHECHAIN_EVENT_GET});
  EXPECT_EQ(events.at(2).data, "value");
  EXPECT_EQ(events.at(2).kind, uint32_t{CACHECHAIN_EVENT_LOAD});
  EXPECT_EQ(count(0, LayerCounter::kHits), 2u);
  // What memory alone cannot answer needs a thread, and there is none.
  ReadOptions newer;
  newer.min_version = write_.version + 2;
  EXPECT_EQ(submit_get("k", 3, newer).code(), CACHECHAIN_OVERLOADED);
  clock_.advance_ms(9'500);
  EXPECT_EQ(submit_load("k", 4).code(), CACHECHAIN_OVERLOADED);  // it is time to refresh
  EXPECT_TRUE(submit_get("k", 5).ok());
  EXPECT_EQ(submit_get("other", 6).code(), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(queue_.await(1).front().token, 5u);
  EXPECT_TRUE(queue_.events().empty()) << "a refused call gives no event";
}

TEST_F(AsyncCallsTest, OneThreadIsEnough) {
  FewThreads one(1);
  threads_ = &one;
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  for (uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(submit_get("k" + std::to_string(i), i).ok());
  EXPECT_EQ(by_token(queue_.await(100)).size(), 100u);
}

TEST_F(AsyncCallsTest, TimeCountsFromTheSubmit) {
  FakeLayer *l2 = open_gated(1);
  ReadOptions patient;
  patient.timeout_ns = CACHECHAIN_TIMEOUT_NONE;
  ReadOptions hasty;
  hasty.timeout_ns = 50'000'000;
  ReadOptions longer;
  longer.timeout_ns = 200'000'000;
  ASSERT_TRUE(submit_get("a", 1, patient).ok());
  wait_for_asked(1);
  const int64_t submitted_ns = clock_.mono_ns();
  ASSERT_TRUE(submit_get("b", 2, hasty).ok());
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_SET, "c", 3, queue_, hasty, "value").ok());
  ASSERT_TRUE(submit_get("d", 4, longer).ok());
  clock_.advance_ms(100);
  gate_.open();
  const auto events = by_token(queue_.await(4));
  EXPECT_EQ(events.at(1).status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(events.at(2).status, CACHECHAIN_DEADLINE);
  EXPECT_NE(events.at(2).message.find("async_threads"), std::string::npos);
  EXPECT_EQ(events.at(3).status, CACHECHAIN_DEADLINE);
  EXPECT_EQ(events.at(4).status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(l2->calls, (std::vector<std::string>{"get a", "get d"}));
  EXPECT_EQ(l2->deadlines, (std::vector<int64_t>{0, submitted_ns + 200'000'000}));
  EXPECT_EQ(count(ChainCounter::kSetErrors), 1u);
}

TEST_F(AsyncCallsTest, WhatIsCancelledBeforeItsTurnCompletesAtOnce) {
  open_gated(1);
  const CancelRef token = CancelToken::create();
  ReadOptions under;
  under.cancel = token.get();
  ASSERT_TRUE(submit_get("a", 1).ok());
  wait_for_asked(1);
  ASSERT_TRUE(submit_get("b", 2, under).ok());
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_SET, "c", 3, queue_, under, "value").ok());
  token->fire();
  const auto events = by_token(queue_.events());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events.at(2).status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(events.at(3).status, CACHECHAIN_CANCELLED);
  ASSERT_TRUE(submit_get("d", 4, under).ok());  // under a token that was fired before
  EXPECT_EQ(queue_.await(1).front().status, CACHECHAIN_CANCELLED);
  gate_.open();
  EXPECT_EQ(queue_.await(1).front().token, 1u);
}

TEST_F(AsyncCallsTest, AQueueIsFreedWhileAnothersCallsHoldTheThreads) {
  open_gated(1);
  ASSERT_TRUE(submit_get("a", 1).ok());
  wait_for_asked(1);
  TestQueue other;
  for (uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(submit(CACHECHAIN_EVENT_GET, "b", i, other).ok());
  other.free();  // waits for nobody's layer
  gate_.open();
  EXPECT_EQ(queue_.await(1).front().status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(asked_, 1);
}

TEST_F(AsyncCallsTest, AQueueIsFreedWithItsCallsUnderWay) {
  settings_.async_threads = 4;
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->wait_step = [this](const char *, const cachechain_call &call) {
    if (asked_ >= 3) return int32_t{0};
    ++asked_;
    while (!CancelToken::of(call.cancel)->cancelled()) std::this_thread::yield();
    return int32_t{CACHECHAIN_CANCELLED};
  };
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(submit_get("k" + std::to_string(i), i).ok());
  for (uint64_t i = 3; i < 8; ++i) ASSERT_TRUE(submit_get("k0", i).ok());  // follow the first, or wait for a thread
  wait_for_asked(3);
  queue_.free();
  TestQueue next;
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_GET, "k0", 1, next).ok());
  EXPECT_EQ(next.await(1).front().status, CACHECHAIN_NOT_FOUND);
}

TEST_F(AsyncCallsTest, CloseAnswersEachCallOnce) {
  open_gated(2);
  for (uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(submit_get("k" + std::to_string(i), i).ok());
  for (uint64_t i = 20; i < 25; ++i) ASSERT_TRUE(submit_load("k" + std::to_string(i), i).ok());
  wait_for_asked(4);
  EXPECT_EQ(chain_->close(0).code(), CACHECHAIN_DEADLINE);
  std::vector<Event> events = queue_.await(21);  // those that had not begun
  for (const Event &event : events) EXPECT_EQ(event.status, CACHECHAIN_CLOSED) << event.message;
  EXPECT_EQ(submit_get("late", 99).code(), CACHECHAIN_CLOSED);
  gate_.open();
  EXPECT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  for (Event &event : queue_.events()) {
    EXPECT_TRUE(event.status == CACHECHAIN_NOT_FOUND || event.status == CACHECHAIN_CLOSED) << event.status;
    events.push_back(std::move(event));
  }
  EXPECT_EQ(by_token(std::move(events)).size(), 25u);
}

TEST_F(AsyncCallsTest, HoweverManyLoadsWaitNoGetWaitsForThem) {
  settings_.async_threads = 2;
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ReadOptions patient;
  patient.timeout_ns = CACHECHAIN_TIMEOUT_NONE;
  ASSERT_TRUE(submit_load("k", 0, patient).ok());
  const Event holder = queue_.await(1).front();
  ASSERT_NE(holder.lease.id, 0u);
  for (uint64_t i = 1; i <= 8; ++i) ASSERT_TRUE(submit_load("k", i, patient).ok());
  while (waiting("k") < 2) std::this_thread::yield();
  ASSERT_TRUE(submit_get("other", 9).ok());
  EXPECT_EQ(queue_.await(1).front().token, 9u);
  const std::string value = "value";
  Mutation loaded;
  loaded.data = bytes(value);
  ASSERT_EQ(chain_->loads().fulfilment().one(caller(), holder.lease, loaded, write_).code(), CACHECHAIN_OK);
  for (const auto &[token, event] : by_token(queue_.await(8))) EXPECT_EQ(event.data, "value") << token;
}

TEST_F(AsyncCallsTest, AFullQueueRefuses) {
  open_gated(1);
  TestQueue small(2);
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_GET, "a", 1, small).ok());
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_GET, "b", 2, small).ok());
  EXPECT_EQ(submit(CACHECHAIN_EVENT_GET, "c", 3, small).code(), CACHECHAIN_QUEUE_FULL);
  gate_.open();
  EXPECT_EQ(by_token(small.await(2)).size(), 2u);
  ASSERT_TRUE(submit(CACHECHAIN_EVENT_GET, "c", 3, small).ok());
  EXPECT_EQ(small.await(1).front().token, 3u);
}

// In the namespace in which it was submitted.
TEST_F(AsyncCallsTest, ACallStaysInItsNamespace) {
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  Namespace &users = *chain_->space("users").value();
  const std::string key = "k";
  AsyncCalls::Wish wish;
  wish.kind = CACHECHAIN_EVENT_SET;
  wish.key = bytes(key);
  wish.mutation.data = bytes(key);
  {
    const Caller there(users);
    const Inside inside(there.block);
    ASSERT_TRUE(chain_->calls().submit(there, wish, *queue_).ok());
  }
  EXPECT_EQ(queue_.await(1).front().status, CACHECHAIN_OK);
  EXPECT_EQ(users.threads().total(counter_index(ChainCounter::kSets)), 1u);
  EXPECT_EQ(count(ChainCounter::kSets), 0u);
}

TEST_F(AsyncCallsTest, WithoutMemoryForTheCallItIsRefused) {
  FailingAllocator failing;
  allocator_ = &failing;
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  const int64_t before = failing.out();
  failing.fail_at(1);
  EXPECT_EQ(submit_get("k", 1).code(), CACHECHAIN_NO_MEMORY);
  EXPECT_EQ(failing.out(), before);
  ASSERT_TRUE(submit_get("k", 2).ok());
  EXPECT_EQ(queue_.await(1).front().token, 2u);
  ASSERT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  EXPECT_EQ(failing.out(), before);
  chain_.reset();  // before the allocator
}

// Callers on many threads, cancels, and in the end the end of the queue, or of the chain, in the midst of them.
TEST_F(AsyncCallsTest, ManyAtOnceWithCancelsAndAnEnd) {
  for (const bool queue_first : {true, false}) {
    fakes_.clear();
    settings_ = {};
    settings_.async_threads = 4;
    fake(kFakeInline);
    fake(kFakeTable);
    ASSERT_TRUE(open(Source::kLastLayer).ok());
    auto queue = std::make_unique<TestQueue>(64);
    std::atomic<uint64_t> accepted{0};
    std::atomic<uint64_t> next{0};
    std::vector<std::thread> threads;
    for (uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < 300; ++i) {
          const CancelRef token = CancelToken::create();
          ReadOptions options;
          options.cancel = token.get();
          static constexpr uint32_t kKinds[] = {CACHECHAIN_EVENT_GET, CACHECHAIN_EVENT_SET, CACHECHAIN_EVENT_DELETE};
          const std::string key = "k" + std::to_string(i % 7);
          const Status status = submit(kKinds[(i + t) % 3], key, next++, *queue, options, key);
          accepted += status.ok();
          EXPECT_TRUE(status.ok() || status.code() == CACHECHAIN_QUEUE_FULL) << status.message();
          if (i % 3 == 0) token->fire();
        }
      });
    }
    std::set<uint64_t> tokens;
    const auto take = [&] {
      const std::vector<Event> events = queue->events();
      for (const Event &event : events) EXPECT_TRUE(tokens.insert(event.token).second);
      return !events.empty();
    };
    std::atomic<bool> submitted{false};
    std::thread consumer([&] {
      while (!submitted) (void)take();
    });
    for (std::thread &thread : threads) thread.join();
    submitted = true;
    consumer.join();
    if (queue_first) {
      queue.reset();
      chain_.reset();
      EXPECT_LE(tokens.size(), accepted);
    } else {
      chain_.reset();
      while (take()) {
      }
      EXPECT_EQ(tokens.size(), accepted);
    }
  }
}

}  // namespace
}  // namespace cachechain
