// Flights, the fence and debts, seen through a chain over fakes.
#include <algorithm>
#include <atomic>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class FlightTest : public ChainTest {
 protected:
  // Runs body(i) on so many threads and joins them.
  template <class Body>
  static void on_threads(int count, Body &&body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread &thread : threads) thread.join();
  }
  uint64_t waiting(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).waiting; }
};

TEST_F(FlightTest, OneTraversalAnswersAll) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"value", 7, 7, 0, 0, 0};
  std::atomic<bool> go{false};
  l2->step = [&](const char *) {
    while (!go) std::this_thread::yield();
    return 0;
  };
  std::thread opener([&] {
    while (waiting("k") < 15) std::this_thread::yield();
    go = true;
  });
  on_threads(16, [&](int i) {
    const Got got = get("k", i % 2 == 0 ? 64 : 0);
    EXPECT_EQ(got.status, CACHECHAIN_OK);
    EXPECT_EQ(got.data, "value");
    EXPECT_EQ(got.value.version, 7u);
  });
  opener.join();
  EXPECT_EQ(l2->calls, std::vector<std::string>{"get k"});
  EXPECT_EQ(count(ChainCounter::kJoined), 15u);
  EXPECT_EQ(count(1, LayerCounter::kHits), 16u);
  EXPECT_FALSE(chain_->look(chain_->home().key(bytes("k"))).known);
}

TEST_F(FlightTest, ALeaderWithoutTimeIsReplacedByOneWhoHas) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"value", 7, 7, 0, 0, 0};
  std::atomic<int> asked{0};
  l2->step = [&](const char *) {
    if (++asked > 1) return int32_t{0};
    while (waiting("k") < 3) std::this_thread::yield();
    clock_.advance_ms(100);  // past the leader's deadline, not past the others'
    return int32_t{CACHECHAIN_TIMEOUT};
  };
  ReadOptions hasty;
  hasty.timeout_ns = 50'000'000;
  std::thread leader([&] { EXPECT_EQ(get("k", 64, hasty).status, CACHECHAIN_DEADLINE); });
  while (asked == 0) std::this_thread::yield();
  on_threads(3, [&](int) { EXPECT_EQ(get("k").data, "value"); });
  leader.join();
  EXPECT_EQ(asked, 2);
}

TEST_F(FlightTest, AFollowerWaitsNoLongerThanItsOwnDeadline) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  std::atomic<bool> go{false};
  std::atomic<bool> asked{false};
  l2->step = [&](const char *) {
    asked = true;
    while (!go) std::this_thread::yield();
    return 0;
  };
  std::thread leader([&] { EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND); });
  while (!asked) std::this_thread::yield();
  ReadOptions hasty;
  hasty.timeout_ns = 50'000'000;
  std::thread turner([&] {
    while (waiting("k") < 1) std::this_thread::yield();
    clock_.advance_ms(60);
  });
  const Got late = get("k", 64, hasty);
  EXPECT_EQ(late.status, CACHECHAIN_DEADLINE);
  EXPECT_NE(late.failure.message().find("another call"), std::string::npos) << late.failure.message();
  go = true;
  turner.join();
  leader.join();
}

TEST_F(FlightTest, AWarmUpThatComesAfterAMutationIsFenced) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"old", 7, 7, 0, 0, 0};
  std::atomic<bool> go{false};
  std::atomic<bool> held{false};
  l1->step = [&](const char *call) {
    if (std::string(call) == "put" && !held.exchange(true)) {
      while (!go) std::this_thread::yield();
    }
    return 0;
  };
  std::thread reader([&] { EXPECT_EQ(get("k").data, "old"); });
  while (!held) std::this_thread::yield();
  std::thread writer([&] { EXPECT_TRUE(remove("k").ok()); });
  while (chain_->look(chain_->home().key(bytes("k"))).fence == 0) std::this_thread::yield();
  go = true;  // the warm-up is first, and the delete's own put behind it
  reader.join();
  writer.join();
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(count(0, LayerCounter::kFillsLost), 1u);
  EXPECT_EQ(l1->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
}

TEST_F(FlightTest, WhatALayerCouldNotBeToldIsPutThereBeforeItIsBelieved) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "old").ok());
  l2->step = [](const char *) { return int32_t{CACHECHAIN_TIMEOUT}; };
  ASSERT_TRUE(set("k", "new").ok());
  EXPECT_EQ(write_.owed, 0b010u);
  fakes_[0]->entries.clear();
  EXPECT_EQ(get("k").data, "new");  // the layer is still away
  EXPECT_EQ(count(1, LayerCounter::kOwing), 1u);
  l2->step = nullptr;
  EXPECT_EQ(l2->entries.at("k").data, "old");
  fakes_[0]->entries.clear();
  EXPECT_EQ(get("k").data, "new");
  EXPECT_EQ(count(1, LayerCounter::kRepairs), 1u);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
}

