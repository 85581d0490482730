// Calls that are cancelled while they ask layers and while they wait, through a chain over fakes.
#include <atomic>
#include <mutex>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class CancelTest : public ChainTest {
 protected:
  struct Loaded {
    int32_t status = 0;
    cachechain_lease lease{};
    std::string data;
  };

  static ReadOptions under(CancelToken &token) {
    ReadOptions options;
    options.timeout_ns = CACHECHAIN_TIMEOUT_NONE;
    options.cancel = &token;
    return options;
  }
  Loaded load(const std::string &key, CancelToken &token) {
    Loaded got;
    cachechain_value value{};
    got.status = chain_->loads().get(caller(), bytes(key), under(token), {}, value, got.lease, nullptr);
    got.data.assign(reinterpret_cast<const char *>(value.data), value.size);
    if (value.release != nullptr) value.release(value.owner);
    return got;
  }
  Status fulfil(const cachechain_lease &lease, const std::string &data, CancelToken *token = nullptr) {
    Mutation loaded;
    loaded.data = bytes(data);
    loaded.cancel = token;
    return chain_->loads().fulfilment().one(caller(), lease, loaded, write_);
  }
  RecordTable::Look look(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))); }
  void wait_for_waiting(const std::string &key, uint64_t count) {
    while (look(key).waiting < count) std::this_thread::yield();
  }

  CancelRef token_ = CancelToken::create();
};

TEST_F(CancelTest, AHitInMemoryIsAnsweredAndNothingElseIsAsked) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "value").ok());
  l2->calls.clear();
  token_->fire();
  EXPECT_EQ(get("k", 64, under(*token_)).data, "value");
  const Got none = get("other", 64, under(*token_));
  EXPECT_EQ(none.status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(none.failure.message(), "test: the call was cancelled");
  EXPECT_EQ(load("other", *token_).status, CACHECHAIN_CANCELLED);
  EXPECT_TRUE(l2->calls.empty());
  EXPECT_FALSE(look("other").known);
}

// The layer ends the call early; that says nothing about its health, and nothing about the key.
TEST_F(CancelTest, ALayerThatIsToldLeavesOff) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->wait_step = [&](const char *, const cachechain_call &call) {
    EXPECT_EQ(call.cancel, token_->handle());
    token_->fire();
    return int32_t{CACHECHAIN_CANCELLED};
  };
  EXPECT_EQ(get("k", 64, under(*token_)).status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(count(1, LayerCounter::kErrors), 0u);
  EXPECT_EQ(count(ChainCounter::kGetErrors), 1u);
  EXPECT_TRUE(log_.empty());
  // One who says so of himself has failed.
  l2->wait_step = [](const char *, const cachechain_call &) { return int32_t{CACHECHAIN_CANCELLED}; };
  EXPECT_EQ(get("k").status, CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(count(1, LayerCounter::kErrors), 1u);
}

TEST_F(CancelTest, OfManyWhoLoadAKeyTheOneThatLeadsIsCancelled) {
  constexpr uint64_t kThreads = 64;
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  std::atomic<int> asked{0};
  l2->wait_step = [&](const char *call, const cachechain_call &raw) {
    if (std::string(call) != "get" || ++asked != 1) return int32_t{0};
    wait_for_waiting("k", kThreads - 1);
    CancelToken::of(raw.cancel)->fire();
    return int32_t{CACHECHAIN_CANCELLED};
  };
  std::mutex mutex;
  std::vector<Loaded> answers;
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const CancelRef own = CancelToken::create();
      const Loaded got = load("k", *own);
      if (got.status == CACHECHAIN_MISS) {
        EXPECT_NE(got.lease.id, 0u);
        EXPECT_EQ(got.lease.flags, 0u);
        wait_for_waiting("k", kThreads - 2);
        EXPECT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_OK);
      }
      std::lock_guard<std::mutex> lock(mutex);
      answers.push_back(got);
    });
  }
  for (std::thread &thread : threads) thread.join();
  uint64_t cancelled = 0;
  uint64_t granted = 0;
  for (const Loaded &got : answers) {
    cancelled += got.status == CACHECHAIN_CANCELLED;
    granted += got.lease.id != 0;
    EXPECT_EQ(got.data, got.status == CACHECHAIN_OK ? "value" : "");
  }
  EXPECT_EQ(cancelled, 1u);
  EXPECT_EQ(granted, 1u);
  EXPECT_EQ(count(ChainCounter::kLoaded), kThreads - 2);
  EXPECT_EQ(asked, 2);
  EXPECT_FALSE(look("k").known);
}

TEST_F(CancelTest, AFollowerJustLeaves) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"value", 7, 7, 0, 0, 0};
  std::atomic<bool> left{false};
  l2->wait_step = [&](const char *, const cachechain_call &) {
    while (!left) std::this_thread::yield();
    return int32_t{0};
  };
  std::thread leader([&] { EXPECT_EQ(get("k").data, "value"); });
  while (!look("k").traversed) std::this_thread::yield();
  std::thread firing([&] {
    wait_for_waiting("k", 1);
    token_->fire();
  });
  EXPECT_EQ(get("k", 64, under(*token_)).status, CACHECHAIN_CANCELLED);
  firing.join();
  left = true;
  leader.join();
}

