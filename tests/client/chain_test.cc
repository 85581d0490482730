// Chain over the real library: ownership, outcomes, errors, options, mutations, threads.
#include <gtest/gtest.h>

#include <array>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<Chain> && std::is_nothrow_move_constructible_v<Chain>);
static_assert(!std::is_copy_constructible_v<Value> && std::is_nothrow_move_constructible_v<Value>);
static_assert(sizeof(Value) == sizeof(cachechain_value), "a Value costs nothing over the C struct");

TEST(Client, SetGetExistsRemove) {
  Chain chain = open_memory();
  auto before = chain.get("user:42");
  ASSERT_TRUE(before) << before.error().message();
  EXPECT_FALSE(before->hit());
  EXPECT_EQ(before->outcome, CACHECHAIN_MISS);
  EXPECT_FALSE(before->degraded());

  auto written = chain.set("user:42", "Ada");
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->done, 1u);
  EXPECT_EQ(written->owed, 0u);

  auto found = chain.get("user:42");
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), "Ada");
  EXPECT_EQ(found->value.layer(), 0);
  EXPECT_EQ(found->value.version(), written->version);
  EXPECT_FALSE(found->value.expires().has_value());

  auto known = chain.exists("user:42");
  ASSERT_TRUE(known && known->hit());
  EXPECT_EQ(known->value.size(), 3u);
  EXPECT_TRUE(known->value.bytes().empty());

  ASSERT_TRUE(chain.remove("user:42"));
  EXPECT_FALSE(chain.get("user:42").value().hit());
  EXPECT_FALSE(chain.exists("user:42").value().hit());
}

TEST(Client, AnEmptyValueIsAHit) {
  Chain chain = open_memory();
  ASSERT_TRUE(chain.set("empty", ""));
  auto found = chain.get("empty");
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), "");
}

TEST(Client, KeysAndValuesAreMadeOfAnyBytes) {
  Chain chain = open_memory();
  const std::string text("a\0b", 3);
  const std::vector<uint8_t> numbers{0, 255, 7};
  const std::array<std::byte, 2> bytes{std::byte{1}, std::byte{0}};
  const std::vector<char> chars{'x', '\0'};
  ASSERT_TRUE(chain.set(text, numbers));
  ASSERT_TRUE(chain.set(bytes, chars));
  ASSERT_TRUE(chain.set(std::span(numbers), std::string_view(text)));
  EXPECT_EQ(chain.get(text).value().value.bytes().size(), 3u);
  EXPECT_EQ(chain.get(text).value().value.bytes()[1], 255);
  EXPECT_EQ(chain.get(bytes).value().value.view(), std::string_view("x\0", 2));
  EXPECT_EQ(chain.get(numbers).value().value.view(), text);
  EXPECT_FALSE(chain.get("a").value().hit()) << "a literal ends before its NUL, a string does not";
}

TEST(Client, ABufferTakesWhatFitsAndAViewTheRest) {
  Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "0123456789"));
  std::array<uint8_t, 10> large{};
  std::array<uint8_t, 9> small{};
  auto copied = chain.get("k", large);
  ASSERT_TRUE(copied && copied->hit());
  EXPECT_EQ(copied->value.bytes().data(), large.data());
  auto viewed = chain.get("k", small);
  ASSERT_TRUE(viewed && viewed->hit());
  EXPECT_NE(viewed->value.bytes().data(), small.data());
  EXPECT_EQ(viewed->value.view(), "0123456789");
}

TEST(Client, AValueOutlivesItsReplacementAndItsChain) {
  std::optional<Chain> chain = open_memory();
  ASSERT_TRUE(chain->set("k", "first"));
  auto kept = chain->get("k");
  ASSERT_TRUE(kept);
  Value value = std::move(kept->value);
  EXPECT_EQ(kept->value.size(), 0u);
  ASSERT_TRUE(chain->set("k", "second"));
  ASSERT_TRUE(chain->close());
  chain.reset();
  EXPECT_EQ(value.view(), "first");
  value = Value();
  EXPECT_EQ(value.view(), "");
}

