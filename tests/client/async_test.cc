// Coroutines over a Pump: what they are answered, that each is resumed once, and every order of ends.
#include <gtest/gtest.h>

#include <algorithm>
#include <coroutine>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<Async<Lookup>> && std::is_nothrow_move_constructible_v<Async<Lookup>>);
static_assert(std::is_nothrow_move_constructible_v<Pump> && std::is_nothrow_move_constructible_v<Task<int>>);

Pump open_pump(uint64_t capacity = 64) {
  auto pump = Pump::open(capacity);
  EXPECT_TRUE(pump) << pump.error().message();
  return std::move(pump).value();
}

std::string key_of(size_t i) { return "key " + std::to_string(i); }

// What a get came to: the value, or the name of a status.
Task<std::string> text_of(Pump &pump, const Chain &chain, std::string key) {
  const Result<Lookup> found = co_await pump.get(chain, key, {.timeout = kNoTimeout});
  if (!found) co_return std::string(found.error().name());
  co_return found->hit() ? std::string(found->value.view()) : cachechain_status_name(found->outcome);
}

// Answers what `task` came to.
template <class T>
T run(Pump &pump, Task<T> task) {
  const auto told = pump.run();
  EXPECT_TRUE(told) << told.error().message();
  EXPECT_TRUE(task.done());
  return task.get();
}

TEST(Async, AHitAMissASetAndARemove) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  Pump pump = open_pump();
  auto all = [](Pump &p, const Chain &c) -> Task<int> {
    const Result<Lookup> miss = co_await p.get(c, "k");
    EXPECT_TRUE(miss && miss->outcome == CACHECHAIN_MISS);
    const Result<Written> written = co_await p.set(c, "k", "value", {.ttl = 1h});
    EXPECT_TRUE(written && written->done == 3u);
    const Result<Lookup> hit = co_await p.get(c, "k");
    EXPECT_TRUE(hit && hit->hit());
    EXPECT_EQ(hit->value.view(), "value");
    EXPECT_EQ(hit->value.version(), written->version);
    EXPECT_TRUE(co_await p.remove(c, "k"));
    const Result<Lookup> gone = co_await p.get(c, "k");
    EXPECT_FALSE(gone->hit());
    co_return 5;
  };
  EXPECT_EQ(run(pump, all(pump, chain)), 5);
  EXPECT_EQ(pump.under_way(), 0u);
}

TEST(Async, AnErrorIsAnAnswerAndARefusalDoesNotWait) {
  const Chain chain = open_memory();
  Pump pump = open_pump();
  Task<std::string> refused = text_of(pump, chain, "");
  ASSERT_TRUE(refused.done()) << "refused at once";
  EXPECT_EQ(refused.get(), "INVALID_ARGUMENT");
  auto late = [](Pump &p, const Chain &c) -> Task<int32_t> {
    const Result<Lookup> found = co_await p.get(c, "k", {.timeout = -1ns});
    EXPECT_FALSE(found.error().message().empty());
    co_return found.error().status();
  };
  EXPECT_EQ(run(pump, late(pump, chain)), CACHECHAIN_DEADLINE);
}

TEST(Async, TwoCallsOfOneCoroutineAreUnderWayTogether) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("a", "1"));
  ASSERT_TRUE(chain.set("b", "2"));
  Pump pump = open_pump();
  auto both = [](Pump &p, const Chain &c) -> Task<std::string> {
    std::vector<Async<Lookup>> calls;
    for (const char *key : {"a", "b", "none"}) calls.push_back(p.get(c, key));
    EXPECT_EQ(p.under_way(), 3u);
    std::string text;
    for (Async<Lookup> &call : calls) {
      const Result<Lookup> found = co_await call;
      text += found->hit() ? found->value.view() : "-";
    }
    const Result<Lookup> again = co_await calls[0];
    EXPECT_EQ(again.error().status(), CACHECHAIN_INVALID_ARGUMENT) << "each is awaited once";
    co_return text;
  };
  EXPECT_EQ(run(pump, both(pump, chain)), "12-");
}

TEST(Async, WhenTheQueueIsFullThatIsTheAnswerAndTheOthersHaveTheirs) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  Pump pump = open_pump(2);
  std::vector<Task<std::string>> tasks;
  for (int i = 0; i < 5; ++i) tasks.push_back(text_of(pump, chain, "k"));
  EXPECT_EQ(pump.under_way(), 2u);
  ASSERT_TRUE(pump.run());
  std::vector<std::string> texts;
  for (Task<std::string> &task : tasks) texts.push_back(task.get());
  EXPECT_EQ(texts, (std::vector<std::string>{"v", "v", "QUEUE_FULL", "QUEUE_FULL", "QUEUE_FULL"}));
  EXPECT_EQ(run(pump, text_of(pump, chain, "k")), "v");
}

