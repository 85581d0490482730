// Typed: objects in and out, and entries that are none of ours.
#include <gtest/gtest.h>

#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

struct Price {
  int64_t cents;
  int32_t currency;
  bool operator==(const Price &) const = default;
};

// Numbers as text, so that there is something that does not decode.
struct NumberCodec {
  std::string encode(int64_t number) const { return std::to_string(number); }
  Result<int64_t> decode(std::span<const uint8_t> bytes) const {
    int64_t number = 0;
    const char *begin = reinterpret_cast<const char *>(bytes.data());
    const auto [end, error] = std::from_chars(begin, begin + bytes.size(), number);
    if (error != std::errc() || end != begin + bytes.size()) return Error(CACHECHAIN_CORRUPT, "no number");
    return number;
  }
};

static_assert(Codec<NumberCodec, int64_t> && Codec<TrivialCodec<Price>, Price>);
static_assert(!Codec<NumberCodec, std::string>);
static_assert(std::is_constructible_v<Typed<Price>, const Chain &> && !std::is_constructible_v<Typed<Price>, Chain>);
template <class T>
concept Trivial = requires { TrivialCodec<T>(); };
static_assert(!Trivial<std::string_view> && !Trivial<const char *> && !Trivial<std::string> && Trivial<double>);

TEST(Typed, ObjectsGoInAndComeOut) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  const Typed<Price> prices(chain);
  EXPECT_EQ(prices.get("tea").value().outcome, CACHECHAIN_MISS);
  auto written = prices.set("tea", {499, 978}, {.ttl = 1h});
  ASSERT_TRUE(written) << written.error().message();
  auto found = prices.get("tea");
  ASSERT_TRUE(found && found->hit());
  EXPECT_EQ(*found->value, (Price{499, 978}));
  EXPECT_EQ(found->version, written->version);
  EXPECT_FALSE(found->stale() || found->degraded() || found->loaded);
  ASSERT_TRUE(prices.remove("tea"));
  EXPECT_FALSE(prices.get("tea").value().hit());
}

TEST(Typed, TextsAndBytesAreTheirOwnCodec) {
  const Chain chain = open_memory();
  const Typed<std::string> texts(chain);
  const Typed<std::vector<uint8_t>> bytes(chain);
  ASSERT_TRUE(texts.set("t", std::string("a\0b", 3)));
  EXPECT_EQ(texts.get("t").value().value, std::string("a\0b", 3));
  EXPECT_EQ(bytes.get("t").value().value, (std::vector<uint8_t>{'a', 0, 'b'}));
  EXPECT_EQ(texts.get_or_load("u", [] { return "loaded"; }).value().value, "loaded");
}

TEST(Typed, LoadersAnswerObjects) {
  const Chain chain = open_memory();
  const Typed<Price> prices(chain);
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    auto found = prices.get_or_load("tea", [&] { return Price{++calls, 978}; });
    ASSERT_TRUE(found && found->hit());
    EXPECT_EQ(found->value->cents, 1);
    EXPECT_EQ(found->loaded, i == 0);
  }
  auto absent = prices.get_or_load("none", [] { return std::optional<Price>(); });
  EXPECT_EQ(absent.value().outcome, CACHECHAIN_NOT_FOUND);
  EXPECT_TRUE(prices.get_or_load("some", [](Lease &) { return std::optional<Price>(Price{5, 1}); }).value().hit());
  auto failed = prices.get_or_load("bad", []() -> Result<Price> { return Error(CACHECHAIN_TIMEOUT, "slow"); });
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().status(), CACHECHAIN_TIMEOUT);
  EXPECT_EQ(failed.error().message(), "slow");
  auto either = prices.get_or_load("either", [] { return Result<std::optional<Price>>(std::optional(Price{6, 1})); });
  EXPECT_EQ(either.value().value->cents, 6);
  auto once = prices.get_or_load("once", [only = std::make_unique<Price>(Price{7, 1})] { return *only; });
  EXPECT_EQ(once.value().value->cents, 7);
}

TEST(Typed, WhatDoesNotDecodeIsRejectedAndLoadedAgain) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  const Typed<int64_t, NumberCodec> numbers(chain);
  const Typed<Price> prices(chain);
  for (std::string_view key : {"a", "b", "c"}) ASSERT_TRUE(chain.set(key, "twelve"));

  EXPECT_EQ(numbers.get("a").value().outcome, CACHECHAIN_MISS);
  EXPECT_FALSE(chain.get("a").value().hit()) << "no reader meets it again";

  auto loaded = numbers.get_or_load("b", [] { return 12; });
  ASSERT_TRUE(loaded && loaded->hit()) << loaded.error().message();
  EXPECT_EQ(*loaded->value, 12);
  EXPECT_TRUE(loaded->loaded);
  EXPECT_EQ(chain.get("b").value().value.view(), "12");

  EXPECT_FALSE(prices.get("c").value().hit()) << "another size is none of ours";
}

// A codec whose own output it does not know, as after a mistake in a new version.
struct OneWayCodec {
  std::string encode(int64_t) const { return "?"; }
  std::optional<int64_t> decode(std::span<const uint8_t>) const { return std::nullopt; }
};

TEST(Typed, WhatNeverDecodesEndsInAnError) {
  const Chain chain = open_memory();
  const Typed<int64_t, OneWayCodec> numbers(chain);
  int calls = 0;
  auto found = numbers.get_or_load("k", [&] { return ++calls; });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status(), CACHECHAIN_CORRUPT);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(chain.get("k").value().hit());
}

TEST(Typed, AJobHasCopiesOfCodecAndLoader) {
  const Chain chain = open_memory(R"(, "refresh_ms": "24h")");
  std::function<void()> job;
  LoadOptions options;
  options.ttl = 1h;
  options.refresh = [&](std::function<void()> given) { job = std::move(given); };
  {
    const Typed<int64_t, NumberCodec> numbers(chain);
    ASSERT_TRUE(numbers.set("k", 1, {.ttl = 1h}));
    const auto loader = [by = std::make_shared<int>(2)] { return *by; };
    EXPECT_EQ(numbers.get_or_load("k", loader, options).value().value, 1);
  }
  ASSERT_TRUE(job);
  std::thread(job).join();
  job = nullptr;
  EXPECT_EQ(chain.get("k").value().value.view(), "2");
}

}  // namespace
}  // namespace cachechain::client