TEST(Client, ErrorsCarryWhatTheLibraryKnows) {
  auto broken = Chain::open(R"({"chain": 7, "layers": "none"})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().status(), CACHECHAIN_CONFIG);
  EXPECT_EQ(broken.error().name(), "CONFIG");
  EXPECT_NE(broken.error().message().find("layers"), std::string_view::npos);
  EXPECT_FALSE(broken.error().retryable());

  Chain chain = open_memory();
  auto nameless = chain.get("");
  ASSERT_FALSE(nameless);
  EXPECT_EQ(nameless.error().status(), CACHECHAIN_INVALID_ARGUMENT);
  auto long_key = chain.set(std::string(1025, 'k'), "v");
  ASSERT_FALSE(long_key);
  EXPECT_EQ(long_key.error().status(), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_NE(long_key.error().message(), "");

  EXPECT_EQ(Error(CACHECHAIN_CONFLICT, nullptr).message(), "CONFLICT") << "without an object the name must do";
}

TEST(Client, AClosedChainAnswersClosed) {
  Chain chain = open_memory();
  auto unwritten = chain.close(10s);
  ASSERT_TRUE(unwritten) << unwritten.error().message();
  EXPECT_EQ(*unwritten, 0u);
  EXPECT_TRUE(chain.close());
  EXPECT_EQ(chain.get("k").error().status(), CACHECHAIN_CLOSED);
  EXPECT_EQ(chain.set("k", "v").error().status(), CACHECHAIN_CLOSED);
}

TEST(Client, LivesAndVersions) {
  Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v", {.ttl = 1h, .fresh = 30min}));
  auto found = chain.get("k");
  ASSERT_TRUE(found && found->hit());
  ASSERT_TRUE(found->value.expires() && found->value.fresh_until());
  EXPECT_EQ(*found->value.expires() - *found->value.fresh_until(), 30min);
  ASSERT_TRUE(chain.set("k", "v", {.ttl = kForever}));
  EXPECT_FALSE(chain.get("k").value().value.expires().has_value());
  for (auto wrong : {0ms, -1ms, -5000ms}) {
    EXPECT_EQ(chain.set("k", "w", {.ttl = wrong}).error().status(), CACHECHAIN_INVALID_ARGUMENT) << wrong.count();
  }

  uint64_t version = chain.get("k").value().value.version();
  auto replaced = chain.set("k", "new", {.expect_version = version});
  ASSERT_TRUE(replaced) << replaced.error().message();
  EXPECT_GT(replaced->version, version);
  EXPECT_EQ(chain.set("k", "late", {.expect_version = version}).error().status(), CACHECHAIN_CONFLICT);
  EXPECT_EQ(chain.set("k", "late", {.expect_version = 0}).error().status(), CACHECHAIN_CONFLICT);
  EXPECT_TRUE(chain.set("other", "first", {.expect_version = 0}));
  EXPECT_EQ(chain.get("k").value().value.view(), "new");
}

TEST(Client, OptionsOfReadsAndRemoves) {
  Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  EXPECT_TRUE(
      chain.get("k", {.timeout = kNoTimeout, .trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}));
  EXPECT_TRUE(chain.get("k", {.timeout = 5s}).value().hit());
  EXPECT_TRUE(chain.remove("k", {.timeout = 5s}));
}

TEST(Client, AWriteThatMustBeSeenIsAskedForByItsVersion) {
  const Folder folder;
  Chain chain = open_sqlite(folder);
  const uint64_t version = chain.set("k", "v").value().version;
  EXPECT_TRUE(chain.get("k", {.min_version = version}).value().hit());
  EXPECT_FALSE(chain.get("k", {.min_version = version + 2}).value().hit());
}

TEST(Client, InvalidateTouchReject) {
  const Folder folder;
  Chain chain = open_sqlite(folder);
  ASSERT_TRUE(chain.set("k", "v"));
  auto invalidated = chain.invalidate("k");
  ASSERT_TRUE(invalidated) << invalidated.error().message();
  EXPECT_EQ(invalidated->done, 3u);
  EXPECT_FALSE(chain.get("k").value().hit());

  EXPECT_EQ(chain.touch("k", {.ttl = 1h}).value().outcome, CACHECHAIN_MISS);
  const uint64_t version = chain.set("k", "v", {.ttl = 1h}).value().version;
  const auto before = chain.get("k").value().value.expires();
  auto touched = chain.touch("k", {.ttl = 2h});
  ASSERT_TRUE(touched) << touched.error().message();
  EXPECT_GT(touched->version, version);
  auto found = chain.get("k");
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(found->value.view(), "v");
  EXPECT_GT(found->value.expires(), before);
  EXPECT_EQ(chain.touch("k", {.ttl = 0ms}).error().status(), CACHECHAIN_INVALID_ARGUMENT);

  EXPECT_EQ(chain.reject("k", version).value(), CACHECHAIN_OK) << "what is replaced is no matter";
  EXPECT_TRUE(chain.get("k").value().hit());
  EXPECT_EQ(chain.reject("k", touched->version, {.timeout = 5s}).value(), CACHECHAIN_OK);
  EXPECT_FALSE(chain.get("k").value().hit());
  EXPECT_EQ(chain.reject("", 1).error().status(), CACHECHAIN_INVALID_ARGUMENT);
}

TEST(Client, NamespacesHaveTheirOwnKeys) {
  const Folder folder;
  std::optional<Chain> chain = open_sqlite(folder);
  auto users = chain->space("users");
  ASSERT_TRUE(users) << users.error().message();
  auto again = chain->space("users");
  ASSERT_TRUE(again);
  ASSERT_TRUE(chain->set("k", "of the chain"));
  ASSERT_TRUE(users->set("k", "of the users"));
  EXPECT_EQ(again->get("k").value().value.view(), "of the users");
  EXPECT_EQ(chain->get("k").value().value.view(), "of the chain");
  EXPECT_EQ(chain->space("no/such").error().status(), CACHECHAIN_INVALID_ARGUMENT);

  ASSERT_TRUE(again->close());
  EXPECT_EQ(again->get("k").error().status(), CACHECHAIN_CLOSED);
  chain.reset();
  EXPECT_TRUE(users->set("k", "v")) << "what is left of a chain keeps it open";
}

TEST(Client, ACancelledCallAnswersCancelled) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  auto cancel = Cancel::create();
  ASSERT_TRUE(cancel) << cancel.error().message();
  EXPECT_TRUE(chain.set("k", "v", {.cancel = &*cancel}));
  cancel->fire();
  EXPECT_EQ(chain.set("k", "w", {.cancel = &*cancel}).error().status(), CACHECHAIN_CANCELLED);
  EXPECT_EQ(chain.remove("k", {.cancel = &*cancel}).error().status(), CACHECHAIN_CANCELLED);
  EXPECT_EQ(chain.get("none", {.cancel = &*cancel}).error().status(), CACHECHAIN_CANCELLED);
  bool called = false;
  auto found = chain.get_or_load("none", [&] { return called = true, "v"; }, {.cancel = &*cancel});
  EXPECT_EQ(found.error().status(), CACHECHAIN_CANCELLED);
  EXPECT_FALSE(called);
  EXPECT_EQ(chain.get("k").value().value.view(), "v");
}

TEST(Client, TextsAreJsonOfAnySize) {
  Chain chain = open_memory();
  EXPECT_NE(chain.stats().value().find("\"L1\""), std::string::npos);
  EXPECT_NE(chain.explain().value().find("\"L1\""), std::string::npos);
  EXPECT_NE(chain.explain("k").value().find("\"L1\""), std::string::npos);
  EXPECT_NE(plugins().value().find("\"memory\""), std::string::npos);

  std::string layers;
  for (int i = 0; i < 32; ++i) {
    layers += std::string(i == 0 ? "" : ",") + R"({"name": "layer-number-)" + std::to_string(i) +
              R"(", "plugin": "memory", "options": {"max_bytes": "1MiB"}})";
  }
  auto report = config_check(R"({"chain": "shop", "layers": [)" + layers + "]}");
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_GT(report->size(), 4096u) << "the first buffer was large enough; this test wants one that is not";
  EXPECT_NE(report->find("layer-number-31"), std::string::npos);
  EXPECT_EQ(config_check("{").error().status(), CACHECHAIN_CONFIG);
}

