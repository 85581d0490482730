// Loads of many keys and the fulfilment of many leases, through chains over fakes.
#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

using Calls = std::vector<std::string>;

class LoadManyTest : public ChainTest {
 protected:
  struct Many {
    Batch::Ptr answers;
    int32_t status(size_t i) const { return answers->statuses()[i]; }
    const cachechain_value &value(size_t i) const { return answers->values()[i]; }
    const cachechain_lease &lease(size_t i) const { return answers->leases()[i]; }
    bool granted(size_t i) const { return lease(i).id != 0; }
    std::string data(size_t i) const {
      return std::string(reinterpret_cast<const char *>(value(i).data), value(i).size);
    }
    std::string message(size_t i) const { return std::string(answers->message(i)); }
    size_t leases() const {
      const auto all = answers->leases();
      return static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const auto &one) { return one.id != 0; }));
    }
  };

  Many load_many(const std::vector<std::string> &keys, int64_t timeout_ms = 0) {
    ReadOptions options;
    options.timeout_ns = timeout_ms * 1'000'000;
    const std::vector<cachechain_slice> slices = slices_of(keys);
    Many many;
    const Status status =
        chain_->load_many().get(caller(), Slices(slices.data(), slices.size()), options, many.answers);
    EXPECT_TRUE(status.ok()) << status.message();
    return many;
  }
  Many fulfil_many(const std::vector<cachechain_lease> &leases, const std::vector<std::string> &values,
                   const Mutation &times = {}) {
    const std::vector<cachechain_slice> slices = slices_of(values);
    Many many;
    const Status status =
        chain_->load_many().fulfil(caller(), leases, Slices(slices.data(), slices.size()), times, many.answers);
    EXPECT_TRUE(status.ok()) << status.message();
    return many;
  }
  cachechain_lease load(const std::string &key) {
    cachechain_value value{};
    cachechain_lease lease{};
    (void)chain_->loads().get(caller(), bytes(key), {}, {}, value, lease, nullptr);
    if (value.release != nullptr) value.release(value.owner);
    return lease;
  }
  Status fulfil(const cachechain_lease &lease, const std::string &data) {
    Mutation loaded;
    loaded.data = bytes(data);
    return chain_->loads().fulfilment().one(caller(), lease, loaded, write_);
  }
  uint64_t waiting(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).waiting; }

  static std::vector<cachechain_slice> slices_of(const std::vector<std::string> &texts) {
    std::vector<cachechain_slice> slices;
    for (const std::string &text : texts) slices.push_back({bytes(text).data(), text.size()});
    return slices;
  }
};

TEST_F(LoadManyTest, ALeaseForEachKeyThatNobodyHas) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->entries["b"] = {"two", 9, 9, 0, 0, 0};
  const Many many = load_many({"a", "b", "c"});
  EXPECT_EQ(many.status(0), CACHECHAIN_MISS);
  EXPECT_EQ(many.data(1), "two");
  EXPECT_EQ(many.status(2), CACHECHAIN_MISS);
  EXPECT_TRUE(many.granted(0));
  EXPECT_FALSE(many.granted(1));
  EXPECT_TRUE(many.granted(2));
  EXPECT_EQ(l2->calls, (Calls{"get_many", "get a", "get b", "get c", "put_many", "put a", "put c"}));
  EXPECT_EQ(l2->entries.at("a").flags, uint32_t{CACHECHAIN_KIND_LEASE});
  EXPECT_EQ(l2->entries.at("c").token, many.lease(2).token);
  EXPECT_EQ(count(ChainCounter::kLeases), 2u);

  Mutation times;
  times.fresh_ms = 5'000;
  l2->calls.clear();
  const Many ended = fulfil_many({many.lease(2), many.lease(0), many.lease(2)}, {"three", "", "late"}, times);
  EXPECT_EQ(l2->calls, (Calls{"put_many", "put c", "put a"}));
  EXPECT_EQ(ended.status(0), CACHECHAIN_OK);
  EXPECT_EQ(ended.value(0).version, many.lease(2).version);
  EXPECT_EQ(ended.status(1), CACHECHAIN_OK);
  EXPECT_EQ(ended.status(2), CACHECHAIN_VOID) << "it had ended";
  EXPECT_EQ(ended.value(2).version, 0u);
  EXPECT_EQ(l2->entries.at("c").data, "three");
  EXPECT_EQ(l2->entries.at("c").fresh_until_ms, clock_.unix_ms() + 5'000);
  EXPECT_EQ(l1->entries.at("a").version, many.lease(0).version);
  const Many again = load_many({"a", "b", "c"});
  EXPECT_EQ(again.answers->overall(), CACHECHAIN_OK);
  EXPECT_EQ(again.leases(), 0u);
}

