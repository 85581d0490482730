// The bounds of the memory plugin under load, checked after every operation against a model; what happens where the
// host has no memory.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "memory_fixture.h"

namespace cachechain::memory {
namespace {

struct Modelled {
  std::string value;
  uint64_t version = 0;
  uint64_t token = 0;
};

// A small universe of keys, so that all of them can be looked up after each operation.
class Universe {
 public:
  Universe(Memory &memory, plugin::FakeHost &host, size_t keys, bool same_hash) : memory_(memory), host_(host) {
    for (size_t i = 0; i < keys; ++i) {
      std::string text = "key" + std::string(i % 40, 'k') + std::to_string(i);
      if (same_hash) {
        keys_.emplace_back(std::move(text), 1, 42);
      } else {
        keys_.emplace_back(std::move(text));
      }
    }
    model_.resize(keys);
    const nlohmann::json stats = memory.stats();
    base_ = stats["bytes"].get<uint64_t>() - stats["index_bytes"].get<uint64_t>();
  }

  const TestKey &key(size_t i) const { return keys_[i]; }
  std::optional<Modelled> &model(size_t i) { return model_[i]; }

  // Everything that is stored is what the model says, the bounds hold, and each byte is accounted for.
  void check() {
    const nlohmann::json stats = memory_.stats();
    const auto stat = [&stats](const char *name) { return stats[name].get<uint64_t>(); };
    uint64_t entries = 0;
    uint64_t bytes = base_ + stat("index_bytes");
    for (size_t i = 0; i < keys_.size(); ++i) {
      // Into a buffer: a view might be a private copy, which is outside the bound.
      const Got got = memory_.copy(keys_[i], model_[i].has_value() ? model_[i]->value.size() : 0);
      if (got.status == CACHECHAIN_MISS) {
        model_[i].reset();  // evicted
        continue;
      }
      ASSERT_EQ(got.status, CACHECHAIN_OK);
      ASSERT_TRUE(model_[i].has_value());
      ASSERT_EQ(got.text(), model_[i]->value);
      ASSERT_EQ(got.value.version, model_[i]->version);
      ++entries;
      bytes += Entry::bytes_for(keys_[i].text().size(), got.value.size, model_[i]->token != 0);
    }
    ASSERT_EQ(stat("entries"), entries);
    ASSERT_EQ(stat("bytes"), bytes);
    ASSERT_EQ(stat("bytes"), static_cast<uint64_t>(host_.outstanding));
    ASSERT_LE(static_cast<uint64_t>(host_.peak), stat("max_bytes")) << "not even for a moment";
    if (stat("max_entries") != 0) {
      ASSERT_LE(entries, stat("max_entries"));
    }
  }