TEST(Async, TenThousandOnOneThread) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  constexpr size_t kCount = 10'000;
  std::vector<std::pair<std::string, std::string>> entries;
  for (size_t i = 0; i < kCount; i += 2) entries.emplace_back(key_of(i), std::to_string(i));
  for (auto at = entries.begin(); at != entries.end();) {
    const auto end = at + std::min<ptrdiff_t>(CACHECHAIN_MAX_BATCH, entries.end() - at);
    ASSERT_TRUE(chain.set_many(std::span(at, end))->ok());
    at = end;
  }
  Pump pump = open_pump(kCount);
  std::vector<Task<std::string>> tasks;
  for (size_t i = 0; i < kCount; ++i) tasks.push_back(text_of(pump, chain, key_of(i)));
  EXPECT_EQ(pump.under_way(), kCount);
  EXPECT_EQ(pump.run().value(), kCount);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_TRUE(tasks[i].done());
    EXPECT_EQ(tasks[i].get(), i % 2 == 0 ? std::to_string(i) : "MISS");
  }
}

TEST(Async, WhatIsCancelledIsResumedOnceAndKnows) {
  const Chain chain = open_memory(R"(, "lease_wait_ms": "1h")");
  const auto first = chain.get_load("k");
  ASSERT_TRUE(first && first->lease);
  const Cancel cancel = Cancel::create().value();
  Pump pump = open_pump();
  auto waits = [](Pump &p, const Chain &c, const Cancel &by) -> Task<std::string> {
    const Result<Leased> found = co_await p.get_load(c, "k", {.timeout = kNoTimeout, .cancel = &by});
    co_return found ? "answered" : std::string(found.error().name());
  };
  Task<std::string> task = waits(pump, chain, cancel);
  EXPECT_EQ(pump.poll(0ns).value(), 0u) << "another loads the key";
  cancel.fire();
  EXPECT_EQ(run(pump, std::move(task)), "CANCELLED");
}

TEST(Async, AClosedChainAnswersEachOnce) {
  const Folder folder;
  std::optional<Chain> chain = open_sqlite(folder);
  Pump pump = open_pump(1000);
  std::vector<Task<std::string>> tasks;
  for (size_t i = 0; i < 1000; ++i) tasks.push_back(text_of(pump, *chain, key_of(i)));
  ASSERT_TRUE(chain->close());
  chain.reset();
  EXPECT_EQ(pump.run().value(), 1000u);
  for (Task<std::string> &task : tasks) {
    ASSERT_TRUE(task.done());
    const std::string text = task.get();
    EXPECT_TRUE(text == "MISS" || text == "CLOSED") << text;
  }
}

TEST(Async, ACoroutineMayGoWhileItWaits) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  ASSERT_TRUE(chain.set("k", "value"));
  Pump pump = open_pump();
  auto guarded = [](Pump &p, const Chain &c, std::shared_ptr<int>, bool &resumed) -> Task<> {
    (void)co_await p.get(c, "k");
    resumed = true;
  };
  const auto witness = std::make_shared<int>(0);
  bool resumed = false;
  {
    const Task<> task = guarded(pump, chain, witness, resumed);
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1) << "what it had has gone with it";
  ASSERT_TRUE(pump.run());
  EXPECT_FALSE(resumed);

  // So may one whose call is somebody else's.
  Async<Lookup> outside = pump.get(chain, "k");
  auto borrows = [](Async<Lookup> &call, bool &went_on) -> Task<> {
    (void)co_await call;
    went_on = true;
  };
  { const Task<> task = borrows(outside, resumed); }
  ASSERT_TRUE(pump.run());
  EXPECT_FALSE(resumed);
  EXPECT_TRUE(outside.ready());

  // A lease that comes for a coroutine that has gone is given to the next.
  { const Async<Leased> forgotten = pump.get_load(chain, "none"); }
  ASSERT_TRUE(pump.run());
  EXPECT_TRUE(chain.get_load("none", {.timeout = kNoTimeout}).value().lease);
  {
    const Async<Leased> not_awaited = pump.get_load(chain, "none");
    ASSERT_TRUE(pump.run());
  }
  EXPECT_TRUE(chain.get_load("none", {.timeout = kNoTimeout}).value().lease);
}

