// FakeLayer: a layer in a map that a test scripts: what it can do, and how its next calls fail. It keeps the contract
// of plugin.h by plugin::judge, so a chain over fakes shows the chain's own behaviour. Thread-safe.
#ifndef CACHECHAIN_TESTS_SUPPORT_FAKE_LAYER_H_
#define CACHECHAIN_TESTS_SUPPORT_FAKE_LAYER_H_

#include <atomic>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "cachechain/plugin.hpp"
#include "plugin/layer.h"
#include "plugin/open_layer.h"

namespace cachechain {

inline constexpr uint64_t kFakeInline = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_NEWER |
                                        CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_FENCE |
                                        CACHECHAIN_CAP_KINDS;
inline constexpr uint64_t kFakeShared =
    (kFakeInline & ~(CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_FENCE)) | CACHECHAIN_CAP_SHARED;
inline constexpr uint64_t kFakeTable = kFakeShared | CACHECHAIN_CAP_PERSISTENT;

class FakeLayer final : public Layer {
 public:
  struct Entry {
    std::string data;
    uint64_t version, created;
    int64_t fresh_until_ms, expires_ms;
    uint32_t flags;
    uint64_t token = 0;
  };

  FakeLayer(std::string name, uint64_t caps) {
    traits_.name = std::move(name);
    traits_.plugin = "fake";
    traits_.caps = caps;
  }

  // The script: before each call `step` may answer in the layer's place by a status below 0.
  std::function<int32_t(const char *call)> step;
  // Before each batch of puts, with no lock held: here threads may wait for each other.
  std::function<void()> meet;
  // The same for a script that looks at the call itself; outside the lock, so that it may wait.
  std::function<int32_t(const char *call, const cachechain_call &raw)> wait_step;
  LayerTraits traits_;
  std::map<std::string, Entry> entries;  // of namespaces but the default one under "name:key"
  // What is asked for the records of clears goes by another script, and is not among the calls.
  std::function<int32_t(const char *call)> record_step;
  std::map<std::string, Entry> records;
  int record_gets = 0;
  std::vector<std::string> calls;  // "get a", "put a", in order; "get_many" and "put_many" stand before their items
  std::vector<uint32_t> conditions;
  std::vector<int64_t> deadlines;
  std::atomic<int> maintained{0};  // calls of maintain(), which comes on a thread of the chain's
  std::function<int32_t()> maintenance;
  int closed = 0;

  const LayerTraits &traits() const override { return traits_; }

  int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override {
    const int32_t waited = wait_step && !is_record(key) ? wait_step("get", call) : 0;
    std::lock_guard<std::mutex> lock(mutex_);
    const bool record = is_record(key);
    if (record) {
      ++record_gets;
    } else {
      calls.push_back("get " + text(key));
      deadlines.push_back(call.deadline_ns);
    }
    if (waited < 0) return waited;
    if (const int32_t failed = failing("get", record, call); failed < 0) return failed;
    std::map<std::string, Entry> &held = record ? records : entries;
    const auto found = held.find(text(key));
    if (found == held.end()) return CACHECHAIN_MISS;
    const Entry &entry = found->second;
    value.size = entry.data.size();
    value.version = entry.version;
    value.created = entry.created;
    value.fresh_until_ms = entry.fresh_until_ms;
    value.expires_ms = entry.expires_ms;
    value.flags = entry.flags;
    if (!buffer.empty() && entry.data.size() <= buffer.size()) {
      std::memcpy(buffer.data(), entry.data.data(), entry.data.size());
      value.data = buffer.data();
    } else {
      auto *copy = new std::string(entry.data);
      value.data = reinterpret_cast<const uint8_t *>(copy->data());
      value.owner = copy;
      value.release = [](void *owner) { delete static_cast<std::string *>(owner); };
    }
    return CACHECHAIN_OK;
  }

  int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) override {
    const int32_t waited = wait_step && !is_record(*put.key) ? wait_step("put", call) : 0;
    std::lock_guard<std::mutex> lock(mutex_);
    const bool record = is_record(*put.key);
    std::map<std::string, Entry> &held = record ? records : entries;
    if (!record) {
      calls.push_back("put " + text(*put.key));
      conditions.push_back(put.condition);
    }
    if (waited < 0) return result.status = waited;
    if (const int32_t failed = failing("put", record, call); failed < 0) {
      if (traits_.can(CACHECHAIN_CAP_INLINE)) entries.erase(text(*put.key));
      return result.status = failed;
    }
    const auto found = held.find(text(*put.key));
    if (traits_.can(CACHECHAIN_CAP_PLAIN)) {
      if (put.flags == CACHECHAIN_KIND_VALUE) {
        entries[text(*put.key)] = {std::string(reinterpret_cast<const char *>(put.data), put.size), 0, 0, 0, 0, 0};
      } else {
        entries.erase(text(*put.key));
      }
      return result.status = CACHECHAIN_OK;
    }
    plugin::Stored stored;
    if (found != held.end()) stored = {found->second.version, found->second.created, found->second.token};
    result = plugin::judge(put, stored);
    if (result.status == CACHECHAIN_OK && put.fence != nullptr &&
        result.version < __atomic_load_n(put.fence, __ATOMIC_ACQUIRE)) {
      entries.erase(text(*put.key));
      result = {CACHECHAIN_FENCED, 0, 0};
    }
    if (result.status == CACHECHAIN_OK) {
      held[text(*put.key)] = {std::string(reinterpret_cast<const char *>(put.data), put.size),
                              result.version,
                              plugin::created_at(put, result.version),
                              put.fresh_until_ms,
                              put.expires_ms,
                              put.flags,
                              put.token};
    }
    return result.status;
  }

