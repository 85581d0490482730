// The completion queue: capacity, order, who is woken, and that whatever an event holds is released exactly once.
#include "async/completion_queue.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/virtual_clock.h"
#include "unit/async/gate.h"

namespace cachechain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::atomic<int> errors_freed{0};

// An event that holds a value and an error; who releases them is counted.
struct Holding {
  cachechain_event event(uint64_t token) {
    cachechain_event one = {};
    one.token = token;
    one.value.owner = this;
    one.value.release = [](void *owner) { ++static_cast<Holding *>(owner)->released; };
    one.error = reinterpret_cast<cachechain_error *>(this);
    ++made;
    return one;
  }
  bool all_released() const { return released == made; }
  std::atomic<int> made{0};
  std::atomic<int> released{0};
};

cachechain_event event(uint64_t token) {
  cachechain_event one = {};
  one.token = token;
  return one;
}

struct Free {
  void operator()(CompletionQueue *queue) const { queue->free(); }
};
using Queue = std::unique_ptr<CompletionQueue, Free>;

class CompletionQueueTest : public ::testing::Test {
 protected:
  Queue open(uint64_t capacity, Clock &clock = Clock::system()) {
    errors_freed = 0;
    CompletionQueue::Options options;
    options.capacity = capacity;
    options.log_lines = 4;
    options.clock = &clock;
    options.free_error = [](cachechain_error *) { ++errors_freed; };
    return Queue(CompletionQueue::open(options).value());
  }
  static std::vector<uint64_t> take(CompletionQueue &queue, uint64_t cap = 16, int64_t timeout_ns = 0) {
    std::vector<cachechain_event> events(cap);
    uint64_t count = 99;
    EXPECT_EQ(queue.wait(timeout_ns, events.data(), cap, count), CACHECHAIN_OK);
    std::vector<uint64_t> tokens;
    for (uint64_t i = 0; i < count; ++i) tokens.push_back(events[i].token);
    return tokens;
  }
};

