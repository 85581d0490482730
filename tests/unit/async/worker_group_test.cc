// Groups and strands: order, the number of threads, and that each task learns its end exactly once.
#include "async/worker_group.h"

#include <gmock/gmock.h>
#include <signal.h>

#include <atomic>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "async/strand.h"
#include "unit/async/gate.h"

namespace cachechain {
namespace {

using ::testing::ElementsAre;

struct Work final : Task {
  explicit Work(std::function<void()> what = [] {}) : body(std::move(what)) {}
  void run() noexcept override {
    body();
    ++ran;
  }
  void drop() noexcept override { ++dropped; }
  std::function<void()> body;
  std::atomic<int> ran{0};
  std::atomic<int> dropped{0};
};

TEST(WorkerGroupTest, HasNoThreadBeforeItsFirstTask) {
  WorkerGroup group("test", 2);
  EXPECT_EQ(group.threads(), 0U);
  Gate ran;
  Work work([&] { ran.open(); });
  ASSERT_TRUE(group.run(work).ok());
  ran.pass();
  EXPECT_EQ(group.threads(), 1U);
  group.stop();
  EXPECT_EQ(work.ran, 1);
  EXPECT_EQ(work.dropped, 0);
}

TEST(WorkerGroupTest, RunsAsManyAtOnceAsItHasThreadsAndNoMore) {
  WorkerGroup group("test", 2);
  Gate both, end;
  std::atomic<int> at_once{0}, most{0};
  std::deque<Work> works;
  for (int i = 0; i < 8; ++i) {
    works.emplace_back([&] {
      const int now = ++at_once;
      int seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
      if (now == 2) both.open();
      end.pass();
      --at_once;
    });
    ASSERT_TRUE(group.run(works.back()).ok());
  }
  both.pass();
  end.open();
  for (Work &work : works) {
    while (work.ran == 0) std::this_thread::yield();
  }
  EXPECT_EQ(most, 2);
  EXPECT_EQ(group.threads(), 2U);
}

TEST(WorkerGroupTest, OneThreadKeepsTheOrder) {
  WorkerGroup group("test", 1);
  std::vector<int> order;
  std::deque<Work> works;
  Gate end;
  for (int i = 0; i < 100; ++i) {
    works.emplace_back([&, i] {
      order.push_back(i);
      if (i == 99) end.open();
    });
    ASSERT_TRUE(group.run(works.back()).ok());
  }
  end.pass();
  group.stop();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(WorkerGroupTest, ThreadsHaveTheNameAndBlockSignals) {
  WorkerGroup group("a long name that is cut", 1);
  Gate named, ran;
  char name[16] = {};
  sigset_t blocked;
  Work work([&] {
    named.pass();
    pthread_getname_np(pthread_self(), name, sizeof(name));
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    ran.open();
  });
  ASSERT_TRUE(group.run(work).ok());
  named.open();
  ran.pass();
  EXPECT_STREQ(name, "a long name tha");
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 1);
  EXPECT_EQ(sigismember(&blocked, SIGPROF), 1);
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0);
}

TEST(WorkerGroupTest, StopWaitsForWhatRunsAndDropsTheRest) {
  WorkerGroup group("test", 1);
  Gate begun, end;
  Work running([&] {
    begun.open();
    end.pass();
  });
  Work waiting, late;
  ASSERT_TRUE(group.run(running).ok());
  begun.pass();
  ASSERT_TRUE(group.run(waiting).ok());
  std::thread stopping([&] { group.stop(); });
  while (waiting.dropped == 0) std::this_thread::yield();
  EXPECT_EQ(running.ran, 0);
  EXPECT_EQ(group.run(late).code(), CACHECHAIN_CLOSED);
  end.open();
  group.stop();
  EXPECT_EQ(running.ran, 1);
  EXPECT_EQ(waiting.ran, 0);
  EXPECT_EQ(waiting.dropped, 1);
  EXPECT_EQ(late.ran + late.dropped, 0);
  stopping.join();
}

TEST(WorkerGroupTest, ShutDropsTheRestAndWaitsForNobody) {
  WorkerGroup group("test", 1);
  Gate begun, end;
  Work running([&] {
    begun.open();
    end.pass();
  });
  Work waiting, late;
  ASSERT_TRUE(group.run(running).ok());
  begun.pass();
  ASSERT_TRUE(group.run(waiting).ok());
  group.shut();
  group.shut();
  EXPECT_EQ(running.ran, 0);
  EXPECT_EQ(waiting.dropped, 1);
  EXPECT_EQ(group.run(late).code(), CACHECHAIN_CLOSED);
  end.open();
  group.stop();
  EXPECT_EQ(running.ran, 1);
  EXPECT_EQ(waiting.ran + late.ran + late.dropped, 0);
}

TEST(WorkerGroupTest, WithoutAThreadATaskIsRefused) {
  FewThreads none(0);
  WorkerGroup group("test", 2, none);
  Work work;
  const Status status = group.run(work);
  EXPECT_EQ(status.code(), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(status.message(), "none left");
  group.stop();
  EXPECT_EQ(work.ran + work.dropped, 0);
}

TEST(WorkerGroupTest, WithOneThreadOfTwoEveryTaskRuns) {
  FewThreads one(1);
  WorkerGroup group("test", 2, one);
  std::deque<Work> works(20);
  for (Work &work : works) ASSERT_TRUE(group.run(work).ok());
  for (Work &work : works) {
    while (work.ran == 0) std::this_thread::yield();
  }
  EXPECT_EQ(group.threads(), 1U);
}

TEST(WorkerGroupTest, EachTaskLearnsItsEndOnceWhileManyComeAndItStops) {
  for (int round = 0; round < 20; ++round) {
    WorkerGroup group("test", 3);
    std::deque<Strand> strands;
    for (int i = 0; i < 2; ++i) strands.emplace_back(group);
    std::deque<Work> works(300);
    std::vector<uint8_t> accepted(works.size());
    std::vector<std::thread> posting;
    for (size_t t = 0; t < 3; ++t) {
      posting.emplace_back([&, t] {
        for (size_t i = t; i < works.size(); i += 3) {
          accepted[i] = (t == 2 ? group.run(works[i]) : strands[t].run(works[i])).ok();
        }
      });
    }
    while (works[static_cast<size_t>(round)].ran == 0) std::this_thread::yield();
    group.stop();
    for (std::thread &thread : posting) thread.join();
    for (size_t i = 0; i < works.size(); ++i) EXPECT_EQ(works[i].ran + works[i].dropped, accepted[i]) << i;
  }
}

TEST(WorkerGroupTest, ForkChildIsRefusedAndJoinsNobody) {
  auto group = std::make_unique<WorkerGroup>("test", 1);
  Gate begun, end;
  Work work([&] {
    begun.open();
    end.pass();
  });
  ASSERT_TRUE(group->run(work).ok());
  begun.pass();
  EXPECT_EQ(in_child([&] {
              Work late;
              const bool refused = group->run(late).code() == CACHECHAIN_FORKED;
              group->stop();
              group.reset();
              return refused ? 0 : 1;
            }),
            0);
  end.open();
  group->stop();
  EXPECT_EQ(work.ran, 1);
}

TEST(StrandTest, TasksRunInOrderAndNeverTwoAtOnce) {
  WorkerGroup group("test", 3);
  Strand strand(group);
  std::deque<Work> works;
  int last = -1;  // guarded by the strand alone
  for (int i = 0; i < 500; ++i) {
    works.emplace_back([&, i] {
      EXPECT_EQ(last, i - 1);
      last = i;
    });
  }
  for (Work &work : works) ASSERT_TRUE(strand.run(work).ok());
  while (!strand.idle()) std::this_thread::yield();
  EXPECT_EQ(works.back().ran, 1);
  EXPECT_EQ(last, 499);
}

TEST(StrandTest, OthersOfTheGroupGetTheirTurnBetweenTwoTasks) {
  WorkerGroup group("test", 1);
  Strand strand(group);
  std::vector<int> order;
  Gate begin, end;
  Work blocking([&] { begin.pass(); });
  Work first([&] { order.push_back(1); }), other([&] { order.push_back(2); });
  Work second([&] {
    order.push_back(3);
    end.open();
  });
  ASSERT_TRUE(group.run(blocking).ok());
  ASSERT_TRUE(strand.run(first).ok());
  ASSERT_TRUE(strand.run(second).ok());
  ASSERT_TRUE(group.run(other).ok());
  begin.open();
  end.pass();
  group.stop();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(StrandTest, AStoppedGroupDropsWhatWaits) {
  WorkerGroup group("test", 1);
  Strand strand(group);
  Gate begun, end;
  Work running([&] {
    begun.open();
    end.pass();
  });
  Work waiting, late;
  ASSERT_TRUE(strand.run(running).ok());
  ASSERT_TRUE(strand.run(waiting).ok());
  begun.pass();
  // Stopped while the strand itself is the task that runs: it learns of it when it wants its next turn.
  std::thread stopping([&] { group.stop(); });
  Work probe;
  while (group.run(probe).ok()) {
    while (probe.ran + probe.dropped == 0) std::this_thread::yield();
    probe.ran = probe.dropped = 0;
  }
  end.open();
  stopping.join();
  EXPECT_EQ(running.ran, 1);
  EXPECT_EQ(waiting.dropped, 1);
  EXPECT_TRUE(strand.idle());
  EXPECT_EQ(strand.run(late).code(), CACHECHAIN_CLOSED);
}

TEST(StrandTest, ARefusedTaskLearnsNothingAndTheNextIsTriedAgain) {
  FewThreads none(0);
  WorkerGroup group("test", 1, none);
  Strand strand(group);
  Work work;
  EXPECT_EQ(strand.run(work).code(), CACHECHAIN_OVERLOADED);
  EXPECT_TRUE(strand.idle());
  EXPECT_EQ(strand.run(work).code(), CACHECHAIN_OVERLOADED);
  group.stop();
  EXPECT_EQ(work.ran + work.dropped, 0);
}

}  // namespace
}  // namespace cachechain
