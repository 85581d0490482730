// Gets of many keys, through chains over fakes: each key is answered as by its own get, each level is asked once, and
// batches share flights with everybody without ever waiting for each other.
#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

using Calls = std::vector<std::string>;

class ReadManyTest : public ChainTest {
 protected:
  struct Many {
    Batch::Ptr answers;
    int32_t status(size_t i) const { return answers->statuses()[i]; }
    const cachechain_value &value(size_t i) const { return answers->values()[i]; }
    std::string data(size_t i) const {
      return std::string(reinterpret_cast<const char *>(value(i).data), value(i).size);
    }
    std::string message(size_t i) const { return std::string(answers->message(i)); }
  };

  Many get_many(const std::vector<std::string> &keys, const ReadOptions &options = {}) {
    std::vector<cachechain_slice> slices;
    for (const std::string &key : keys) slices.push_back({bytes(key).data(), key.size()});
    Many many;
    const Status status =
        chain_->read_many().get(caller(), Slices(slices.data(), slices.size()), options, many.answers);
    EXPECT_TRUE(status.ok()) << status.message();
    return many;
  }
  uint64_t waiting(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).waiting; }
  bool known(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).known; }

  static std::vector<std::string> names(size_t count, const std::string &prefix = "k") {
    std::vector<std::string> keys;
    for (size_t i = 0; i < count; ++i) keys.push_back(prefix + std::to_string(i));
    return keys;
  }
};

TEST_F(ReadManyTest, AnswersInTheOrderOfTheKeysFromWhereTheyAre) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l1->entries["a"] = {"one", 7, 7, 0, 0, 0};
  l2->entries["b"] = {"two", 9, 9, 0, 0, 0};
  l3->entries["c"] = {"three", 11, 11, 0, 0, 0};
  const Many many = get_many({"c", "x", "a", "b", "c"});
  EXPECT_EQ(many.data(0), "three");
  EXPECT_EQ(many.status(1), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(many.data(2), "one");
  EXPECT_EQ(many.data(3), "two");
  EXPECT_EQ(many.data(4), "three");
  EXPECT_EQ(many.value(4).version, 11u);
  EXPECT_EQ(many.value(2).layer, 0);
  EXPECT_EQ(many.value(3).layer, 1);
  EXPECT_EQ(many.value(0).layer, 2);
  EXPECT_EQ(l2->calls, (Calls{"get_many", "get c", "get x", "get b"}));
  EXPECT_EQ(l3->calls, (Calls{"get_many", "get c", "get x"}));
  EXPECT_EQ(l1->entries.at("b").data, "two");
  EXPECT_EQ(l1->entries.at("c").data, "three");
  EXPECT_EQ(count(2, LayerCounter::kHits), 2u);
  EXPECT_EQ(count(1, LayerCounter::kHits), 1u);
  EXPECT_EQ(count(0, LayerCounter::kHits), 1u);
  EXPECT_EQ(count(ChainCounter::kNotFound), 1u);
  for (const char *key : {"a", "b", "c", "x"}) EXPECT_FALSE(known(key)) << key;
}

TEST_F(ReadManyTest, NoKeysAreAnEmptyBatch) {
  FakeLayer *l1 = fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  EXPECT_EQ(get_many({}).answers->size(), 0u);
  EXPECT_TRUE(l1->calls.empty());
}