TEST_F(LoadManyTest, OfTheTruthItselfToFulfilIsToSet) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  const Many many = load_many({"a", "b"});
  EXPECT_EQ(many.status(0), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(many.leases(), 2u);
  EXPECT_EQ(l2->calls, (Calls{"get_many", "get a", "get b"}));
  ASSERT_TRUE(set("b", "other").ok());
  const Many ended = fulfil_many({many.lease(0), many.lease(1)}, {"one", "two"});
  EXPECT_EQ(ended.status(0), CACHECHAIN_OK);
  EXPECT_EQ(ended.status(1), CACHECHAIN_VOID) << "a mutation came after it";
  const Many more = load_many({"c", "d", "e"});
  EXPECT_EQ(more.leases(), 3u);
  l2->entries["d"] = {"theirs", more.lease(1).version, more.lease(1).version, 0, 0, 0};
  l2->calls.clear();
  const Many set_all = fulfil_many({more.lease(0), more.lease(1), more.lease(2)}, {"C", "D", "E"});
  EXPECT_EQ(l2->calls, (Calls{"put_many", "put c", "put d", "put e"}));
  EXPECT_EQ(set_all.status(0), CACHECHAIN_OK);
  EXPECT_EQ(set_all.status(1), CACHECHAIN_VOID) << "another process wrote it";
  EXPECT_EQ(set_all.status(2), CACHECHAIN_OK);
  EXPECT_EQ(l2->entries.at("d").data, "theirs");
  EXPECT_EQ(l2->entries.at("e").data, "E");
  EXPECT_EQ(l2->entries.at("a").data, "one");
  EXPECT_EQ(l2->entries.at("b").data, "other");
}

TEST_F(LoadManyTest, WhatCannotBeStoredFailsForItsLeaseAlone) {
  fake(kFakeInline);
  settings_.max_value_bytes = 4;
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Many many = load_many({"a", "b"});
  const Many ended = fulfil_many({many.lease(0), many.lease(1)}, {"too long", "b"});
  EXPECT_EQ(ended.status(0), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_NE(ended.message(0).find("max_value_bytes"), std::string::npos) << ended.message(0);
  EXPECT_EQ(ended.status(1), CACHECHAIN_OK);
  EXPECT_EQ(get("b").data, "b");
}

TEST_F(LoadManyTest, WhoHasALeaseWaitsForNoOtherLoad) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const cachechain_lease other = load("b");
  ASSERT_NE(other.id, 0u);
  const Many many = load_many({"a", "b", "c"});
  EXPECT_EQ(many.leases(), 2u);
  EXPECT_EQ(many.status(1), CACHECHAIN_LOAD_PENDING);
  EXPECT_NE(many.message(1).find("another call"), std::string::npos) << many.message(1);
  EXPECT_EQ(fulfil_many({many.lease(0), many.lease(2)}, {"A", "C"}).answers->overall(), CACHECHAIN_OK);

  std::thread waiter([&] {
    const Many then = load_many({"a", "b", "c"});
    EXPECT_EQ(then.answers->overall(), CACHECHAIN_OK);
    EXPECT_EQ(then.data(1), "B");
  });
  while (waiting("b") == 0) std::this_thread::yield();
  EXPECT_EQ(fulfil(other, "B").code(), CACHECHAIN_OK);
  waiter.join();
  EXPECT_EQ(count(ChainCounter::kLoaded), 1u);
}

TEST_F(LoadManyTest, WhoIsGrantedALeaseWhileItWaitsWaitsForNoOtherLoad) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const cachechain_lease first = load("a");
  (void)load("b");
  std::thread waiter([&] {
    const Many many = load_many({"a", "b"});
    EXPECT_EQ(many.leases(), 1u);
    const size_t own = many.granted(0) ? 0 : 1;
    EXPECT_EQ(own, 0u);
    EXPECT_EQ(many.status(1 - own), CACHECHAIN_LOAD_PENDING);
  });
  while (waiting("a") == 0) std::this_thread::yield();
  EXPECT_EQ(chain_->loads().abandon(caller(), first).code(), CACHECHAIN_OK);
  waiter.join();
}

