// UnsteadyLayer: a layer in memory that many threads use and that is trouble: calls fail before or after they took
// effect, or answer late. By a switch it becomes well again. Thread-safe; the order of its locks is its own business.
#ifndef CACHECHAIN_TESTS_SUPPORT_UNSTEADY_LAYER_H_
#define CACHECHAIN_TESTS_SUPPORT_UNSTEADY_LAYER_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>

#include "cachechain/plugin.hpp"
#include "plugin/layer.h"
#include "plugin/open_layer.h"

namespace cachechain {

class UnsteadyLayer final : public Layer {
 public:
  // In so many of a thousand calls.
  struct Trouble {
    uint32_t fails = 0;    // without effect
    uint32_t unknown = 0;  // a put, and nobody knows
    uint32_t forgets = 0;  // and loses the key before it answers
    uint32_t late = 0;
  };
  struct Entry {
    std::string data;
    uint64_t version = 0;
    uint64_t created = 0;
    uint64_t token = 0;
    int64_t fresh_until_ms = 0;
    int64_t expires_ms = 0;
    uint32_t flags = 0;
  };

  UnsteadyLayer(std::string name, uint64_t caps, Trouble trouble) : trouble_(trouble) {
    traits_.name = std::move(name);
    traits_.plugin = "unsteady";
    traits_.caps = caps;
  }

  void get_well() { well_ = true; }
  // What it holds now, or nothing.
  std::optional<Entry> held(const std::string &key) {
    Shard &shard = shard_of(key);
    std::lock_guard<std::mutex> lock(shard.mutex);
    const auto found = shard.entries.find(key);
    return found == shard.entries.end() ? std::nullopt : std::optional<Entry>(found->second);
  }

  const LayerTraits &traits() const override { return traits_; }

  int32_t get(const cachechain_call &, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override {
    if (chance(trouble_.fails)) return CACHECHAIN_UNAVAILABLE;
    const std::string name = text(key);
    Shard &shard = shard_of(name);
    dawdle();
    {
      std::lock_guard<std::mutex> lock(shard.mutex);
      if (chance(trouble_.forgets)) shard.entries.erase(name);
      const auto found = shard.entries.find(name);
      if (found == shard.entries.end()) return CACHECHAIN_MISS;
      hand_out(found->second, buffer, value);
    }
    dawdle();
    return CACHECHAIN_OK;
  }

  int32_t put(const cachechain_call &, const cachechain_put &put, cachechain_put_result &result) override {
    if (chance(trouble_.fails)) return result.status = CACHECHAIN_UNAVAILABLE;
    const bool unknown = chance(trouble_.unknown);
    if (unknown && random() % 2 == 0) return result.status = CACHECHAIN_UNKNOWN_OUTCOME;
    const std::string name = text(*put.key);
    Shard &shard = shard_of(name);
    dawdle();
    {
      std::lock_guard<std::mutex> lock(shard.mutex);
      result = traits_.can(CACHECHAIN_CAP_PLAIN) ? put_plain(shard, name, put) : put_entry(shard, name, put);
    }
    dawdle();
    if (unknown) result = {CACHECHAIN_UNKNOWN_OUTCOME, 0, 0};
    return result.status;
  }

  // Each item has its own trouble; a batch as a whole fails only before it was looked at.
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override {
    if (chance(trouble_.fails)) return fail_all(statuses, CACHECHAIN_UNAVAILABLE);
    for (size_t i = 0; i < keys.size(); ++i) statuses[i] = get(call, keys[i], {}, values[i]);
    return whole_of(statuses);
  }
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override {
    if (chance(trouble_.fails)) return fail_all(results, CACHECHAIN_UNAVAILABLE);
    for (size_t i = 0; i < puts.size(); ++i) {
      results[i] = {};
      results[i].status = put(call, puts[i], results[i]);
    }
    return whole_of(results);
  }

  int32_t erase_many(const cachechain_call &, std::span<const cachechain_key>) override {
    return CACHECHAIN_UNSUPPORTED;
  }
  int32_t ping(const cachechain_call &) override { return CACHECHAIN_OK; }
  int32_t maintain(const cachechain_call &) override { return CACHECHAIN_OK; }
  int32_t sweep(const cachechain_call &) override { return CACHECHAIN_UNSUPPORTED; }
  std::string stats() override { return "{}"; }
  void thread_exit(uintptr_t) override {}
  Status close(const cachechain_call &) override { return CACHECHAIN_OK; }

  OpenedLayer opened() {
    OpenedLayer opened;
    opened.layer.reset(this);
    return opened;
  }

 private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::unordered_map<std::string, Entry> entries;
  };

  static uint32_t random() {
    thread_local std::minstd_rand numbers(
        static_cast<uint32_t>(std::hash<std::thread::id>()(std::this_thread::get_id())));
    return numbers() >> 4;
  }
  bool chance(uint32_t per_mille) { return !well_ && random() % 1000 < per_mille; }
  void dawdle() {
    if (!chance(trouble_.late)) return;
    // Asleep, so that it is late by as much on a machine that others keep busy.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 64));
  }
  // As held() is asked for it: keys of other namespaces than the default one under "name:key".
  static std::string text(const cachechain_key &key) {
    const std::string bytes(reinterpret_cast<const char *>(key.data), key.size);
    if (key.space->id == 0) return bytes;
    return std::string(reinterpret_cast<const char *>(key.space->name), key.space->name_size) + ":" + bytes;
  }
  Shard &shard_of(const std::string &key) { return shards_[std::hash<std::string>()(key) % shards_.size()]; }

  static void hand_out(const Entry &entry, std::span<uint8_t> buffer, cachechain_value &value) {
    value.size = entry.data.size();
    value.version = entry.version;
    value.created = entry.created;
    value.fresh_until_ms = entry.fresh_until_ms;
    value.expires_ms = entry.expires_ms;
    value.flags = entry.flags;
    if (!buffer.empty() && entry.data.size() <= buffer.size()) {
      std::memcpy(buffer.data(), entry.data.data(), entry.data.size());
      value.data = buffer.data();
      return;
    }
    auto *copy = new std::string(entry.data);
    value.data = reinterpret_cast<const uint8_t *>(copy->data());
    value.owner = copy;
    value.release = [](void *owner) { delete static_cast<std::string *>(owner); };
  }

  static cachechain_put_result put_entry(Shard &shard, const std::string &name, const cachechain_put &put) {
    const auto found = shard.entries.find(name);
    plugin::Stored stored;
    if (found != shard.entries.end()) stored = {found->second.version, found->second.created, found->second.token};
    const cachechain_put_result result = plugin::judge(put, stored);
    if (result.status != CACHECHAIN_OK) return result;
    shard.entries[name] = {std::string(reinterpret_cast<const char *>(put.data), put.size),
                           result.version,
                           plugin::created_at(put, result.version),
                           put.token,
                           put.fresh_until_ms,
                           put.expires_ms,
                           put.flags};
    return result;
  }

  static cachechain_put_result put_plain(Shard &shard, const std::string &name, const cachechain_put &put) {
    if ((put.flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE) {
      shard.entries[name].data.assign(reinterpret_cast<const char *>(put.data), put.size);
    } else {
      shard.entries.erase(name);
    }
    return {CACHECHAIN_OK, 0, 0};
  }

  LayerTraits traits_;
  const Trouble trouble_;
  std::atomic<bool> well_{false};
  std::array<Shard, 16> shards_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_UNSTEADY_LAYER_H_