TEST_F(ReadManyTest, ALevelIsAskedOnceForAThousandKeys) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  for (const std::string &key : names(2'000)) l2->entries[key] = {"of " + key, 7, 7, 0, 0, 0};
  const Many many = get_many(names(2'000));
  for (size_t i = 0; i < 2'000; ++i) {
    ASSERT_EQ(many.status(i), CACHECHAIN_OK);
    ASSERT_EQ(many.data(i), "of k" + std::to_string(i));
  }
  EXPECT_EQ(std::count(l2->calls.begin(), l2->calls.end(), "get_many"), 2);
  l2->calls.clear();
  (void)get_many(names(2'000));
  EXPECT_TRUE(l2->calls.empty()) << "all were warmed";
}

// The same layers, once by single gets and once by a batch.
class SameAnswersTest : public ReadManyTest, public ::testing::WithParamInterface<std::tuple<Source, const char *>> {
 protected:
  static constexpr size_t kKeys = 400;

  // What a layer may hold of a key, by chance.
  void fill(FakeLayer *layer, SeededRandom &random) {
    const int64_t now_ms = clock_.unix_ms();
    layer->entries.clear();
    for (const std::string &key : names(kKeys)) {
      FakeLayer::Entry entry{"v" + std::to_string(random.next() % 100), 2 * (random.next() % 8) + 1, 1, 0, 0, 0};
      switch (random.next() % 12) {
        case 0:
        case 1:
        case 2:
          continue;
        case 3:
          entry.expires_ms = now_ms - 1;
          break;
        case 4:
        case 5:
          entry.fresh_until_ms = now_ms - 1;
          entry.expires_ms = now_ms + 1'000;
          break;
        case 6:
          entry.flags = CACHECHAIN_KIND_TOMBSTONE;
          break;
        case 7:
          entry.flags = CACHECHAIN_KIND_ABSENT;
          break;
        case 8:
          entry.flags = CACHECHAIN_KIND_INVALIDATED;
          break;
        case 9:
          entry.flags = CACHECHAIN_KIND_LEASE;
          entry.expires_ms = now_ms + 1'000;
          break;
        default:
          break;
      }
      if (entry.flags != CACHECHAIN_KIND_VALUE) entry.data.clear();
      layer->entries[key] = entry;
    }
  }
  void fill_all() {
    SeededRandom random;
    for (FakeLayer *layer : fakes_) fill(layer, random);
  }
  std::vector<uint64_t> counters() {
    std::vector<uint64_t> all;
    for (uint32_t i = 0; i < counter_count(3); ++i) all.push_back(chain_->home().threads().total(i));
    return all;
  }
};

TEST_P(SameAnswersTest, EachKeyIsAnsweredAndCountedAsByItsOwnGet) {
  const auto [source, failing] = GetParam();
  const auto step = [failing = std::string(failing)](const char *call) {
    return std::string(call).rfind("get", 0) == 0 && failing == "fails" ? int32_t{CACHECHAIN_UNAVAILABLE}
                                                                        : CACHECHAIN_OK;
  };
  ReadOptions options;
  if (std::string(failing) == "min_version") options.min_version = 7;
  const std::vector<std::string> keys = names(kKeys);

  fake(kFakeInline);
  fake(kFakeShared)->step = step;
  fake(kFakeTable)->traits_.max_key_size = 3;
  fill_all();
  ASSERT_TRUE(open(source).ok());
  std::vector<Got> singles;
  for (const std::string &key : keys) singles.push_back(get(key, 0, options));
  const std::vector<uint64_t> singles_counted = counters();
  std::vector<std::map<std::string, FakeLayer::Entry>> singles_left;
  for (FakeLayer *layer : fakes_) singles_left.push_back(layer->entries);

  chain_.reset();
  fakes_.clear();
  settings_ = {};
  fake(kFakeInline);
  fake(kFakeShared)->step = step;
  fake(kFakeTable)->traits_.max_key_size = 3;
  fill_all();
  ASSERT_TRUE(open(source).ok());
  const Many many = get_many(keys, options);
  size_t hits = 0;
  for (size_t i = 0; i < kKeys; ++i) {
    SCOPED_TRACE(keys[i]);
    const cachechain_value &value = many.value(i);
    ASSERT_EQ(many.status(i), singles[i].status);
    EXPECT_EQ(many.data(i), singles[i].data);
    EXPECT_EQ(value.version, singles[i].value.version);
    EXPECT_EQ(value.fresh_until_ms, singles[i].value.fresh_until_ms);
    EXPECT_EQ(value.expires_ms, singles[i].value.expires_ms);
    EXPECT_EQ(value.flags, singles[i].value.flags);
    EXPECT_EQ(value.layer, singles[i].value.layer);
    EXPECT_EQ(many.message(i), singles[i].failure.message());
    hits += many.status(i) == CACHECHAIN_OK;
  }
  EXPECT_GT(hits, kKeys / 10);
  EXPECT_EQ(counters(), singles_counted);
  for (size_t at = 0; at < fakes_.size(); ++at) {
    ASSERT_EQ(fakes_[at]->entries.size(), singles_left[at].size()) << at;
    for (const auto &[key, entry] : fakes_[at]->entries) {
      EXPECT_EQ(entry.data, singles_left[at].at(key).data) << at << " " << key;
      EXPECT_EQ(entry.version, singles_left[at].at(key).version) << at << " " << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sources, SameAnswersTest,
                         ::testing::Combine(::testing::Values(Source::kLastLayer, Source::kApplication),
                                            ::testing::Values("well", "fails", "min_version")));

TEST_F(ReadManyTest, AFailingLevelFailsOnceForAllKeys) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->step = [](const char *) { return CACHECHAIN_TIMEOUT; };
  const Many many = get_many({"a", "b", "a"});
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(many.status(i), CACHECHAIN_UNAVAILABLE);
    EXPECT_NE(many.message(i).find("test/L2 fake: scripted TIMEOUT"), std::string::npos) << many.message(i);
  }
  EXPECT_EQ(many.answers->overall(), CACHECHAIN_PARTIAL);
  EXPECT_EQ(l2->calls, Calls{"get_many"});
  EXPECT_EQ(count(1, LayerCounter::kErrors), 2u);
  EXPECT_EQ(std::count_if(log_.begin(), log_.end(), [](const auto &line) { return line.find("TIMEOUT") != line.npos; }),
            1);
}

TEST_F(ReadManyTest, KeysThatFailLeaveTheOthersAlone) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["a"] = {"A", 7, 7, 0, 0, 0};
  l2->entries["c"] = {"C", 7, 7, 0, 0, 0};
  int asked = 0;
  l2->step = [&](const char *call) {
    return std::string(call) == "get" && ++asked == 2 ? int32_t{CACHECHAIN_CORRUPT} : CACHECHAIN_OK;
  };
  const Many many = get_many({"a", "b", "c"});
  EXPECT_EQ(many.data(0), "A");
  EXPECT_EQ(many.status(1), CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(many.data(2), "C");
}

TEST_F(ReadManyTest, PastTheDeadlineTheKeysThatAreLeftAreAnsweredAsSingleGets) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["a"] = {"A", 7, 7, 0, 0, 0};
  l2->step = [&](const char *call) {
    if (std::string(call) == "get_many") clock_.advance_ms(60);
    return 0;
  };
  ReadOptions hasty;
  hasty.timeout_ns = 50'000'000;
  const Many many = get_many({"a", "b"}, hasty);
  EXPECT_EQ(many.data(0), "A");
  EXPECT_EQ(many.status(1), CACHECHAIN_DEADLINE);
  EXPECT_TRUE(l3->calls.empty());
  EXPECT_EQ(count(2, LayerCounter::kSkipped), 1u);
  EXPECT_EQ(l2->deadlines.front(), l2->deadlines.back());
}

TEST_F(ReadManyTest, WhatALevelOwesToOneKeyConcernsThatKey) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("a", "old").ok());
  ASSERT_TRUE(set("b", "b").ok());
  l2->step = [](const char *call) { return std::string(call) == "put" ? int32_t{CACHECHAIN_UNAVAILABLE} : 0; };
  ASSERT_TRUE(set("a", "new").ok());
  l1->entries.clear();
  l2->calls.clear();
  const Many many = get_many({"a", "b"});
  EXPECT_EQ(many.data(0), "new");
  EXPECT_EQ(many.value(0).flags, CACHECHAIN_FLAG_DEGRADED);
  EXPECT_EQ(many.data(1), "b");
  EXPECT_EQ(std::count(l2->calls.begin(), l2->calls.end(), "get a"), 0);
  EXPECT_EQ(count(1, LayerCounter::kOwing), 1u);
}

TEST_F(ReadManyTest, ATableWithoutVersionsIsReadUnderALeaseForEachKey) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *table =
      fake(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_SHARED | CACHECHAIN_CAP_PERSISTENT);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  table->entries["a"] = {"row", 0, 0, 0, 0, 0};
  const Many many = get_many({"a", "b"});
  EXPECT_EQ(many.data(0), "row");
  EXPECT_EQ(many.status(1), CACHECHAIN_NOT_FOUND);
  EXPECT_NE(many.value(0).version, 0u);
  EXPECT_EQ(l2->entries.at("a").data, "row");
  EXPECT_EQ(l2->entries.at("a").version, many.value(0).version);
  EXPECT_EQ(l2->entries.at("b").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
  EXPECT_EQ(l1->entries.at("a").version, many.value(0).version);
  EXPECT_EQ(table->calls, (Calls{"get_many", "get a", "get b"}));
}

TEST_F(ReadManyTest, ABatchEndsItsFlightsBeforeItWaitsForThoseOfOthers) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["a"] = {"A", 7, 7, 0, 0, 0};
  l2->entries["c"] = {"C", 7, 7, 0, 0, 0};
  l3->entries["b"] = {"B", 7, 7, 0, 0, 0};
  std::atomic<bool> go{false};
  std::atomic<bool> asked{false};
  l3->step = [&](const char *) {
    asked = true;
    while (!go) std::this_thread::yield();
    return 0;
  };
  std::thread single([&] { EXPECT_EQ(get("b").data, "B"); });
  while (!asked) std::this_thread::yield();
  std::thread batch([&] {
    const Many many = get_many({"a", "b", "c", "b"});
    EXPECT_EQ(many.data(0), "A");
    EXPECT_EQ(many.data(1), "B");
    EXPECT_EQ(many.data(2), "C");
    EXPECT_EQ(many.data(3), "B");
  });
  while (waiting("b") == 0) std::this_thread::yield();
  EXPECT_FALSE(known("a"));
  EXPECT_FALSE(known("c"));
  go = true;
  single.join();
  batch.join();
  EXPECT_EQ(count(ChainCounter::kJoined), 1u);
  EXPECT_EQ(l3->calls, Calls{"get b"});
}

TEST_F(ReadManyTest, OthersShareTheFlightsOfABatch) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  for (const std::string &key : names(3)) l2->entries[key] = {"of " + key, 7, 7, 0, 0, 0};
  l2->step = [&](const char *call) {
    if (std::string(call) != "get_many") return 0;
    for (const std::string &key : names(3)) {
      while (waiting(key) == 0) std::this_thread::yield();
    }
    return 0;
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_EQ(get_many(names(3)).data(2), "of k2"); });
  while (!known("k2")) std::this_thread::yield();
  for (const std::string &key : names(3)) {
    threads.emplace_back([&, key] { EXPECT_EQ(get(key).data, "of " + key); });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(l2->calls, (Calls{"get_many", "get k0", "get k1", "get k2"}));
  EXPECT_EQ(count(ChainCounter::kJoined), 3u);
}