TEST_F(LoadManyTest, NoMoreLeasesThanLoadsMayBeUnderWay) {
  fake(kFakeInline);
  settings_.max_loads = 2;
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("old", "stale", mutation).ok());
  clock_.advance_ms(1'000);
  const Many many = load_many({"a", "b", "c", "old"});
  EXPECT_EQ(many.leases(), 2u);
  EXPECT_EQ(many.status(2), CACHECHAIN_OVERLOADED);
  EXPECT_NE(many.message(2).find("max_loads"), std::string::npos) << many.message(2);
  EXPECT_EQ(many.status(3), CACHECHAIN_STALE);
  EXPECT_EQ(many.data(3), "stale");
  EXPECT_FALSE(many.granted(3));
  (void)fulfil_many({many.lease(0), many.lease(1)}, {"A", "B"});
  EXPECT_EQ(load_many({"c", "old"}).leases(), 2u);
}

TEST_F(LoadManyTest, TheLeaseOfAKeyIsAtItsFirstPlace) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Many many = load_many({"a", "b", "a"});
  EXPECT_TRUE(many.granted(0));
  EXPECT_FALSE(many.granted(2));
  EXPECT_EQ(many.status(2), CACHECHAIN_LOAD_PENDING);
  EXPECT_NE(many.message(2).find("first place"), std::string::npos) << many.message(2);
  EXPECT_EQ(std::count(l2->calls.begin(), l2->calls.end(), "get a"), 1);
}

TEST_F(LoadManyTest, AStaleValueAndOneToBeRefreshedComeWithTheirLease) {
  fake(kFakeInline);
  settings_.refresh_ms = 500;
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("stale", "s", mutation).ok());
  mutation.fresh_ms = 1'400;
  ASSERT_TRUE(set("ageing", "a", mutation).ok());
  mutation.fresh_ms = 5'000;
  ASSERT_TRUE(set("fresh", "f", mutation).ok());
  clock_.advance_ms(1'000);
  const std::vector<std::string> keys{"stale", "ageing", "fresh", "stale"};
  const Many many = load_many(keys);
  EXPECT_EQ(many.status(0), CACHECHAIN_STALE);
  EXPECT_EQ(many.status(1), CACHECHAIN_OK);
  EXPECT_EQ(many.status(2), CACHECHAIN_OK);
  EXPECT_EQ(many.data(3), "s");
  EXPECT_TRUE(many.granted(0));
  EXPECT_TRUE(many.granted(1));
  EXPECT_FALSE(many.granted(2));
  EXPECT_FALSE(many.granted(3));
  EXPECT_EQ(load_many(keys).leases(), 0u);
}

TEST_F(LoadManyTest, WhatAnotherProcessLoadsIsPending) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const FakeLayer::Entry foreign{"", 7, 5, 0, clock_.unix_ms() + 60'000, CACHECHAIN_KIND_LEASE, 5};
  l2->entries["b"] = foreign;
  const Many many = load_many({"a", "b"});
  EXPECT_TRUE(many.granted(0));
  EXPECT_FALSE(many.granted(1));
  EXPECT_EQ(many.status(1), CACHECHAIN_LOAD_PENDING);
  EXPECT_NE(many.message(1).find("another process"), std::string::npos) << many.message(1);
  EXPECT_EQ(l2->entries.at("b").token, 5u);
  EXPECT_EQ(std::count(l2->calls.begin(), l2->calls.end(), "get b"), 1);

  // Without a lease of its own a batch waits, and looks after it now and then.
  std::atomic<bool> loaded{false};
  std::thread turner([&] {
    while (!loaded) {
      clock_.advance_ms(10);
      std::this_thread::yield();
    }
  });
  l2->step = [&, looks = 0](const char *call) mutable {
    if (std::string(call) == "get" && ++looks == 3) l2->entries["b"] = {"B", 9, 9, 0, 0, 0};
    return 0;
  };
  const Many then = load_many({"b"}, 600'000);
  loaded = true;
  turner.join();
  const bool side = then.granted(0) && (then.lease(0).flags & CACHECHAIN_LEASE_SIDE) != 0;
  EXPECT_TRUE(then.data(0) == "B" || side);
}

TEST_F(LoadManyTest, WhatWasStoredSinceTheLookIsLookedFor) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->step = [&, done = false](const char *call) mutable {
    if (std::string(call) == "put_many" && !std::exchange(done, true)) l2->entries["b"] = {"theirs", 7, 7, 0, 0, 0};
    return 0;
  };
  const Many many = load_many({"a", "b"});
  EXPECT_TRUE(many.granted(0));
  EXPECT_FALSE(many.granted(1));
  EXPECT_EQ(many.data(1), "theirs");
}