TEST(Async, OneThatIsResumedMayEndAnother) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  Pump pump = open_pump();
  std::deque<Task<>> tasks;
  int resumed = 0;
  auto ends_all = [&](Pump &p, const Chain &c, size_t own) -> Task<> {
    (void)co_await p.get(c, "k");
    ++resumed;
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (i != own) Task<> ended = std::move(tasks[i]);
    }
  };
  for (size_t i = 0; i < 3; ++i) tasks.push_back(ends_all(pump, chain, i));
  EXPECT_EQ(pump.run().value(), 3u);
  EXPECT_EQ(resumed, 1);
}

TEST(Async, ThePumpThatGoesResumesWhoWaits) {
  const Chain chain = open_memory(R"(, "lease_wait_ms": "1h")");
  const auto first = chain.get_load("k");
  ASSERT_TRUE(first && first->lease);
  std::optional<Pump> pump = open_pump();
  auto waits = [](Pump &p, const Chain &c) -> Task<std::string> {
    const Result<Leased> found = co_await p.get_load(c, "k", {.timeout = kNoTimeout});
    const Result<Lookup> after = co_await p.get(c, "k");
    co_return std::string(found ? "answered" : found.error().name()) + " " + std::string(after.error().name());
  };
  Task<std::string> task = waits(*pump, chain);
  Async<Written> forgotten = pump->set(chain, "other", "v");
  pump.reset();
  ASSERT_TRUE(task.done());
  EXPECT_EQ(task.get(), "CLOSED CLOSED");
  EXPECT_TRUE(forgotten.ready()) << "its answer came, or it is told that it never will";
}

// A coroutine of somebody else's, which lets out what it throws.
class Loud {
 public:
  struct promise_type {
    Loud get_return_object() { return Loud(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  explicit Loud(std::coroutine_handle<> coroutine) : coroutine_(coroutine) {}
  Loud(const Loud &) = delete;
  Loud &operator=(const Loud &) = delete;
  ~Loud() { coroutine_.destroy(); }

 private:
  std::coroutine_handle<> coroutine_;
};

TEST(Async, WhatIsThrownOutOfAResumptionLeavesTheOthersTheirTurn) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  Pump pump = open_pump();
  auto throws = [](Pump &p, const Chain &c) -> Loud {
    const Result<Lookup> found = co_await p.get(c, "k");
    if (found) throw std::runtime_error("thrown by a coroutine");
  };
  const Loud loud = throws(pump, chain);
  Task<std::string> other = text_of(pump, chain, "k");
  EXPECT_THROW((void)pump.poll(kNoTimeout), std::runtime_error);
  EXPECT_EQ(run(pump, std::move(other)), "v");
}

TEST(Async, TasksAwaitTasksAndPassOnWhatIsThrown) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  Pump pump = open_pump();
  auto outer = [](Pump &p, const Chain &c) -> Task<std::string> {
    const std::string one = co_await text_of(p, c, "k");
    auto bad = [](Pump &q, const Chain &d) -> Task<> {
      (void)co_await q.get(d, "k");
      throw std::runtime_error("thrown");
    };
    std::string caught;
    try {
      co_await bad(p, c);
    } catch (const std::runtime_error &thrown) {
      caught = thrown.what();
    }
    co_return one + " " + caught;
  };
  EXPECT_EQ(run(pump, outer(pump, chain)), "v thrown");
}

TEST(Async, ADescriptorTellsThatAnswersWait) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  Pump first = open_pump();
  Pump pump = std::move(first);
  EXPECT_GE(pump.fd().value(), 0);
  Task<std::string> task = text_of(pump, chain, "k");
  EXPECT_FALSE(task.done()) << "the answer is there, and is handed out by poll()";
  EXPECT_EQ(pump.poll(0ns).value(), 1u);
  EXPECT_EQ(task.get(), "v");
  pump.close();
  EXPECT_EQ(pump.fd().error().status(), CACHECHAIN_CLOSED);
  EXPECT_EQ(pump.poll(0ns).error().status(), CACHECHAIN_CLOSED);
}

TEST(Async, ALayerThatFailsIsToldToTheWatcher) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  Pump pump = open_pump();
  int told = 0;
  const auto watcher = [&](const Event &event) {
    ++told;
    EXPECT_EQ(event.layer(), 1);
    EXPECT_TRUE(event.failed());
  };
  ASSERT_TRUE(pump.watch(chain, watcher, CACHECHAIN_WATCH_LAYER));
  const Locked locked(folder);
  while (told == 0) {
    {
      const Async<Written> late = pump.set(chain, "k", "v", {.timeout = 20ms});
    }
    ASSERT_TRUE(pump.run());
    ASSERT_TRUE(pump.poll(0ns));
  }
}

}  // namespace
}  // namespace cachechain::client