// A first level whose own table breaks the contract for batches; through the checked way it is well.
class OddFirstLevelTest : public ReadManyTest, public ::testing::WithParamInterface<const char *> {
 protected:
  static inline std::string odd_;
  static inline int asked_ = 0;

  static int32_t get_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                          cachechain_value *values, int32_t *statuses) {
    ++asked_;
    if (odd_ == "throws") throw std::runtime_error("odd");
    if (odd_ == "fails") return CACHECHAIN_UNAVAILABLE;
    if (odd_ == "has none") return CACHECHAIN_UNSUPPORTED;
    auto &layer = *static_cast<FakeLayer *>(instance);
    const int32_t whole = layer.get_many(*call, {keys, count}, {values, count}, {statuses, count});
    if (odd_ == "well") return whole;
    for (uint64_t i = 0; i < count; i += 2) {
      if (values[i].release != nullptr) values[i].release(values[i].owner);
      values[i] = {};
      if (odd_ == "leaves a status out") statuses[i] = INT32_MIN;
      if (odd_ == "has no data") values[i].size = 7;
      if (odd_ == "has no data") statuses[i] = CACHECHAIN_OK;
    }
    return whole;
  }
  static int32_t get_one(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                         uint64_t cap, cachechain_value *value) {
    return static_cast<FakeLayer *>(instance)->get(*call, *key, {buf, static_cast<size_t>(cap)}, *value);
  }
};

