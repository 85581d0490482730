#include "plugin/plugin_layer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "plugin/answers.h"
#include "plugin/firewall.h"
#include "plugin/negotiate.h"
#include "plugin/open_layer.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

// The numbers of a layer are a page of JSON. More is not asked for.
constexpr uint64_t kMaxStats = uint64_t{1} << 20;
int32_t refuse(const cachechain_call &call, int32_t status) {
  fill_report(call.report, 0, status_retryable(status),
              status == CACHECHAIN_KEY_TOO_LONG ? "longer than the layer takes" : "larger than the layer takes");
  return status;
}

}  // namespace

PluginLayer::PluginLayer(Instance instance, uint64_t slots, std::shared_ptr<Logger> log)
    : instance_(std::move(instance)),
      plain_(instance_.traits.can(CACHECHAIN_CAP_PLAIN)),
      own_get_many_((slots & CACHECHAIN_SLOT_BIT(get_many)) != 0),
      own_put_many_((slots & CACHECHAIN_SLOT_BIT(put_many)) != 0),
      log_(std::move(log)) {
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

int32_t PluginLayer::refusal_of(const cachechain_key &key) const {
  return key.size > instance_.traits.max_key_size ? CACHECHAIN_KEY_TOO_LONG : CACHECHAIN_OK;
}

int32_t PluginLayer::refusal_of(const cachechain_put &put) const {
  const LayerTraits &traits = instance_.traits;
  if (const int32_t refusal = refusal_of(*put.key); refusal != CACHECHAIN_OK) return refusal;
  return traits.max_value_size != 0 && put.size > traits.max_value_size ? CACHECHAIN_VALUE_TOO_LARGE : CACHECHAIN_OK;
}

int32_t PluginLayer::get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                         cachechain_value &value) {
  value = {};
  if (quarantined(call)) return CACHECHAIN_PLUGIN_FAULT;
  if (const int32_t refusal = refusal_of(key); refusal != CACHECHAIN_OK) return refuse(call, refusal);
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = api().get(handle(), &call, &key, buffer.data(), buffer.size(), &value); });
  if (thrown) {
    value = {};
    return fault(&call, "get", thrown.text());
  }
  Line breach;
  status = take_value(call, plain_, status, buffer, value, breach);
  return breach.empty() ? status : fault(&call, "get", breach);
}

int32_t PluginLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  result = {CACHECHAIN_PLUGIN_FAULT, 0, 0};
  if (quarantined(call)) return CACHECHAIN_PLUGIN_FAULT;
  if (const int32_t refusal = refusal_of(put); refusal != CACHECHAIN_OK) return result.status = refuse(call, refusal);
  result = {};
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = api().put(handle(), &call, &put, &result); });
  if (thrown) {
    result = {CACHECHAIN_PLUGIN_FAULT, 0, 0};
    return fault(&call, "put", thrown.text());
  }
  Line breach;
  status = take_result(call, plain_, status, put, result, breach);
  return breach.empty() ? status : fault(&call, "put", breach);
}

// What the plugin must not be asked is answered here, and parts the batch into runs.
template <class Item, class Answer, class Ask>
int32_t PluginLayer::in_runs(const cachechain_call &call, std::span<const Item> items, std::span<Answer> answers,
                             Ask &&ask) {
  for (size_t first = 0; first < items.size();) {
    size_t end = first;
    int32_t refusal = CACHECHAIN_OK;
    while (end < items.size() && (refusal = refusal_of(items[end])) == CACHECHAIN_OK) ++end;
    if (const size_t count = end - first; count != 0) {
      const int32_t whole = ask(first, count);
      if (whole < 0 && count == items.size()) return whole;
    }
    if (refusal != CACHECHAIN_OK) (void)fail_all(answers.subspan(end++, 1), refuse(call, refusal));
    first = end;
  }
  return whole_of(answers);
}

