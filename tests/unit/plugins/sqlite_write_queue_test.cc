// WriteQueue over a transaction that a test scripts: who shares a commit, who may leave when, and who pays for whose
// failure.
#include <algorithm>
#include <functional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "sql/common/write_queue.h"
#include "sqlite_test_support.h"

namespace cachechain::sql {
namespace {

using sqlite::TestCall;
using sqlite::TestHost;

class ScriptedTransaction final : public WriteQueue::Transaction {
 public:
  std::function<Failure()> on_begin = [] { return Failure(); };
  std::function<Failure()> on_commit = [] { return Failure(); };
  bool open = false;
  std::vector<std::string> log;

  Failure begin(const plugin::Call &) override {
    log.push_back("begin");
    const Failure failure = on_begin();
    open = !failure;
    return failure;
  }
  Failure commit(const plugin::Call &) override {
    log.push_back("commit");
    open = false;
    return on_commit();
  }
  bool alive() const override { return open; }
  void tidy(const plugin::Call &) override { log.push_back("tidy"); }
};

class ScriptedJob final : public WriteQueue::Job {
 public:
  explicit ScriptedJob(std::function<Failure()> body, Company company = Company::kShared)
      : Job(company, 100), body_(std::move(body)) {}
  Failure run() override { return body_(); }

 private:
  std::function<Failure()> body_;
};

Failure failed(int32_t status) { return Failure(status, 1, false, "scripted"); }

class SqliteWriteQueueTest : public testing::Test {
 protected:
  plugin::Call call_of(const TestCall &call) const { return plugin::Call(plugin::Host(host_.raw()), call.raw()); }
  Failure submit(WriteQueue::Job &job, int64_t deadline_ns = 0) {
    const TestCall call(deadline_ns);
    return queue_.submit(job, call_of(call));
  }
  Failure submit(std::function<Failure()> body) {
    ScriptedJob job(std::move(body));
    return submit(job);
  }
  void wait_for_waiting(uint64_t count) const {
    while (queue_.counts().waiting < count) std::this_thread::yield();
  }