TEST_P(OddFirstLevelTest, IsAskedInTheCheckedWay) {
  odd_ = GetParam();
  asked_ = 0;
  cachechain_layer_api table{};
  table.struct_size = sizeof(table);
  table.get = &get_one;
  table.get_many = &get_many;
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  for (const std::string &key : names(4)) l1->entries[key] = {"of " + key, 7, 7, 0, 0, 0};
  l2->entries["x"] = {"X", 7, 7, 0, 0, 0};
  settings_.chain = "test";
  settings_.source = Source::kLastLayer;
  ChainParts parts;
  parts.clock = &clock_;
  parts.random = &random_;
  parts.log = Logger::to_sink([](void *, int32_t, const uint8_t *, uint64_t) {}, nullptr, CACHECHAIN_LOG_ERROR);
  std::vector<OpenedLayer> layers;
  for (FakeLayer *layer : fakes_) layers.push_back(layer->opened());
  layers.front().direct = {&table, l1};
  auto opened = Chain::open(settings_, std::move(parts), {}, std::move(layers));
  ASSERT_TRUE(opened.ok());
  chain_ = opened.take();
  for (int round = 0; round < 2; ++round) {
    const Many many = ReadManyTest::get_many({"k0", "k1", "x", "k2", "k3"});
    EXPECT_EQ(many.data(0), "of k0");
    EXPECT_EQ(many.data(1), "of k1");
    EXPECT_EQ(many.data(2), "X");
    EXPECT_EQ(many.data(3), "of k2");
    EXPECT_EQ(many.data(4), "of k3");
  }
  const bool kept = odd_ == "well" || odd_ == "fails" || odd_ == "has none";
  EXPECT_EQ(asked_, kept ? 2 : 1) << "not again after it broke its contract";
}

