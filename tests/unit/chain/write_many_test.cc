// Mutations of many keys over fakes: one call for each level that is not inline, the order of a single mutation for
// each key, and what becomes of one key is no matter to the others.
#include <barrier>
#include <thread>

#include "unit/chain/chain_fixture.h"
#include "unit/chain/failing_allocator.h"

namespace cachechain {
namespace {

constexpr uint64_t kFakePlain =
    CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_SHARED | CACHECHAIN_CAP_PERSISTENT;

class WriteManyTest : public ChainTest {
 protected:
  using Strings = std::vector<std::string>;

  // Values only for sets. The answers stand in batch_.
  Status mutate(const Strings &keys, const Strings &values, Mutation common = {}) {
    if (values.empty()) common.kind = CACHECHAIN_KIND_TOMBSTONE;
    batch_ = Batch::create(Allocator::system(), keys.size(), false);
    return chain_->writes().mutate_many(caller(), of(slices(keys)), of(slices(values)), common, *batch_);
  }
  std::vector<int32_t> statuses() const { return {batch_->statuses().begin(), batch_->statuses().end()}; }
  uint64_t version(size_t index) const { return batch_->values()[index].version; }
  bool owed(size_t index) const { return (batch_->values()[index].flags & CACHECHAIN_FLAG_DEGRADED) != 0; }

  static Slices of(const std::vector<cachechain_slice> &all) { return {all.data(), all.size()}; }
  static std::vector<cachechain_slice> slices(const Strings &texts) {
    std::vector<cachechain_slice> made;
    for (const std::string &text : texts) made.push_back({bytes(text).data(), text.size()});
    return made;
  }
  // A script for the put of one key within a batch: the puts come in the order of the keys.
  static std::function<int32_t(const char *)> nth_put(int wanted, int32_t status) {
    return [wanted, status, seen = 0](const char *call) mutable {
      return std::string(call) == "put" && seen++ == wanted ? status : int32_t{CACHECHAIN_OK};
    };
  }

  Batch::Ptr batch_;
};

using Calls = std::vector<std::string>;

TEST_F(WriteManyTest, EachLevelThatIsNotInlineIsToldOfAllInOneCall) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  Calls order;
  for (FakeLayer *layer : {l1, l2, l3}) {
    layer->step = [&order, layer](const char *call) {
      order.push_back(layer->traits_.name + " " + call);
      return 0;
    };
  }
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(mutate({"a", "b"}, {"1", "2"}).code(), CACHECHAIN_OK);
  EXPECT_EQ(order, (Calls{"L3 put_many", "L3 put", "L3 put", "L1 put", "L1 put", "L2 put_many", "L2 put", "L2 put"}));
  EXPECT_EQ(l1->conditions, std::vector<uint32_t>(2, CACHECHAIN_PUT_NEWER));
  EXPECT_EQ(l3->conditions, std::vector<uint32_t>(2, CACHECHAIN_PUT_BUMP));
  EXPECT_LT(version(0), version(1));
  for (FakeLayer *layer : {l1, l2, l3}) {
    EXPECT_EQ(layer->entries.at("a").version, version(0));
    EXPECT_EQ(layer->entries.at("b").data, "2");
  }
  EXPECT_EQ(mutate({"a", "b"}, {}).code(), CACHECHAIN_OK);
  EXPECT_EQ(get("a").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get("b").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(mutate({}, {}).code(), CACHECHAIN_OK);
}

TEST_F(WriteManyTest, AKeyThatTheTruthDidNotTakeTouchesNoOther) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l3->step = nth_put(1, CACHECHAIN_TIMEOUT);
  EXPECT_EQ(mutate({"a", "b", "c"}, {"1", "2", "3"}).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), (std::vector<int32_t>{CACHECHAIN_OK, CACHECHAIN_UNAVAILABLE, CACHECHAIN_OK}));
  EXPECT_EQ(batch_->message(1), "test/L3 fake: scripted TIMEOUT; nothing was changed");
  EXPECT_EQ(version(1), 0u);
  for (FakeLayer *layer : {l1, l2, l3}) {
    EXPECT_EQ(layer->entries.size(), 2u);
    EXPECT_EQ(layer->entries.at("c").version, version(2));
  }
}

