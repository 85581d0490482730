// Layers that are not inline are warmed behind the reader's back, and no warm-up comes after a mutation.
#include "chain/warming.h"

#include <thread>

#include "chain_fixture.h"
#include "support/gate.h"

namespace cachechain {
namespace {

class WarmingTest : public ChainTest {
 protected:
  ~WarmingTest() override { gate_.open(); }

  // Memory over a shared layer over a table.
  void open_three() {
    fake(kFakeInline);
    middle_ = fake(kFakeShared);
    settings_.layers.back().warm.on = true;
    middle_->meet = [this] { gate_.pass(); };
    fake(kFakeTable);
    ASSERT_TRUE(open(Source::kLastLayer).ok());
  }
  // Only the table has it then.
  void store(const std::string &key, const std::string &data) {
    ASSERT_TRUE(set(key, data).ok());
    for (FakeLayer *layer : {fakes_[0], middle_}) {
      layer->with_entries([&](auto &entries) { entries.erase(key); });
    }
  }
  void flush() { ASSERT_TRUE(level().queue().flush(0)); }
  Warming &level() { return *chain_->level(1).warming; }
  std::string in_middle(const std::string &key) {
    std::string data = "nothing";
    middle_->with_entries([&](auto &entries) {
      const auto found = entries.find(key);
      if (found != entries.end()) data = found->second.flags == CACHECHAIN_KIND_VALUE ? found->second.data : "a mark";
    });
    return data;
  }
  // A warm-up of "hung" stands still in the middle layer.
  void hang() {
    store("hung", "x");
    gate_.shut();
    ASSERT_EQ(get("hung").status, CACHECHAIN_OK);
    gate_.wait_for_arrival();
  }

