// The memory plugin through its table: options, conditions, kinds, keys, values, batches, house-keeping.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "memory_fixture.h"

namespace cachechain::memory {
namespace {

class MemoryLayerTest : public ::testing::Test {
 protected:
  void TearDown() override {
    memory.close();
    EXPECT_EQ(host.outstanding, 0);
  }

  plugin::FakeHost host;
  Memory memory{host, R"({"max_bytes": "1MiB"})"};
};

TEST(MemoryOptions, DefaultsAndCapabilities) {
  plugin::FakeHost host;
  Memory memory(host, "{}");
  EXPECT_EQ(memory.stat("max_bytes"), 64u << 20);
  EXPECT_EQ(memory.stat("max_entries"), 0u);
  EXPECT_EQ(memory.info.max_key_size, 1024u);
  EXPECT_EQ(memory.info.max_value_size, memory.stat("max_value_bytes"));
  EXPECT_GT(memory.info.max_value_size, 50u << 20);
  EXPECT_EQ(memory.info.caps, CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE |
                                  CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT |
                                  CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_SWEEP);
  EXPECT_LT(memory.stat("bytes"), 256u << 10) << "an empty cache is small";
}

TEST(MemoryOptions, EveryProblemIsReportedTogether) {
  plugin::FakeHost host;
  Memory memory(host);
  EXPECT_EQ(memory.open(R"({"max_bytes": "1KiB", "max_entries": -1, "max_entrys": 5})"), CACHECHAIN_CONFIG);
  const std::string text = memory.report_text();
  EXPECT_NE(text.find("\"max_bytes\" must be"), std::string::npos) << text;
  EXPECT_NE(text.find("\"max_entries\" must be"), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean \"max_entries\"?"), std::string::npos) << text;
  EXPECT_EQ(memory.instance(), nullptr);
  EXPECT_EQ(memory.open(R"({"max_bytes": "64KiB", "max_value_bytes": "64KiB"})"), CACHECHAIN_CONFIG);
  EXPECT_EQ(memory.open("[]"), CACHECHAIN_CONFIG);
  EXPECT_EQ(host.outstanding, 0);
}

TEST(MemoryOptions, MaxValueBytesIsKept) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_value_bytes": 100})");
  EXPECT_EQ(memory.info.max_value_size, 100u);
  const TestKey key("key");
  EXPECT_EQ(memory.set(key, std::string(100, 'x')), CACHECHAIN_OK);
  EXPECT_EQ(memory.set(key, std::string(101, 'x'), 2), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_MISS);
  EXPECT_EQ(memory.stat("too_large"), 1u);
}

TEST_F(MemoryLayerTest, HandsOutAllThatWasStored) {
  uint64_t version = 41;
  for (uint32_t kind = CACHECHAIN_KIND_VALUE; kind <= CACHECHAIN_KIND_LEASE; ++kind) {
    for (const uint64_t token : {uint64_t{0}, uint64_t{77}}) {
      const TestKey key("key");
      const std::string_view bytes = kind == CACHECHAIN_KIND_VALUE ? "value" : "";
      cachechain_put put = make_put(key, bytes, version += 2);
      put.created = 40;
      put.token = token;
      put.fresh_until_ms = 1000;
      put.expires_ms = 2000;
      put.flags = kind | 3u << 8;
      EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
      const Got got = memory.copy(key);
      ASSERT_EQ(got.status, CACHECHAIN_OK);
      EXPECT_EQ(got.text(), bytes);
      EXPECT_EQ(got.value.version, put.version);
      EXPECT_EQ(got.value.created, 40u);
      EXPECT_EQ(got.value.fresh_until_ms, 1000);
      EXPECT_EQ(got.value.expires_ms, 2000) << "expired or not: the core judges";
      EXPECT_EQ(got.value.flags, put.flags);
    }
  }
}

TEST_F(MemoryLayerTest, CopiesWhatFitsAndPinsTheRest) {
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, "0123456789"), CACHECHAIN_OK);
  for (const size_t cap : {0, 1, 9, 10, 11}) {
    Got got = memory.copy(key, cap);
    ASSERT_EQ(got.status, CACHECHAIN_OK);
    EXPECT_EQ(got.text(), "0123456789");
    EXPECT_EQ(got.value.data == got.buffer.data(), cap >= 10);
    EXPECT_EQ(got.value.release == nullptr, cap >= 10);
    EXPECT_EQ(memory.stat("pinned_bytes") != 0, cap < 10);
  }
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST_F(MemoryLayerTest, AnEmptyValueIsAHitWithoutAPin) {
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, ""), CACHECHAIN_OK);
  const Got got = memory.view(key);
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.value.size, 0u);
  EXPECT_NE(got.value.data, nullptr);
  EXPECT_EQ(got.value.release, nullptr);
  EXPECT_EQ(memory.view(TestKey("other")).status, CACHECHAIN_MISS);
}