TEST_F(LoadManyTest, OfManyFulfilmentsEachHasItsOwnEnd) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Many many = load_many({"a", "b"});
  l2->entries["b"] = {"theirs", 7, 7, 0, 0, 0};  // another process took the lease over
  l2->calls.clear();
  const Many ended = fulfil_many({many.lease(0), many.lease(1)}, {"A", "B"});
  EXPECT_EQ(l2->calls, (Calls{"put_many", "put a", "put b"}));
  EXPECT_EQ(ended.status(0), CACHECHAIN_OK);
  EXPECT_EQ(ended.status(1), CACHECHAIN_VOID);
  EXPECT_EQ(ended.value(1).version, 0u);
  EXPECT_EQ(l1->entries.at("a").data, "A");
  EXPECT_EQ(l1->entries.count("b"), 0u);
  EXPECT_EQ(l2->entries.at("b").data, "theirs");

  const Many more = load_many({"c", "d"});
  l2->step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  const Many local = fulfil_many({more.lease(0), more.lease(1)}, {"C", "D"});
  EXPECT_EQ(local.status(0), CACHECHAIN_LOCAL_ONLY);
  EXPECT_EQ(local.status(1), CACHECHAIN_LOCAL_ONLY);
  EXPECT_EQ(get("d").data, "D");
}

TEST_F(LoadManyTest, WithoutTheLevelThatArbitratesLeasesAreOfThisProcess) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  const Many many = load_many({"a", "b"});
  EXPECT_EQ(many.leases(), 2u);
  EXPECT_EQ(many.value(0).flags, CACHECHAIN_FLAG_DEGRADED);
  const Many ended = fulfil_many({many.lease(0), many.lease(1)}, {"A", "B"});
  EXPECT_EQ(ended.status(0), CACHECHAIN_LOCAL_ONLY);
  EXPECT_EQ(get("b").data, "B");
}

// Batches of the same keys, in any order: every key is loaded once, and who has none of the leases waits for the
// values.
TEST_F(LoadManyTest, SixtyFourThreadsLoadEachKeyOnce) {
  fake(kFakeInline);
  fake(kFakeShared);
  settings_.max_loads = 1'000;
  ASSERT_TRUE(open(Source::kApplication).ok());
  constexpr int kThreads = 64;
  constexpr size_t kKeys = 20;
  std::mutex mutex;
  std::map<std::string, int> loads;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::vector<std::string> keys;
      for (size_t k = 0; k < kKeys; ++k) keys.push_back("k" + std::to_string((k + static_cast<size_t>(i)) % kKeys));
      if (i % 2 == 0) std::reverse(keys.begin(), keys.end());
      for (bool all = false; !all;) {
        const Many many = load_many(keys, 600'000);
        std::vector<cachechain_lease> leases;
        std::vector<std::string> values;
        all = true;
        for (size_t k = 0; k < kKeys; ++k) {
          if (many.granted(k)) {
            leases.push_back(many.lease(k));
            values.push_back("of " + keys[k]);
            std::lock_guard<std::mutex> lock(mutex);
            ++loads[keys[k]];
          } else if (many.status(k) == CACHECHAIN_LOAD_PENDING) {
            all = false;
          } else {
            ASSERT_EQ(many.status(k), CACHECHAIN_OK);
            ASSERT_EQ(many.data(k), "of " + keys[k]);
          }
        }
        if (leases.empty()) {
          EXPECT_TRUE(all) << "who has no lease waits";
        } else {
          EXPECT_EQ(fulfil_many(leases, values).answers->overall(), CACHECHAIN_OK);
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  ASSERT_EQ(loads.size(), kKeys);
  for (const auto &[key, number] : loads) EXPECT_EQ(number, 1) << key;
}

}  // namespace
}  // namespace cachechain