TEST_F(FlightTest, WhatIsOwedAndWhatIsUnderWayIsTold) {
  FakeLayer *l1 = fake(kFakeShared);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l1->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  ASSERT_TRUE(remove("k").ok());
  EXPECT_NE(chain_->stats().find("\"owed_keys\":1"), std::string::npos);
  EXPECT_NE(chain_->explain(caller(), bytes("k")).find("\"owes\":true"), std::string::npos);
  EXPECT_EQ(chain_->explain(caller(), bytes("k")).find("under_way"), std::string::npos);
  cachechain_value value{};
  cachechain_lease lease{};
  (void)chain_->loads().get(caller(), bytes("k"), {}, {}, value, lease, nullptr);
  ASSERT_NE(lease.id, 0u);
  EXPECT_NE(chain_->explain(caller(), bytes("k")).find("\"leases\":1"), std::string::npos);
}

TEST_F(FlightTest, DebtsToOtherKeysAreSettledAtTheNextContact) {
  FakeLayer *l1 = fake(kFakeShared);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("a", "old").ok());
  ASSERT_TRUE(set("b", "old").ok());
  l1->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  ASSERT_TRUE(remove("a").ok());
  ASSERT_TRUE(remove("b").ok());
  l1->step = nullptr;
  (void)get("c");
  EXPECT_EQ(l1->entries.at("a").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
  EXPECT_EQ(l1->entries.at("b").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
  EXPECT_EQ(count(0, LayerCounter::kRepairs), 2u);
}

TEST_F(FlightTest, AnApplicationsRepairWinsWhateverIsStored) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "old").ok());
  // Another process, whose clock is ahead, has written the same old value.
  l2->entries.at("k").version += uint64_t{20'000} << kStampTimeShift;
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  ASSERT_TRUE(remove("k").ok());
  l2->step = nullptr;
  l1->entries.clear();
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
}

TEST_F(FlightTest, InvalidateSendsTheNextGetToTheTruth) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "a").ok());
  l2->entries.at("k").data = "b";  // behind our back, by somebody who knows nothing of versions
  EXPECT_EQ(get("k").data, "a");
  Mutation mutation;
  mutation.kind = CACHECHAIN_KIND_INVALIDATED;
  ASSERT_TRUE(chain_->writes().mutate(caller(), bytes("k"), mutation, write_).ok());
  EXPECT_EQ(l1->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
  EXPECT_EQ(get("k").data, "b");
  // And the key can be cached again, though the truth's version is the old one.
  EXPECT_EQ(l1->entries.at("k").data, "b");
  EXPECT_EQ(get("k").value.layer, 0);
}

TEST_F(FlightTest, TouchGivesNewTimesAndKeepsTheValue) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "a").ok());
  clock_.advance_ms(30'000);
  Mutation times;
  times.ttl_ms = 100'000;
  times.fresh_ms = 50'000;
  const Status touched = chain_->writes().touch(caller(), bytes("k"), times, write_);
  ASSERT_EQ(touched.code(), CACHECHAIN_OK) << touched.message();
  EXPECT_EQ(l2->entries.at("k").data, "a");
  EXPECT_EQ(l2->entries.at("k").expires_ms, clock_.unix_ms() + 100'000);
  EXPECT_EQ(l2->entries.at("k").fresh_until_ms, clock_.unix_ms() + 50'000);
  EXPECT_EQ(l1->entries.at("k").version, l2->entries.at("k").version);
  EXPECT_EQ(chain_->writes().touch(caller(), bytes("none"), times, write_).code(), CACHECHAIN_NOT_FOUND);
}

TEST_F(FlightTest, RejectRemovesCopiesOfTheBadVersionOnly) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "good").ok());
  const uint64_t version = write_.version;
  l1->entries.at("k").data = "bad";
  ASSERT_TRUE(chain_->writes().reject(caller(), bytes("k"), {}, version).ok());
  EXPECT_EQ(get("k").data, "good");
  EXPECT_EQ(l1->entries.at("k").data, "good");
  ASSERT_TRUE(set("k", "newer").ok());
  ASSERT_TRUE(chain_->writes().reject(caller(), bytes("k"), {}, version).ok());
  EXPECT_EQ(l1->entries.at("k").data, "newer");
  EXPECT_EQ(l2->entries.at("k").data, "newer");
}