TEST_F(MemoryLayerTest, NewerAppliesOnlyToOlderEntries) {
  const TestKey key("key");
  cachechain_put_result result = memory.put(make_put(key, "ten", 10));
  EXPECT_EQ(result.status, CACHECHAIN_OK);
  EXPECT_EQ(result.version, 10u);
  for (const uint64_t version : {9, 10}) {
    result = memory.put(make_put(key, "late", version));
    EXPECT_EQ(result.status, CACHECHAIN_SUPERSEDED);
    EXPECT_EQ(result.version, 10u);
  }
  EXPECT_EQ(memory.copy(key).text(), "ten");
  EXPECT_EQ(memory.put(make_put(key, "eleven", 11)).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(key).text(), "eleven");
}

TEST_F(MemoryLayerTest, BumpAlwaysAppliesAboveWhatIsStored) {
  const TestKey key("key");
  cachechain_put put = make_put(key, "a", 10);
  put.condition = CACHECHAIN_PUT_BUMP;
  EXPECT_EQ(memory.put(put).version, 10u);
  EXPECT_EQ(memory.put(put).version, 13u) << "(10 | 1) + 2";
  put.version = 5;
  EXPECT_EQ(memory.put(put).version, 15u);
  put.version = 100;
  EXPECT_EQ(memory.put(put).version, 100u);
  EXPECT_EQ(memory.copy(key).value.version, 100u);
}

TEST_F(MemoryLayerTest, ExactComparesVersionAndToken) {
  const TestKey key("key");
  cachechain_put put = make_put(key, "a", 10);
  put.condition = CACHECHAIN_PUT_EXACT;
  put.expect_version = 9;
  cachechain_put_result result = memory.put(put);
  EXPECT_EQ(result.status, CACHECHAIN_CONFLICT);
  EXPECT_EQ(result.version, 0u);
  put.expect_version = 0;
  put.token = 7;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
  result = memory.put(put);
  EXPECT_EQ(result.status, CACHECHAIN_CONFLICT) << "it is not absent any more";
  EXPECT_EQ(result.version, 10u);
  put.expect_version = 10;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_CONFLICT) << "the token is 7";
  put.expect_token = 7;
  put.token = 0;
  put.version = 12;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(key).value.version, 12u);
}

TEST_F(MemoryLayerTest, AVersionAboveTheHorizonCountsAsAbsent) {
  const TestKey key("key");
  ASSERT_EQ(memory.put(make_put(key, "broken clock", 1000)).status, CACHECHAIN_OK);
  cachechain_put put = make_put(key, "sane", 10);
  put.horizon = 1000;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_SUPERSEDED) << "at the horizon is not above it";
  put.horizon = 999;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(key).value.version, 10u);
}

TEST_F(MemoryLayerTest, WhatWasClearedCountsAsAbsent) {
  const TestKey key("key");
  cachechain_put put = make_put(key, "old", 100);
  put.created = 50;
  ASSERT_EQ(memory.put(put).status, CACHECHAIN_OK);
  put = make_put(key, "new", 60);
  put.cleared = 49;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_SUPERSEDED);
  put.cleared = 50;
  put.condition = CACHECHAIN_PUT_EXACT;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(key).value.version, 60u);
}

TEST_F(MemoryLayerTest, AnUnknownConditionChangesNothing) {
  const TestKey key("key");
  ASSERT_EQ(memory.put(make_put(key, "a", 10)).status, CACHECHAIN_OK);
  cachechain_put put = make_put(key, "b", 20);
  put.condition = 3;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(memory.copy(key).text(), "a");
}

TEST_F(MemoryLayerTest, APutBelowTheFenceLeavesTheKeyAbsent) {
  const TestKey key("key");
  uint64_t fence = 20;
  ASSERT_EQ(memory.put(make_put(key, "old", 10)).status, CACHECHAIN_OK);
  cachechain_put put = make_put(key, "fill", 19);
  put.fence = &fence;
  const cachechain_put_result result = memory.put(put);
  EXPECT_EQ(result.status, CACHECHAIN_FENCED);
  EXPECT_EQ(result.version, 0u);
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_MISS);
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_FENCED) << "also where nothing is stored";
  put.version = 20;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK) << "at the fence is not below it";

  fence = 21;
  put.version = 19;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_SUPERSEDED) << "the condition comes before the fence";
  EXPECT_EQ(memory.copy(key).value.version, 20u);
  put.condition = CACHECHAIN_PUT_BUMP;
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK) << "what counts is the version to be stored: 23";
  EXPECT_EQ(memory.copy(key).value.version, 23u);
}

