// A layer with every capability that a layer in memory can have, right as long as the option "fault" is "none". Any
// other fault breaks one promise, so that the tests can see that the suite notices.
#include <fcntl.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "cachechain/plugin.hpp"

namespace cachechain::plugin {
namespace {

constexpr uint64_t kLargest = 2 << 20;

struct Entry {
  std::shared_ptr<std::string> data;
  Stored stamps;
  int64_t fresh_until_ms = 0;
  int64_t expires_ms = 0;
  uint32_t flags = 0;
  std::shared_ptr<Entry> overwritten;
  bool torn = false;
};

using Place = std::tuple<uint32_t, std::string, uint64_t>;

struct Store {
  std::mutex mutex;
  std::map<Place, Entry> entries;
  std::condition_variable changed;
  std::map<Place, uint64_t> judged;
  uint64_t hits = 0;
  bool raced = false;
};

class FaultyLayer {
 public:
  static int32_t open(const Opening &opening, cachechain_layer_info &info, std::unique_ptr<FaultyLayer> &layer) {
    const auto options = nlohmann::json::parse(opening.options(), nullptr, /*allow_exceptions=*/false);
    std::string fault = "none";
    for (const auto &[name, value] : options.items()) {
      const bool known = name == "fault" && value.is_string();
      if (known) fault = value.get<std::string>();
      if (!known && fault != "takes any option") {
        return opening.fail(CACHECHAIN_CONFIG, 0, false, "cannot use the option " + name);
      }
    }
    layer = std::make_unique<FaultyLayer>(fault);
    info.caps = CACHECHAIN_CAP_INLINE | CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_NEWER |
                CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_KINDS |
                CACHECHAIN_CAP_SWEEP;
    if (layer->is_plain()) info.caps = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_PLAIN;
    if (fault == "claims to persist") info.caps |= CACHECHAIN_CAP_PERSISTENT;
    if (fault == "claims to share") info.caps |= CACHECHAIN_CAP_SHARED;
    info.max_value_size = kLargest;
    if (fault == "leaks a descriptor") (void)::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return CACHECHAIN_OK;
  }

  explicit FaultyLayer(std::string fault) : fault_(std::move(fault)) {
    static Store common;
    store_ = is("shares by accident") ? &common : &own_;
  }

  int32_t get(const Call &call, const cachechain_key &key, Buffer buffer, cachechain_value &value) {
    if (refuses(call)) return CACHECHAIN_UNSUPPORTED;
    std::unique_lock lock(store_->mutex);
    const auto found = store_->entries.find(place(key));
    if (found == store_->entries.end()) {
      if (is("dirties a miss")) value.version = 1;
      return is("answers NOT_FOUND") ? CACHECHAIN_NOT_FOUND : CACHECHAIN_MISS;
    }
    const bool old = is("now and then answers what was overwritten") && ++store_->hits % 32 == 0;
    if (found->second.torn) happened();
    const Entry &entry = old && found->second.overwritten != nullptr ? *found->second.overwritten : found->second;
    if (is("takes empty for a miss") && entry.data->empty()) return CACHECHAIN_MISS;
    value.version = is("halves versions") ? entry.stamps.version & UINT32_MAX : entry.stamps.version;
    value.created = is("forgets created") ? entry.stamps.version : entry.stamps.created;
    value.fresh_until_ms = is("swaps its times") ? entry.expires_ms : entry.fresh_until_ms;
    value.expires_ms = is("swaps its times") ? entry.fresh_until_ms : entry.expires_ms;
    value.flags = is("forgets kinds") ? 0 : entry.flags;
    if (is_plain() && !is("stamps plain values")) {
      value.version = value.created = value.flags = 0;
      value.expires_ms = 0;
    }
    value.size = entry.data->size();
    const bool copies = value.size <= buffer.size() && !is("never copies");
    if (copies) {
      value.data = buffer.data();
      if (value.size > 0) std::memcpy(buffer.data(), entry.data->data(), value.size);
      if (is("overruns its buffer") && !buffer.empty()) buffer.data()[buffer.size()] = 0;
      return CACHECHAIN_OK;
    }
    auto *pin = new std::shared_ptr<std::string>(entry.data);
    value.data = reinterpret_cast<const uint8_t *>((*pin)->data());
    value.owner = pin;
    value.release = [](void *owner) { delete static_cast<std::shared_ptr<std::string> *>(owner); };
    return CACHECHAIN_OK;
  }

