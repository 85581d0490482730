#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class WritePathTest : public ChainTest {};

using Conditions = std::vector<uint32_t>;

TEST_F(WritePathTest, TheTruthIsToldFirstAndTheRestGetCopies) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  std::vector<std::string> order;
  for (FakeLayer *layer : {l1, l2, l3}) {
    layer->step = [&order, layer](const char *) {
      order.push_back(layer->traits_.name);
      return 0;
    };
  }
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(order, (std::vector<std::string>{"L3", "L1", "L2"}));
  EXPECT_EQ(l3->conditions, Conditions{CACHECHAIN_PUT_BUMP});
  EXPECT_EQ(l1->conditions, Conditions{CACHECHAIN_PUT_NEWER});
  EXPECT_EQ(write_.done, 0b111u);
  EXPECT_EQ(write_.owed, 0u);
  for (FakeLayer *layer : {l1, l2, l3}) EXPECT_EQ(layer->entries.at("k").version, write_.version);
}

TEST_F(WritePathTest, VersionIsTheOneThatTheTruthGave) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "a").ok());
  const uint64_t ahead = write_.version + (uint64_t{1'000} << kStampTimeShift);  // a second: within max_drift
  l2->entries.at("k").version = ahead;
  ASSERT_TRUE(set("k", "b").ok());
  EXPECT_EQ(write_.version, ahead + 2);
  EXPECT_EQ(l1->entries.at("k").version, ahead + 2);
  EXPECT_EQ(l1->entries.at("k").data, "b");
}

TEST_F(WritePathTest, NothingElseIsTouchedIfTheTruthDidNotAcknowledge) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "a").ok());
  l2->step = [](const char *) { return int32_t{CACHECHAIN_TIMEOUT}; };
  l1->calls.clear();
  const Status status = set("k", "b");
  EXPECT_EQ(status.code(), CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(status.message(), "test/L2 fake: scripted TIMEOUT; nothing was changed");
  EXPECT_TRUE(status.retryable());
  EXPECT_EQ(write_.version, 0u);
  EXPECT_TRUE(l1->calls.empty());
  EXPECT_EQ(get("k").data, "a");
  EXPECT_EQ(count(1, LayerCounter::kPutErrors), 1u);
}

TEST_F(WritePathTest, AfterAnUnknownOutcomeNoInlineCopyAnswers) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "a").ok());
  l2->step = [](const char *call) {
    return std::string(call) == "put" ? int32_t{CACHECHAIN_UNKNOWN_OUTCOME} : CACHECHAIN_OK;
  };
  EXPECT_EQ(set("k", "b").code(), CACHECHAIN_UNKNOWN_OUTCOME);
  l2->step = nullptr;
  // It was applied after all: the newer version shows, not the copy of before.
  l2->entries.at("k").data = "b";
  l2->entries.at("k").version += uint64_t{1} << kStampTimeShift;
  clock_.advance_ms(1);
  EXPECT_EQ(get("k").data, "b");
}

TEST_F(WritePathTest, ApplicationChainGoesOnWithoutTheLayerThatIsDown) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  ASSERT_EQ(set("k", "v").code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0b01u);
  EXPECT_EQ(write_.owed, 0b10u);
  EXPECT_EQ(l1->conditions, Conditions{CACHECHAIN_PUT_BUMP});
  EXPECT_EQ(count(ChainCounter::kOwed), 1u);
  EXPECT_EQ(get("k").data, "v");
  ASSERT_EQ(remove("k").code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.owed, 0b10u);
}

TEST_F(WritePathTest, SetThatNobodyTookIsAFailure) {
  FakeLayer *l1 = fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "a").ok());
  l1->step = [](const char *call) {
    return std::string(call) == "put" ? int32_t{CACHECHAIN_OVERLOADED} : CACHECHAIN_OK;
  };
  EXPECT_EQ(set("k", "b").code(), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);  // absent, never the older value
  EXPECT_EQ(remove("k").code(), CACHECHAIN_OK);
}