TEST(Client, AMovedChainTakesItsLogAlong) {
  std::mutex mutex;
  std::vector<std::string> lines;
  OpenOptions options;
  options.log_level = CACHECHAIN_LOG_TRACE;
  options.log = [&](int32_t, std::string_view line) {
    std::lock_guard lock(mutex);
    lines.emplace_back(line);
    throw 7;  // stays inside
  };
  {
    auto opened = Chain::open(R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory",)"
                              R"( "ttl_ms": "2h"}, {"name": "L2", "plugin": "memory", "ttl_ms": "1h"}]})",
                              options);
    ASSERT_TRUE(opened) << opened.error().message();
    Chain chain = std::move(opened).value();
    ASSERT_TRUE(chain.set("k", "v"));
    chain = open_memory();  // the first one is closed here, with its log still in place
    EXPECT_FALSE(chain.get("k").value().hit());
    Chain other = std::move(chain);
    EXPECT_EQ(chain.raw(), nullptr);
    EXPECT_TRUE(other.set("k", "v"));
  }
  std::lock_guard lock(mutex);
  EXPECT_FALSE(lines.empty()) << "a warning was expected: L1 lives longer than L2";
}

TEST(Client, ResultsFallBackToAnotherValue) {
  EXPECT_EQ(Result<int>(Error(CACHECHAIN_TIMEOUT, nullptr)).value_or(5), 5);
  EXPECT_EQ(Result<int>(3).value_or(5), 3);
  const Result<std::string> text(std::string("text"));
  EXPECT_EQ(text.value_or("other"), "text");
  EXPECT_EQ(text->size(), 4u);
}

TEST(Client, ManyThreadsAndOneThatCloses) {
  Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "v"));
  std::vector<std::thread> threads;
  std::atomic<int> running{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      ++running;
      for (;;) {
        auto found = chain.get("k");
        if (!found) {
          EXPECT_EQ(found.error().status(), CACHECHAIN_CLOSED);
          return;
        }
        EXPECT_EQ(found->value.view(), "v");
      }
    });
  }
  while (running < 4) std::this_thread::yield();
  EXPECT_TRUE(chain.close());
  for (std::thread &thread : threads) thread.join();
}

}  // namespace
}  // namespace cachechain::client
