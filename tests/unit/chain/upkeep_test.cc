// The house-keeping of layers that are not inline.
#include "chain/upkeep.h"

#include <string>
#include <thread>

#include "async/worker_group.h"
#include "chain_fixture.h"
#include "support/few_threads.h"

namespace cachechain {
namespace {

class UpkeepTest : public ChainTest {
 protected:
  // Turns the clock until the layer was asked so many times.
  void until_maintained(const FakeLayer &layer, int times, int64_t step_ms) {
    for (; layer.maintained < times; std::this_thread::yield()) clock_.advance_ms(step_ms);
  }
};

TEST_F(UpkeepTest, ComesOnceSomethingWasPut) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  clock_.advance_ms(600'000);
  EXPECT_EQ(l2->maintained, 0);
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_EQ(l2->maintained, 0);
  until_maintained(*l2, 1, 1'000);
  const int64_t first_ms = clock_.unix_ms();
  until_maintained(*l2, 2, 1'000);
  EXPECT_GE(clock_.unix_ms() - first_ms, 59'000);
}

TEST_F(UpkeepTest, ComesSoonWhereThereIsMoreToDo) {
  FakeLayer *l1 = fake(kFakeTable);
  l1->maintenance = [] { return CACHECHAIN_PARTIAL; };
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  until_maintained(*l1, 1, 1'000);
  // It may be armed again a moment after it was counted, at the time that is then.
  for (int i = 0; l1->maintained < 20; ++i, std::this_thread::yield()) {
    if (i % 100 == 0) clock_.advance_ms(100);
  }
  SUCCEED();
}

TEST_F(UpkeepTest, ALayerThatKeepsNoHouseIsAskedOnce) {
  FakeLayer *l1 = fake(kFakeTable);
  l1->maintenance = [] { return CACHECHAIN_UNSUPPORTED; };
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  until_maintained(*l1, 1, 1'000);
  ASSERT_TRUE(set("k", "v").ok());
  for (int i = 0; i < 1'000; ++i, std::this_thread::yield()) clock_.advance_ms(1'000);
  EXPECT_EQ(l1->maintained, 1);
}

TEST_F(UpkeepTest, MemoryAloneNeedsNoThread) {
  FewThreads none(0);
  threads_ = &none;
  FakeLayer *l1 = fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  clock_.advance_ms(600'000);
  EXPECT_EQ(l1->maintained, 0);
}

TEST_F(UpkeepTest, WithoutAThreadTheNextPutTriesAgain) {
  FewThreads none(0);
  threads_ = &none;
  FakeLayer *l1 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  clock_.advance_ms(600'000);
  none.add(2);
  ASSERT_TRUE(set("k", "v").ok());
  until_maintained(*l1, 1, 1'000);
}

TEST_F(UpkeepTest, AFailureIsLoggedOnce) {
  FakeLayer *l1 = fake(kFakeTable);
  l1->maintenance = [] { return CACHECHAIN_UNAVAILABLE; };
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  until_maintained(*l1, 3, 1'000);
  EXPECT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  int lines = 0;
  for (const std::string &line : log_) lines += line.find("house-keeping") != std::string::npos;
  EXPECT_EQ(lines, 1);
}

TEST_F(UpkeepTest, CloseWaitsForTheCallThatIsUnderWay) {
  FakeLayer *l1 = fake(kFakeTable);
  std::atomic<bool> goes_on{false};
  l1->maintenance = [&] {
    while (!goes_on) std::this_thread::yield();
    return CACHECHAIN_OK;
  };
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  until_maintained(*l1, 1, 1'000);
  const Status early = chain_->close(0);
  EXPECT_EQ(early.code(), CACHECHAIN_DEADLINE);
  EXPECT_EQ(early.message(), "test/L1: house-keeping is still under way; close again");
  EXPECT_EQ(l1->closed, 0);
  goes_on = true;
  EXPECT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  EXPECT_EQ(l1->closed, 1);
}

}  // namespace
}  // namespace cachechain