TEST_F(CancelTest, WhoWaitsForALoadJustLeavesAndTheLeaseGoesOn) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const CancelRef first = CancelToken::create();
  const Loaded holder = load("k", *first);
  ASSERT_NE(holder.lease.id, 0u);
  first->fire();
  std::thread firing([&] {
    wait_for_waiting("k", 1);
    token_->fire();
  });
  const Loaded waiter = load("k", *token_);
  firing.join();
  EXPECT_EQ(waiter.status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(waiter.lease.id, 0u);
  EXPECT_EQ(fulfil(holder.lease, "value", first.get()).code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").data, "value");
}

TEST_F(CancelTest, WhoWaitsForAPermitIsNotHeldUp) {
  settings_.max_loads = 1;
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const CancelRef first = CancelToken::create();
  const Loaded holder = load("a", *first);
  ASSERT_NE(holder.lease.id, 0u);
  std::thread waiter([&] { EXPECT_EQ(load("b", *token_).status, CACHECHAIN_CANCELLED); });
  while (!look("b").known) std::this_thread::yield();
  token_->fire();
  waiter.join();
  EXPECT_FALSE(look("b").known);
  EXPECT_EQ(chain_->loads().abandon(caller(), holder.lease).code(), CACHECHAIN_OK);
  const Loaded next = load("b", *token_);  // fired, and yet nothing here has to be waited for
  EXPECT_EQ(next.status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(next.lease.id, 0u);
  const CancelRef fresh = CancelToken::create();
  EXPECT_NE(load("b", *fresh).lease.id, 0u);
}

// Another process holds the lease; who looks after it holds this process's place among those who want to load.
TEST_F(CancelTest, WhoWaitsForAnotherProcessHandsHisPlaceOn) {
  settings_.lease_wait_ms = 86'400'000;
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->entries["k"] = {"", 9, 9, 0, clock_.unix_ms() + 60'000, CACHECHAIN_KIND_LEASE, 9};
  std::thread first([&] { EXPECT_EQ(load("k", *token_).status, CACHECHAIN_CANCELLED); });
  while (look("k").leases == 0) std::this_thread::yield();
  Loaded next;
  const CancelRef own = CancelToken::create();
  std::atomic<bool> answered{false};
  std::thread second([&] {
    next = load("k", *own);
    answered = true;
  });
  wait_for_waiting("k", 1);
  token_->fire();
  first.join();
  l2->with_entries([](auto &entries) { entries.clear(); });
  while (!answered) clock_.advance_ms(1);  // until it looks after the other process's lease
  second.join();
  EXPECT_EQ(next.status, CACHECHAIN_MISS);
  EXPECT_NE(next.lease.id, 0u);
  EXPECT_EQ(fulfil(next.lease, "value").code(), CACHECHAIN_OK);
}

class CancelMutation : public CancelTest {
 protected:
  Mutation under_token() {
    Mutation mutation;
    mutation.cancel = token_.get();
    return mutation;
  }
};

TEST_F(CancelMutation, BeforeItsFirstPutNothingIsChanged) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "old").ok());
  l1->calls.clear();
  l2->calls.clear();
  token_->fire();
  const Status failed = set("k", "new", under_token());
  EXPECT_EQ(failed.code(), CACHECHAIN_CANCELLED);
  EXPECT_EQ(failed.message(), "test: the call was cancelled; nothing was changed");
  EXPECT_EQ(chain_->writes().reject(caller(), bytes("k"), under_token(), 7).code(), CACHECHAIN_CANCELLED);
  EXPECT_TRUE(l1->calls.empty());
  EXPECT_TRUE(l2->calls.empty());
  EXPECT_EQ(get("k").data, "old");
}

TEST_F(CancelMutation, TheAnswerOfTheLayerThatArbitratesCounts) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  int32_t answer = CACHECHAIN_OK;
  l3->wait_step = [&](const char *, const cachechain_call &call) {
    EXPECT_EQ(call.cancel, token_->handle());
    token_->fire();
    return answer;
  };
  l2->wait_step = [](const char *, const cachechain_call &call) {
    EXPECT_EQ(call.cancel, nullptr);
    return int32_t{0};
  };
  ASSERT_EQ(set("k", "value", under_token()).code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0b111u);
  EXPECT_EQ(l1->entries.at("k").data, "value");
  EXPECT_EQ(l2->entries.at("k").data, "value");
  answer = CACHECHAIN_CANCELLED;
  token_ = CancelToken::create();
  EXPECT_EQ(set("k", "new", under_token()).code(), CACHECHAIN_CANCELLED);
  EXPECT_EQ(write_.owed, 0u);
  EXPECT_EQ(count(2, LayerCounter::kPutErrors), 0u);
  EXPECT_TRUE(log_.empty());
  EXPECT_EQ(get("k").data, "value");
  answer = CACHECHAIN_UNKNOWN_OUTCOME;
  token_ = CancelToken::create();
  EXPECT_EQ(set("k", "new", under_token()).code(), CACHECHAIN_UNKNOWN_OUTCOME);
}

// Where the application is the source, an arbiter that was not changed is not passed over for the next level.
TEST_F(CancelMutation, NoOtherLevelTakesThePlaceOfTheArbiter) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->wait_step = [&](const char *, const cachechain_call &) {
    token_->fire();
    return int32_t{CACHECHAIN_CANCELLED};
  };
  EXPECT_EQ(set("k", "new", under_token()).code(), CACHECHAIN_CANCELLED);
  EXPECT_TRUE(l1->calls.empty());
  EXPECT_EQ(chain_->stats().find("\"owed_keys\":1"), std::string::npos);
}

}  // namespace
}  // namespace cachechain
