// Timers under a clock that the test turns.
#include "async/timers.h"

#include <gmock/gmock.h>

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "support/virtual_clock.h"
#include "unit/async/gate.h"

namespace cachechain {
namespace {

using ::testing::ElementsAre;

struct Alarm final : Timer {
  explicit Alarm(std::function<void()> what) : body(std::move(what)) {}
  void due() noexcept override { body(); }
  std::function<void()> body;
};

class TimersTest : public ::testing::Test {
 protected:
  int64_t in_ms(int64_t ms) { return clock_.mono_ns() + ms * 1'000'000; }
  // Each alarm notes its number; the last one that is waited for opens the gate.
  std::function<void()> noting(int number, Gate *gate = nullptr) {
    return [this, number, gate] {
      order_.push_back(number);
      if (gate != nullptr) gate->open();
    };
  }

  VirtualClock clock_;
  std::vector<int> order_;
  Timers timers_{clock_, "timers"};
};

TEST_F(TimersTest, DueInTheOrderOfTheirTimesAndThenOfArming) {
  Gate end;
  Alarm a(noting(1)), b(noting(2)), c(noting(3)), d(noting(4, &end)), later(noting(5));
  const int64_t second = in_ms(20);
  ASSERT_TRUE(timers_.arm(later, in_ms(1'000)).ok());
  ASSERT_TRUE(timers_.arm(d, in_ms(30)).ok());
  ASSERT_TRUE(timers_.arm(b, second).ok());
  ASSERT_TRUE(timers_.arm(c, second).ok());
  ASSERT_TRUE(timers_.arm(a, in_ms(10)).ok());
  clock_.advance_ms(40);
  end.pass();
  timers_.stop();
  EXPECT_THAT(order_, ElementsAre(1, 2, 3, 4));
}

TEST_F(TimersTest, ManyInAnyOrder) {
  constexpr int kMany = 200;
  Gate end;
  std::vector<std::unique_ptr<Alarm>> alarms;
  const int64_t begin = in_ms(1);
  for (int i = 0; i < kMany; ++i) {
    const int number = (i * 73) % kMany;
    alarms.push_back(std::make_unique<Alarm>(noting(number, number == kMany - 1 ? &end : nullptr)));
    ASSERT_TRUE(timers_.arm(*alarms.back(), begin + number).ok());
  }
  // Some of them from the middle of the heap and back again.
  for (size_t i = 0; i < kMany; i += 3) {
    EXPECT_TRUE(timers_.cancel(*alarms[i]));
    ASSERT_TRUE(timers_.arm(*alarms[i], begin + static_cast<int64_t>(i * 73) % kMany).ok());
  }
  clock_.advance_ms(10);
  end.pass();
  timers_.stop();
  ASSERT_EQ(order_.size(), static_cast<size_t>(kMany));
  for (int i = 0; i < kMany; ++i) EXPECT_EQ(order_[static_cast<size_t>(i)], i);
}

TEST_F(TimersTest, ArmedAgainItHasTheNewTimeOnly) {
  Gate end;
  Alarm moved(noting(1, &end)), other(noting(2));
  ASSERT_TRUE(timers_.arm(moved, in_ms(10)).ok());
  ASSERT_TRUE(timers_.arm(other, in_ms(20)).ok());
  ASSERT_TRUE(timers_.arm(moved, in_ms(30)).ok());
  clock_.advance_ms(50);
  end.pass();
  timers_.stop();
  EXPECT_THAT(order_, ElementsAre(2, 1));
}

TEST_F(TimersTest, ACancelledOneIsNotDue) {
  Gate end;
  Alarm cancelled(noting(1)), last(noting(2, &end));
  ASSERT_TRUE(timers_.arm(cancelled, in_ms(10)).ok());
  ASSERT_TRUE(timers_.arm(last, in_ms(20)).ok());
  EXPECT_TRUE(timers_.cancel(cancelled));
  EXPECT_FALSE(timers_.cancel(cancelled));
  clock_.advance_ms(30);
  end.pass();
  EXPECT_FALSE(timers_.cancel(last));
  EXPECT_THAT(order_, ElementsAre(2));
}

TEST_F(TimersTest, CancelWaitsForOneThatRunsAndItIsNotArmedAgain) {
  Gate begun, end;
  int32_t armed_again = CACHECHAIN_OK;
  bool ended = false;
  Alarm periodic([&] {
    begun.open();
    end.pass();
    armed_again = timers_.arm(periodic, in_ms(1)).code();
    ended = true;
  });
  ASSERT_TRUE(timers_.arm(periodic, in_ms(0)).ok());
  begun.pass();
  std::thread cancelling([&] {
    (void)timers_.cancel(periodic);
    EXPECT_TRUE(ended);
  });
  // The canceller is there when the timer cannot be armed any more.
  while (timers_.arm(periodic, in_ms(1'000'000)).code() != CACHECHAIN_CANCELLED) std::this_thread::yield();
  end.open();
  cancelling.join();
  EXPECT_EQ(armed_again, CACHECHAIN_CANCELLED);
  EXPECT_FALSE(timers_.cancel(periodic));
}

TEST_F(TimersTest, APeriodicOneArmsItself) {
  Gate end;
  int times = 0;
  Alarm periodic([&] {
    if (++times == 3) {
      EXPECT_FALSE(timers_.cancel(periodic));  // its own cancel does not wait for itself
      end.open();
    } else {
      EXPECT_TRUE(timers_.arm(periodic, in_ms(10)).ok());
      clock_.advance_ms(10);
    }
  });
  ASSERT_TRUE(timers_.arm(periodic, in_ms(10)).ok());
  clock_.advance_ms(10);
  end.pass();
  timers_.stop();
  EXPECT_EQ(times, 3);
}

TEST_F(TimersTest, StopForgetsWhatIsArmed) {
  Alarm never(noting(1));
  ASSERT_TRUE(timers_.arm(never, in_ms(10)).ok());
  timers_.stop();
  clock_.advance_ms(20);
  timers_.stop();
  EXPECT_EQ(timers_.arm(never, in_ms(0)).code(), CACHECHAIN_CLOSED);
  EXPECT_FALSE(timers_.cancel(never));
  EXPECT_TRUE(order_.empty());
}

TEST_F(TimersTest, StopWaitsForOneThatRuns) {
  Gate begun, end;
  bool ended = false;
  Alarm running([&] {
    begun.open();
    end.pass();
    ended = true;
  });
  ASSERT_TRUE(timers_.arm(running, in_ms(0)).ok());
  begun.pass();
  std::thread opening([&] { end.open(); });
  timers_.stop();
  EXPECT_TRUE(ended);
  opening.join();
}

TEST_F(TimersTest, WithoutAThreadItIsNotArmed) {
  FewThreads none(0);
  Timers timers(clock_, "timers", none);
  Alarm alarm(noting(1));
  EXPECT_EQ(timers.arm(alarm, in_ms(0)).code(), CACHECHAIN_OVERLOADED);
  EXPECT_FALSE(timers.cancel(alarm));
}

TEST_F(TimersTest, ForkChildIsRefusedAndJoinsNobody) {
  auto timers = std::make_unique<Timers>(clock_, "timers");
  Alarm alarm(noting(1));
  ASSERT_TRUE(timers->arm(alarm, in_ms(1'000)).ok());
  EXPECT_EQ(in_child([&] {
              const bool refused = timers->arm(alarm, in_ms(0)).code() == CACHECHAIN_FORKED && !timers->cancel(alarm);
              timers.reset();
              return refused ? 0 : 1;
            }),
            0);
  EXPECT_TRUE(timers->cancel(alarm));
}

}  // namespace
}  // namespace cachechain