 private:
  Memory &memory_;
  plugin::FakeHost &host_;
  std::vector<TestKey> keys_;
  std::vector<std::optional<Modelled>> model_;
  uint64_t base_ = 0;
};

struct Load {
  const char *options;
  size_t keys;
  bool same_hash;
  int steps;
};

class MemoryBounds : public ::testing::TestWithParam<Load> {};

TEST_P(MemoryBounds, HoldAfterEveryOperation) {
  plugin::FakeHost host;
  Memory memory(host, GetParam().options);
  Universe universe(memory, host, GetParam().keys, GetParam().same_hash);
  std::mt19937_64 random(7);
  uint64_t version = 0;
  const uint64_t most = memory.info.max_value_size;
  for (int step = 0; step < GetParam().steps; ++step) {
    const size_t i = random() % GetParam().keys;
    const uint64_t dice = random() % 100;
    if (dice < 5) {
      ASSERT_EQ(memory.erase(universe.key(i)), CACHECHAIN_OK);
      universe.model(i).reset();
    } else {
      const uint64_t size = dice < 60 ? random() % 200 : dice < 97 ? random() % (most / 16) : random() % (most + 1);
      const std::string value(size, static_cast<char>('a' + random() % 26));
      cachechain_put put = make_put(universe.key(i), value, ++version);
      put.token = random() % 3 == 0 ? version : 0;
      ASSERT_EQ(memory.put(put).status, CACHECHAIN_OK) << "what fits is never refused";
      universe.model(i) = Modelled{value, version, put.token};
      ASSERT_TRUE(memory.holds(universe.key(i))) << "nor dropped";
    }
    ASSERT_NO_FATAL_FAILURE(universe.check());
  }
  memory.close();
  EXPECT_EQ(host.outstanding, 0);
}

INSTANTIATE_TEST_SUITE_P(Bounds, MemoryBounds,
                         ::testing::Values(Load{R"({"max_bytes": "64KiB"})", 150, false, 2500},
                                           Load{R"({"max_bytes": "64KiB"})", 60, true, 2500},
                                           Load{R"({"max_bytes": "9MiB"})", 100, false, 200},
                                           Load{R"({"max_bytes": "2MiB", "max_entries": 1})", 5, false, 2500},
                                           Load{R"({"max_bytes": "2MiB", "max_entries": 2})", 5, false, 2500},
                                           Load{R"({"max_bytes": "2MiB", "max_entries": 10})", 30, false, 2500},
                                           Load{R"({"max_bytes": "256KiB", "max_entries": 77})", 150, false, 2500}));

TEST(MemoryBounds, EntriesAreUsedToTheLast) {
  for (const uint64_t most : {1, 2, 10, 100, 5000, 100'000}) {
    plugin::FakeHost host;
    Memory memory(host, R"({"max_entries": )" + std::to_string(most) + "}");
    for (uint64_t i = 0; i < 2 * most + 3; ++i) {
      const TestKey key(std::to_string(i));
      ASSERT_EQ(memory.set(key, "v"), CACHECHAIN_OK);
      ASSERT_EQ(memory.copy(key).status, CACHECHAIN_OK);
    }
    EXPECT_EQ(memory.stat("entries"), most);
    EXPECT_EQ(memory.stat("evictions"), most + 3);
  }
}

TEST(MemoryBounds, BytesAreUsedWell) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "4MiB"})");
  for (int i = 0; i < 100'000; ++i)
    ASSERT_EQ(memory.set(TestKey(std::to_string(i)), std::string(100, 'v')), CACHECHAIN_OK);
  EXPECT_GT(memory.stat("bytes"), (4u << 20) - 1000);
  EXPECT_LE(static_cast<uint64_t>(host.peak), 4u << 20);
  EXPECT_LT(memory.stat("index_bytes"), (4u << 20) / 8);
  EXPECT_GT(memory.stat("entries"), (4u << 20) / 220);
  // And the largest value still fits, by whichever key.
  const TestKey key(std::string(CACHECHAIN_MAX_KEY_SIZE, 'k'));
  EXPECT_EQ(memory.set(key, std::string(memory.info.max_value_size, 'l')), CACHECHAIN_OK);
  EXPECT_TRUE(memory.holds(key));
  EXPECT_LE(static_cast<uint64_t>(host.peak), 4u << 20);
}

// One shard's keys may take what all the others hold, and the other way round.
TEST(MemoryBounds, AShardBorrowsFromTheOthers) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "32MiB"})");
  ASSERT_GT(memory.stat("shards"), 1u);
  for (int i = 0; i < 160'000; ++i)
    ASSERT_EQ(memory.set(TestKey(std::to_string(i)), std::string(100, 'v')), CACHECHAIN_OK);
  std::vector<TestKey> keys;
  for (int i = 0; i < 60; ++i) keys.emplace_back("one shard " + std::to_string(i), 1, 5);
  for (const TestKey &key : keys) ASSERT_EQ(memory.set(key, std::string(100'000, 'o')), CACHECHAIN_OK);
  int found = 0;
  for (const TestKey &key : keys) found += memory.holds(key) ? 1 : 0;
  EXPECT_GE(found, 10);
  const TestKey huge("huge", 1, uint64_t{1} << 40);
  ASSERT_EQ(memory.set(huge, std::string(memory.info.max_value_size, 'h')), CACHECHAIN_OK);
  EXPECT_TRUE(memory.holds(huge));
  EXPECT_LE(static_cast<uint64_t>(host.peak), 32u << 20);
}

TEST(MemoryWithoutMemory, OpenFailsCleanlyAtEachAllocation) {
  uint64_t needed = 0;
  for (;; ++needed) {
    plugin::FakeHost host;
    host.fail_at = needed;
    Memory memory(host);
    const int32_t status = memory.open(R"({"max_bytes": "8MiB"})");
    if (status == CACHECHAIN_OK) break;
    ASSERT_EQ(status, CACHECHAIN_NO_MEMORY);
    ASSERT_EQ(host.outstanding, 0);
  }
  EXPECT_GT(needed, 2u) << "the pool, the shards, their segments";
}

// Fails one allocation at each place of a script in turn, then all from there on.
TEST(MemoryWithoutMemory, APutThatFailsLeavesTheKeyAbsentAndTheRestSound) {
  for (const bool fail_on : {false, true}) {
    bool failed = true;
    for (uint64_t at = 0; failed; at += at < 100 ? 1 : 17) {
      plugin::FakeHost host;
      Memory memory(host, R"({"max_bytes": "64KiB"})");
      Universe universe(memory, host, 40, false);
      host.fail_at = host.allocations + at;
      host.fail_on = fail_on;
      failed = false;
      std::mt19937_64 random(3);
      for (uint64_t step = 1; step <= 150; ++step) {
        const size_t i = random() % 40;
        const std::string value(random() % 3000, static_cast<char>('a' + step % 26));
        const int32_t status = memory.put(make_put(universe.key(i), value, step)).status;
        if (status == CACHECHAIN_OK) {
          universe.model(i) = Modelled{value, step, 0};
        } else {
          failed = true;
          ASSERT_EQ(status, CACHECHAIN_NO_MEMORY);
          universe.model(i).reset();
        }
        ASSERT_NO_FATAL_FAILURE(universe.check());
      }
      memory.close();
      ASSERT_EQ(host.outstanding, 0);
      if (fail_on && at > 100) break;
    }
  }
}

TEST(MemoryWithoutMemory, AViewThatCannotBeCopiedSaysSo) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "64KiB"})");
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, std::string(10'000, 'x')), CACHECHAIN_OK);
  host.fail_at = host.allocations;
  const Got got = memory.view(key);
  EXPECT_EQ(got.status, CACHECHAIN_NO_MEMORY);
  EXPECT_EQ(got.value.data, nullptr);
  EXPECT_EQ(got.value.release, nullptr);
  EXPECT_EQ(memory.view(key).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.copy(key, 10'000).status, CACHECHAIN_OK);
}

}  // namespace
}  // namespace cachechain::memory