  int32_t get_many(const Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses) {
    if (is("refuses empty batches") && keys.empty()) return CACHECHAIN_INVALID_ARGUMENT;
    if (is("answers the first 1,000 of a batch")) keys = keys.first(std::min<size_t>(keys.size(), 1000));
    std::set<Place> seen;
    for (size_t i = 0; i < keys.size(); ++i) {
      const bool again = !seen.insert(place(keys[i])).second;
      if ((is("answers a key once in a batch") && again) || (is("misses what it is too late for") && is_late(call))) {
        statuses[i] = CACHECHAIN_MISS;
        continue;
      }
      const size_t at = is("reverses batches") ? keys.size() - 1 - i : i;
      statuses[at] = get(call, keys[i], {}, values[at]);
    }
    return CACHECHAIN_OK;
  }

  int32_t put(const Call &call, const cachechain_put &put, cachechain_put_result &result) {
    if (refuses(call)) return CACHECHAIN_UNSUPPORTED;
    std::unique_lock lock(store_->mutex);
    const Place where = place(*put.key);
    if (put.size > kLargest && !is("takes any size")) {
      if (!is("keeps what a large value replaces")) store_->entries.erase(where);
      return call.fail(CACHECHAIN_VALUE_TOO_LARGE, 0, false, is("says nothing") ? "" : "the value is too large");
    }
    cachechain_put asked = put;
    if (is("ignores the horizon")) asked.horizon = 0;
    if (is("ignores clears")) asked.cleared = 0;
    if (is("takes NEWER for newer or equal") && put.condition == CACHECHAIN_PUT_NEWER)
      asked.version |= 1, ++asked.version;
    if (is("takes any condition")) asked.condition = std::min<uint32_t>(put.condition, CACHECHAIN_PUT_BUMP);
    if (is_plain()) asked.condition = CACHECHAIN_PUT_BUMP;
    if (is("does not compare tokens")) asked.expect_token = stored(where).token;
    result = judge(asked, stored(where));
    if (is("bumps to what it is given") && put.condition == CACHECHAIN_PUT_BUMP) result.version = put.version;
    if (is("judges without its lock") && result.status == CACHECHAIN_OK) {
      const uint64_t mine = ++store_->judged[where];
      race(lock, [&] { return store_->judged[where] != mine; });
    }
    if (result.status != CACHECHAIN_OK) {
      if (is("tells its own version")) result.version = put.version;
      return result.status;
    }
    if (is("takes NEWER for newer or equal")) result.version = put.version;
    if (is_plain() && !is("tells plain versions")) result.version = 0;
    if (put.fence != nullptr && !is("ignores the fence") &&
        result.version < __atomic_load_n(put.fence, __ATOMIC_ACQUIRE)) {
      if (!is("keeps what is fenced")) store_->entries.erase(where);
      result.version = 0;
      return result.status = CACHECHAIN_FENCED;
    }
    Entry &entry = store_->entries[where];
    if (is("now and then answers what was overwritten") && entry.data != nullptr) {
      entry.overwritten = nullptr;
      entry.overwritten = std::make_shared<Entry>(entry);
    }
    const bool stays = is_plain() || is("leaves `created` below a raised version");
    entry.stamps = {result.version, stays ? put.created : created_at(put, result.version), put.token};
    entry.fresh_until_ms = put.fresh_until_ms;
    entry.expires_ms = is("keeps the first expiry") && entry.data != nullptr ? entry.expires_ms : put.expires_ms;
    entry.flags = put.flags;
    const std::string_view data(reinterpret_cast<const char *>(put.data), put.size);
    if (is("overwrites in place") && entry.data != nullptr && entry.data->size() == data.size()) {
      std::copy(data.begin(), data.end(), entry.data->begin());
    } else if (is("writes in two steps")) {
      std::string torn(data);
      if (entry.data != nullptr) torn.replace(0, torn.size() / 2, *entry.data, 0, torn.size() / 2);
      entry.torn = entry.data != nullptr;
      entry.data = std::make_shared<std::string>(torn);
      race(lock, [] { return false; });
      Entry &whole = store_->entries[where];
      whole.data = std::make_shared<std::string>(data);
      whole.torn = false;
    } else {
      entry.data = std::make_shared<std::string>(data);
    }
    return CACHECHAIN_OK;
  }

