// get_or_load: every kind of loader, what it is answered, and who else hears of it.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

// What std::expected looks like.
template <class T, class E>
struct Expected {
  std::optional<T> good;
  E bad = {};
  explicit operator bool() const { return good.has_value(); }
  T &operator*() { return *good; }
  const E &error() const { return bad; }
};

// A chain that grants a lease beside every value.
Chain open_refreshing() { return open_memory(R"(, "refresh_ms": "24h")"); }

TEST(Load, TheLoaderIsCalledOnceAndItsValueIsKept) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    auto found = chain.get_or_load("k", [&] { return "value " + std::to_string(++calls); }, {.ttl = 1h});
    ASSERT_TRUE(found && found->hit()) << found.error().message();
    EXPECT_EQ(found->value.view(), "value 1");
    EXPECT_EQ(found->loaded, i == 0);
    EXPECT_EQ(found->stored, CACHECHAIN_OK);
    EXPECT_EQ(found->value.version(), chain.get("k").value().value.version());
  }
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(chain.get("k").value().value.expires().has_value());
}

TEST(Load, ALoaderAnswersBytesOfAnyKind) {
  const Chain chain = open_memory();
  const std::string text = "a text that is longer than what a string holds inside itself";
  EXPECT_EQ(chain.get_or_load("literal", [] { return "literal"; }).value().value.view(), "literal");
  EXPECT_EQ(chain.get_or_load("view", [&] { return std::string_view(text); }).value().value.view(), text);
  EXPECT_EQ(chain.get_or_load("reference", [&]() -> const std::string & { return text; }).value().value.view(), text);
  EXPECT_EQ(chain.get_or_load("vector", [] { return std::vector<uint8_t>{65, 66}; }).value().value.view(), "AB");
  EXPECT_EQ(chain.get_or_load("span", [&] { return std::span<const char>(text); }).value().value.view(), text);
  EXPECT_EQ(chain.get_or_load("empty", [] { return std::string(); }).value().value.size(), 0u);
  EXPECT_TRUE(chain.get("empty").value().hit()) << "an empty value is a hit";
  for (std::string_view key : {"view", "reference", "span"}) EXPECT_EQ(chain.get(key).value().value.view(), text);
}

TEST(Load, AValueOutlivesItsChain) {
  std::optional<Chain> chain = open_memory();
  auto found = chain->get_or_load("k", [] { return std::string("short"); });
  ASSERT_TRUE(found);
  Value value = std::move(found->value);
  chain.reset();
  EXPECT_EQ(value.view(), "short");
}

TEST(Load, NulloptIsRemembered) {
  const Chain chain = open_memory();
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    auto found = chain.get_or_load("k", [&]() -> std::optional<std::string> { return ++calls, std::nullopt; },
                                   {.absent_ttl = 1h});
    ASSERT_TRUE(found) << found.error().message();
    EXPECT_EQ(found->outcome, CACHECHAIN_NOT_FOUND);
    EXPECT_FALSE(found->hit());
  }
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(chain.get_or_load("other", [] { return std::optional<std::string>("there"); }).value().hit());
}

TEST(Load, AnErrorGoesToTheCallerAndToThoseWhoCome) {
  const Chain chain = open_memory();
  auto failed =
      chain.get_or_load("k", []() -> Result<std::string> { return Error(CACHECHAIN_UNAVAILABLE, "no database today"); },
                        {.hold_off = 1h});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status(), CACHECHAIN_UNAVAILABLE) << "his own";
  EXPECT_EQ(failed.error().message(), "no database today");
  auto late = chain.get_or_load("k", [] { return "not called within the hold-off"; });
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().status(), CACHECHAIN_LOAD_FAILED);
  EXPECT_NE(late.error().message().find("no database today"), std::string_view::npos);
}