int32_t PluginLayer::get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                              std::span<cachechain_value> values, std::span<int32_t> statuses) {
  std::fill(values.begin(), values.end(), cachechain_value{});
  if (quarantined(call)) return fail_all(statuses, CACHECHAIN_PLUGIN_FAULT);
  return in_runs(call, keys, std::span<int32_t>(statuses), [&](size_t first, size_t count) {
    return get_run(call, keys.subspan(first, count), values.subspan(first, count), statuses.subspan(first, count));
  });
}

int32_t PluginLayer::get_run(const cachechain_call &call, std::span<const cachechain_key> keys,
                             std::span<cachechain_value> values, std::span<int32_t> statuses) {
  if (!own_get_many_) {
    for (size_t i = 0; i < keys.size(); ++i) statuses[i] = get(call, keys[i], {}, values[i]);
    return CACHECHAIN_OK;
  }
  (void)fail_all(statuses, kUnwritten);
  int32_t whole = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] {
    whole = instance_.api.get_many(instance_.instance, &call, keys.data(), keys.size(), values.data(), statuses.data());
  });
  Line breach;
  if (!thrown) whole = take_whole(call, whole, breach);
  if (thrown || whole < 0) {
    // Handed out are those that it answered before it threw; after a failure of the whole there are none.
    for (size_t i = 0; i < keys.size(); ++i) {
      const bool handed_out = thrown && statuses[i] == CACHECHAIN_OK && check_value(statuses[i], values[i], nullptr, 0);
      if (handed_out) give_back(values[i]);
      values[i] = {};
    }
    (void)fail_all(statuses, whole < 0 ? whole : int32_t{CACHECHAIN_PLUGIN_FAULT});
    if (thrown) return fault(&call, "get_many", thrown.text());
    return breach.empty() ? whole : fault(&call, "get_many", breach);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    statuses[i] = take_value(call, plain_, statuses[i], {}, values[i], breach);
  }
  if (!breach.empty()) (void)fault(&call, "get_many", breach);
  return CACHECHAIN_OK;
}

int32_t PluginLayer::put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                              std::span<cachechain_put_result> results) {
  if (quarantined(call)) return fail_all(results, CACHECHAIN_PLUGIN_FAULT);
  return in_runs(call, puts, std::span<cachechain_put_result>(results), [&](size_t first, size_t count) {
    return put_run(call, puts.subspan(first, count), results.subspan(first, count));
  });
}

int32_t PluginLayer::put_run(const cachechain_call &call, std::span<const cachechain_put> puts,
                             std::span<cachechain_put_result> results) {
  if (!own_put_many_) {
    for (size_t i = 0; i < puts.size(); ++i) (void)put(call, puts[i], results[i]);
    return CACHECHAIN_OK;
  }
  (void)fail_all(results, kUnwritten);
  int32_t whole = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown,
          [&] { whole = instance_.api.put_many(instance_.instance, &call, puts.data(), puts.size(), results.data()); });
  if (thrown) {
    (void)fail_all(results, CACHECHAIN_PLUGIN_FAULT);
    return fault(&call, "put_many", thrown.text());
  }
  if (whole == CACHECHAIN_UNKNOWN_OUTCOME) {
    (void)fail_all(results, whole);
    return CACHECHAIN_OK;
  }
  Line breach;
  whole = take_whole(call, whole, breach);
  if (whole < 0) {
    (void)fail_all(results, whole);
    return breach.empty() ? whole : fault(&call, "put_many", breach);
  }
  for (size_t i = 0; i < puts.size(); ++i) {
    (void)take_result(call, plain_, results[i].status, puts[i], results[i], breach);
  }
  if (!breach.empty()) (void)fault(&call, "put_many", breach);
  return CACHECHAIN_OK;
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
  Line breach;
  status = take_failure(call, status, "OK or a failure", breach);
  return breach.empty() ? status : fault(&call, slot, breach);
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