  int32_t put_many(const Call &call, std::span<const cachechain_put> puts, std::span<cachechain_put_result> results) {
    if (is("fails a batch for one of its puts")) {
      for (const cachechain_put &put : puts) {
        if (put.size > kLargest) return call.fail(CACHECHAIN_VALUE_TOO_LARGE, 0, false, "a value is too large");
      }
    }
    for (size_t i = 0; i < puts.size(); ++i) {
      if (is("does not do what it is too late for") && is_late(call)) {
        results[i] = {CACHECHAIN_OK, 0, puts[i].version};
        continue;
      }
      const size_t from = is("puts batches backwards") ? puts.size() - 1 - i : i;
      results[from].status = put(call, puts[from], results[from]);
    }
    return CACHECHAIN_OK;
  }

  int32_t erase_many(const Call &call, std::span<const cachechain_key> keys) {
    if (refuses(call)) return CACHECHAIN_UNSUPPORTED;
    const std::lock_guard lock(store_->mutex);
    for (const cachechain_key &key :
         is("erases the first only") ? keys.first(std::min<size_t>(keys.size(), 1)) : keys) {
      store_->entries.erase(place(key));
    }
    return CACHECHAIN_OK;
  }

  int32_t ping(const Call &) { return is("does not answer pings") ? CACHECHAIN_UNAVAILABLE : CACHECHAIN_OK; }

  int32_t maintain(const Call &call) {
    const std::lock_guard lock(store_->mutex);
    const int64_t now = call.host().now_unix_ms();
    std::erase_if(store_->entries, [&](const auto &held) {
      return is("maintains everything away") || (held.second.expires_ms != 0 && held.second.expires_ms <= now);
    });
    return is("never ends maintaining") ? CACHECHAIN_PARTIAL : CACHECHAIN_OK;
  }

  int32_t sweep(const Call &, const cachechain_space *space, uint64_t &removed) {
    const std::lock_guard lock(store_->mutex);
    removed = std::erase_if(store_->entries, [&](const auto &held) {
      return space == nullptr || std::get<0>(held.first) == space->id || is("sweeps all");
    });
    return CACHECHAIN_OK;
  }

  std::string stats() { return is("tells no JSON") ? "entries: 3" : R"({"entries": 3})"; }

  // Faults of a layer with CAP_PLAIN, as which this one then opens.
  bool is_plain() const {
    return is("stamps plain values") || is("tells plain versions") || is("keeps plain tombstones");
  }

 private:
  bool is(std::string_view fault) const { return fault_ == fault; }
  static bool is_late(const Call &call) { return call.left_ns(1) == 0; }
  bool refuses(const Call &call) const { return call.must_flags() != 0 && !is("obeys unknown flags"); }

  Place place(const cachechain_key &key) const {
    std::string bytes(reinterpret_cast<const char *>(key.data), key.size);
    if (is("cuts keys")) bytes.resize(std::min<size_t>(bytes.size(), 250));
    if (is("ends keys at NUL")) bytes.resize(std::min(bytes.size(), bytes.find('\0')));
    if (is("ignores case")) std::transform(bytes.begin(), bytes.end(), bytes.begin(), ::tolower);
    if (is("trusts hashes")) bytes.clear();
    return {is("ignores spaces") ? 0 : key.space->id, bytes, is("trusts hashes") ? key.hash : 0};
  }

  // Lets other threads in until the race that a fault is about has happened: once is enough, and on a busy machine it
  // would not happen by itself. Only for a while, because another thread may never come.
  template <typename Raced>
  void race(std::unique_lock<std::mutex> &lock, Raced raced) {
    store_->changed.notify_all();
    if (!store_->raced) {
      store_->changed.wait_for(lock, std::chrono::milliseconds(300), [&] { return store_->raced || raced(); });
      if (raced()) happened();
    }
  }

  void happened() {
    store_->raced = true;
    store_->changed.notify_all();
  }

  Stored stored(const Place &where) const {
    const auto found = store_->entries.find(where);
    return found == store_->entries.end() ? Stored{} : found->second.stamps;
  }

  const std::string fault_;
  Store own_;
  Store *store_;
};

}  // namespace
}  // namespace cachechain::plugin

CACHECHAIN_LAYER_PLUGIN(cachechain::plugin::FaultyLayer, "faulty", "1.0", "breaks one promise of plugin.h")