TEST_F(MemoryLayerTest, SpacesAreApart) {
  const TestKey one("key", 1);
  const TestKey two("key", 2);
  ASSERT_EQ(memory.set(one, "1"), CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(two).status, CACHECHAIN_MISS);
  ASSERT_EQ(memory.set(two, "2"), CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(one).text(), "1");
  EXPECT_EQ(memory.copy(two).text(), "2");
  memory.erase(one);
  EXPECT_EQ(memory.copy(one).status, CACHECHAIN_MISS);
  EXPECT_EQ(memory.copy(two).text(), "2");
}

TEST_F(MemoryLayerTest, KeysOfEveryByteAndLength) {
  std::vector<TestKey> keys;
  for (size_t size = 1; size <= CACHECHAIN_MAX_KEY_SIZE; size += size < 64 ? 1 : 97) {
    keys.emplace_back(std::string(size, '\0'));
    keys.emplace_back(std::string(size - 1, '\xff') + '\0');
  }
  keys.emplace_back(std::string(CACHECHAIN_MAX_KEY_SIZE, 'm'));
  for (int byte = 1; byte < 256; ++byte) keys.emplace_back(std::string(1, static_cast<char>(byte)));
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(memory.set(keys[i], std::to_string(i)), CACHECHAIN_OK);
  // The first two keys of size 1 are the same one.
  for (size_t i = 2; i < keys.size(); ++i) EXPECT_EQ(memory.copy(keys[i]).text(), std::to_string(i));
  EXPECT_EQ(memory.stat("entries"), keys.size() - 1);

  EXPECT_EQ(memory.set(TestKey(""), "x"), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(memory.set(TestKey(std::string(CACHECHAIN_MAX_KEY_SIZE + 1, 'm')), "x"), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(memory.copy(TestKey(std::string(65536 + 1, '\0'))).status, CACHECHAIN_MISS);
}

TEST_F(MemoryLayerTest, KeysWithTheSameHashAreToldApart) {
  for (const uint64_t hash : {uint64_t{0}, UINT64_MAX, uint64_t{0x1234567890abcdef}}) {
    std::vector<TestKey> keys;
    for (int i = 0; i < 300; ++i) keys.emplace_back("key" + std::to_string(i), 1, hash);
    for (const TestKey &key : keys) ASSERT_EQ(memory.set(key, key.text()), CACHECHAIN_OK);
    for (const TestKey &key : keys) EXPECT_EQ(memory.copy(key).text(), key.text());
    for (size_t i = 0; i < keys.size(); i += 2) memory.erase(keys[i]);
    for (size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(memory.copy(keys[i]).status == CACHECHAIN_OK, i % 2 == 1);
  }
}

TEST_F(MemoryLayerTest, EverySizeUpToTheLargestValue) {
  const TestKey key("key");
  const uint64_t most = memory.info.max_value_size;
  std::vector<uint64_t> sizes;
  for (uint64_t size = 0; size < 300; ++size) sizes.push_back(size);
  for (uint64_t size = 300; size < most; size += size / 3) sizes.push_back(size);
  sizes.push_back(most - 1);
  sizes.push_back(most);
  uint64_t version = 1;
  for (const uint64_t size : sizes) {
    std::string value(size, static_cast<char>('a' + size % 26));
    ASSERT_EQ(memory.put(make_put(key, value, ++version)).status, CACHECHAIN_OK) << size;
    EXPECT_EQ(memory.copy(key, size).text(), value);
    EXPECT_EQ(memory.view(key).text(), value);
  }
  const cachechain_put_result result = memory.put(make_put(key, std::string(most + 1, 'x'), ++version));
  EXPECT_EQ(result.status, CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(result.version, 0u);
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_MISS) << "no older entry is left behind";
  ASSERT_EQ(memory.put(make_put(key, "back", ++version)).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.put(make_put(key, std::string(most + 1, 'x'), 1)).status, CACHECHAIN_SUPERSEDED);
  EXPECT_EQ(memory.copy(key).text(), "back") << "the one that won stays";
}

TEST_F(MemoryLayerTest, BatchesAnswerEachKey) {
  const TestKey a("a");
  const TestKey b("b");
  const TestKey c("c");
  const cachechain_put puts[] = {make_put(a, "1", 10), make_put(b, "2", 10), make_put(a, "3", 5)};
  cachechain_put_result results[3] = {};
  ASSERT_EQ(Memory::kApi.put_many(memory.instance(), &memory.call, puts, 3, results), CACHECHAIN_OK);
  EXPECT_EQ(results[0].status, CACHECHAIN_OK);
  EXPECT_EQ(results[1].status, CACHECHAIN_OK);
  EXPECT_EQ(results[2].status, CACHECHAIN_SUPERSEDED);

  const cachechain_key keys[] = {a.get(), c.get(), b.get()};
  cachechain_value values[3] = {};
  int32_t statuses[3] = {};
  ASSERT_EQ(Memory::kApi.get_many(memory.instance(), &memory.call, keys, 3, values, statuses), CACHECHAIN_OK);
  EXPECT_EQ(statuses[0], CACHECHAIN_OK);
  EXPECT_EQ(statuses[1], CACHECHAIN_MISS);
  EXPECT_EQ(statuses[2], CACHECHAIN_OK);
  EXPECT_EQ(*values[2].data, '2');
  values[0].release(values[0].owner);
  values[2].release(values[2].owner);

  ASSERT_EQ(Memory::kApi.erase_many(memory.instance(), &memory.call, keys, 3), CACHECHAIN_OK);
  EXPECT_EQ(memory.stat("entries"), 0u);
}

// Whatever stands between the steps of a batch: keys of one bucket, keys of one hash, keys that are not there, the same
// key many times, and all lengths of a batch around the distance of the steps.
TEST_F(MemoryLayerTest, ABatchOfAnyLengthAnswersAsSingleGets) {
  std::vector<std::unique_ptr<TestKey>> keys;
  std::mt19937_64 random(5);
  for (int i = 0; i < 200; ++i) {
    const uint64_t hash = i % 3 == 0 ? 7 : (i % 3 == 1 ? random() << 20 : random());
    keys.push_back(std::make_unique<TestKey>("key" + std::to_string(i), 1 + i % 2, hash));
    if (i % 4 != 0) {
      ASSERT_EQ(memory.set(*keys.back(), "value" + std::to_string(i)), CACHECHAIN_OK);
    }
  }
  for (size_t count = 0; count < 80; ++count) {
    std::vector<size_t> picks;
    std::vector<cachechain_key> asked;
    for (size_t i = 0; i < count; ++i) {
      picks.push_back(random() % keys.size());
      asked.push_back(keys[picks.back()]->get());
    }
    std::vector<cachechain_value> values(count);
    std::vector<int32_t> statuses(count, CACHECHAIN_INTERNAL);
    ASSERT_EQ(
        Memory::kApi.get_many(memory.instance(), &memory.call, asked.data(), count, values.data(), statuses.data()),
        CACHECHAIN_OK);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(statuses[i], picks[i] % 4 == 0 ? CACHECHAIN_MISS : CACHECHAIN_OK) << count << ", " << i;
      if (statuses[i] != CACHECHAIN_OK) continue;
      EXPECT_EQ(std::string(reinterpret_cast<const char *>(values[i].data), values[i].size),
                "value" + std::to_string(picks[i]));
      EXPECT_EQ(values[i].version, 1u);
      values[i].release(values[i].owner);
    }
  }
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST_F(MemoryLayerTest, ABatchOfViewsEndsAtATenthWithPrivateCopies) {
  const std::string value(16 << 10, 'v');
  std::vector<std::unique_ptr<TestKey>> keys;
  std::vector<cachechain_key> asked;
  for (int i = 0; i < 20; ++i) {
    keys.push_back(std::make_unique<TestKey>("key" + std::to_string(i)));
    asked.push_back(keys.back()->get());
    ASSERT_EQ(memory.set(*keys.back(), value), CACHECHAIN_OK);
  }
  std::vector<cachechain_value> values(asked.size());
  std::vector<int32_t> statuses(asked.size());
  ASSERT_EQ(Memory::kApi.get_many(memory.instance(), &memory.call, asked.data(), asked.size(), values.data(),
                                  statuses.data()),
            CACHECHAIN_OK);
  EXPECT_EQ(memory.stat("private_copies"), 14u);
  EXPECT_GT(memory.stat("pinned_bytes"), 6 * value.size());
  EXPECT_LE(memory.stat("pinned_bytes"), memory.stat("max_bytes") / 10);
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(statuses[i], CACHECHAIN_OK);
    EXPECT_EQ(std::string(reinterpret_cast<const char *>(values[i].data), values[i].size), value);
    values[i].release(values[i].owner);
  }
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST_F(MemoryLayerTest, ACallThatDemandsTheUnknownIsRefused) {
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, "a"), CACHECHAIN_OK);
  memory.call.must_flags = 1;
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(memory.set(key, "b"), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(memory.erase(key), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(Memory::kApi.ping(memory.instance(), &memory.call), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(Memory::kApi.maintain(memory.instance(), &memory.call), CACHECHAIN_UNSUPPORTED);
  memory.call.must_flags = 0;
  EXPECT_EQ(memory.copy(key).text(), "a");
  EXPECT_EQ(Memory::kApi.ping(memory.instance(), &memory.call), CACHECHAIN_OK);
}

TEST_F(MemoryLayerTest, SweepRemovesOneSpaceOrAll) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(memory.set(TestKey(std::to_string(i), 1 + i % 2), "v"), CACHECHAIN_OK);
  cachechain_space space{};
  space.id = 2;
  uint64_t removed = 99;
  EXPECT_EQ(Memory::kApi.sweep(memory.instance(), &memory.call, &space, &removed), CACHECHAIN_OK);
  EXPECT_EQ(removed, 500u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(memory.copy(TestKey(std::to_string(i), 1 + i % 2)).status == CACHECHAIN_OK, i % 2 == 0);
  }
  EXPECT_EQ(Memory::kApi.sweep(memory.instance(), &memory.call, nullptr, &removed), CACHECHAIN_OK);
  EXPECT_EQ(removed, 500u);
  EXPECT_EQ(memory.stat("entries"), 0u);
}

TEST_F(MemoryLayerTest, SweepStopsAtTheDeadline) {
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(memory.set(TestKey(std::to_string(i)), "v"), CACHECHAIN_OK);
  memory.call.deadline_ns = host.mono_ns;
  uint64_t all = 0;
  for (int32_t status = CACHECHAIN_PARTIAL; status == CACHECHAIN_PARTIAL && all < 1000;) {
    uint64_t removed = 0;
    status = Memory::kApi.sweep(memory.instance(), &memory.call, nullptr, &removed);
    if (removed == 0) memory.call.deadline_ns = 0;  // only the first buckets fit into no time
    all += removed;
  }
  EXPECT_EQ(all, 1000u);
}

TEST_F(MemoryLayerTest, MaintainDropsWhatExpiredBitByBit) {
  const int64_t now = host.unix_ms;
  for (int i = 0; i < 3000; ++i) {
    const TestKey key(std::to_string(i));
    cachechain_put put = make_put(key, "v", 1);
    put.expires_ms = i % 3 == 0 ? 0 : i % 3 == 1 ? now + 1000 : now + 2000;
    ASSERT_EQ(memory.put(put).status, CACHECHAIN_OK);
  }
  const auto pass = [&] {
    int calls = 1;
    while (Memory::kApi.maintain(memory.instance(), &memory.call) == CACHECHAIN_PARTIAL) ++calls;
    return calls;
  };
  pass();
  EXPECT_EQ(memory.stat("entries"), 3000u);
  host.unix_ms = now + 1000;
  pass();
  EXPECT_EQ(memory.stat("entries"), 3000u) << "at expires_ms it is not past it";
  host.unix_ms = now + 1001;
  memory.call.deadline_ns = host.mono_ns;
  EXPECT_EQ(Memory::kApi.maintain(memory.instance(), &memory.call), CACHECHAIN_PARTIAL) << "no time at all";
  memory.call.deadline_ns = 0;
  pass();
  EXPECT_EQ(memory.stat("entries"), 2000u);
  EXPECT_EQ(memory.stat("expirations"), 1000u);
  host.unix_ms = now + 5000;
  pass();
  EXPECT_EQ(memory.stat("entries"), 1000u);
  EXPECT_EQ(memory.copy(TestKey("0")).status, CACHECHAIN_OK) << "what never expires stays";
}

TEST(MemoryMaintain, OneCallIsBounded) {
  plugin::FakeHost host;
  Memory memory(host, "{}");
  for (int i = 0; i < 20'000; ++i) {
    const TestKey key(std::to_string(i));
    cachechain_put put = make_put(key, "v", 1);
    put.expires_ms = 1;
    ASSERT_EQ(memory.put(put).status, CACHECHAIN_OK);
  }
  ASSERT_EQ(Memory::kApi.maintain(memory.instance(), &memory.call), CACHECHAIN_PARTIAL);
  const uint64_t left = memory.stat("entries");
  EXPECT_GT(left, 10'000u);
  EXPECT_LT(left, 20'000u);
  while (Memory::kApi.maintain(memory.instance(), &memory.call) == CACHECHAIN_PARTIAL) {
  }
  EXPECT_EQ(memory.stat("entries"), 0u);
}

}  // namespace
}  // namespace cachechain::memory
