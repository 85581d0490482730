// An instance of the memory plugin, driven through the slots of its table as the core would.
#ifndef CACHECHAIN_TESTS_UNIT_PLUGINS_MEMORY_FIXTURE_H_
#define CACHECHAIN_TESTS_UNIT_PLUGINS_MEMORY_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cachechain/plugin.hpp"
#include "fake_host.h"
#include "memory/memory_layer.h"

namespace cachechain::memory {

// A key with a hash as the core would give it, or with one of the test's choice.
class TestKey {
 public:
  explicit TestKey(std::string text, uint32_t space = 1)
      : TestKey(text, space, mixed(std::hash<std::string>()(text))) {}
  TestKey(std::string text, uint32_t space, uint64_t hash) : text_(std::move(text)) {
    space_.id = space;
    key_ = {reinterpret_cast<const uint8_t *>(text_.data()), text_.size(), hash, &space_};
  }
  TestKey(const TestKey &other) : TestKey(other.text_, other.space_.id, other.key_.hash) {}
  TestKey &operator=(const TestKey &) = delete;

  const cachechain_key &get() const { return key_; }
  const std::string &text() const { return text_; }

 private:
  static uint64_t mixed(uint64_t x) {
    x ^= x >> 31;
    x *= 0x9e3779b97f4a7c15;
    return x ^ x >> 29;
  }

  std::string text_;
  cachechain_space space_{};
  cachechain_key key_{};
};

// A put of a value under NEWER; the test changes what it is about.
inline cachechain_put make_put(const TestKey &key, std::string_view value, uint64_t version) {
  cachechain_put put{};
  put.key = &key.get();
  put.data = reinterpret_cast<const uint8_t *>(value.data());
  put.size = value.size();
  put.version = version;
  put.created = version;
  put.condition = CACHECHAIN_PUT_NEWER;
  return put;
}

// A value as a get handed it out; releases it.
class Got {
 public:
  Got() = default;
  Got(Got &&other) noexcept
      : status(other.status), value(std::exchange(other.value, {})), buffer(std::move(other.buffer)) {}
  Got &operator=(Got &&other) noexcept {
    release();
    status = other.status;
    value = std::exchange(other.value, {});
    buffer = std::move(other.buffer);
    return *this;
  }
  ~Got() { release(); }

  std::string text() const { return std::string(reinterpret_cast<const char *>(value.data), value.size); }
  void release() {
    if (value.release != nullptr) value.release(value.owner);
    value = {};
  }

  int32_t status = CACHECHAIN_MISS;
  cachechain_value value{};
  std::vector<uint8_t> buffer;
};

class Memory {
 public:
  static constexpr cachechain_layer_api kApi = plugin::layer_api<MemoryLayer>();

  explicit Memory(plugin::FakeHost &host) : host_(host) { call.struct_size = sizeof(call); }
  Memory(plugin::FakeHost &host, std::string_view options) : Memory(host) {
    EXPECT_EQ(open(options), CACHECHAIN_OK) << report_text();
  }
  ~Memory() { close(); }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  int32_t open(std::string_view options) {
    cachechain_layer_config config{};
    config.struct_size = sizeof(config);
    config.options = reinterpret_cast<const uint8_t *>(options.data());
    config.options_size = options.size();
    info = {};
    info.struct_size = sizeof(info);
    report = {};
    return kApi.open(host_.table(), &config, &info, &report, &instance_);
  }
  void close() {
    if (instance_ == nullptr) return;
    EXPECT_EQ(kApi.close(std::exchange(instance_, nullptr), &call), CACHECHAIN_OK);
  }

  Got copy(const TestKey &key, size_t cap = 4096) {
    Got got;
    got.buffer.resize(cap);
    got.status = kApi.get(instance_, &call, &key.get(), got.buffer.data(), cap, &got.value);
    return got;
  }
  // A hit, found without a view.
  bool holds(const TestKey &key) {
    scratch_.resize(info.max_value_size);
    cachechain_value value{};
    return kApi.get(instance_, &call, &key.get(), scratch_.data(), scratch_.size(), &value) == CACHECHAIN_OK;
  }
  Got view(const TestKey &key) {
    Got got;
    got.status = kApi.get(instance_, &call, &key.get(), nullptr, 0, &got.value);
    return got;
  }
  cachechain_put_result put(const cachechain_put &put) {
    cachechain_put_result result{};
    EXPECT_EQ(kApi.put(instance_, &call, &put, &result), result.status);
    return result;
  }
  int32_t set(const TestKey &key, std::string_view value, uint64_t version = 1) {
    cachechain_put put = make_put(key, value, version);
    put.condition = CACHECHAIN_PUT_BUMP;
    return this->put(put).status;
  }
  int32_t erase(const TestKey &key) { return kApi.erase_many(instance_, &call, &key.get(), 1); }

  nlohmann::json stats() {
    uint64_t needed = 0;
    EXPECT_EQ(kApi.stats(instance_, nullptr, 0, &needed), CACHECHAIN_BUFFER_TOO_SMALL);
    std::string text(needed + 64, ' ');
    EXPECT_EQ(kApi.stats(instance_, reinterpret_cast<uint8_t *>(text.data()), text.size(), &needed), CACHECHAIN_OK);
    return nlohmann::json::parse(text.substr(0, needed));
  }
  uint64_t stat(const char *name) { return stats().at(name).get<uint64_t>(); }

  std::string report_text() const { return std::string(reinterpret_cast<const char *>(report.text), report.size); }
  void *instance() const { return instance_; }

  cachechain_layer_info info{};
  cachechain_report report{};
  cachechain_call call{};

 private:
  plugin::FakeHost &host_;
  void *instance_ = nullptr;
  std::vector<uint8_t> scratch_;
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_TESTS_UNIT_PLUGINS_MEMORY_FIXTURE_H_
