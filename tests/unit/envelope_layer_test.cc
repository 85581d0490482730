#include "plugin/envelope_layer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "support/counting_allocator.h"
#include "support/fake_layer.h"

namespace cachechain {
namespace {

constexpr uint64_t kBytes = CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_SHARED;

class EnvelopeLayerTest : public testing::Test {
 protected:
  EnvelopeLayerTest() : fake_(new FakeLayer("L2", kBytes)), layer_(std::unique_ptr<Layer>(fake_), allocator_) {
    space_.prefix = reinterpret_cast<const uint8_t *>("shop/users/1:");
    space_.prefix_size = 13;
  }

  cachechain_put a_put(std::string_view data, uint64_t version, uint32_t flags = CACHECHAIN_KIND_VALUE) {
    cachechain_put put{};
    put.key = &key_;
    put.data = reinterpret_cast<const uint8_t *>(data.data());
    put.size = data.size();
    put.version = version;
    put.created = version;
    put.fresh_until_ms = 1'735'689'700'000;
    put.expires_ms = 1'735'689'800'000;
    put.flags = flags;
    return put;
  }
  int32_t store(std::string_view data, uint64_t version, uint32_t flags = CACHECHAIN_KIND_VALUE) {
    return layer_.put(call_, a_put(data, version, flags), result_);
  }
  // The value as text; "MISS" and so on for other statuses.
  std::string get(size_t cap) {
    buffer_.assign(cap, '#');
    const int32_t status =
        layer_.get(call_, key_, {reinterpret_cast<uint8_t *>(buffer_.data()), buffer_.size()}, value_);
    if (status != CACHECHAIN_OK) return status_name(status);
    return std::string(reinterpret_cast<const char *>(value_.data), value_.size);
  }
  void release() {
    if (value_.release != nullptr) value_.release(value_.owner);
    value_ = {};
  }
  bool in_buffer() const { return value_.data == reinterpret_cast<const uint8_t *>(buffer_.data()); }
  std::string &stored() { return fake_->entries.at("user:7").data; }
  uint64_t flaws(const char *name) {
    return nlohmann::json::parse(layer_.stats()).at("envelope_flaws").at(name).get<uint64_t>();
  }

  static constexpr uint64_t kVersion = (uint64_t{366} * 86'400'000 << 22) | 1;  // 2025-01-01

  CountingAllocator allocator_;
  FakeLayer *fake_;
  EnvelopeLayer layer_;
  cachechain_report report_{};
  cachechain_call call_ = {sizeof call_, 0, 0, 0, nullptr, &report_, nullptr, nullptr, 0};
  cachechain_space space_{};
  cachechain_key key_ = {reinterpret_cast<const uint8_t *>("user:7"), 6, 0, &space_};
  cachechain_value value_{};
  cachechain_put_result result_{};
  std::string buffer_;
};

TEST_F(EnvelopeLayerTest, Traits) {
  EXPECT_TRUE(layer_.traits().can(CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_NEWER));
  EXPECT_EQ(layer_.traits().max_value_size, 0u);
  auto inner = std::make_unique<FakeLayer>("L2", kBytes);
  inner->traits_.max_value_size = 1000;
  EXPECT_EQ(EnvelopeLayer(std::move(inner), allocator_).traits().max_value_size, 1000 - kEnvelopeHeader - 8);
}

TEST_F(EnvelopeLayerTest, EverythingComesBack) {
  ASSERT_EQ(store("hello", kVersion, 3u << 8), CACHECHAIN_OK);
  EXPECT_EQ(result_.version, kVersion);
  EXPECT_EQ(stored().size(), kEnvelopeHeader + 5);
  EXPECT_EQ(fake_->entries.at("user:7").flags, 0u) << "to the plugin it is bytes";
  EXPECT_EQ(get(16), "hello");
  EXPECT_TRUE(in_buffer());
  EXPECT_EQ(value_.release, nullptr);
  EXPECT_EQ(value_.version, kVersion);
  EXPECT_EQ(value_.created, kVersion);
  EXPECT_EQ(value_.fresh_until_ms, 1'735'689'700'000);
  EXPECT_EQ(value_.expires_ms, 1'735'689'800'000);
  EXPECT_EQ(value_.flags, 3u << 8);
}

TEST_F(EnvelopeLayerTest, KindsWithoutAValue) {
  for (uint32_t kind : {CACHECHAIN_KIND_ABSENT, CACHECHAIN_KIND_TOMBSTONE, CACHECHAIN_KIND_INVALIDATED}) {
    fake_->entries.clear();
    ASSERT_EQ(store("", kVersion, kind), CACHECHAIN_OK);
    EXPECT_EQ(get(16), "");
    EXPECT_EQ(value_.flags, kind);
    release();
  }
}

// Copies and views on both sides of the room that was given.
TEST_F(EnvelopeLayerTest, CopyOrView) {
  for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}}) {
    const std::string data(size, 'v');
    fake_->entries.clear();
    ASSERT_EQ(store(data, kVersion), CACHECHAIN_OK);
    for (size_t cap : {size_t{0}, size_t{1}, size_t{99}, size_t{100}, size_t{4096}, size_t{6000}}) {
      EXPECT_EQ(get(cap), data) << size << " into " << cap;
      EXPECT_EQ(in_buffer() || value_.data == nullptr, size <= cap) << size << " into " << cap;
      release();
      EXPECT_EQ(allocator_.live, 0);
    }
  }
}