TEST_F(WriteManyTest, ATruthThatTriedNothingLeavesAllAsItWas) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  EXPECT_EQ(mutate({"a", "b"}, {"1", "2"}).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), std::vector<int32_t>(2, CACHECHAIN_UNAVAILABLE));
  EXPECT_TRUE(l1->calls.empty());
  EXPECT_EQ(count(1, LayerCounter::kPutErrors), 2u);
  EXPECT_EQ(log_.size(), 1u);  // one call, one failure of the layer
}

TEST_F(WriteManyTest, AfterAnUnknownOutcomeOnlyThatKeysCopiesAreVoid) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("a", "old").ok());
  ASSERT_TRUE(set("b", "old").ok());
  l3->step = nth_put(0, CACHECHAIN_UNKNOWN_OUTCOME);
  EXPECT_EQ(mutate({"a", "b"}, {"new", "new"}).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), (std::vector<int32_t>{CACHECHAIN_UNKNOWN_OUTCOME, CACHECHAIN_OK}));
  EXPECT_EQ(l1->entries.count("a"), 0u);
  EXPECT_EQ(l1->entries.at("b").data, "new");
  EXPECT_EQ(l2->entries.at("a").data, "old");  // and owes it
  EXPECT_EQ(l2->entries.at("b").data, "new");
  l3->step = nullptr;
  l3->entries.at("a").data = "new";
  l3->entries.at("a").version += uint64_t{1} << kStampTimeShift;
  clock_.advance_ms(1);
  EXPECT_EQ(get("a").data, "new");
}

TEST_F(WriteManyTest, InAnApplicationChainTheNextLevelArbitratesForTheKeysThatTheFirstDidNotTake) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l3->step = nth_put(1, CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(mutate({"a", "b", "c"}, {"1", "2", "3"}).code(), CACHECHAIN_OK);
  EXPECT_FALSE(owed(0));
  EXPECT_TRUE(owed(1));
  EXPECT_EQ(l3->entries.count("b"), 0u);
  EXPECT_EQ(l2->calls, (Calls{"put b", "put_many", "put a", "put c"}));
  EXPECT_EQ(l2->conditions, (std::vector<uint32_t>{CACHECHAIN_PUT_BUMP, CACHECHAIN_PUT_NEWER, CACHECHAIN_PUT_NEWER}));
  for (const char *key : {"a", "b", "c"}) EXPECT_EQ(l1->entries.at(key).version, l2->entries.at(key).version);
  EXPECT_EQ(count(ChainCounter::kOwed), 1u);
}

TEST_F(WriteManyTest, ALevelThatTriedNothingOwesEveryKey) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_EQ(mutate({"a", "b", "c"}, {"old", "old", "old"}).code(), CACHECHAIN_OK);
  l2->step = [](const char *call) {
    return std::string(call) == "put_many" ? int32_t{CACHECHAIN_UNAVAILABLE} : CACHECHAIN_OK;
  };
  EXPECT_EQ(mutate({"a", "b", "c"}, {"new", "new", "new"}).code(), CACHECHAIN_OK);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(owed(i));
  l2->step = nullptr;
  // What it holds is not believed, so each key is repaired before it is looked for.
  fakes_[0]->entries.clear();
  for (const char *key : {"a", "b", "c"}) EXPECT_EQ(get(key).status, CACHECHAIN_MISS) << key;
  EXPECT_EQ(count(1, LayerCounter::kRepairs), 3u);
}

