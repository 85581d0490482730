// Batches: ranges in, answers in their order out, leases that are not forgotten, loaders of many keys.
#include <gtest/gtest.h>

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <ranges>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;
using Keys = std::vector<std::string>;
using Missing = std::span<const Bytes>;

static_assert(!std::is_copy_constructible_v<Batch> && std::is_nothrow_move_constructible_v<Batch>);
static_assert(std::ranges::input_range<const Batch>);

// What would dangle is refused.
using Temporaries = std::ranges::transform_view<std::views::all_t<const Keys &>, std::string (*)(const std::string &)>;
template <class R>
concept Accepted = requires(const Chain &chain, R &range) { chain.get_many(range); };
static_assert(std::ranges::input_range<Temporaries> && !Accepted<Temporaries> && Accepted<Keys> &&
              Accepted<const std::list<std::string_view>>);
static_assert(!Accepted<std::ranges::istream_view<std::string>>, "each step overwrites the string of the one before");
template <class R>
concept Entries = requires(const Chain &chain, R &range) { chain.set_many(range); };
static_assert(Entries<std::map<std::string, std::string>> && !Entries<Keys> &&
              !Entries<std::vector<std::tuple<std::string, std::string, int>>>);

std::string text(Bytes bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

TEST(Batch, ManyAreSetFoundAndRemoved) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  const std::map<std::string, std::string> entries{{"a", "1"}, {"b", ""}, {"c", std::string(5000, '3')}};
  auto set = chain.set_many(entries, {.ttl = 1h});
  ASSERT_TRUE(set) << set.error().message();
  EXPECT_TRUE(set->ok());
  ASSERT_EQ(set->size(), 3u);
  EXPECT_EQ((*set)[0].value.version(), chain.get("a").value().value.version());

  auto found = chain.get_many(Keys{"c", "none", "a", "b", "a"});
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_FALSE(found->ok());
  std::vector<std::string> values;
  for (const Item &item : *found) values.emplace_back(item.hit() ? item.value.view() : "-");
  EXPECT_EQ(values, (std::vector<std::string>{entries.at("c"), "-", "1", "", "1"}));
  EXPECT_EQ((*found)[1].outcome, CACHECHAIN_MISS);

  auto removed = chain.remove_many(entries | std::views::keys);
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_TRUE(removed->ok());
  for (const auto &[key, value] : entries) EXPECT_FALSE(chain.get(key).value().hit());
}

TEST(Batch, RangesAreOfManyKinds) {
  const Chain chain = open_memory();
  const std::vector<std::pair<std::string_view, std::vector<uint8_t>>> pairs{{"p", {1, 2}}, {"q", {}}};
  ASSERT_TRUE(chain.set_many(pairs)->ok());
  ASSERT_TRUE(chain.set_many(std::vector<std::tuple<const char *, std::string>>{{"t", "u"}})->ok());
  const char *array[] = {"p", "t"};
  EXPECT_TRUE(chain.get_many(array)->ok());
  const std::list<std::string_view> list{"q", "p"};
  EXPECT_TRUE(chain.get_many(list)->ok());
  EXPECT_TRUE(chain.get_many(pairs | std::views::keys)->ok());
  auto none = chain.get_many(Keys());
  ASSERT_TRUE(none) << none.error().message();
  EXPECT_TRUE(none->empty());
}

TEST(Batch, ALoopMayStandOnATemporary) {
  const Chain chain = open_memory();
  ASSERT_TRUE(chain.set("k", "value"));
  int hits = 0;
  for (const Item &item : *chain.get_many(Keys{"k", "k", "none"})) hits += item.hit() && item.value.view() == "value";
  EXPECT_EQ(hits, 2);
}