TEST(Load, ForeignErrorsHaveATextToo) {
  const Chain chain = open_memory();
  using Optional = std::optional<std::string>;
  auto text = chain.get_or_load("a", [] { return Expected<std::string, std::string>{{}, "a text"}; });
  auto code = chain.get_or_load("b", [] {
    return Expected<Optional, std::error_code>{{}, std::error_code(ENOENT, std::generic_category())};
  });
  auto thrown = chain.get_or_load("c", [] {
    return Expected<std::string, std::runtime_error>{{}, std::runtime_error("what")};
  });
  EXPECT_EQ(text.error().message(), "a text");
  EXPECT_EQ(code.error().message(), std::generic_category().message(ENOENT));
  EXPECT_EQ(thrown.error().message(), "what");
  for (const auto *failed : {&text, &code, &thrown}) EXPECT_EQ(failed->error().status(), CACHECHAIN_LOAD_FAILED);
  EXPECT_EQ(chain.get_or_load("d",
                              [] {
                                return Expected<Optional, std::string>{Optional(), ""};
                              })
                .value()
                .outcome,
            CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(chain.get_or_load("e", [] { return Result<Optional>(Optional("v")); }).value().value.view(), "v");
}

TEST(Load, AnExceptionGoesOnAndTheLoadHasFailed) {
  const Chain chain = open_memory();
  EXPECT_THROW((void)chain.get_or_load("k", []() -> std::string { throw std::runtime_error("thrown by the loader"); },
                                       {.hold_off = 1h}),
               std::runtime_error);
  auto late = chain.get_load("k");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().status(), CACHECHAIN_LOAD_FAILED);
  EXPECT_NE(late.error().message().find("thrown by the loader"), std::string_view::npos);

  EXPECT_THROW((void)chain.get_or_load("other", []() -> std::string { throw 7; }, {.hold_off = 1h}), int);
  EXPECT_EQ(chain.get_load("other").error().status(), CACHECHAIN_LOAD_FAILED);
}

// Owns its text, and cannot show it.
struct Shy {
  std::string text = std::string(100, 'x');
  operator std::string_view() const { throw std::runtime_error("not to be seen"); }
};

TEST(Load, WhatItsAnswerThrowsIsTheLoadersToo) {
  const Chain chain = open_memory();
  EXPECT_THROW((void)chain.get_or_load("k", [] { return Shy(); }, {.hold_off = 1h}), std::runtime_error);
  auto late = chain.get_load("k");
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message().find("not to be seen"), std::string_view::npos);
}

TEST(Load, AnErrorThatIsTheLoadersOwnStaysHis) {
  const Chain chain = open_memory();
  Result<std::string> remembered = Error(CACHECHAIN_AUTH, "no entry");
  auto failed = chain.get_or_load("k", [&]() -> Result<std::string> & { return remembered; });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status(), CACHECHAIN_AUTH);
  EXPECT_EQ(failed.error().message(), "no entry");
  EXPECT_EQ(remembered.error().message(), "no entry");
}

TEST(Load, ALoaderMayUseItsLease) {
  const Chain chain = open_memory();
  auto renewed = chain.get_or_load("k", [](Lease &lease) {
    EXPECT_TRUE(lease.renew(1min));
    return "v";
  });
  ASSERT_TRUE(renewed && renewed->hit());
  EXPECT_TRUE(chain.get("k").value().hit());

  auto ended = chain.get_or_load("own", [](Lease &lease) {
    EXPECT_TRUE(lease.fulfil("stored"));
    return "answered";
  });
  ASSERT_TRUE(ended && ended->hit());
  EXPECT_EQ(ended->value.view(), "answered");
  EXPECT_EQ(ended->value.version(), chain.get("own").value().value.version());
  EXPECT_EQ(chain.get("own").value().value.view(), "stored");
}

TEST(Load, WhatAMutationOvertookIsAnsweredAndNotStored) {
  const Chain chain = open_memory();
  auto found = chain.get_or_load("k", [&] {
    EXPECT_TRUE(chain.remove("k"));
    return "old";
  });
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->stored, CACHECHAIN_VOID);
  EXPECT_FALSE(chain.get("k").value().hit());
}

TEST(Load, WhatDoesNotFitIsAnsweredAndTheReasonSaid) {
  const Chain chain = open_memory();
  const std::string large(64 << 20, 'x');
  auto found = chain.get_or_load("k", [&] { return std::string_view(large); });
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), large);
  EXPECT_LT(found->stored, 0);
}

TEST(Load, AValueAtHandIsRefreshedByWhoseTurnItIs) {
  const Chain chain = open_refreshing();
  ASSERT_TRUE(chain.set("k", "old", {.ttl = 1h}));
  EXPECT_EQ(chain.get_or_load("k", [] { return "new"; }).value().value.view(), "new");
  auto failed = chain.get_or_load("k", []() -> Result<std::string> { return Error(CACHECHAIN_TIMEOUT, "slow"); });
  ASSERT_TRUE(failed) << "there is a value, and it is good";
  EXPECT_EQ(failed->value.view(), "new");
  EXPECT_FALSE(failed->loaded);
}