INSTANTIATE_TEST_SUITE_P(Ways, OddFirstLevelTest,
                         ::testing::Values("well", "throws", "fails", "has none", "leaves a status out",
                                           "has no data"));

TEST_F(ReadManyTest, AMutationShutsOutWhatABatchHasRead) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["a"] = {"old", 7, 7, 0, 0, 0};
  l2->entries["b"] = {"b", 7, 7, 0, 0, 0};
  std::atomic<bool> go{false};
  std::atomic<bool> held{false};
  l1->step = [&](const char *call) {
    if (std::string(call) == "put" && !held.exchange(true)) {
      while (!go) std::this_thread::yield();
    }
    return 0;
  };
  std::thread reader([&] { EXPECT_EQ(get_many({"a", "b"}).data(0), "old"); });
  while (!held) std::this_thread::yield();
  std::thread writer([&] { EXPECT_TRUE(remove("a").ok()); });
  while (chain_->look(chain_->home().key(bytes("a"))).fence == 0) std::this_thread::yield();
  go = true;
  reader.join();
  writer.join();
  EXPECT_EQ(get("a").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get("b").data, "b");
  EXPECT_EQ(l1->entries.at("a").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
}

TEST_F(ReadManyTest, BatchesOfTheSameKeysInAnyOrderNeverWaitForEachOther) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  const std::vector<std::string> forwards = names(50);
  const std::vector<std::string> backwards(forwards.rbegin(), forwards.rend());
  for (const std::string &key : forwards) l2->entries[key] = {"of " + key, 7, 7, 0, 0, 0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::vector<std::string> &keys = i % 2 == 0 ? forwards : backwards;
      for (int round = 0; round < 50; ++round) {
        const Many many = get_many(keys);
        for (size_t k = 0; k < keys.size(); ++k) {
          const bool answered = many.status(k) == CACHECHAIN_NOT_FOUND || many.data(k) == "of " + keys[k];
          ASSERT_TRUE(answered) << keys[k];
        }
        if (i == 0) (void)remove(keys[static_cast<size_t>(round)]);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  for (const std::string &key : forwards) EXPECT_FALSE(known(key));
}

}  // namespace
}  // namespace cachechain