TEST_F(EnvelopeLayerTest, ViewOutOfMemory) {
  ASSERT_EQ(store("hello", kVersion), CACHECHAIN_OK);
  allocator_.failing = true;
  EXPECT_EQ(get(2), "NO_MEMORY");
  EXPECT_EQ(value_.data, nullptr);
  EXPECT_EQ(get(0), "hello") << "the plugin's own view";
  release();
}

TEST_F(EnvelopeLayerTest, WhatIsNoEntryIsACountedMiss) {
  ASSERT_EQ(store("hello", kVersion), CACHECHAIN_OK);
  const std::string good = stored();
  stored() = "raw bytes of another program";
  EXPECT_EQ(get(0), "MISS");
  EXPECT_EQ(get(16), "MISS");
  EXPECT_EQ(flaws("short"), 2u);
  stored() = std::string(100, 'x');
  EXPECT_EQ(get(0), "MISS");
  EXPECT_EQ(flaws("magic"), 1u);
  stored() = good;
  stored().back() ^= 1;
  EXPECT_EQ(get(16), "MISS");
  EXPECT_EQ(flaws("checksum"), 1u);
  EXPECT_EQ(value_.size, 0u);

  // The entry of another key under this one.
  stored() = good;
  cachechain_key other = key_;
  other.data = reinterpret_cast<const uint8_t *>("user:8");
  fake_->entries["user:8"] = fake_->entries["user:7"];
  EXPECT_EQ(layer_.get(call_, other, {}, value_), CACHECHAIN_MISS);
  EXPECT_EQ(flaws("checksum"), 2u);
  EXPECT_EQ(get(16), "hello");
  EXPECT_TRUE(nlohmann::json::parse(layer_.stats()).at("fake").get<bool>()) << "beside the layer's own numbers";
}

TEST_F(EnvelopeLayerTest, FailuresPassThrough) {
  fake_->step = [](const char *) { return CACHECHAIN_TIMEOUT; };
  EXPECT_EQ(get(16), "TIMEOUT");
  EXPECT_EQ(store("x", kVersion), CACHECHAIN_TIMEOUT);
  fake_->step = nullptr;
  EXPECT_EQ(get(16), "MISS");
}

TEST_F(EnvelopeLayerTest, SupersededPassesThrough) {
  ASSERT_EQ(store("new", kVersion + 10), CACHECHAIN_OK);
  EXPECT_EQ(store("old", kVersion), CACHECHAIN_SUPERSEDED);
  EXPECT_EQ(result_.version, kVersion + 10);
  EXPECT_EQ(get(16), "new");
}

// The layer stores a bump above what it holds; the envelope must say the same version, or nobody could read it.
TEST_F(EnvelopeLayerTest, BumpAboveANewerEntryStaysReadable) {
  ASSERT_EQ(store("new", kVersion + 1000), CACHECHAIN_OK);
  cachechain_put put = a_put("set", kVersion);
  put.condition = CACHECHAIN_PUT_BUMP;
  ASSERT_EQ(layer_.put(call_, put, result_), CACHECHAIN_OK);
  EXPECT_GT(result_.version, kVersion + 1000);
  EXPECT_EQ(result_.version & 1, 1u);
  EXPECT_EQ(get(16), "set");
  EXPECT_EQ(value_.version, result_.version);
}

TEST_F(EnvelopeLayerTest, BumpThatIsAlwaysOvertakenIsUnknown) {
  cachechain_put put = a_put("set", kVersion);
  put.condition = CACHECHAIN_PUT_BUMP;
  fake_->step = [this](const char *) {
    fake_->entries["user:7"].version += kVersion;
    return 0;
  };
  EXPECT_EQ(layer_.put(call_, put, result_), CACHECHAIN_UNKNOWN_OUTCOME);
  EXPECT_GT(report_.size, 0u);
}

class EnvelopeBatchTest : public EnvelopeLayerTest {
 protected:
  static constexpr size_t kCount = 4;

