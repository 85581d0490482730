#include <nlohmann/json.hpp>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class ChainOpenTest : public ChainTest {};

TEST_F(ChainOpenTest, SourceMustBeWrittenOverAPersistentLayer) {
  fake(kFakeInline);
  fake(kFakeTable);
  const Status status = open(std::nullopt);
  EXPECT_EQ(status.code(), CACHECHAIN_CONFIG);
  EXPECT_NE(status.message().find("source: must be written"), std::string_view::npos) << status.message();
}

TEST_F(ChainOpenTest, SourceDefaultsToTheApplication) {
  fake(kFakeInline);
  ASSERT_TRUE(open(std::nullopt).ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
}

TEST_F(ChainOpenTest, LayerThatDoesNotOrderWritesCannotBeTheTruth) {
  fake(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_PERSISTENT);
  EXPECT_EQ(open(Source::kLastLayer).code(), CACHECHAIN_CONFIG);
}

TEST_F(ChainOpenTest, CopiesThatNobodyInvalidatesLiveShortAndTheLogSaysWhy) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeShared);
  settings_.layers[0].ttl_ms = 0;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_EQ(log_.size(), 1u);
  EXPECT_NE(log_[0].find("test/L1 has no ttl_ms"), std::string::npos) << log_[0];
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, clock_.unix_ms() + 5'000);
}

TEST_F(ChainOpenTest, LayerWithoutVersionsIsBoundedAndWarnedAbout) {
  FakeLayer *l1 = fake(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_KINDS);
  settings_.layers[0].ttl_ms = 0;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(l1->entries.at("k").expires_ms, clock_.unix_ms() + 60'000);
  const auto explained = nlohmann::json::parse(chain_->explain(chain_->home()));
  EXPECT_EQ(explained["layers"][0]["warnings"].size(), 1u);
}

TEST_F(ChainOpenTest, StatsAddUp) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("a", "1").ok());
  (void)get("a");
  l1->entries.clear();
  (void)get("a");
  (void)get("b");
  const auto stats = nlohmann::json::parse(chain_->stats());
  EXPECT_EQ(stats["requests"], 3);
  EXPECT_EQ(stats["hits"], 2);
  EXPECT_EQ(stats["misses"], 1);
  EXPECT_EQ(stats["sets"], 0);  // the C function counts them
  EXPECT_EQ(stats["layers"][0]["hits"], 1);
  EXPECT_EQ(stats["layers"][1]["hits"], 1);
  EXPECT_EQ(stats["layers"][1]["misses"], 1);
  EXPECT_EQ(stats["layers"][1]["plugin_stats"]["fake"], true);
}

TEST_F(ChainOpenTest, ExplainOfAKeyCountsAndWarmsNothing) {
  FakeLayer *l1 = fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l1->entries.clear();
  const auto explained = nlohmann::json::parse(chain_->explain(caller(), bytes("k")));
  EXPECT_EQ(explained["answer"], "OK from L2");
  EXPECT_EQ(explained["layers"][0]["verdict"], "nothing");
  EXPECT_EQ(explained["layers"][1]["verdict"], "hit");
  EXPECT_TRUE(l1->entries.empty());
  EXPECT_EQ(count(1, LayerCounter::kHits), 0u);
}

TEST_F(ChainOpenTest, CloseWaitsForCallsAndRefusesLaterOnes) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  std::atomic<bool> entered{false};
  std::atomic<bool> leave{false};
  std::thread inside([&] {
    Inside here(chain_->home().threads().mine());
    EXPECT_EQ(chain_->entered(), CACHECHAIN_OK);
    entered = true;
    while (!leave) std::this_thread::yield();
  });
  while (!entered) std::this_thread::yield();
  EXPECT_EQ(chain_->close(0).code(), CACHECHAIN_DEADLINE);
  EXPECT_EQ(chain_->entered(), CACHECHAIN_CLOSED);
  EXPECT_EQ(fakes_[0]->closed, 0);
  leave = true;
  EXPECT_EQ(chain_->close(CACHECHAIN_TIMEOUT_NONE).code(), CACHECHAIN_OK);
  EXPECT_EQ(fakes_[0]->closed, 1);
  EXPECT_EQ(chain_->close(0).code(), CACHECHAIN_OK);
  EXPECT_EQ(fakes_[0]->closed, 1);
  inside.join();
}

TEST_F(ChainOpenTest, CloseUnderLoadLetsNobodyIntoAClosedLayer) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  std::atomic<int> late{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (;;) {
        const Caller one = caller();
        Inside here(one.block);
        if (chain_->entered() != CACHECHAIN_OK) return;
        cachechain_value value{};
        (void)chain_->reads().get(one, bytes("k"), {}, {}, value, nullptr);
        if (fakes_[0]->closed != 0) ++late;
      }
    });
  }
  EXPECT_EQ(chain_->close(CACHECHAIN_TIMEOUT_NONE).code(), CACHECHAIN_OK);
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(late, 0);
}

TEST_F(ChainOpenTest, CountsOfThreadsThatEndedAreKept) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  for (int t = 0; t < 8; ++t) std::thread([&] { (void)get("k"); }).join();
  EXPECT_EQ(count(0, LayerCounter::kHits), 8u);
}

}  // namespace
}  // namespace cachechain