TEST(Load, AStaleValueIsAnsweredAtOnceAndRefreshedByAJob) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "old", {.ttl = 1h, .fresh = 1ms}));
  while (!chain.get("k").value().stale()) std::this_thread::yield();
  std::vector<std::function<void()>> jobs;
  LoadOptions options;
  options.ttl = 1h;
  options.refresh = [&](std::function<void()> job) { jobs.push_back(std::move(job)); };
  int calls = 0;
  const auto loader = [&calls] { return "new " + std::to_string(++calls); };
  for (int i = 0; i < 3; ++i) {
    auto found = chain.get_or_load("k", loader, options);
    ASSERT_TRUE(found && found->stale());
    EXPECT_EQ(found->value.view(), "old");
  }
  ASSERT_EQ(jobs.size(), 1u) << "one refreshes for all";
  EXPECT_EQ(calls, 0);
  jobs[0]();
  jobs[0]();  // does nothing more
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(chain.get("k").value().value.view(), "new 1");
}

TEST(Load, AJobThatIsDroppedOrThrowsLeavesTheKeyToTheNext) {
  const Chain chain = open_refreshing();
  ASSERT_TRUE(chain.set("k", "old", {.ttl = 1h}));
  LoadOptions options;
  options.refresh = [](std::function<void()>) {};
  EXPECT_EQ(chain
                .get_or_load(
                    "k", [] { return "never called"; }, options)
                .value()
                .value.view(),
            "old");
  options.refresh = [](std::function<void()> job) { job(); };
  options.hold_off = 1ms;
  EXPECT_TRUE(chain.get_or_load(
      "k", []() -> std::string { throw std::runtime_error("in a job"); }, options));
  while (!chain.get_load("k").value().lease) std::this_thread::yield();
  // What cannot be copied is called by who has it.
  auto once = [only = std::make_unique<std::string>("new")] { return *only; };
  EXPECT_EQ(chain.get_or_load("k", std::move(once), options).value().value.view(), "new");
}

TEST(Load, ASideLeaseLoadsForItsCallerAlone) {
  const Chain chain = open_memory(R"(, "lease_wait_ms": 1)");
  auto first = chain.get_load("k");
  ASSERT_TRUE(first && first->lease);
  bool side = false;
  auto found = chain.get_or_load("k", [&](Lease &lease) {
    side = lease.side();
    return "his own";
  });
  EXPECT_TRUE(side);
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), "his own");
  EXPECT_EQ(found->stored, CACHECHAIN_VOID);
  EXPECT_EQ(first->lease.fulfil("for all").value().outcome, CACHECHAIN_OK);
}

TEST(Load, WhoIsTooLateHearsThatAnotherStillLoads) {
  const Chain chain = open_memory(R"(, "lease_wait_ms": "1h")");
  auto first = chain.get_load("k");
  ASSERT_TRUE(first && first->lease);
  // The first who waited half of his time has a side lease, and he who comes after him has none in that interval.
  auto second = chain.get_load("k", {.timeout = 20ms});
  while (!second) {  // the machine kept him waiting past his time
    ASSERT_EQ(second.error().status(), CACHECHAIN_LOAD_PENDING);
    second = chain.get_load("k", {.timeout = 20ms});
  }
  ASSERT_TRUE(second->lease.side());
  auto found = chain.get_or_load("k", [] { return "not called"; }, {.timeout = 2ms});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status(), CACHECHAIN_LOAD_PENDING);
}

TEST(Load, WrongLivesAreSaidBeforeAnythingIsLoaded) {
  const Chain chain = open_memory();
  for (LoadOptions wrong : {LoadOptions{.ttl = 0ms}, LoadOptions{.fresh = -1ms}, LoadOptions{.absent_ttl = 0ms},
                            LoadOptions{.hold_off = -5ms}}) {
    bool called = false;
    auto found = chain.get_or_load(
        "k", [&] { return called = true, "v"; }, wrong);
    EXPECT_EQ(found.error().status(), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_FALSE(called);
  }
  EXPECT_EQ(chain.get_or_load("", [] { return "v"; }).error().status(), CACHECHAIN_INVALID_ARGUMENT);
}

TEST(Load, ManyThreadsLoadAKeyOnce) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  constexpr int kKeys = 50;
  std::vector<std::atomic<int>> calls(kKeys);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int k = 0; k < kKeys; ++k) {
        auto found = chain.get_or_load("key " + std::to_string(k),
                                       [&](Lease &lease) {
                                         if (!lease.side()) ++calls[static_cast<size_t>(k)];
                                         std::this_thread::yield();
                                         return "value " + std::to_string(k);
                                       },
                                       {.timeout = kNoTimeout});
        ASSERT_TRUE(found) << found.error().message();
        EXPECT_EQ(found->value.view(), "value " + std::to_string(k));
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const auto &count : calls) EXPECT_EQ(count.load(), 1);
}

}  // namespace
}  // namespace cachechain::client