TEST(Batch, AnErrorIsOfTheWholeAndAFailureOfOne) {
  const Chain chain = open_memory();
  EXPECT_EQ(chain.get_many(Keys{"a", ""}).error().status(), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(chain.get_many(Keys(CACHECHAIN_MAX_BATCH + 1, "k")).error().status(), CACHECHAIN_INVALID_ARGUMENT);
  ASSERT_TRUE(chain.get_load("k").value().lease.fail("on fire", 1h));
  auto found = chain.load_many(Keys{"k"});
  ASSERT_TRUE(found) << found.error().message();
  const Item item = (*found)[0];
  EXPECT_TRUE(item.failed());
  EXPECT_EQ(item.outcome, CACHECHAIN_LOAD_FAILED);
  EXPECT_NE(item.message.find("on fire"), std::string_view::npos);
}

TEST(Batch, ItOutlivesItsChain) {
  std::optional<Chain> chain = open_memory();
  ASSERT_TRUE(chain->set("k", "v"));
  auto found = chain->get_many(Keys{"k"});
  chain.reset();
  ASSERT_TRUE(found);
  EXPECT_EQ((*found)[0].value.view(), "v");
}

TEST(Batch, LeasesOfManyAreFulfilledOrGivenUp) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  ASSERT_TRUE(chain.set("b", "there"));
  auto found = chain.load_many(Keys{"a", "b", "c"});
  ASSERT_TRUE(found) << found.error().message();
  ASSERT_EQ(found->leases.size(), 3u);
  EXPECT_TRUE(found->leases[0].held() && !found->leases[1].held() && found->leases[2].held());
  std::vector<Lease> turns;
  turns.push_back(std::move(found->leases[0]));
  turns.push_back(std::move(found->leases[2]));
  EXPECT_EQ(chain.fulfil_many(turns, Keys{"one"}).error().status(), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_TRUE(turns[0].held());
  auto done = chain.fulfil_many(turns, Keys{"one", "three"}, {.ttl = 1h});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_TRUE(done->ok());
  EXPECT_FALSE(turns[0].held() || turns[1].held());
  EXPECT_EQ(chain.get("a").value().value.view(), "one");
  EXPECT_EQ(chain.get("c").value().value.view(), "three");

  { const auto dropped = chain.load_many(Keys{"d", "e"}); }
  EXPECT_TRUE(chain.get_load("d").value().lease.held()) << "the one before was abandoned";
}

TEST(LoadMany, TheMissingAreLoadedByOneCall) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  ASSERT_TRUE(chain.set("b", "there"));
  int calls = 0;
  const auto loader = [&](Missing missing) {
    ++calls;
    std::vector<std::optional<std::string>> answers;
    for (const Bytes &key : missing) {
      answers.push_back(text(key) == "none" ? std::nullopt : std::optional("value of " + text(key)));
    }
    return answers;
  };
  const Keys keys{"a", "b", "none", "c", "a"};
  for (int i = 0; i < 2; ++i) {
    auto found = chain.get_or_load_many(keys, loader, {.ttl = 1h, .absent_ttl = 1h});
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), keys.size());
    EXPECT_EQ((*found)[0].value.view(), "value of a");
    EXPECT_EQ((*found)[1].value.view(), "there");
    EXPECT_EQ((*found)[2].outcome, CACHECHAIN_NOT_FOUND);
    EXPECT_EQ((*found)[3].value.view(), "value of c");
    EXPECT_EQ((*found)[4].value.view(), "value of a");
    for (size_t at : {0u, 2u, 3u}) {
      EXPECT_EQ((*found)[at].loaded, i == 0);
      EXPECT_EQ((*found)[at].stored, CACHECHAIN_OK);
    }
    EXPECT_FALSE((*found)[1].loaded);
  }
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(chain.get("c").value().value.view(), "value of c");
  EXPECT_TRUE(chain.get_or_load_many(Keys(), loader)->empty());
}

TEST(LoadMany, ErrorsAreOfOneKeyOrOfAll) {
  const Chain chain = open_memory();
  auto some = chain.get_or_load_many(Keys{"good", "bad"},
                                     [](Missing) {
                                       std::vector<Result<std::string>> answers;
                                       answers.push_back(std::string("v"));
                                       answers.push_back(Error(CACHECHAIN_TIMEOUT, "slow today"));
                                       return answers;
                                     },
                                     {.hold_off = 1h});
  ASSERT_TRUE(some) << some.error().message();
  EXPECT_EQ((*some)[0].value.view(), "v");
  EXPECT_TRUE((*some)[1].failed());
  EXPECT_EQ((*some)[1].outcome, CACHECHAIN_TIMEOUT);
  EXPECT_EQ((*some)[1].message, "slow today");
  EXPECT_EQ(chain.get_load("bad").error().status(), CACHECHAIN_LOAD_FAILED);

  auto all = chain.get_or_load_many(
      Keys{"c", "d", "good"}, [](Missing) -> Result<Keys> { return Error(CACHECHAIN_UNAVAILABLE, "no database"); },
      {.hold_off = 1h});
  ASSERT_TRUE(all) << all.error().message();
  EXPECT_EQ((*all)[0].message, "no database");
  EXPECT_EQ((*all)[1].message, "no database");
  EXPECT_EQ((*all)[2].value.view(), "v");
  EXPECT_EQ(chain.get_load("d").error().status(), CACHECHAIN_LOAD_FAILED);

  auto few = chain.get_or_load_many(Keys{"e", "f"}, [](Missing) { return Keys{"only one"}; }, {.hold_off = 1h});
  ASSERT_TRUE(few) << few.error().message();
  EXPECT_EQ((*few)[0].value.view(), "only one");
  EXPECT_EQ((*few)[1].outcome, CACHECHAIN_LOAD_FAILED);
  EXPECT_TRUE(chain.get("e").value().hit());

  EXPECT_EQ(chain.get_or_load_many(Keys{"g"}, [](Missing) { return Keys{"v"}; }, {.ttl = 0ms}).error().status(),
            CACHECHAIN_INVALID_ARGUMENT);
}