  EnvelopeBatchTest() {
    for (size_t i = 0; i < kCount; ++i) {
      keys_[i] = {reinterpret_cast<const uint8_t *>(names_[i].data()), names_[i].size(), 0, &space_};
      puts_[i] = a_put(data_[i], kVersion + 2 * i);
      puts_[i].key = &keys_[i];
      puts_[i].condition = CACHECHAIN_PUT_BUMP;
    }
  }
  int32_t put_many() { return layer_.put_many(call_, puts_, results_); }
  // The answers as text, one after the other.
  std::string get_many() {
    std::fill(values_.begin(), values_.end(), cachechain_value{});
    whole_ = layer_.get_many(call_, keys_, values_, statuses_);
    std::string text;
    for (size_t i = 0; i < kCount; ++i) {
      const bool found = statuses_[i] == CACHECHAIN_OK;
      text += i == 0 ? "" : " ";
      text += found ? std::string(reinterpret_cast<const char *>(values_[i].data), values_[i].size)
                    : std::string(status_name(statuses_[i]));
      if (found) {
        EXPECT_EQ(values_[i].version, results_[i].version) << i;
      }
      if (values_[i].release != nullptr) values_[i].release(values_[i].owner);
    }
    return text;
  }

  const std::string names_[kCount] = {"a", "b", "c", "d"};
  const std::string data_[kCount] = {"one", "", "three", std::string(5000, 'v')};
  std::array<cachechain_key, kCount> keys_{};
  std::array<cachechain_put, kCount> puts_{};
  std::array<cachechain_put_result, kCount> results_{};
  std::array<cachechain_value, kCount> values_{};
  std::array<int32_t, kCount> statuses_{};
  int32_t whole_ = 0;
};

TEST_F(EnvelopeBatchTest, EverythingComesBack) {
  ASSERT_EQ(put_many(), CACHECHAIN_OK);
  EXPECT_EQ(get_many(), "one  three " + data_[3]);
  EXPECT_EQ(whole_, CACHECHAIN_OK);
  EXPECT_EQ(allocator_.live, 0) << "views are the plugin's own";
}

TEST_F(EnvelopeBatchTest, ACorruptEntryIsThatKeysStatusAlone) {
  ASSERT_EQ(put_many(), CACHECHAIN_OK);
  fake_->entries.at("a").data.back() ^= 1;
  fake_->entries.erase("b");
  EXPECT_EQ(get_many(), "MISS MISS three " + data_[3]);
  EXPECT_EQ(whole_, CACHECHAIN_PARTIAL);
  EXPECT_EQ(flaws("checksum"), 1u);
}

TEST_F(EnvelopeBatchTest, FailuresPassThrough) {
  ASSERT_EQ(put_many(), CACHECHAIN_OK);
  fake_->step = [](std::string_view call) { return call == "get_many" ? CACHECHAIN_TIMEOUT : CACHECHAIN_UNAVAILABLE; };
  EXPECT_EQ(get_many(), "TIMEOUT TIMEOUT TIMEOUT TIMEOUT");
  EXPECT_EQ(whole_, CACHECHAIN_TIMEOUT);
  EXPECT_EQ(put_many(), CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(results_[3].status, CACHECHAIN_UNAVAILABLE);
}

TEST_F(EnvelopeBatchTest, BumpAboveANewerEntryStaysReadable) {
  ASSERT_EQ(put_many(), CACHECHAIN_OK);
  puts_[0].version = kVersion - 1000;
  puts_[2].version = kVersion + 1000;
  ASSERT_EQ(put_many(), CACHECHAIN_OK);
  EXPECT_GT(results_[0].version, kVersion);
  EXPECT_EQ(results_[2].version, kVersion + 1000);
  EXPECT_EQ(get_many(), "one  three " + data_[3]);
}

// Whichever of two puts of a key had to be written again, the later one stands.
TEST_F(EnvelopeBatchTest, TheLastOfEqualKeysStands) {
  for (const uint64_t later : {kVersion + 2000, kVersion - 2}) {
    fake_->entries.clear();
    for (size_t i = 0; i < kCount; ++i) puts_[i].version = kVersion + 1000;
    ASSERT_EQ(put_many(), CACHECHAIN_OK);
    keys_[1] = keys_[0];
    puts_[0].version = kVersion;
    puts_[0].data = puts_[2].data;
    puts_[0].size = puts_[2].size;
    puts_[1].version = later;
    puts_[1].data = puts_[3].data;
    puts_[1].size = 7;
    ASSERT_EQ(put_many(), CACHECHAIN_OK);
    results_[0].version = results_[1].version;
    EXPECT_EQ(get_many(), "vvvvvvv vvvvvvv three " + data_[3]) << later - kVersion;
  }
}

}  // namespace
}  // namespace cachechain