TEST_F(WriteManyTest, WhatABatchLeftOwedTheNextBatchSettlesInOneCall) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Strings keys{"a", "b", "c", "d"};
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  ASSERT_EQ(mutate(keys, keys).code(), CACHECHAIN_OK);
  l2->step = nullptr;
  l2->calls.clear();
  ASSERT_EQ(mutate({"x", "y"}, {"1", "2"}).code(), CACHECHAIN_OK);
  ASSERT_EQ(l2->calls.size(), 8u);
  EXPECT_EQ(l2->calls[3], "put_many");  // after those of x and y
  EXPECT_EQ(count(1, LayerCounter::kRepairs), 4u);
  for (const std::string &key : keys) EXPECT_EQ(l2->entries.at(key).flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
}

TEST_F(WriteManyTest, InlineLevelsAreToldKeyByKeyBehindTheFenceOfEach) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l1->step = nth_put(1, CACHECHAIN_OVERLOADED);
  EXPECT_EQ(mutate({"a", "b", "c"}, {"1", "2", "3"}).code(), CACHECHAIN_OK);
  EXPECT_EQ(l1->calls, (Calls{"put a", "put b", "put c"}));
  EXPECT_EQ(l1->entries.count("b"), 0u);  // absent, never the older value
  EXPECT_EQ(get("b").data, "2");
}

TEST_F(WriteManyTest, ValuesThatALayerCannotHoldLeaveNoOlderOnesBehind) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  settings_.max_value_bytes = 10;
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_EQ(mutate({"a", "b", "c"}, {"old", "old", "old"}).code(), CACHECHAIN_OK);
  l2->traits_.max_value_size = 3;
  l3->traits_.max_value_size = 5;
  EXPECT_EQ(mutate({"a", "b", "c", "d"}, {"four", "sixsix", "ok", "eleven char"}).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), (std::vector<int32_t>{CACHECHAIN_OK, CACHECHAIN_VALUE_TOO_LARGE, CACHECHAIN_OK,
                                              CACHECHAIN_VALUE_TOO_LARGE}));
  EXPECT_EQ(batch_->message(1), "test/L3: more than this layer takes");
  EXPECT_EQ(batch_->message(3), "test: the value has 11 bytes, max_value_bytes is 10");
  EXPECT_EQ(l2->entries.at("a").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
  EXPECT_EQ(l2->entries.at("b").data, "old");
  EXPECT_EQ(l2->entries.at("c").data, "ok");
  EXPECT_EQ(l3->entries.count("d"), 0u);
  EXPECT_FALSE(owed(0));
}

TEST_F(WriteManyTest, OfSeveralOfOneKeyTheLaterComesLater) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(mutate({"a", "b", "a", "a", "c"}, {"1", "2", "3", "4", "5"}).code(), CACHECHAIN_OK);
  EXPECT_LT(version(0), version(2));
  EXPECT_LT(version(2), version(3));
  EXPECT_EQ(l1->entries.at("a").data, "4");
  EXPECT_EQ(l2->entries.at("a").version, version(3));
  EXPECT_EQ(l2->calls, (Calls{"put_many", "put a", "put b", "put c", "put a", "put a"}));
  Mutation create;
  create.expects = true;
  EXPECT_EQ(mutate({"d", "d"}, {"first", "second"}, create).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), (std::vector<int32_t>{CACHECHAIN_OK, CACHECHAIN_CONFLICT}));
  EXPECT_EQ(get("d").data, "first");
}