  TestHost host_;
  ScriptedTransaction transaction_;
  WriteQueue queue_{transaction_};
};

TEST_F(SqliteWriteQueueTest, OneJobIsOneTransaction) {
  EXPECT_FALSE(submit([&] {
    transaction_.log.push_back("run");
    return Failure();
  }));
  EXPECT_EQ(transaction_.log, (std::vector<std::string>{"begin", "run", "commit", "tidy"}));
}

TEST_F(SqliteWriteQueueTest, AJobAloneHasNoTransaction) {
  ScriptedJob job([] { return failed(CACHECHAIN_TIMEOUT); }, WriteQueue::Job::Company::kAlone);
  EXPECT_EQ(submit(job).status(), CACHECHAIN_TIMEOUT);
  EXPECT_TRUE(transaction_.log.empty());
}

TEST_F(SqliteWriteQueueTest, AFailedCommitFailsAllOfTheBatch) {
  transaction_.on_commit = [] { return failed(CACHECHAIN_OVERLOADED); };
  EXPECT_EQ(submit([] { return Failure(); }).status(), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(queue_.counts().commits, 0u);
}

// A leader that is held up in its own job, so that others queue up behind it.
class HeldLeader {
 public:
  HeldLeader(WriteQueue &queue, plugin::Call call)
      : thread_([this, &queue, call] {
          ScriptedJob job([this] {
            // Run again after a lost transaction, it is not held a second time.
            if (++runs == 1) {
              runs_.release();
              go_.acquire();
            }
            return Failure();
          });
          outcome = queue.submit(job, call);
        }) {
    runs_.acquire();
  }
  void go() {
    go_.release();
    thread_.join();
  }

  Failure outcome;
  int runs = 0;

 private:
  std::binary_semaphore runs_{0}, go_{0};
  std::thread thread_;
};

TEST_F(SqliteWriteQueueTest, AJobThatFailsDoesNotFailItsNeighbours) {
  const TestCall call;
  HeldLeader leader(queue_, call_of(call));
  std::vector<std::thread> others;
  for (int i = 0; i < 6; ++i) {
    others.emplace_back([&, i] {
      const Failure failure = submit([i] { return i == 3 ? failed(CACHECHAIN_VALUE_TOO_LARGE) : Failure(); });
      EXPECT_EQ(failure.status(), i == 3 ? CACHECHAIN_VALUE_TOO_LARGE : CACHECHAIN_OK);
    });
  }
  wait_for_waiting(6);
  leader.go();
  for (std::thread &thread : others) thread.join();
  EXPECT_FALSE(leader.outcome);
  EXPECT_EQ(queue_.counts().commits, 1u);
  EXPECT_EQ(queue_.counts().largest, 7u);
}

TEST_F(SqliteWriteQueueTest, AJobThatTakesTheTransactionDownFailsAlone) {
  const TestCall call;
  HeldLeader leader(queue_, call_of(call));
  std::atomic<int> runs{0};
  std::vector<std::thread> others;
  for (int i = 0; i < 5; ++i) {
    others.emplace_back([&, i] {
      const Failure failure = submit([&, i] {
        ++runs;
        if (i != 2) return Failure();
        transaction_.open = false;
        return failed(CACHECHAIN_NO_MEMORY);
      });
      EXPECT_EQ(failure.status(), i == 2 ? CACHECHAIN_NO_MEMORY : CACHECHAIN_OK);
    });
  }
  wait_for_waiting(5);
  leader.go();
  for (std::thread &thread : others) thread.join();
  EXPECT_FALSE(leader.outcome);
  EXPECT_EQ(leader.runs, 2) << "what was rolled back has to be run again";
  EXPECT_EQ(queue_.counts().commits, 1u);
  EXPECT_EQ(queue_.counts().largest, 5u);
}

TEST_F(SqliteWriteQueueTest, ALeaderThatCannotBeginPassesTheLeadOn) {
  std::binary_semaphore begins(0), go(0);
  int attempts = 0;
  transaction_.on_begin = [&] {
    if (++attempts > 1) return Failure();
    begins.release();
    go.acquire();
    return failed(CACHECHAIN_OVERLOADED);
  };
  std::thread first([&] { EXPECT_EQ(submit([] { return Failure(); }).status(), CACHECHAIN_OVERLOADED); });
  begins.acquire();
  std::thread second([&] { EXPECT_FALSE(submit([] { return Failure(); })); });
  wait_for_waiting(2);
  go.release();
  first.join();
  second.join();
  EXPECT_EQ(queue_.counts().jobs, 1u);
}

TEST_F(SqliteWriteQueueTest, AJobThatWaitsIsTakenBackAtItsDeadline) {
  const TestCall call;
  HeldLeader leader(queue_, call_of(call));
  bool ran = false;
  ScriptedJob late([&] {
    ran = true;
    return Failure();
  });
  EXPECT_EQ(submit(late, host_.now_ns() + 2'000'000).status(), CACHECHAIN_DEADLINE);
  leader.go();
  EXPECT_FALSE(ran);
  EXPECT_EQ(queue_.counts().left_waiting, 1u);
  EXPECT_EQ(queue_.counts().jobs, 1u);
}

TEST_F(SqliteWriteQueueTest, AJobThatWaitsForItsCommitIsLeftWithAnUnknownOutcome) {
  std::binary_semaphore commits(0), go(0);
  transaction_.on_commit = [&] {
    commits.release();
    go.acquire();
    return Failure();
  };
  constexpr int64_t kNow = 1'000'000'000, kSoon = kNow + 1'000'000;
  host_.still_ns = kNow;
  const TestCall call;
  auto leader = std::make_unique<HeldLeader>(queue_, call_of(call));
  std::thread late([&] {
    ScriptedJob job([] { return Failure(); });
    EXPECT_EQ(submit(job, kSoon).status(), CACHECHAIN_UNKNOWN_OUTCOME);
  });
  wait_for_waiting(1);
  std::thread release([&] { leader->go(); });
  commits.acquire();
  host_.still_ns = kSoon;  // the deadline comes while the commit is under way
  late.join();
  go.release();
  release.join();
  EXPECT_FALSE(leader->outcome);
  EXPECT_EQ(queue_.counts().left_unknown, 1u);
}

TEST_F(SqliteWriteQueueTest, AJobAloneWaitsForItsTurnAndJoinsNobody) {
  const TestCall call;
  HeldLeader leader(queue_, call_of(call));
  bool open_then = true;
  std::thread alone([&] {
    ScriptedJob job(
        [&] {
          open_then = transaction_.open;
          return Failure();
        },
        WriteQueue::Job::Company::kAlone);
    EXPECT_FALSE(submit(job));
  });
  wait_for_waiting(1);
  leader.go();
  alone.join();
  EXPECT_FALSE(open_then);
  EXPECT_EQ(queue_.counts().jobs, 1u);
}

// Everything at once, under deadlines that often come: each job that was acknowledged ran in a committed transaction.
TEST_F(SqliteWriteQueueTest, ManyThreadsWithAndWithoutTime) {
  std::atomic<int> acknowledged{0}, unknown{0}, given_up{0};
  int running = 0, committed = 0, in_transaction = 0;
  transaction_.on_begin = [&] {
    in_transaction = 0;
    return Failure();
  };
  transaction_.on_commit = [&] {
    std::this_thread::yield();
    committed += in_transaction;
    return Failure();
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 300; ++i) {
        ScriptedJob job([&] {
          EXPECT_EQ(++running, 1);
          ++in_transaction;
          std::this_thread::yield();
          --running;
          return Failure();
        });
        const int64_t deadline = (i + t) % 3 == 0 ? host_.now_ns() + 1000 * (i % 60) : 0;
        const Failure failure = submit(job, deadline);
        if (!failure) ++acknowledged;
        if (failure.status() == CACHECHAIN_UNKNOWN_OUTCOME) ++unknown;
        if (failure.status() == CACHECHAIN_DEADLINE) ++given_up;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(acknowledged + unknown + given_up, 8 * 300);
  EXPECT_EQ(acknowledged + unknown, committed);
}

}  // namespace
}  // namespace cachechain::sql
