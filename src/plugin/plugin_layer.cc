#include "plugin/plugin_layer.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "plugin/firewall.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

// The numbers of a layer are a page of JSON. More is not asked for.
constexpr uint64_t kMaxStats = uint64_t{1} << 20;
constexpr uint64_t kMaxVersion = uint64_t{1} << 63;

// A text on the stack: it is written when memory may be short.
class Line {
 public:
  template <class... Args>
  explicit Line(const char *format, Args... args) {
    const int written = std::snprintf(text_, sizeof text_, format, args...);
    size_ = written < 0 ? 0 : std::min<size_t>(static_cast<size_t>(written), sizeof text_ - 1);
  }
  operator std::string_view() const { return {text_, size_}; }  // NOLINT: it is a text

 private:
  char text_[480];
  size_t size_;
};

// What a plugin said of a fault that it caught itself, copied: the report is about to be written anew.
Line own_words(const cachechain_call &call) {
  const std::string_view text = call.report == nullptr ? std::string_view() : report_text(*call.report);
  if (text.empty()) return Line("%s", "answered PLUGIN_FAULT");
  return Line("failed: %.*s", static_cast<int>(text.size()), text.data());
}

// Why the version that a put answered with cannot be, or NULL.
const char *version_problem(bool plain, const cachechain_put &put, const cachechain_put_result &result) {
  if (plain) {
    if (result.status != CACHECHAIN_OK) return "a comparison of versions that it does not keep";
    return result.version != 0 ? "OK with a version, which it does not keep" : nullptr;
  }
  switch (result.status) {
    case CACHECHAIN_OK:
      if (put.condition == CACHECHAIN_PUT_BUMP ? result.version < put.version || result.version >= kMaxVersion
                                               : result.version != put.version) {
        return "OK with a version that it was not given to store";
      }
      return nullptr;
    case CACHECHAIN_SUPERSEDED:
      if (put.condition != CACHECHAIN_PUT_NEWER) return "SUPERSEDED to a put that is not NEWER";
      return result.version < put.version ? "SUPERSEDED by a version that is older" : nullptr;
    case CACHECHAIN_FENCED:
      return put.fence == nullptr ? "FENCED to a put without a fence" : nullptr;
    case CACHECHAIN_CONFLICT:
      return put.condition != CACHECHAIN_PUT_EXACT ? "CONFLICT to a put that is not EXACT" : nullptr;
    default:
      return nullptr;
  }
}

bool is_plain(const cachechain_value &value) {
  return value.version == 0 && value.created == 0 && value.flags == 0 && value.expires_ms == 0;
}

bool is_put_outcome(int32_t status) {
  return status == CACHECHAIN_OK || status == CACHECHAIN_SUPERSEDED || status == CACHECHAIN_FENCED ||
         status == CACHECHAIN_CONFLICT;
}

int32_t say(const cachechain_call &call, int32_t status, std::string_view text) {
  fill_report(call.report, 0, status_retryable(status), text);
  return status;
}

}  // namespace

PluginLayer::PluginLayer(Instance instance, uint64_t slots, std::shared_ptr<Logger> log)
    : instance_(std::move(instance)), log_(std::move(log)) {
  if (SlotBridge::needed(slots, SlotBridge::kSingle)) {
    bridge_ = std::make_unique<SlotBridge>(instance_.api, slots, instance_.instance);
  }
}

PluginLayer::~PluginLayer() {
  const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
  if (!closed_) (void)close(call);
}

bool PluginLayer::quarantined(const cachechain_call &call) const {
  const uint32_t faults = faults_.load(std::memory_order_relaxed);
  if (faults < kFaultLimit) return false;
  fill_report(call.report, 0, false,
              Line("quarantined after %u answers that break the plugin's contract; ask who wrote it", faults));
  return true;
}