  // A step of its own, which can fail the batch as a whole; then each item as if it came alone.
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override {
    if (const int32_t failed = begin_batch("get_many", call); failed < 0) return fail_all(statuses, failed);
    for (size_t i = 0; i < keys.size(); ++i) statuses[i] = get(call, keys[i], {}, values[i]);
    return whole_of(statuses);
  }
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override {
    if (meet) meet();
    if (const int32_t failed = begin_batch("put_many", call); failed < 0) {
      if (traits_.can(CACHECHAIN_CAP_INLINE)) {
        with_entries([&](auto &held) {
          for (const cachechain_put &put : puts) held.erase(text(*put.key));
        });
      }
      return fail_all(results, failed);
    }
    for (size_t i = 0; i < puts.size(); ++i) {
      results[i] = {};
      results[i].status = put(call, puts[i], results[i]);
    }
    return whole_of(results);
  }

  int32_t erase_many(const cachechain_call &, std::span<const cachechain_key> keys) override {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const cachechain_key &key : keys) entries.erase(text(key));
    return CACHECHAIN_OK;
  }
  int32_t ping(const cachechain_call &) override { return CACHECHAIN_OK; }
  int32_t maintain(const cachechain_call &) override {
    ++maintained;
    return maintenance == nullptr ? CACHECHAIN_OK : maintenance();
  }
  int32_t sweep(const cachechain_call &) override {
    std::lock_guard<std::mutex> lock(mutex_);
    if (!traits_.can(CACHECHAIN_CAP_SWEEP)) return CACHECHAIN_UNSUPPORTED;
    entries.clear();
    records.clear();
    return CACHECHAIN_OK;
  }
  std::string stats() override { return "{\"fake\":true}"; }
  void thread_exit(uintptr_t) override {}
  Status close(const cachechain_call &) override {
    ++closed;
    return CACHECHAIN_OK;
  }

  // Looks into the map, or changes it, while other threads call the layer.
  template <class Body>
  void with_entries(Body &&body) {
    std::lock_guard<std::mutex> lock(mutex_);
    body(entries);
  }

  // As the chain takes it; the test keeps a pointer.
  OpenedLayer opened() {
    OpenedLayer opened;
    opened.layer.reset(this);
    if (traits_.can(CACHECHAIN_CAP_INLINE)) opened.direct = {&kTable, this};
    return opened;
  }

 private:
  static bool is_record(const cachechain_key &key) { return key.space != nullptr && key.space->id == UINT32_MAX; }
  static std::string text(const cachechain_key &key) {
    const std::string bytes(reinterpret_cast<const char *>(key.data), key.size);
    if (key.space == nullptr || key.space->id == 0 || is_record(key)) return bytes;
    return std::string(reinterpret_cast<const char *>(key.space->name), key.space->name_size) + ":" + bytes;
  }
  int32_t begin_batch(const char *name, const cachechain_call &call) {
    std::lock_guard<std::mutex> lock(mutex_);
    calls.emplace_back(name);
    return failing(name, false, call);
  }
  int32_t failing(const char *name, bool record, const cachechain_call &call) {
    const auto &script = record ? record_step : step;
    const int32_t status = script ? script(name) : 0;
    if (status < 0 && call.report != nullptr) {
      const std::string why = std::string("scripted ") + status_name(status);
      call.report->size = static_cast<uint32_t>(why.size());
      std::memcpy(call.report->text, why.data(), why.size());
    }
    return status;
  }
  static int32_t direct_get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf,
                            uint64_t cap, cachechain_value *value) {
    return static_cast<FakeLayer *>(instance)->get(*call, *key, {buf, static_cast<size_t>(cap)}, *value);
  }
  static constexpr cachechain_layer_api kTable = [] {
    cachechain_layer_api table{};
    table.struct_size = sizeof(table);
    table.get = &FakeLayer::direct_get;
    return table;
  }();

  std::mutex mutex_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_FAKE_LAYER_H_