TEST_F(FlightTest, AnEntryBelowMinVersionIsNoAnswer) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "old").ok());
  const FakeLayer::Entry old = l1->entries.at("k");
  ASSERT_TRUE(set("k", "new").ok());
  l1->entries["k"] = old;  // as in a process that has not heard of it
  EXPECT_EQ(get("k").data, "old");
  ReadOptions options;
  options.min_version = write_.version;
  EXPECT_EQ(get("k", 64, options).data, "new");
  // The truth itself is the answer even if it went back, and says so.
  l2->entries["k"] = old;
  l1->entries.clear();
  const Got back = get("k", 64, options);
  EXPECT_EQ(back.status, CACHECHAIN_STALE);
  EXPECT_EQ(back.data, "old");
  EXPECT_TRUE(l1->entries.empty());
}

TEST_F(FlightTest, AStaleCopyIsNotTheAnswerWhileALevelBelowHasAFreshOne) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("k", "old", mutation).ok());
  const uint64_t version = write_.version;
  clock_.advance_ms(2'000);
  EXPECT_EQ(get("k").status, CACHECHAIN_STALE);
  // Another process has refreshed it.
  l2->entries["k"] = {"new", version + 4096, version, clock_.unix_ms() + 5'000, clock_.unix_ms() + 9'000, 0};
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.data, "new");
  EXPECT_EQ(l1->entries.at("k").data, "new");
}

TEST_F(FlightTest, AVersionFromTheFutureFreezesNothingAndResurrectsNothing) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const uint64_t ahead = uint64_t{10ull * 365 * 24 * 3600 * 1000} << kStampTimeShift;
  ASSERT_TRUE(set("k", "mine").ok());
  l2->entries["k"] = {"theirs", write_.version + ahead, write_.version + ahead, 0, clock_.unix_ms() + 60'000, 0};
  l1->entries.clear();
  EXPECT_EQ(get("k").data, "theirs");
  EXPECT_TRUE(l1->entries.empty());  // answered, but copied nowhere
  ASSERT_TRUE(remove("k").ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  ASSERT_TRUE(set("k", "again").ok());
  EXPECT_EQ(get("k").data, "again");
  EXPECT_LT(l2->entries.at("k").version, ahead);
}

TEST_F(FlightTest, AThousandWritersOfOneKeyAreAllAcknowledgedInOrderOfArrival) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  constexpr int kWriters = 1'000;
  std::vector<uint64_t> versions(kWriters);
  on_threads(50, [&](int thread) {
    for (int i = thread; i < kWriters; i += 50) {
      Mutation mutation;
      const std::string data = std::to_string(i);
      mutation.data = bytes(data);
      cachechain_write write{};
      EXPECT_EQ(chain_->writes().mutate(caller(), bytes("k"), mutation, write).code(), CACHECHAIN_OK);
      versions[static_cast<size_t>(i)] = write.version;
    }
  });
  EXPECT_EQ(l2->calls.size(), size_t{kWriters});  // one round trip each
  const uint64_t last = *std::max_element(versions.begin(), versions.end());
  const auto winner = std::find(versions.begin(), versions.end(), last) - versions.begin();
  EXPECT_EQ(l2->entries.at("k").data, std::to_string(winner));
  EXPECT_EQ(l2->entries.at("k").version, last);
  EXPECT_EQ(l1->entries.at("k").version, last);
  std::sort(versions.begin(), versions.end());
  EXPECT_EQ(std::adjacent_find(versions.begin(), versions.end()), versions.end());
  EXPECT_FALSE(chain_->look(chain_->home().key(bytes("k"))).known);
}

TEST_F(FlightTest, AClockThatIsSetBackAndForthFreezesNothing) {
  for (const Source source : {Source::kApplication, Source::kLastLayer}) {
    fakes_.clear();
    settings_.layers.clear();
    fake(kFakeInline);
    fake(source == Source::kApplication ? kFakeShared : kFakeTable);
    for (LayerSettings &layer : settings_.layers) layer.ttl_ms = 0;
    ASSERT_TRUE(open(source).ok());
    const int64_t hour = 3'600'000;
    uint64_t last = 0;
    for (const int64_t step : {int64_t{0}, -hour, hour, hour, -hour, -hour}) {
      clock_.step_wall_ms(step);
      ASSERT_TRUE(set("k", std::to_string(step)).ok()) << step;
      EXPECT_GT(write_.version, last);
      last = write_.version;
      EXPECT_EQ(get("k").data, std::to_string(step));
      fakes_[0]->entries.clear();
      EXPECT_EQ(get("k").data, std::to_string(step));
      ASSERT_TRUE(remove("k").ok());
      EXPECT_GT(get("k").status, CACHECHAIN_OK);
      fakes_[0]->entries.clear();
      EXPECT_GT(get("k").status, CACHECHAIN_OK);
    }
  }
}

}  // namespace
}  // namespace cachechain