int32_t PluginLayer::fault(const cachechain_call *call, const char *slot, std::string_view what) {
  const uint32_t count = faults_.fetch_add(1, std::memory_order_relaxed) + 1;
  const Line text("%s %.*s (fault %u of %u)", slot, static_cast<int>(what.size()), what.data(), count, kFaultLimit);
  if (call != nullptr) fill_report(call->report, 0, false, text);
  if (log_ != nullptr && log_->enabled(CACHECHAIN_LOG_ERROR)) {
    const std::string_view said = text;
    log_->log(CACHECHAIN_LOG_ERROR,
              Line("%s: %.*s%s", instance_.place.c_str(), static_cast<int>(said.size()), said.data(),
                   count == kFaultLimit ? "; it is quarantined and not asked any more" : ""));
  }
  return CACHECHAIN_PLUGIN_FAULT;
}

int32_t PluginLayer::get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                         cachechain_value &value) {
  value = {};
  if (quarantined(call)) return CACHECHAIN_PLUGIN_FAULT;
  if (key.size > instance_.traits.max_key_size)
    return say(call, CACHECHAIN_KEY_TOO_LONG, "longer than the layer takes");
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = api().get(handle(), &call, &key, buffer.data(), buffer.size(), &value); });
  if (thrown) {
    value = {};
    return fault(&call, "get", thrown.text());
  }
  if (status == CACHECHAIN_OK) {
    const bool well_made = check_value(status, value, buffer.data(), buffer.size());
    const bool stamped = instance_.traits.can(CACHECHAIN_CAP_PLAIN) && !is_plain(value);
    if (well_made && !stamped) return status;
    const Line text =
        well_made ? Line("answered OK with a version, `created`, flags or an end, which a layer with CAP_PLAIN has not")
                  : Line("answered OK with a value that cannot be: %s, size %llu, room for %llu, kind %u",
                         value.data == nullptr ? "no data" : (value.data == buffer.data() ? "copied" : "a view"),
                         static_cast<unsigned long long>(value.size), static_cast<unsigned long long>(buffer.size()),
                         value.flags & CACHECHAIN_FLAG_KIND_MASK);
    // It was handed out, so it is released. After another status what stands in `value` may be anything: left alone.
    Thrown again;
    if (value.release != nullptr) guarded(again, [&] { value.release(value.owner); });
    value = {};
    return fault(&call, "get", text);
  }
  value = {};
  if (status == CACHECHAIN_MISS) return status;
  if (status == CACHECHAIN_PLUGIN_FAULT) return fault(&call, "get", own_words(call));
  if (is_layer_failure(status)) return status;
  return fault(&call, "get", Line("answered status %d, expected OK, MISS or a failure", status));
}

int32_t PluginLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  const auto failed = [&result](int32_t status) {
    result = {status, 0, 0};
    return status;
  };
  if (quarantined(call)) return failed(CACHECHAIN_PLUGIN_FAULT);
  const LayerTraits &traits = instance_.traits;
  if (put.key->size > traits.max_key_size) {
    return failed(say(call, CACHECHAIN_KEY_TOO_LONG, "longer than the layer takes"));
  }
  if (traits.max_value_size != 0 && put.size > traits.max_value_size) {
    return failed(say(call, CACHECHAIN_VALUE_TOO_LARGE, "larger than the layer takes"));
  }
  result = {};
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = api().put(handle(), &call, &put, &result); });
  if (thrown) return failed(fault(&call, "put", thrown.text()));
  if (status == CACHECHAIN_PLUGIN_FAULT) return failed(fault(&call, "put", own_words(call)));
  if (is_layer_failure(status) || status == CACHECHAIN_UNKNOWN_OUTCOME) return failed(status);
  if (!is_put_outcome(status)) {
    return failed(fault(&call, "put", Line("answered status %d, expected an outcome of a put or a failure", status)));
  }
  if (result.status != status) {
    return failed(fault(
        &call, "put",
        Line("answered status %d and wrote %d into result->status, expected the same in both", status, result.status)));
  }
  if (const char *problem = version_problem(traits.can(CACHECHAIN_CAP_PLAIN), put, result)) {
    return failed(
        fault(&call, "put",
              Line("answered %s: put %llu, result->version %llu", problem, static_cast<unsigned long long>(put.version),
                   static_cast<unsigned long long>(result.version))));
  }
  result.reserved = 0;
  return status;
}

