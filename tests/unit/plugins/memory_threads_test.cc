// Many threads at the memory plugin: whatever is found is whole and of its key, the bounds hold, a put that fits is
// never refused, and views may be released by other threads and after close. Meant to run under TSan and ASan as well.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "memory_fixture.h"

namespace cachechain::memory {
namespace {

// A value that carries its key, its version and a checksum over them.
std::string make_value(const std::string &key, uint64_t version, size_t padding) {
  std::string text = key + "|" + std::to_string(version) + "|";
  text += std::to_string(std::hash<std::string>()(text)) + "|";
  return text + std::string(padding, static_cast<char>('a' + version % 26));
}

// The version if the value is whole and of that key, else 0.
uint64_t version_in(const std::string &key, const std::string &text) {
  const size_t first = text.find('|');
  if (first == std::string::npos || text.substr(0, first) != key) return 0;
  const size_t second = text.find('|', first + 1);
  const size_t third = text.find('|', second + 1);
  if (third == std::string::npos) return 0;
  const uint64_t version = std::stoull(text.substr(first + 1, second - first - 1));
  const std::string padding(text.size() - third - 1, static_cast<char>('a' + version % 26));
  return make_value(key, version, padding.size()) == text ? version : 0;
}

class Threads {
 public:
  template <class Body>
  static void run(int count, Body &&body) {
    std::atomic<int> waiting{count};
    std::vector<std::thread> threads;
    for (int t = 0; t < count; ++t) {
      threads.emplace_back([&, t] {
        --waiting;
        while (waiting > 0) std::this_thread::yield();
        body(t);
      });
    }
    for (std::thread &thread : threads) thread.join();
  }
};

struct Held {
  std::string key;
  Got got;
};

void mixed_load(const char *options, size_t most_padding, int steps) {
  constexpr int kThreads = 4;
  constexpr size_t kKeys = 200;
  plugin::FakeHost host;
  auto memory = std::make_unique<Memory>(host, options);
  std::vector<std::unique_ptr<TestKey>> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back(std::make_unique<TestKey>("key" + std::to_string(i)));
  std::atomic<uint64_t> versions{1};
  std::atomic<int> wrong{0};
  std::atomic<int> unexpected{0};
  // Where threads leave views for each other to release.
  std::array<std::atomic<Held *>, 64> shelf{};

  Threads::run(kThreads, [&](int t) {
    std::mt19937_64 random(static_cast<uint64_t>(t) + 1);
    std::vector<uint8_t> buffer(16'384);
    cachechain_call call{};
    call.struct_size = sizeof(call);
    void *instance = memory->instance();
    const auto check = [&](size_t i, const cachechain_value &value) {
      const std::string text(reinterpret_cast<const char *>(value.data), value.size);
      if (value.version == 0 || version_in(keys[i]->text(), text) != value.version) ++wrong;
    };
    for (int step = 0; step < steps; ++step) {
      const size_t i = random() % kKeys;
      const cachechain_key key = keys[i]->get();
      const uint64_t dice = random() % 100;
      cachechain_value value{};
      if (dice < 40) {
        const uint64_t version = versions.fetch_add(2);
        const std::string text = make_value(keys[i]->text(), version, random() % most_padding);
        const cachechain_put put = make_put(*keys[i], text, version);
        cachechain_put_result result{};
        const int32_t status = Memory::kApi.put(instance, &call, &put, &result);
        if (status != CACHECHAIN_OK && status != CACHECHAIN_SUPERSEDED) ++unexpected;
      } else if (dice < 65) {
        if (Memory::kApi.get(instance, &call, &key, buffer.data(), buffer.size(), &value) == CACHECHAIN_OK) {
          check(i, value);
          if (value.release != nullptr) value.release(value.owner);
        }
      } else if (dice < 70) {
        std::array<size_t, 24> picks;
        std::array<cachechain_key, 24> asked;
        for (size_t j = 0; j < picks.size(); ++j) asked[j] = keys[picks[j] = random() % kKeys]->get();
        std::array<cachechain_value, 24> values{};
        std::array<int32_t, 24> statuses{};
        Memory::kApi.get_many(instance, &call, asked.data(), asked.size(), values.data(), statuses.data());
        for (size_t j = 0; j < picks.size(); ++j) {
          if (statuses[j] != CACHECHAIN_OK) continue;
          check(picks[j], values[j]);
          if (values[j].release != nullptr) values[j].release(values[j].owner);
        }
      } else if (dice < 85) {
        Got got;
        got.status = Memory::kApi.get(instance, &call, &key, nullptr, 0, &got.value);
        if (got.status == CACHECHAIN_OK) {
          check(i, got.value);
          Held *held = new Held{keys[i]->text(), std::move(got)};
          delete shelf[random() % shelf.size()].exchange(held);
        }
      } else if (dice < 90) {
        delete shelf[random() % shelf.size()].exchange(nullptr);
      } else if (dice < 96) {
        Memory::kApi.erase_many(instance, &call, &key, 1);
      } else if (dice < 98) {
        Memory::kApi.maintain(instance, &call);
      } else if (dice < 99) {
        uint64_t needed = 0;
        std::array<uint8_t, 1024> text;
        if (Memory::kApi.stats(instance, text.data(), text.size(), &needed) != CACHECHAIN_OK) ++unexpected;
      } else if (step % 50 == 0) {
        uint64_t removed = 0;
        Memory::kApi.sweep(instance, &call, nullptr, &removed);
      }
    }
  });

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(unexpected, 0);
  EXPECT_LE(memory->stat("bytes"), memory->stat("max_bytes"));
  EXPECT_LE(memory->stat("pinned_bytes"), memory->stat("max_bytes") / 10);
  if (memory->stat("max_entries") != 0) {
    EXPECT_LE(memory->stat("entries"), memory->stat("max_entries"));
  }
  memory.reset();
  for (std::atomic<Held *> &slot : shelf) {
    std::unique_ptr<Held> held(slot.load());
    if (held == nullptr) continue;
    EXPECT_EQ(version_in(held->key, held->got.text()), held->got.value.version);
  }
  EXPECT_EQ(host.outstanding, 0);
}

TEST(MemoryThreads, OneShardWithEvictions) { mixed_load(R"({"max_bytes": "256KiB"})", 4'000, 5'000); }
TEST(MemoryThreads, ManyShardsWithRoom) { mixed_load(R"({"max_bytes": "64MiB"})", 4'000, 5'000); }
TEST(MemoryThreads, ManyShardsWithLargeValues) { mixed_load(R"({"max_bytes": "16MiB"})", 500'000, 300); }
TEST(MemoryThreads, FewEntries) { mixed_load(R"({"max_entries": 20})", 500, 5'000); }

// Each value needs more than half of the memory: any two puts are in each other's way.
// A batch looks for the places of its keys without the lock, while the index moves them.
TEST(MemoryThreads, BatchesFindWhatIsThereWhileTheIndexGrows) {
  constexpr size_t kKeys = 20'000;
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "64MiB"})");
  std::vector<std::unique_ptr<TestKey>> keys;
  for (size_t i = 0; i < kKeys; ++i) keys.push_back(std::make_unique<TestKey>("key" + std::to_string(i)));
  std::atomic<size_t> stored{0};
  std::atomic<int> wrong{0};
  Threads::run(3, [&](int t) {
    cachechain_call call{};
    call.struct_size = sizeof(call);
    if (t == 0) {
      for (size_t i = 0; i < kKeys; ++i) {
        const cachechain_put put = make_put(*keys[i], keys[i]->text(), 1);
        cachechain_put_result result{};
        if (Memory::kApi.put(memory.instance(), &call, &put, &result) != CACHECHAIN_OK) ++wrong;
        stored = i + 1;
      }
      return;
    }
    std::mt19937_64 random(static_cast<uint64_t>(t));
    while (stored < kKeys) {
      const size_t known = stored;
      if (known == 0) continue;
      std::array<size_t, 32> picks;
      std::array<cachechain_key, 32> asked;
      for (size_t j = 0; j < picks.size(); ++j) asked[j] = keys[picks[j] = random() % known]->get();
      std::array<cachechain_value, 32> values{};
      std::array<int32_t, 32> statuses{};
      Memory::kApi.get_many(memory.instance(), &call, asked.data(), asked.size(), values.data(), statuses.data());
      for (size_t j = 0; j < picks.size(); ++j) {
        if (statuses[j] != CACHECHAIN_OK) {
          ++wrong;
          continue;
        }
        const std::string text(reinterpret_cast<const char *>(values[j].data), values[j].size);
        if (text != keys[picks[j]]->text()) ++wrong;
        values[j].release(values[j].owner);
      }
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST(MemoryThreads, APutThatFitsIsNeverRefusedForAnothersSake) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "16MiB"})");
  ASSERT_GT(memory.stat("shards"), 1u);
  std::vector<std::unique_ptr<TestKey>> keys;
  for (uint64_t t = 0; t < 4; ++t) keys.push_back(std::make_unique<TestKey>(std::to_string(t), 1, t << 40 | t));
  std::atomic<int> refused{0};
  std::atomic<uint64_t> versions{1};
  Threads::run(4, [&](int t) {
    const std::string value(memory.info.max_value_size / 10 * 6, static_cast<char>('a' + t));
    cachechain_call call{};
    call.struct_size = sizeof(call);
    for (int step = 0; step < 20; ++step) {
      const TestKey &key = *keys[static_cast<size_t>(t + step) % 4];
      const cachechain_put put = make_put(key, value, versions += 2);
      cachechain_put_result result{};
      const int32_t status = Memory::kApi.put(memory.instance(), &call, &put, &result);
      if (status != CACHECHAIN_OK && status != CACHECHAIN_SUPERSEDED) ++refused;
    }
  });
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(memory.stat("overloads"), 0u);
  EXPECT_LE(static_cast<uint64_t>(host.peak), memory.stat("max_bytes"));
}

// The rule of plugin.h about the fence: once it is raised, and what was stored before was replaced, no older entry can
// be met, however late its put comes.
TEST(MemoryThreads, NothingBelowARaisedFenceIsEverFoundAgain) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "1MiB"})");
  const TestKey key("key");
  std::atomic<uint64_t> loaded{1};  // the version that fillers try to store
  uint64_t fence = 0;
  std::atomic<bool> done{false};
  std::atomic<int> broken{0};
  Threads::run(3, [&](int t) {
    cachechain_call call{};
    call.struct_size = sizeof(call);
    if (t != 0) {
      while (!done) {
        const uint64_t version = loaded.load();
        const std::string text = make_value("key", version, 10);
        cachechain_put put = make_put(key, text, version);
        put.fence = &fence;
        cachechain_put_result result{};
        (void)Memory::kApi.put(memory.instance(), &call, &put, &result);
      }
      return;
    }
    for (uint64_t version = 3; version < 6'000; version += 2) {
      __atomic_store_n(&fence, version, __ATOMIC_RELEASE);
      const std::string text = make_value("key", version, 5);
      cachechain_put put = make_put(key, text, version);
      put.fence = &fence;
      cachechain_put_result result{};
      (void)Memory::kApi.put(memory.instance(), &call, &put, &result);
      std::array<uint8_t, 128> buffer;
      cachechain_value value{};
      const int32_t status =
          Memory::kApi.get(memory.instance(), &call, &key.get(), buffer.data(), buffer.size(), &value);
      if (status == CACHECHAIN_OK && value.version < version) ++broken;
      loaded = version;
    }
    done = true;
  });
  EXPECT_EQ(broken, 0);
}

}  // namespace
}  // namespace cachechain::memory