TEST(LoadMany, AnExceptionGoesOnAndAllHaveFailed) {
  const Chain chain = open_memory();
  const auto thrower = [](Missing) -> Keys { throw std::runtime_error("thrown by the loader"); };
  EXPECT_THROW((void)chain.get_or_load_many(Keys{"a", "b"}, thrower, {.hold_off = 1h}), std::runtime_error);
  for (std::string_view key : {"a", "b"}) {
    auto late = chain.get_load(key);
    ASSERT_FALSE(late);
    EXPECT_NE(late.error().message().find("thrown by the loader"), std::string_view::npos);
  }
  const auto poor = [](Missing) -> Keys { throw std::bad_alloc(); };
  EXPECT_THROW((void)chain.get_or_load_many(Keys{"c"}, poor), std::bad_alloc) << "the loader's, not ours";
}

TEST(LoadMany, AViewsElementsStayTheirOwners) {
  const Chain chain = open_memory();
  const std::string text(100, 'x');
  std::vector<std::string> table(3, text);
  const auto at = [&](size_t i) -> std::string & { return table[i]; };
  auto found = chain.get_or_load_many(Keys{"a", "b", "c"}, [&](Missing missing) {
    return std::views::iota(size_t{0}, missing.size()) | std::views::transform(at);
  });
  ASSERT_TRUE(found) << found.error().message();
  for (const auto &answer : *found) EXPECT_EQ(answer.value.view(), text);
  EXPECT_EQ(table, std::vector<std::string>(3, text));
}

TEST(LoadMany, ARangeThatThrowsOnItsWayIsALoaderThatThrew) {
  const Chain chain = open_memory();
  const auto second_throws = [](size_t i) -> std::string {
    if (i == 1) throw std::runtime_error("thrown on the way");
    return "v";
  };
  const auto load = [&](Missing missing) {
    return std::views::iota(size_t{0}, missing.size()) | std::views::transform(second_throws);
  };
  EXPECT_THROW((void)chain.get_or_load_many(Keys{"a", "b"}, load, {.hold_off = 1h}), std::runtime_error);
  for (std::string_view key : {"a", "b"}) EXPECT_EQ(chain.get_load(key).error().status(), CACHECHAIN_LOAD_FAILED);
}

TEST(LoadMany, AValueAtHandStaysWhenTheLoadFails) {
  const Chain chain = open_memory(R"(, "refresh_ms": "24h")");
  ASSERT_TRUE(chain.set("k", "old", {.ttl = 1h}));
  auto failed = chain.get_or_load_many(
      Keys{"k"}, [](Missing) -> Result<Keys> { return Error(CACHECHAIN_TIMEOUT, "slow"); }, {.hold_off = 1ms});
  ASSERT_TRUE(failed && (*failed)[0].hit());
  EXPECT_EQ((*failed)[0].value.view(), "old");
  while (!chain.get_load("k").value().lease) std::this_thread::yield();
  EXPECT_EQ(chain.get_or_load_many(Keys{"k"}, [](Missing) { return Keys{"new"}; }).value()[0].value.view(), "new");
}

// Every thread wants overlapping keys in another order; whoever has leases never waits for another who has some.
TEST(LoadMany, ManyThreadsLoadAKeyOnceAndNobodyWaitsForEver) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  constexpr int kKeys = 40;
  std::mutex mutex;
  std::map<std::string, int> calls;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        Keys keys;
        for (int k = 0; k < kKeys; ++k) {
          keys.push_back(std::to_string(round) + "/" + std::to_string(t % 2 == 0 ? k : kKeys - 1 - k));
        }
        auto found = chain.get_or_load_many(keys,
                                            [&](Missing missing) {
                                              Keys answers;
                                              for (const Bytes &key : missing) {
                                                answers.push_back("value of " + text(key));
                                                const std::lock_guard<std::mutex> lock(mutex);
                                                ++calls[text(key)];
                                              }
                                              return answers;
                                            },
                                            {.timeout = kNoTimeout});
        ASSERT_TRUE(found) << found.error().message();
        for (size_t i = 0; i < keys.size(); ++i) {
          ASSERT_FALSE((*found)[i].failed()) << (*found)[i].message;
          EXPECT_EQ((*found)[i].value.view(), "value of " + keys[i]);
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(calls.size(), 5u * kKeys);
}

}  // namespace
}  // namespace cachechain::client