template <class Body>
int32_t PluginLayer::run(const cachechain_call &call, const char *slot, bool may_be_partial, bool may_be_unknown,
                         Body &&body) {
  if (quarantined(call)) return CACHECHAIN_PLUGIN_FAULT;
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = body(); });
  if (thrown) return fault(&call, slot, thrown.text());
  if (status == CACHECHAIN_OK || (status == CACHECHAIN_PARTIAL && may_be_partial) ||
      (status == CACHECHAIN_UNKNOWN_OUTCOME && may_be_unknown)) {
    return status;
  }
  if (status == CACHECHAIN_PLUGIN_FAULT) return fault(&call, slot, own_words(call));
  if (is_layer_failure(status)) return status;
  return fault(&call, slot, Line("answered status %d, expected OK or a failure", status));
}

int32_t PluginLayer::erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) {
  return run(call, "erase_many", false, true,
             [&] { return api().erase_many(handle(), &call, keys.data(), keys.size()); });
}

int32_t PluginLayer::ping(const cachechain_call &call) {
  return run(call, "ping", false, false, [&] { return api().ping(handle(), &call); });
}

int32_t PluginLayer::maintain(const cachechain_call &call) {
  return run(call, "maintain", true, false, [&] { return api().maintain(handle(), &call); });
}

int32_t PluginLayer::sweep(const cachechain_call &call) {
  uint64_t removed = 0;
  return run(call, "sweep", true, false, [&] { return api().sweep(handle(), &call, nullptr, &removed); });
}

std::string PluginLayer::stats() {
  const uint32_t faults = faults_.load(std::memory_order_relaxed);
  nlohmann::json numbers = nlohmann::json::object();
  if (faults < kFaultLimit) {
    std::vector<uint8_t> text(4096);
    uint64_t needed = 0;
    int32_t status = CACHECHAIN_BUFFER_TOO_SMALL;
    Thrown thrown;
    // The numbers may grow between two calls.
    for (int attempt = 0; attempt < 3 && status == CACHECHAIN_BUFFER_TOO_SMALL && !thrown; ++attempt) {
      if (needed > text.size()) text.resize(needed + needed / 4);
      guarded(thrown, [&] { status = api().stats(handle(), text.data(), text.size(), &needed); });
      if (needed > kMaxStats) break;
    }
    if (thrown) {
      (void)fault(nullptr, "stats", thrown.text());
    } else if (status == CACHECHAIN_OK) {
      nlohmann::json own;
      if (needed <= text.size()) own = nlohmann::json::parse(text.data(), text.data() + needed, nullptr, false);
      if (own.is_object()) {
        numbers = std::move(own);
      } else {
        (void)fault(nullptr, "stats", "answered OK with what is no JSON object");
      }
    }
  }
  if (const uint32_t now = faults_.load(std::memory_order_relaxed); now != 0) {
    numbers["plugin_faults"] = now;
    numbers["quarantined"] = now >= kFaultLimit;
  }
  return numbers.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void PluginLayer::thread_exit(uintptr_t word) {
  Thrown thrown;
  if (!guarded(thrown, [&] { api().thread_exit(handle(), word); })) (void)fault(nullptr, "thread_exit", thrown.text());
}

Status PluginLayer::close(const cachechain_call &call) {
  if (std::exchange(closed_, true)) return CACHECHAIN_CLOSED;
  const Status closed = close_instance(instance_, call);
  if (!closed.ok() && log_ != nullptr) log_->log(CACHECHAIN_LOG_WARN, closed.message());
  return closed;
}

}  // namespace cachechain