TEST_F(CompletionQueueTest, CapacityIsRefusedOutsideItsBounds) {
  CompletionQueue::Options options;
  EXPECT_EQ(CompletionQueue::open(options).status().code(), CACHECHAIN_INVALID_ARGUMENT);
  options.capacity = CompletionQueue::kMostCapacity + 1;
  EXPECT_EQ(CompletionQueue::open(options).status().code(), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(CompletionQueueTest, EventsComeInTheOrderOfCompletion) {
  const Queue queue = open(4);
  CompletionQueue::Slot first, second;
  ASSERT_EQ(queue->reserve(first), CACHECHAIN_OK);
  ASSERT_EQ(queue->reserve(second), CACHECHAIN_OK);
  EXPECT_THAT(take(*queue), IsEmpty());
  second.complete(event(2));
  ASSERT_EQ(queue->post(event(3)), CACHECHAIN_OK);
  first.complete(event(1));
  EXPECT_FALSE(first.held());
  EXPECT_THAT(take(*queue, 2), ElementsAre(2, 3));
  EXPECT_THAT(take(*queue, 2), ElementsAre(1));
}

TEST_F(CompletionQueueTest, CapacityCountsCallsUnderWayAndEventsNotTaken) {
  const Queue queue = open(3);
  CompletionQueue::Slot first, second, third;
  ASSERT_EQ(queue->reserve(first), CACHECHAIN_OK);
  ASSERT_EQ(queue->reserve(second), CACHECHAIN_OK);
  ASSERT_EQ(queue->post(event(3)), CACHECHAIN_OK);
  EXPECT_TRUE(queue->full());
  EXPECT_EQ(queue->reserve(third), CACHECHAIN_QUEUE_FULL);
  EXPECT_FALSE(third.held());
  EXPECT_EQ(queue->post(event(4)), CACHECHAIN_QUEUE_FULL);
  first.complete(event(1));
  EXPECT_TRUE(queue->full());
  EXPECT_THAT(take(*queue, 1), ElementsAre(3));
  EXPECT_FALSE(queue->full());
  ASSERT_EQ(queue->reserve(third), CACHECHAIN_OK);
  EXPECT_TRUE(queue->full());
  third = CompletionQueue::Slot();  // refused in the end: no event
  EXPECT_FALSE(queue->full());
  second.complete(event(2));
  EXPECT_THAT(take(*queue), ElementsAre(1, 2));
}

TEST_F(CompletionQueueTest, TheRingGoesRoundManyTimes) {
  const Queue queue = open(3);
  uint64_t next = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(queue->post(event(i)), CACHECHAIN_OK);
    if (i % 3 != 2) continue;
    EXPECT_THAT(take(*queue, 1), ElementsAre(next));
    EXPECT_THAT(take(*queue), ElementsAre(next + 1, next + 2));
    next += 3;
  }
}

TEST_F(CompletionQueueTest, AnEventArrivesWhole) {
  const Queue queue = open(1);
  cachechain_event sent = event(7);
  sent.status = CACHECHAIN_STALE;
  sent.kind = CACHECHAIN_EVENT_LOAD;
  sent.value.size = 8;
  sent.lease.id = 9;
  sent.write.owed = 10;
  ASSERT_EQ(queue->post(sent), CACHECHAIN_OK);
  cachechain_event got;
  uint64_t count = 0;
  ASSERT_EQ(queue->wait(0, &got, 1, count), CACHECHAIN_OK);
  ASSERT_EQ(count, 1U);
  EXPECT_EQ(got.token, 7U);
  EXPECT_EQ(got.status, CACHECHAIN_STALE);
  EXPECT_EQ(got.kind, CACHECHAIN_EVENT_LOAD);
  EXPECT_EQ(got.value.size, 8U);
  EXPECT_EQ(got.lease.id, 9U);
  EXPECT_EQ(got.write.owed, 10U);
  EXPECT_EQ(queue->wait(0, &got, 0, count), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(CompletionQueueTest, AnEventThatIsAValueHasNothingElse) {
  const Queue queue = open(1);
  cachechain_event full = event(1);
  full.lease.id = 9;
  full.write.owed = 10;
  full.error = reinterpret_cast<cachechain_error *>(&full);
  ASSERT_EQ(queue->post(full), CACHECHAIN_OK);
  cachechain_event got;
  uint64_t count = 0;
  ASSERT_EQ(queue->wait(0, &got, 1, count), CACHECHAIN_OK);
  cachechain_value value = {};
  value.size = 8;
  // Into the same cell.
  ASSERT_EQ(queue->post(ValueEvent{7, CACHECHAIN_STALE, CACHECHAIN_EVENT_GET, value}), CACHECHAIN_OK);
  ASSERT_EQ(queue->wait(0, &got, 1, count), CACHECHAIN_OK);
  EXPECT_EQ(got.token, 7U);
  EXPECT_EQ(got.status, CACHECHAIN_STALE);
  EXPECT_EQ(got.kind, uint32_t{CACHECHAIN_EVENT_GET});
  EXPECT_EQ(got.value.size, 8U);
  EXPECT_EQ(got.lease.id, 0U);
  EXPECT_EQ(got.write.owed, 0U);
  EXPECT_EQ(got.error, nullptr);
}

TEST_F(CompletionQueueTest, AWaitEndsAtItsTimeOut) {
  VirtualClock clock;
  const Queue queue = open(1, clock);
  const int64_t begin_ns = clock.mono_ns();
  std::thread waiter([&] { EXPECT_THAT(take(*queue, 1, 500'000'000), IsEmpty()); });
  while (queue->waiting() == 0) std::this_thread::yield();
  // The waiter may have read the clock after the first turn: it is turned until he has gone.
  while (queue->waiting() != 0) {
    clock.advance_ms(100);
    std::this_thread::yield();
  }
  waiter.join();
  EXPECT_GE(clock.mono_ns() - begin_ns, 500'000'000);
  EXPECT_THAT(take(*queue, 1, -1), IsEmpty());
}

TEST_F(CompletionQueueTest, TheDescriptorIsReadableWhileEventsWait) {
  const Queue queue = open(4);
  const int fd = queue->fd();
  ASSERT_GE(fd, 0);
  EXPECT_EQ(queue->fd(), fd);
  for (int round = 0; round < 3; ++round) {
    EXPECT_FALSE(readable(fd));
    ASSERT_EQ(queue->post(event(1)), CACHECHAIN_OK);
    EXPECT_TRUE(readable(fd));
    ASSERT_EQ(queue->post(event(2)), CACHECHAIN_OK);
    EXPECT_THAT(take(*queue, 1), ElementsAre(1));
    EXPECT_TRUE(readable(fd));
    EXPECT_THAT(take(*queue, 1), ElementsAre(2));
  }
  EXPECT_FALSE(readable(fd));
}

TEST_F(CompletionQueueTest, ADescriptorMadeLateTellsOfWhatWaits) {
  const Queue queue = open(4);
  ASSERT_EQ(queue->post(event(1)), CACHECHAIN_OK);
  const int fd = queue->fd();
  EXPECT_TRUE(readable(fd));
  EXPECT_THAT(take(*queue), ElementsAre(1));
  EXPECT_FALSE(readable(fd));
  ASSERT_EQ(queue->post(event(2)), CACHECHAIN_OK);
  EXPECT_TRUE(readable(fd));
}

TEST_F(CompletionQueueTest, StatesAndLinesCountAgainstNothingAndAreToldOf) {
  Holding holding;
  const int chain = 0;
  {
    const Queue queue = open(1);
    ASSERT_TRUE(queue->add_source(&chain, 2).ok());
    const int fd = queue->fd();
    ASSERT_EQ(queue->post(event(1)), CACHECHAIN_OK);
    queue->post_log(event(0));
    queue->post_layer(&chain, 1, holding.event(20));
    queue->post_layer(&chain, 1, holding.event(21));
    EXPECT_EQ(holding.released, 1);
    EXPECT_EQ(queue->post(event(2)), CACHECHAIN_QUEUE_FULL);
    EXPECT_THAT(take(*queue, 1), ElementsAre(21));
    holding.released++;  // taken: the receiver's
    EXPECT_THAT(take(*queue, 1), ElementsAre(1));
    EXPECT_TRUE(readable(fd));
    EXPECT_THAT(take(*queue, 1), ElementsAre(0));
    EXPECT_FALSE(readable(fd));
    for (int i = 0; i < 6; ++i) queue->post_log(holding.event(0));
    EXPECT_EQ(queue->logs_lost(), 2U);
    queue->post_layer(&chain, 0, holding.event(22));
    queue->remove_source(&chain);
    EXPECT_TRUE(readable(fd));
    queue->post_layer(&chain, 0, holding.event(23));
    EXPECT_THAT(take(*queue, 1), ElementsAre(2));  // lines lost before this one
    holding.released++;
  }
  EXPECT_TRUE(holding.all_released());
}

TEST_F(CompletionQueueTest, TheLastStateOfARemovedChainLeavesTheDescriptorQuiet) {
  const int chain = 0;
  const Queue queue = open(1);
  ASSERT_TRUE(queue->add_source(&chain, 1).ok());
  const int fd = queue->fd();
  queue->post_layer(&chain, 0, event(1));
  EXPECT_TRUE(readable(fd));
  queue->remove_source(&chain);
  EXPECT_FALSE(readable(fd));
}

TEST_F(CompletionQueueTest, AStateWakesWhoWaits) {
  const int chain = 0;
  const Queue queue = open(1);
  ASSERT_TRUE(queue->add_source(&chain, 1).ok());
  std::thread waiter([&] { EXPECT_THAT(take(*queue, 1, CACHECHAIN_TIMEOUT_NONE), ElementsAre(5)); });
  queue->post_layer(&chain, 0, event(5));
  waiter.join();
}

// Several producers, and three kinds of consumers at once: one that waits, one that polls the descriptor, one that just
// looks again and again. A lost wake-up is a test that does not end.
TEST_F(CompletionQueueTest, EveryEventReachesOneConsumerInItsProducersOrder) {
  constexpr uint64_t kProducers = 3;
  constexpr uint64_t kEach = 5'000;
  for (const bool with_fd : {false, true}) {
    const Queue queue = open(64);
    ASSERT_TRUE(!with_fd || queue->fd() >= 0);
    std::atomic<uint64_t> left{kProducers * kEach};
    std::vector<std::atomic<int>> seen(kProducers * kEach);
    const auto note = [&](const cachechain_event *events, uint64_t count) {
      uint64_t last[kProducers] = {};
      for (uint64_t i = 0; i < count; ++i) {
        const uint64_t token = events[i].token;
        if (token == UINT64_MAX) continue;
        EXPECT_GE(token % kEach + 1, last[token / kEach]);
        last[token / kEach] = token % kEach + 1;
        ++seen[token];
        --left;
      }
    };
    std::vector<std::thread> consumers;
    const auto consumer = [&](int64_t timeout_ns, uint64_t cap, bool polls) {
      consumers.emplace_back([&, timeout_ns, cap, polls] {
        cachechain_event events[16];
        while (left != 0) {
          if (polls) {
            pollfd one{queue->fd(), POLLIN, 0};
            poll(&one, 1, -1);
          }
          uint64_t count = 0;
          ASSERT_EQ(queue->wait(timeout_ns, events, cap, count), CACHECHAIN_OK);
          note(events, count);
        }
      });
    };
    consumer(CACHECHAIN_TIMEOUT_NONE, 16, false);
    consumer(CACHECHAIN_TIMEOUT_NONE, 1, false);
    if (with_fd) {
      consumer(0, 5, true);
      consumer(0, 3, false);
    }
    std::vector<std::thread> producers;
    for (uint64_t p = 0; p < kProducers; ++p) {
      producers.emplace_back([&, p] {
        for (uint64_t i = 0; i < kEach; ++i) {
          const cachechain_event one = event(p * kEach + i);
          if (i % 2 == 0) {
            while (queue->post(one) != CACHECHAIN_OK) std::this_thread::yield();
          } else {
            CompletionQueue::Slot slot;
            while (queue->reserve(slot) != CACHECHAIN_OK) std::this_thread::yield();
            slot.complete(one);
          }
          // Lets the consumers drain and fall asleep.
          if (i % 64 == 0) std::this_thread::yield();
        }
      });
    }
    for (std::thread &producer : producers) producer.join();
    while (left != 0) std::this_thread::yield();
    // Those asleep now learn of the end by an event of their own.
    std::atomic<bool> ended{false};
    std::thread ending([&] {
      while (!ended) {
        (void)queue->post(event(UINT64_MAX));
        std::this_thread::yield();
      }
    });
    for (std::thread &one : consumers) one.join();
    ended = true;
    ending.join();
    for (const std::atomic<int> &times : seen) ASSERT_EQ(times, 1);
  }
}

// Strictly one event at a time, there and back: each one ends an emptiness, so each wake-up counts.
TEST_F(CompletionQueueTest, NoWakeUpIsLostWhenEachEventEndsAnEmptiness) {
  for (const bool polls : {false, true}) {
    const Queue there = open(1), back = open(1);
    const auto receive = [polls](CompletionQueue &queue) {
      if (!polls) return take(queue, 1, CACHECHAIN_TIMEOUT_NONE);
      for (;;) {
        pollfd one{queue.fd(), POLLIN, 0};
        poll(&one, 1, -1);
        if (const std::vector<uint64_t> got = take(queue, 1); !got.empty()) return got;
      }
    };
    constexpr uint64_t kTimes = 3'000;
    std::thread echo([&] {
      for (uint64_t i = 0; i < kTimes; ++i) {
        const std::vector<uint64_t> got = receive(*there);
        ASSERT_EQ(back->post(event(got.front())), CACHECHAIN_OK);
      }
    });
    for (uint64_t i = 0; i < kTimes; ++i) {
      ASSERT_EQ(there->post(event(i)), CACHECHAIN_OK);
      EXPECT_THAT(receive(*back), ElementsAre(i));
    }
    echo.join();
  }
}

TEST_F(CompletionQueueTest, FreeReleasesWhatNobodyTook) {
  Holding holding;
  {
    const Queue queue = open(32);
    for (uint64_t i = 0; i < 20; ++i) ASSERT_EQ(queue->post(holding.event(i)), CACHECHAIN_OK);
    queue->post_log(holding.event(0));
    cachechain_event taken;
    uint64_t count = 0;
    ASSERT_EQ(queue->wait(0, &taken, 1, count), CACHECHAIN_OK);
    EXPECT_EQ(holding.released, 0);
    taken.value.release(taken.value.owner);
  }
  EXPECT_TRUE(holding.all_released());
  EXPECT_EQ(errors_freed, 20);
}

TEST_F(CompletionQueueTest, FreeCancelsTheCallsUnderWayAndWaitsForThem) {
  for (int round = 0; round < 30; ++round) {
    Holding holding;
    std::vector<std::thread> calls;
    {
      const Queue queue = open(8);
      for (uint64_t i = 0; i < 5; ++i) {
        CompletionQueue::Slot slot;
        ASSERT_EQ(queue->reserve(slot), CACHECHAIN_OK);
        CancelRef cancel = CancelToken::create_under(&queue->cancel(), nullptr);
        calls.emplace_back([&holding, i, taken = std::move(slot), mine = std::move(cancel)]() mutable {
          std::mutex mutex;
          Condition condition;
          {
            const WakeOnCancel wake(mine.get(), mutex, condition);
            std::unique_lock<std::mutex> lock(mutex);
            while (!mine->cancelled()) condition.wait(lock);
          }
          // One of them ends without an event.
          if (i == 0) {
            taken = CompletionQueue::Slot();
          } else {
            taken.complete(holding.event(i));
          }
        });
      }
    }
    EXPECT_EQ(holding.made, 4);
    EXPECT_TRUE(holding.all_released());
    for (std::thread &call : calls) call.join();
  }
}

TEST_F(CompletionQueueTest, FreeEndsEveryWait) {
  Queue queue = open(1);
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([q = queue.get()] {
      cachechain_event one;
      uint64_t count = 99;
      EXPECT_EQ(q->wait(CACHECHAIN_TIMEOUT_NONE, &one, 1, count), CACHECHAIN_CLOSED);
      EXPECT_EQ(count, 0U);
    });
  }
  while (queue->waiting() != 3) std::this_thread::yield();
  queue.reset();
  for (std::thread &waiter : waiters) waiter.join();
}

TEST_F(CompletionQueueTest, ForkChildIsRefusedAndLeaks) {
  Queue queue = open(4);
  CompletionQueue::Slot slot;
  ASSERT_EQ(queue->reserve(slot), CACHECHAIN_OK);
  const int fd = queue->fd();
  std::thread waiter([q = queue.get()] { EXPECT_THAT(take(*q, 1, CACHECHAIN_TIMEOUT_NONE), ElementsAre(1)); });
  while (queue->waiting() != 1) std::this_thread::yield();
  EXPECT_EQ(in_child([&] {
              cachechain_event one = event(1);
              uint64_t count = 0;
              CompletionQueue::Slot another;
              int failed = 0;
              if (queue->post(one) != CACHECHAIN_FORKED) failed |= 1;
              if (queue->reserve(another) != CACHECHAIN_FORKED) failed |= 2;
              if (queue->wait(CACHECHAIN_TIMEOUT_NONE, &one, 1, count) != CACHECHAIN_FORKED) failed |= 4;
              if (queue->fd() != CACHECHAIN_FORKED) failed |= 8;
              queue->post_log(one);
              slot.complete(one);
              queue.reset();
              return failed;
            }),
            0);
  EXPECT_FALSE(readable(fd));
  slot.complete(event(1));
  waiter.join();
}

}  // namespace
}  // namespace cachechain