  Gate gate_;
  FakeLayer *middle_ = nullptr;
};

TEST_F(WarmingTest, WhatIsFoundBelowComesIntoTheMiddle) {
  open_three();
  store("k", "v");
  EXPECT_EQ(get("k").value.layer, 2);
  flush();
  EXPECT_EQ(in_middle("k"), "v");
  EXPECT_EQ(count(1, LayerCounter::kFills), 1u);
  fakes_[0]->with_entries([](auto &entries) { entries.clear(); });
  EXPECT_EQ(get("k").value.layer, 1);
}

TEST_F(WarmingTest, NoGetWaitsForAWarmUp) {
  settings_.deadline_ms = 3'600'000;
  open_three();
  for (int i = 0; i < 2'000; ++i) store(std::to_string(i), "v");
  hang();
  for (int i = 0; i < 2'000; ++i) ASSERT_EQ(get(std::to_string(i)).data, "v");
  EXPECT_EQ(level().queue().numbers().waiting, 1'024u);
  EXPECT_EQ(level().queue().numbers().dropped_full, 2'000u - 1'024u);
  EXPECT_EQ(in_middle("1999"), "nothing");
  gate_.open();
  flush();
  EXPECT_EQ(in_middle("hung"), "x");
  EXPECT_EQ(in_middle("1999"), "v");
  EXPECT_EQ(in_middle("0"), "nothing");
  fakes_[0]->with_entries([](auto &entries) { entries.clear(); });
  ASSERT_EQ(get("0").value.layer, 2);
  flush();
  EXPECT_EQ(in_middle("0"), "v");
}

TEST_F(WarmingTest, AMiddleLayerThatFailsLosesTheWarmUpOnly) {
  open_three();
  store("k", "v");
  middle_->step = [](const char *call) { return std::string(call) == "put_many" ? CACHECHAIN_TIMEOUT : 0; };
  EXPECT_EQ(get("k").data, "v");
  flush();
  EXPECT_EQ(count(1, LayerCounter::kFillErrors), 1u);
  middle_->step = nullptr;
  fakes_[0]->with_entries([](auto &entries) { entries.clear(); });
  EXPECT_EQ(get("k").data, "v");
  flush();
  EXPECT_EQ(in_middle("k"), "v");
}

TEST_F(WarmingTest, AMutationOvertakesWhatWaits) {
  open_three();
  store("a", "old");
  hang();
  ASSERT_EQ(get("a").data, "old");
  ASSERT_EQ(level().queue().numbers().waiting, 1u);
  ASSERT_TRUE(remove("a").ok());
  EXPECT_EQ(level().queue().numbers().waiting, 0u);
  gate_.open();
  flush();
  EXPECT_EQ(in_middle("a"), "a mark");
  EXPECT_EQ(get("a").status, CACHECHAIN_NOT_FOUND);
}

TEST_F(WarmingTest, AMutationWaitsForTheWarmUpOfItsKey) {
  settings_.deadline_ms = 3'600'000;
  open_three();
  hang();
  std::thread opener([&] { gate_.open(); });
  ASSERT_TRUE(set("hung", "new").ok());
  opener.join();
  EXPECT_EQ(write_.owed, 0u);
  flush();
  EXPECT_EQ(in_middle("hung"), "new");
}

TEST_F(WarmingTest, ALayerThatIsStillBeingWarmedOwesTheMutation) {
  open_three();
  hang();
  std::thread turner([&] {
    while (!chain_->look(chain_->home().key(bytes("hung"))).known) std::this_thread::yield();
    clock_.advance_ms(2'000);
  });
  Mutation late;
  late.kind = CACHECHAIN_KIND_TOMBSTONE;
  // The table is told in time; it is the wait for the warm-up that takes longer than there is.
  EXPECT_TRUE(chain_->writes().mutate(caller(), bytes("hung"), late, write_).ok());
  turner.join();
  EXPECT_EQ(write_.owed, 0b010u);
  EXPECT_EQ(get("hung").status, CACHECHAIN_NOT_FOUND);  // the middle is not believed, and cannot be told yet
  gate_.open();
  flush();
  EXPECT_EQ(in_middle("hung"), "x");  // the warm-up came late
  fakes_[0]->with_entries([](auto &entries) { entries.clear(); });
  EXPECT_EQ(get("hung").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(in_middle("hung"), "a mark");
  EXPECT_EQ(count(1, LayerCounter::kRepairs), 1u);
}

TEST_F(WarmingTest, CloseWaitsForTheWarmUpThatIsUnderWay) {
  open_three();
  hang();
  EXPECT_EQ(chain_->close(0).code(), CACHECHAIN_DEADLINE);
  EXPECT_EQ(middle_->closed, 0);
  gate_.open();
  EXPECT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  EXPECT_EQ(middle_->closed, 1);
}

class WarmPolicyTest : public WarmingTest {
 protected:
  void open_with(const WarmSettings &warm) {
    fake(kFakeInline);
    middle_ = fake(kFakeShared);
    settings_.layers[0].warm = settings_.layers[1].warm = warm;
    table_ = fake(kFakeTable);
    ASSERT_TRUE(open(Source::kLastLayer).ok());
  }
  int layer_of(const std::string &key) {
    const Got got = get(key);
    if (chain_->level(1).warming != nullptr) flush();
    return got.value.layer;
  }
  FakeLayer *table_ = nullptr;
};

TEST_F(WarmPolicyTest, Never) {
  WarmSettings warm;
  warm.on = false;
  open_with(warm);
  store("k", "v");
  EXPECT_EQ(layer_of("k"), 2);
  EXPECT_EQ(layer_of("k"), 2);
}

TEST_F(WarmPolicyTest, BySize) {
  WarmSettings warm;
  warm.max_bytes = 3;
  open_with(warm);
  store("small", "123");
  store("large", "1234");
  EXPECT_EQ(layer_of("small"), 2);
  EXPECT_EQ(layer_of("small"), 0);
  EXPECT_EQ(layer_of("large"), 2);
  EXPECT_EQ(layer_of("large"), 2);
}

TEST_F(WarmPolicyTest, ByTheCostOfTheFetch) {
  WarmSettings warm;
  warm.min_fetch_ms = 5;
  open_with(warm);
  store("k", "v");
  int64_t cost_ms = 4;
  table_->step = [&](const char *call) {
    if (std::string(call) == "get") clock_.advance_ms(cost_ms);
    return 0;
  };
  EXPECT_EQ(layer_of("k"), 2);
  cost_ms = 5;
  EXPECT_EQ(layer_of("k"), 2);
  EXPECT_EQ(layer_of("k"), 0);
}

TEST_F(WarmPolicyTest, OnTheNthHit) {
  WarmSettings warm;
  warm.after_hits = 3;
  open_with(warm);
  store("k", "v");
  EXPECT_EQ(layer_of("k"), 2);
  EXPECT_EQ(layer_of("k"), 2);
  EXPECT_EQ(layer_of("k"), 2);
  EXPECT_EQ(layer_of("k"), 0);
}

TEST(HitSketchTest, CountsAndForgets) {
  HitSketch sketch;
  EXPECT_EQ(sketch.add(1), 1u);
  EXPECT_EQ(sketch.add(1), 2u);
  for (uint32_t i = 0; i < 300; ++i) (void)sketch.add(7);
  EXPECT_EQ(sketch.add(7), 256u);
  for (uint64_t i = 0; i < 40'000; ++i) (void)sketch.add(i * 0x9e3779b97f4a7c15u);
  EXPECT_LT(sketch.add(7), 200u);
}

}  // namespace
}  // namespace cachechain
