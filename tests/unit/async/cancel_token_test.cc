// The token behind cachechain_cancel: who is woken by it, and that neither side outlives the other.
#include "base/cancel_token.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "unit/async/gate.h"

namespace cachechain {
namespace {

struct Told final : CancelWatcher {
  void cancelled() noexcept override { ++times; }
  std::atomic<int> times{0};
};

TEST(CancelTokenTest, FiresOnceAndStaysFired) {
  const CancelRef token = CancelToken::create();
  Told told;
  EXPECT_FALSE(token->cancelled());
  ASSERT_TRUE(token->watch(told));
  token->fire();
  token->fire();
  EXPECT_TRUE(token->cancelled());
  EXPECT_EQ(told.times, 1);
  token->unwatch(told);
  EXPECT_FALSE(token->watch(told));
  EXPECT_EQ(told.times, 1);
}

TEST(CancelTokenTest, WhoLeftIsNotTold) {
  const CancelRef token = CancelToken::create();
  Told stays, leaves;
  ASSERT_TRUE(token->watch(leaves));
  ASSERT_TRUE(token->watch(stays));
  token->unwatch(leaves);
  token->fire();
  EXPECT_EQ(leaves.times, 0);
  EXPECT_EQ(stays.times, 1);
}

TEST(CancelTokenTest, TheHandleLeadsBack) {
  const CancelRef token = CancelToken::create();
  EXPECT_EQ(CancelToken::of(token->handle()), token.get());
}

TEST(CancelTokenTest, WakesWhoWaitsForSomethingElse) {
  const CancelRef token = CancelToken::create();
  std::mutex mutex;
  Condition condition;
  Gate waiting;
  std::thread waiter([&] {
    const WakeOnCancel wake(token.get(), mutex, condition);
    std::unique_lock<std::mutex> lock(mutex);
    waiting.open();
    while (!token->cancelled()) condition.wait(lock);
  });
  waiting.pass();
  // Whoever has this lock knows that the waiter is asleep.
  { std::lock_guard<std::mutex> lock(mutex); }
  token->fire();
  waiter.join();
}

TEST(CancelTokenTest, NoTokenWakesNobody) {
  std::mutex mutex;
  Condition condition;
  const WakeOnCancel wake(nullptr, mutex, condition);
}

// The lock that each waiter waits under is also the one that he is told under: neither side may hold the token's lock
// while it takes that one.
TEST(CancelTokenTest, WaitersComeAndGoWhileItFires) {
  for (int round = 0; round < 50; ++round) {
    CancelRef token = CancelToken::create();
    std::mutex mutex;
    Condition condition;
    std::vector<std::thread> waiters;
    for (int i = 0; i < 4; ++i) {
      waiters.emplace_back([&, i, mine = token->ref()] {
        for (int n = 0; n < 20 || i == 0; ++n) {
          const WakeOnCancel wake(mine.get(), mutex, condition);
          std::unique_lock<std::mutex> lock(mutex);
          if (mine->cancelled()) return;
          if (i == 0) condition.wait(lock);
        }
      });
    }
    std::thread firing([mine = token->ref()] { mine->fire(); });
    token.reset();  // as the user frees his while calls still have theirs
    firing.join();
    for (std::thread &waiter : waiters) waiter.join();
  }
}

TEST(CancelTokenTest, DescriptorIsReadableOnceFired) {
  const CancelRef token = CancelToken::create();
  const int fd = token->fd();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(token->fd(), fd);
  EXPECT_FALSE(readable(fd));
  token->fire();
  EXPECT_TRUE(readable(fd));

  const CancelRef late = CancelToken::create();
  late->fire();
  EXPECT_TRUE(readable(late->fd()));
}

TEST(CancelTokenTest, OneUnderTwoIsFiredByEither) {
  for (const int which : {0, 1}) {
    const CancelRef above[2] = {CancelToken::create(), CancelToken::create()};
    const CancelRef below = CancelToken::create_under(above[0].get(), above[1].get());
    Told told;
    ASSERT_TRUE(below->watch(told));
    EXPECT_FALSE(below->cancelled());
    above[which]->fire();
    EXPECT_TRUE(below->cancelled());
    EXPECT_EQ(told.times, 1);
    EXPECT_FALSE(above[1 - which]->cancelled());
    above[1 - which]->fire();
    EXPECT_EQ(told.times, 1);
  }
}

TEST(CancelTokenTest, OneUnderAFiredOneIsFired) {
  const CancelRef above = CancelToken::create();
  above->fire();
  EXPECT_TRUE(CancelToken::create_under(nullptr, above.get())->cancelled());
  EXPECT_FALSE(CancelToken::create_under(nullptr, nullptr)->cancelled());
}

TEST(CancelTokenTest, FiringBelowDoesNotReachAbove) {
  const CancelRef above = CancelToken::create();
  CancelToken::create_under(above.get(), above.get())->fire();
  EXPECT_FALSE(above->cancelled());
}

TEST(CancelTokenTest, OnesBelowEndWhileTheOneAboveFires) {
  for (int round = 0; round < 50; ++round) {
    const CancelRef above = CancelToken::create();
    std::thread below([&] {
      for (int n = 0; n < 20; ++n) {
        const CancelRef token = CancelToken::create_under(above.get(), nullptr);
        if (token->cancelled()) return;
      }
    });
    above->fire();
    below.join();
  }
}

TEST(CancelTokenTest, ForkChildFiresItsCopyAlone) {
  CancelRef token = CancelToken::create();
  const int fd = token->fd();
  EXPECT_EQ(in_child([&] {
              token->fire();
              const bool right = token->cancelled() && token->fd() == -1;
              token.reset();
              return right ? 0 : 1;
            }),
            0);
  EXPECT_FALSE(token->cancelled());
  EXPECT_FALSE(readable(fd));
}

}  // namespace
}  // namespace cachechain