TEST_F(WriteManyTest, ATableWithoutVersionsIsAnnouncedToTheSharedLevelInOneCall) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  std::vector<uint32_t> before;
  int put = 0;
  table->step = [&](const char *call) {
    if (std::string(call) != "put") return int32_t{CACHECHAIN_OK};
    l2->with_entries([&](auto &entries) { before.push_back(entries.at(put == 0 ? "a" : put == 1 ? "b" : "c").flags); });
    constexpr int32_t kAnswers[] = {CACHECHAIN_OK, CACHECHAIN_UNAVAILABLE, CACHECHAIN_UNKNOWN_OUTCOME};
    return kAnswers[put++];
  };
  EXPECT_EQ(mutate({"a", "b", "c"}, {"1", "2", "3"}).code(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(statuses(), (std::vector<int32_t>{CACHECHAIN_OK, CACHECHAIN_UNAVAILABLE, CACHECHAIN_UNKNOWN_OUTCOME}));
  EXPECT_EQ(before, std::vector<uint32_t>(3, CACHECHAIN_KIND_LEASE));
  EXPECT_EQ(l2->calls, (Calls{"put_many", "put a", "put b", "put c", "put a", "put b"}));
  EXPECT_EQ(l2->entries.at("a").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
  EXPECT_EQ(l2->entries.at("b").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});  // called off
  EXPECT_EQ(l2->entries.at("c").flags, uint32_t{CACHECHAIN_KIND_LEASE});        // it may yet be written
  EXPECT_EQ(l1->entries.count("b"), 0u);
  table->step = nullptr;
  EXPECT_EQ(get("a").data, "1");
  EXPECT_EQ(get("b").status, CACHECHAIN_NOT_FOUND);
}

TEST_F(WriteManyTest, NothingIsChangedIfTheChainTakesNoWrites) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeTable);
  settings_.layers[1].write = WritePolicy::kNone;
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(mutate({"a"}, {"1"}).code(), CACHECHAIN_UNSUPPORTED);
  EXPECT_TRUE(l1->calls.empty());
}

TEST_F(WriteManyTest, WithoutMemoryForOneRecordTheOtherKeysAreSet) {
  FailingAllocator failing;
  allocator_ = &failing;
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  for (int64_t failed = 1; failed <= 4; ++failed) {
    l1->entries.clear();
    l2->entries.clear();
    failing.fail_at(failed);
    EXPECT_EQ(mutate({"a", "b", "a", "c"}, {"1", "2", "3", "4"}).code(), CACHECHAIN_PARTIAL);
    // The records are made for a, b and c, and then for a once more.
    constexpr size_t kOrder[] = {0, 1, 3, 2};
    std::vector<int32_t> expected(4, CACHECHAIN_OK);
    expected[kOrder[failed - 1]] = CACHECHAIN_NO_MEMORY;
    EXPECT_EQ(statuses(), expected) << failed;
    EXPECT_EQ(l2->entries.count("b"), failed == 2 ? 0u : 1u);
    EXPECT_EQ(l1->entries.at("a").data, failed == 4 ? "1" : "3");
    EXPECT_EQ(failing.out(), 0);
  }
  chain_.reset();
}

TEST_F(WriteManyTest, BatchesInOppositeOrdersNeverWaitForEachOther) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  // Each is in the middle of its own batch, before its first put, when the other is too.
  std::barrier both(2);
  l2->meet = [&] { both.arrive_and_wait(); };
  const auto write = [&](const Strings &keys, const std::string &value) {
    const Strings values(keys.size(), value);
    Batch::Ptr answers = Batch::create(Allocator::system(), keys.size(), false);
    EXPECT_EQ(chain_->writes().mutate_many(caller(), of(slices(keys)), of(slices(values)), {}, *answers).code(), CACHECHAIN_OK);
  };
  std::thread forwards(write, Strings{"a", "b", "c"}, "forwards");
  std::thread backwards(write, Strings{"c", "b", "a"}, "backwards");
  forwards.join();
  backwards.join();
  l2->meet = nullptr;
  for (const char *key : {"a", "b", "c"}) {
    EXPECT_EQ(l1->entries.at(key).version, l2->entries.at(key).version);
    EXPECT_EQ(l1->entries.at(key).data, l2->entries.at(key).data);
    EXPECT_FALSE(chain_->look(chain_->home().key(bytes(key))).known);
  }
}

}  // namespace
}  // namespace cachechain
