// A truth without versions, the user's own table, through a chain over fakes: stamps before the read, marks after the
// write, and leases in the level that processes share.
#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

constexpr uint64_t kFakePlain =
    CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_SHARED | CACHECHAIN_CAP_PERSISTENT;

class QueryTest : public ChainTest {};

TEST_F(QueryTest, WhatIsReadIsStampedAndCopied) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  table->entries["k"] = {"row", 0, 0, clock_.unix_ms() + 500, 0, 0};
  const Got got = get("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.data, "row");
  EXPECT_NE(got.value.version, 0u);
  EXPECT_EQ(l1->entries.at("k").version, got.value.version);
  EXPECT_EQ(l1->entries.at("k").fresh_until_ms, clock_.unix_ms() + 500);
  EXPECT_EQ(get("k").value.layer, 0);
}

TEST_F(QueryTest, AMutationMakesCopiesVoidAndReadersMakeThemAnew) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_EQ(set("k", "a").code(), CACHECHAIN_OK);
  EXPECT_EQ(table->entries.at("k").data, "a");
  const uint64_t written = write_.version;
  const Got got = get("k");
  EXPECT_EQ(got.data, "a");
  EXPECT_GT(got.value.version, written);
  EXPECT_EQ(l1->entries.at("k").data, "a");
  ASSERT_EQ(remove("k").code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  Mutation expecting;
  expecting.expects = true;
  EXPECT_EQ(set("k", "b", expecting).code(), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(chain_->writes().touch(caller(), bytes("k"), {}, write_).code(), CACHECHAIN_UNSUPPORTED);
}

TEST_F(QueryTest, WhatTheTableDoesNotTakeIsSaidAsItIs) {
  fake(kFakeInline);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->step = [](const char *call) {
    return std::string(call) == "put" ? int32_t{CACHECHAIN_UNSUPPORTED} : CACHECHAIN_OK;
  };
  EXPECT_EQ(set("k", "a").code(), CACHECHAIN_UNSUPPORTED);
}

TEST_F(QueryTest, AReaderCopiesIntoTheSharedLevelOnlyOverItsOwnLease) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->entries["k"] = {"row", 0, 0, 0, 0, 0};
  EXPECT_EQ(get("k").data, "row");
  EXPECT_EQ(l2->conditions, (std::vector<uint32_t>{CACHECHAIN_PUT_EXACT, CACHECHAIN_PUT_EXACT}));
  EXPECT_EQ(l2->entries.at("k").data, "row");
  EXPECT_EQ(l1->entries.at("k").version, l2->entries.at("k").version);

  // A mutation of another process comes between the lease and the copy.
  l1->entries.clear();
  l2->entries.clear();
  table->step = [&](const char *) {
    l2->with_entries([&](auto &entries) {
      entries["k"].flags = CACHECHAIN_KIND_INVALIDATED;
      entries["k"].version += 2;
      entries["k"].token = 0;
    });
    return 0;
  };
  EXPECT_EQ(get("k").data, "row");
  EXPECT_TRUE(l1->entries.empty());
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
}

TEST_F(QueryTest, WhileAnotherLeasesNothingIsKept) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->entries["k"] = {"row", 0, 0, 0, 0, 0};
  const uint64_t theirs = stamp_ceiling(clock_.unix_ms() - 1);
  l2->entries["k"] = {"", theirs, theirs, 0, clock_.unix_ms() + 1'000, CACHECHAIN_KIND_LEASE, theirs};
  EXPECT_EQ(get("k").data, "row");
  EXPECT_TRUE(l1->entries.empty());
  EXPECT_EQ(l2->entries.at("k").version, theirs);
  clock_.advance_ms(1'000);
  EXPECT_EQ(get("k").data, "row");
  EXPECT_EQ(l2->entries.at("k").data, "row");
  EXPECT_EQ(l1->entries.at("k").data, "row");
}

TEST_F(QueryTest, WithoutTheSharedLevelAProcessKeepsWhatItReads) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->entries["k"] = {"row", 0, 0, 0, 0, 0};
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  EXPECT_EQ(get("k").data, "row");
  EXPECT_EQ(l1->entries.at("k").data, "row");
}

TEST_F(QueryTest, AMutationIsAnnouncedBeforeTheTableIsWritten) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  uint32_t before = 99;
  table->step = [&](const char *) {
    l2->with_entries([&](auto &entries) { before = entries.at("k").flags; });
    return 0;
  };
  ASSERT_TRUE(set("k", "a").ok());
  EXPECT_EQ(before, uint32_t{CACHECHAIN_KIND_LEASE});
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});

  table->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  EXPECT_EQ(set("k", "b").code(), CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});  // called off

  // Nobody knows whether the table was written, or will yet be: the mark stays for its time.
  table->step = [](const char *) { return int32_t{CACHECHAIN_UNKNOWN_OUTCOME}; };
  EXPECT_EQ(set("k", "c").code(), CACHECHAIN_UNKNOWN_OUTCOME);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_LEASE});
  table->step = nullptr;
  EXPECT_EQ(get("k").data, "a");
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_LEASE});
}

TEST_F(QueryTest, ATableOfTheUsersOwnIsTheLastLayerOrNone) {
  fake(kFakePlain);
  EXPECT_EQ(open(Source::kApplication).code(), CACHECHAIN_CONFIG);
  fakes_.clear();
  settings_.layers.clear();
  fake(kFakePlain);
  fake(kFakeTable);
  const Status misplaced = open(Source::kLastLayer);
  EXPECT_EQ(misplaced.code(), CACHECHAIN_CONFIG);
  EXPECT_NE(misplaced.message().find("L1"), std::string::npos) << misplaced.message();
}

// A level that compresses finds out only then.
TEST_F(QueryTest, AReaderWhoseValueIsTooLargeForTheSharedLevelGivesItsLeaseBack) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table = fake(kFakePlain);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->entries["k"] = {"row", 0, 0, 0, 0, 0};
  int puts = 0;
  l2->step = [&puts](const char *call) {
    return std::string(call) == "put" && ++puts == 2 ? int32_t{CACHECHAIN_VALUE_TOO_LARGE} : CACHECHAIN_OK;
  };
  EXPECT_EQ(get("k").data, "row");
  EXPECT_EQ(puts, 3) << "the lease, the value, the mark";
  EXPECT_EQ(l2->entries.at("k").flags, static_cast<uint32_t>(CACHECHAIN_KIND_INVALIDATED));
  EXPECT_EQ(l2->entries.at("k").data, "");
  EXPECT_EQ(l1->entries.at("k").data, "row");
  EXPECT_EQ(count(1, LayerCounter::kFills), 0u);
  EXPECT_TRUE(log_.empty()) << "the level is well";
}

}  // namespace
}  // namespace cachechain