TEST_F(WritePathTest, ValueThatALayerCannotHoldLeavesNoOlderOneBehind) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "a").ok());
  l2->traits_.max_value_size = 3;
  ASSERT_TRUE(set("k", "four").ok());
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
  EXPECT_EQ(get("k").data, "four");
  l1->entries.clear();
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  l1->traits_.max_value_size = 3;
  const Status status = set("k", "four");
  EXPECT_EQ(status.code(), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(status.message(), "test: no layer takes a value of 4 bytes; what was stored before is gone");
}

TEST_F(WritePathTest, ValueAboveTheChainsBoundIsRefusedBeforeAnyLayer) {
  FakeLayer *l1 = fake(kFakeInline);
  settings_.max_value_bytes = 3;
  ASSERT_TRUE(open(Source::kApplication).ok());
  EXPECT_EQ(set("k", "four").code(), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_TRUE(set("k", "abc").ok());
  EXPECT_EQ(l1->calls, std::vector<std::string>{"put k"});
}

TEST_F(WritePathTest, ExpectedVersionIsComparedWithTheTruth) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  Mutation create;
  create.expects = true;
  ASSERT_TRUE(set("k", "a", create).ok());
  const uint64_t first = write_.version;
  const Status again = set("k", "b", create);
  EXPECT_EQ(again.code(), CACHECHAIN_CONFLICT);
  EXPECT_EQ(again.message(), "test/L2: version 0 was expected, stored is " + std::to_string(first));
  Mutation update = create;
  update.expect_version = first;
  ASSERT_TRUE(set("k", "b", update).ok());
  EXPECT_GT(write_.version, first);
  EXPECT_EQ(l1->entries.at("k").data, "b");
  update.expect_version = first + (uint64_t{3'600'000} << kStampTimeShift);
  EXPECT_EQ(set("k", "c", update).code(), CACHECHAIN_FUTURE_VERSION);
}

TEST_F(WritePathTest, LivesAreTheLayersOwnUnlessTheCallerSaysOtherwise) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  settings_.layers[0].ttl_ms = 30'000;
  settings_.layers[1].ttl_ms = 600'000;
  settings_.layers[1].max_ttl_ms = 700'000;
  ASSERT_TRUE(open(Source::kApplication).ok());
  const int64_t now = clock_.unix_ms();
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, now + 30'000);
  EXPECT_EQ(l2->entries.at("k").expires_ms, now + 600'000);
  Mutation mutation;
  mutation.ttl_ms = 5'000;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, now + 5'000);
  EXPECT_EQ(l2->entries.at("k").expires_ms, now + 5'000);
  mutation.ttl_ms = INT64_MAX;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, now + 30'000);
  EXPECT_EQ(l2->entries.at("k").expires_ms, now + 700'000);
}

TEST_F(WritePathTest, DeleteIsRememberedByTheTruthLongerThanByCopies) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(remove("k").ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, clock_.unix_ms() + 60'000);
  EXPECT_EQ(l2->entries.at("k").expires_ms, clock_.unix_ms() + 3'600'000);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
}

TEST_F(WritePathTest, LayersThatTakeNoWritesAreLeftAlone) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  settings_.layers[1].write = WritePolicy::kNone;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(write_.done, 0b01u);
  EXPECT_TRUE(l2->calls.empty());
  EXPECT_EQ(l1->conditions, Conditions{CACHECHAIN_PUT_BUMP});
}

TEST_F(WritePathTest, TruthThatTakesNoWritesMakesSetUnsupported) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeTable);
  settings_.layers[1].write = WritePolicy::kNone;
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(set("k", "v").code(), CACHECHAIN_UNSUPPORTED);
  EXPECT_TRUE(l1->calls.empty());
}

TEST_F(WritePathTest, KeyThatALayerCannotHoldIsSkippedThere) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  l2->traits_.max_key_size = 3;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("long key", "v").ok());
  EXPECT_EQ(write_.done, 0b01u);
  EXPECT_EQ(write_.owed, 0u);
  EXPECT_EQ(get("long key").data, "v");
  EXPECT_TRUE(l2->calls.empty());
}

}  // namespace
}  // namespace cachechain
