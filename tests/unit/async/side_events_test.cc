// What waits in a queue besides completions: the newest state of each layer, and the newest lines of log.
#include "async/side_events.h"

#include <gmock/gmock.h>

#include <vector>

namespace cachechain {
namespace {

using ::testing::ElementsAre;

cachechain_event event(int32_t status) {
  cachechain_event one = {};
  one.status = status;
  return one;
}

class SideEventsTest : public ::testing::Test {
 protected:
  std::vector<int32_t> layers(uint64_t cap = 16) { return statuses(side_.take_layers(taken_, cap)); }
  std::vector<int32_t> logs(uint64_t cap = 16) { return statuses(side_.take_logs(taken_, cap)); }
  std::vector<int32_t> statuses(uint64_t count) {
    std::vector<int32_t> all;
    for (uint64_t i = 0; i < count; ++i) all.push_back(taken_[i].status);
    return all;
  }

  SideEvents side_{3};
  cachechain_event taken_[16];
  const int chains_[2] = {};
};

TEST_F(SideEventsTest, OneOfEachLayerWaitsAndItIsTheNewest) {
  ASSERT_TRUE(side_.add_source(&chains_[0], 2).ok());
  ASSERT_TRUE(side_.add_source(&chains_[1], 1).ok());
  EXPECT_FALSE(side_.any());
  EXPECT_FALSE(side_.put_layer(&chains_[0], 1, event(10)).has_value());
  EXPECT_FALSE(side_.put_layer(&chains_[1], 0, event(20)).has_value());
  EXPECT_FALSE(side_.put_layer(&chains_[0], 0, event(30)).has_value());
  const auto replaced = side_.put_layer(&chains_[0], 1, event(11));
  ASSERT_TRUE(replaced.has_value());
  EXPECT_EQ(replaced->status, 10);
  EXPECT_TRUE(side_.any());
  EXPECT_THAT(layers(2), ElementsAre(11, 20));
  EXPECT_THAT(layers(), ElementsAre(30));
  EXPECT_FALSE(side_.any());
  EXPECT_FALSE(side_.put_layer(&chains_[0], 1, event(12)).has_value());
  EXPECT_THAT(layers(), ElementsAre(12));
}

TEST_F(SideEventsTest, ARemovedSourceHandsOutWhatWaited) {
  ASSERT_TRUE(side_.add_source(&chains_[0], 2).ok());
  ASSERT_TRUE(side_.add_source(&chains_[1], 2).ok());
  EXPECT_EQ(side_.add_source(&chains_[0], 2).code(), CACHECHAIN_INVALID_ARGUMENT);
  (void)side_.put_layer(&chains_[0], 0, event(1));
  (void)side_.put_layer(&chains_[1], 1, event(2));
  (void)side_.put_layer(&chains_[0], 1, event(3));
  EXPECT_THAT(statuses(side_.remove_source(&chains_[0], taken_)), ElementsAre(1, 3));
  EXPECT_EQ(side_.remove_source(&chains_[0], taken_), 0U);
  EXPECT_THAT(layers(), ElementsAre(2));
}

TEST_F(SideEventsTest, WhatHasNoPlaceIsHandedBack) {
  ASSERT_TRUE(side_.add_source(&chains_[0], 1).ok());
  EXPECT_EQ(side_.put_layer(&chains_[0], 1, event(1))->status, 1);
  EXPECT_EQ(side_.put_layer(&chains_[1], 0, event(2))->status, 2);
  EXPECT_FALSE(side_.any());
}

TEST_F(SideEventsTest, LinesLoseTheOldestAndTheNextSaysHowMany) {
  for (int32_t i = 1; i <= 3; ++i) EXPECT_FALSE(side_.put_log(event(i)).has_value());
  EXPECT_EQ(side_.put_log(event(4))->status, 1);
  EXPECT_EQ(side_.put_log(event(5))->status, 2);
  EXPECT_EQ(side_.logs_lost(), 2U);
  EXPECT_THAT(logs(1), ElementsAre(3));
  EXPECT_EQ(taken_[0].token, 2U);
  EXPECT_FALSE(side_.put_log(event(6)).has_value());
  EXPECT_THAT(logs(), ElementsAre(4, 5, 6));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(taken_[i].token, 0U);
  EXPECT_FALSE(side_.any());
}

TEST_F(SideEventsTest, WithoutRoomEveryLineIsLost) {
  SideEvents none(0);
  EXPECT_EQ(none.put_log(event(1))->status, 1);
  EXPECT_EQ(none.logs_lost(), 1U);
  EXPECT_FALSE(none.any());
}

}  // namespace
}  // namespace cachechain
