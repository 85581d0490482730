// Views of the memory plugin: they outlive their entry and the instance, count while they live, and are private copies
// once too much is looked at.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "memory_fixture.h"

namespace cachechain::memory {
namespace {

std::string value_of(int i, size_t size) { return std::string(size, static_cast<char>('a' + i % 26)); }

TEST(MemoryViews, StayValidAfterTheEntryIsGone) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "1MiB"})");
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, "first"), CACHECHAIN_OK);
  Got first = memory.view(key);
  ASSERT_EQ(memory.set(key, "other"), CACHECHAIN_OK) << "the same size: not written over what is looked at";
  EXPECT_EQ(first.text(), "first");
  EXPECT_EQ(memory.copy(key).text(), "other");
  Got second = memory.view(key);
  memory.erase(key);
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_MISS);
  EXPECT_EQ(second.text(), "other");
  EXPECT_EQ(memory.stat("entries"), 0u);
  EXPECT_EQ(memory.stat("bytes"), static_cast<uint64_t>(host.outstanding)) << "both still count";
  const uint64_t held = memory.stat("bytes");
  first.release();
  second.release();
  EXPECT_EQ(memory.stat("bytes"), held - 2 * (sizeof(Entry) + 3 + 5));
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST(MemoryViews, ManyViewsOfOneEntryCountOnce) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "1MiB"})");
  const TestKey key("key");
  ASSERT_EQ(memory.set(key, std::string(60'000, 'x')), CACHECHAIN_OK);
  std::vector<Got> views;
  for (int i = 0; i < 100; ++i) views.push_back(memory.view(key));
  EXPECT_EQ(memory.stat("pinned_bytes"), sizeof(Entry) + 3 + 60'000);
  EXPECT_EQ(memory.stat("private_copies"), 0u);
  views.erase(views.begin() + 1, views.end());
  EXPECT_EQ(memory.stat("pinned_bytes"), sizeof(Entry) + 3 + 60'000);
  views.clear();
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
}

TEST(MemoryViews, AboveATenthTheyArePrivateCopies) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "1MiB"})");
  std::vector<Got> views;
  for (int i = 0; i < 40; ++i) {
    const TestKey key(std::to_string(i));
    ASSERT_EQ(memory.set(key, value_of(i, 10'000)), CACHECHAIN_OK);
    views.push_back(memory.view(key));
    ASSERT_EQ(views.back().status, CACHECHAIN_OK);
    EXPECT_LE(memory.stat("pinned_bytes"), (1u << 20) / 10);
  }
  EXPECT_EQ(memory.stat("private_copies"), 30u);
  EXPECT_GE(static_cast<uint64_t>(host.outstanding), memory.stat("bytes") + 30u * 10'000)
      << "they are outside the bound";
  for (int i = 0; i < 40; ++i) EXPECT_EQ(views[static_cast<size_t>(i)].text(), value_of(i, 10'000));
  views.clear();
  EXPECT_EQ(memory.stat("pinned_bytes"), 0u);
  EXPECT_EQ(memory.stat("bytes"), static_cast<uint64_t>(host.outstanding));
}

TEST(MemoryViews, AreReleasedAfterClose) {
  plugin::FakeHost host;
  std::vector<Got> views;
  {
    Memory memory(host, R"({"max_bytes": "1MiB"})");
    for (int i = 0; i < 30; ++i) {
      const TestKey key(std::to_string(i));
      ASSERT_EQ(memory.set(key, value_of(i, 5'000)), CACHECHAIN_OK);
      views.push_back(memory.view(key));
      if (i % 2 == 0) views.push_back(memory.view(key));
      if (i % 3 == 0) memory.erase(key);
    }
    EXPECT_GT(memory.stat("private_copies"), 0u);
  }
  EXPECT_GT(host.outstanding, 0);
  size_t next = 0;
  for (int i = 0; i < 30; ++i) {
    for (int n = i % 2 == 0 ? 2 : 1; n > 0; --n) EXPECT_EQ(views[next++].text(), value_of(i, 5'000));
  }
  while (!views.empty()) views.pop_back();
  EXPECT_EQ(host.outstanding, 0);
}

// The host of an instance is gone after close; what is left must work with a copy of its table.
TEST(MemoryViews, NeedTheTablesFunctionsButNotTheTable) {
  plugin::FakeHost host;
  auto table = std::make_unique<cachechain_host>(*host.table());
  cachechain_layer_config config{};
  config.struct_size = sizeof(config);
  cachechain_layer_info info{};
  info.struct_size = sizeof(info);
  void *instance = nullptr;
  ASSERT_EQ(Memory::kApi.open(table.get(), &config, &info, nullptr, &instance), CACHECHAIN_OK);
  const TestKey key("key");
  const cachechain_put put = make_put(key, "value", 1);
  cachechain_put_result result{};
  ASSERT_EQ(Memory::kApi.put(instance, nullptr, &put, &result), CACHECHAIN_OK);
  Got got;
  ASSERT_EQ(Memory::kApi.get(instance, nullptr, &key.get(), nullptr, 0, &got.value), CACHECHAIN_OK);
  ASSERT_EQ(Memory::kApi.close(instance, nullptr), CACHECHAIN_OK);
  table.reset();
  EXPECT_EQ(got.text(), "value");
  got.release();
  EXPECT_EQ(host.outstanding, 0);
}

TEST(MemoryViews, APutThatTheyLeaveNoRoomForIsOverloadedAndTheKeyAbsent) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "64KiB"})");
  const std::string largest(memory.info.max_value_size, 'x');
  // The index has taken its share, and a tenth is looked at.
  for (int i = 0; i < 2000; ++i) ASSERT_EQ(memory.set(TestKey(std::to_string(i)), ""), CACHECHAIN_OK);
  std::vector<Got> views;
  for (int i = 0; i < 5; ++i) {
    const TestKey key("viewed" + std::to_string(i));
    ASSERT_EQ(memory.set(key, std::string(1'200, 'v')), CACHECHAIN_OK);
    views.push_back(memory.view(key));
  }
  ASSERT_EQ(memory.stat("private_copies"), 0u);
  const TestKey key(std::string(CACHECHAIN_MAX_KEY_SIZE, 'k'));
  ASSERT_EQ(memory.set(key, "old"), CACHECHAIN_OK);
  cachechain_put put = make_put(key, largest, 100);
  const cachechain_put_result result = memory.put(put);
  EXPECT_EQ(result.status, CACHECHAIN_OVERLOADED);
  EXPECT_EQ(result.version, 0u);
  EXPECT_EQ(memory.copy(key).status, CACHECHAIN_MISS);
  EXPECT_EQ(memory.stat("overloads"), 1u);
  EXPECT_LE(memory.stat("bytes"), 64u << 10);
  for (const Got &view : views) EXPECT_EQ(view.text(), std::string(1'200, 'v'));
  views.clear();
  EXPECT_EQ(memory.put(put).status, CACHECHAIN_OK);
  EXPECT_EQ(memory.view(key).text(), largest);
}

TEST(MemoryViews, DoNotStandAgainstTheBoundByEntries) {
  plugin::FakeHost host;
  Memory memory(host, R"({"max_bytes": "1MiB", "max_entries": 2})");
  std::vector<Got> views;
  for (int i = 0; i < 10; ++i) {
    const TestKey key(std::to_string(i));
    ASSERT_EQ(memory.set(key, value_of(i, 10)), CACHECHAIN_OK);
    views.push_back(memory.view(key));
    ASSERT_EQ(views.back().status, CACHECHAIN_OK);
    EXPECT_LE(memory.stat("entries"), 2u);
  }
  for (int i = 0; i < 10; ++i) EXPECT_EQ(views[static_cast<size_t>(i)].text(), value_of(i, 10));
}

}  // namespace
}  // namespace cachechain::memory
