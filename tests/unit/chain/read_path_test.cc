#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class ReadPathTest : public ChainTest {};

TEST_F(ReadPathTest, FirstLayerAnswersAloneAndIsCountedOnce) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l1->calls.clear();
  l2->calls.clear();
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.data, "v");
  EXPECT_EQ(got.value.layer, 0);
  EXPECT_EQ(l1->calls, std::vector<std::string>{"get k"});
  EXPECT_TRUE(l2->calls.empty());
  EXPECT_EQ(count(0, LayerCounter::kHits), 1u);
  EXPECT_EQ(count(0, LayerCounter::kMisses), 0u);
}

TEST_F(ReadPathTest, MissInInlineLayersFallsThroughAndWarmsThem) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l1->entries.clear();
  Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.value.layer, 1);
  EXPECT_EQ(count(0, LayerCounter::kMisses), 1u);
  EXPECT_EQ(count(0, LayerCounter::kFills), 1u);
  EXPECT_EQ(count(1, LayerCounter::kHits), 1u);
  got = get("k");
  EXPECT_EQ(got.value.layer, 0);
  EXPECT_EQ(got.data, "v");
}

TEST_F(ReadPathTest, WarmUpNeverProlongsALife) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.ttl_ms = 10'000;
  mutation.fresh_ms = 4'000;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  const int64_t born = clock_.unix_ms();
  l1->entries.clear();
  clock_.advance_ms(3'000);
  ASSERT_EQ(get("k").status, CACHECHAIN_OK);
  EXPECT_EQ(l1->entries.at("k").expires_ms, born + 10'000);
  EXPECT_EQ(l1->entries.at("k").fresh_until_ms, born + 4'000);
}

TEST_F(ReadPathTest, ExpiredEntryIsAMissAndStaleOneIsMarked) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.ttl_ms = 100;
  mutation.fresh_ms = 40;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_OK);
  clock_.advance_ms(40);
  const Got stale = get("k");
  EXPECT_EQ(stale.status, CACHECHAIN_STALE);
  EXPECT_EQ(stale.data, "v");
  EXPECT_NE(stale.value.flags & CACHECHAIN_FLAG_STALE, 0u);
  clock_.advance_ms(60);
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(count(0, LayerCounter::kExpired), 1u);
  EXPECT_EQ(count(0, LayerCounter::kStale), 1u);
}

TEST_F(ReadPathTest, TombstoneAboveVoidsWhatIsOlderBelow) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "old").ok());
  const FakeLayer::Entry old = l2->entries.at("k");
  ASSERT_TRUE(remove("k").ok());
  l2->entries["k"] = old;  // as if the delete had never reached it
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(count(1, LayerCounter::kVoid), 1u);
  ASSERT_TRUE(set("k", "new").ok());
  EXPECT_EQ(get("k").data, "new");
}

TEST_F(ReadPathTest, InvalidationLetsItsOwnVersionThrough) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  const uint64_t version = write_.version;
  l1->entries["k"] = {"", version - 1, version, 0, 0, CACHECHAIN_KIND_INVALIDATED};
  EXPECT_EQ(get("k").data, "v");
  l1->entries["k"] = {"", version + 1, version, 0, 0, CACHECHAIN_KIND_INVALIDATED};
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(l2->entries.at("k").data, "v");
}

TEST_F(ReadPathTest, FailingLayerIsSkippedCountedReportedAndNeverAMiss) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l1->entries.clear();
  l2->step = [](const char *) { return int32_t{CACHECHAIN_TIMEOUT}; };
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.value.layer, 2);
  EXPECT_NE(got.value.flags & CACHECHAIN_FLAG_DEGRADED, 0u);
  EXPECT_EQ(count(1, LayerCounter::kErrors), 1u);
  EXPECT_EQ(count(1, LayerCounter::kMisses), 0u);
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_EQ(log_[0], "test/L2 fake: scripted TIMEOUT (TIMEOUT)");
  // Only the change is logged, not each failure; and so is the end of it.
  l1->entries.clear();
  (void)get("k");
  EXPECT_EQ(log_.size(), 1u);
  l2->step = nullptr;
  l1->entries.clear();
  (void)get("k");
  EXPECT_EQ(log_.back(), "test/L2 fake: answers again");
}

TEST_F(ReadPathTest, ApplicationMissIsFlaggedWhenALayerCouldNotBeAsked) {
  FakeLayer *l1 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  EXPECT_EQ(get("k").value.flags, 0u);
  l1->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_MISS);
  EXPECT_EQ(got.value.flags, CACHECHAIN_FLAG_DEGRADED);
  EXPECT_EQ(got.value.layer, -1);
  EXPECT_EQ(count(ChainCounter::kMisses), 1u);
  EXPECT_EQ(count(ChainCounter::kDegraded), 1u);
}

TEST_F(ReadPathTest, OnlyTheLastLayerSaysNotFound) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(got.failure.layer(), "L2");
  EXPECT_EQ(got.failure.message(), "test: the last layer could not be asked: test/L2 fake: scripted UNAVAILABLE");
  EXPECT_EQ(count(ChainCounter::kNotFound), 1u);
  EXPECT_EQ(count(ChainCounter::kGetErrors), 1u);
}

TEST_F(ReadPathTest, LayersBelowAreNotAskedPastTheDeadline) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->step = [&](const char *) {
    clock_.advance_ms(20);
    return int32_t{CACHECHAIN_TIMEOUT};
  };
  ReadOptions options;
  options.timeout_ns = 20'000'000;
  const Got got = get("k", 64, options);
  EXPECT_EQ(got.status, CACHECHAIN_DEADLINE);
  EXPECT_TRUE(l3->calls.empty());
  EXPECT_EQ(count(2, LayerCounter::kSkipped), 1u);
  EXPECT_EQ(l2->deadlines.back() - 20'000'000, 1'000'000'000);
}

TEST_F(ReadPathTest, InlineLayersGetNoDeadlineAndNoClock) {
  FakeLayer *l1 = fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  (void)get("k");
  EXPECT_EQ(l1->deadlines, (std::vector<int64_t>{0, 0}));
}

TEST_F(ReadPathTest, ViewWhenTheBufferIsTooSmallOrAbsent) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "four").ok());
  EXPECT_EQ(get("k", 0).data, "four");
  EXPECT_EQ(get("k", 3).data, "four");
  EXPECT_EQ(get("k", 4).data, "four");
  ASSERT_TRUE(set("e", "").ok());
  const Got empty = get("e");
  EXPECT_EQ(empty.status, CACHECHAIN_OK);
  EXPECT_EQ(empty.value.size, 0u);
}

TEST_F(ReadPathTest, DisabledLayerIsNotThereButKeepsItsIndex) {
  fake(kFakeInline);
  fake(kFakeShared);
  settings_.layers.insert(settings_.layers.begin() + 1, settings_.layers[0]);
  settings_.layers[1].name = "off";
  settings_.layers[1].enabled = false;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(write_.done, 0b101u);
  fakes_[0]->entries.clear();
  EXPECT_EQ(get("k").value.layer, 2);
}

TEST_F(ReadPathTest, BrokenAnswerOfAnInlineLayerIsAskedTheCheckedWayFromThenOn) {
  FakeLayer *l1 = fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l1->entries.at("k").flags = 99;  // no such kind
  l1->calls.clear();
  (void)get("k");
  (void)get("k");
  EXPECT_EQ(l1->calls.size(), 3u);  // twice for the first get, once for the second
}

}  // namespace
}  // namespace cachechain
