#include "plugin/instance.h"

#include <algorithm>
#include <bit>
#include <span>
#include <utility>

#include "plugin/firewall.h"
#include "plugin/negotiate.h"
#include "plugin/report.h"

namespace cachechain {
namespace {

// The contract of `open`; a late one is told about, because a chain opens its layers one after the other.
constexpr int64_t kOpenNs = 100'000'000;

// More is no address for a human.
constexpr uint64_t kMaxEndpoint = 1024;

const uint8_t *bytes(const std::string &text) { return reinterpret_cast<const uint8_t *>(text.data()); }

struct CapName {
  uint64_t cap;
  const char *name;
};
// What a layer keeps: exactly one of them.
constexpr CapName kStores[] = {
    {CACHECHAIN_CAP_BYTES, "CAP_BYTES"}, {CACHECHAIN_CAP_KINDS, "CAP_KINDS"}, {CACHECHAIN_CAP_PLAIN, "CAP_PLAIN"}};
// What cannot be done without versions, kinds and times.
constexpr CapName kNotPlain[] = {{CACHECHAIN_CAP_INLINE, "CAP_INLINE"}, {CACHECHAIN_CAP_NEWER, "CAP_NEWER"},
                                 {CACHECHAIN_CAP_BUMP, "CAP_BUMP"},     {CACHECHAIN_CAP_EXACT, "CAP_EXACT"},
                                 {CACHECHAIN_CAP_FENCE, "CAP_FENCE"},   {CACHECHAIN_CAP_SWEEP, "CAP_SWEEP"}};

// Those that are declared, joined by "and".
std::string names_of(uint64_t caps, std::span<const CapName> known) {
  std::string names;
  for (const CapName &one : known) {
    if ((caps & one.cap) != 0) names += std::string(names.empty() ? "" : " and ") + one.name;
  }
  return names;
}

// What does not fit in the capabilities, empty if all does.
std::string caps_problem(uint64_t caps, uint64_t slots) {
  const auto has = [](uint64_t set, uint64_t wanted) { return (set & wanted) == wanted; };
  const uint64_t store = caps & (CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_PLAIN);
  if (store == 0) return "none of CAP_BYTES, CAP_KINDS and CAP_PLAIN, expected one of them";
  if (!std::has_single_bit(store)) return names_of(caps, kStores) + ", expected one of them";
  if (const std::string excluded = names_of(caps, kNotPlain); store == CACHECHAIN_CAP_PLAIN && !excluded.empty()) {
    return "CAP_PLAIN, which excludes " + excluded;
  }
  static constexpr uint64_t kInline =
      CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_KINDS;
  if (has(caps, CACHECHAIN_CAP_INLINE) && !has(caps, kInline)) {
    return "CAP_INLINE, which needs CAP_CONCURRENT, CAP_BUMP, CAP_NEWER and CAP_KINDS";
  }
  if (has(caps, CACHECHAIN_CAP_NOTIFY) && !has(slots, CACHECHAIN_SLOT_BIT(notify) | CACHECHAIN_SLOT_BIT(watch))) {
    return "CAP_NOTIFY, but its table has not both notify and watch";
  }
  if (has(caps, CACHECHAIN_CAP_SWEEP) && !has(slots, CACHECHAIN_SLOT_BIT(sweep))) {
    return "CAP_SWEEP, but its table has no sweep";
  }
  return {};
}

Status failure(int32_t code, const std::string &place, const std::string &layer, std::string_view text,
               int64_t native_code = 0, bool retryable = false) {
  return Status(code, Status::Detail{place + ": " + std::string(text), layer, native_code, retryable});
}

}  // namespace

bool is_layer_failure(int32_t status) {
  switch (status) {
    case CACHECHAIN_INVALID_ARGUMENT:
    case CACHECHAIN_KEY_TOO_LONG:
    case CACHECHAIN_VALUE_TOO_LARGE:
    case CACHECHAIN_UNSUPPORTED:
    case CACHECHAIN_CLOSED:
    case CACHECHAIN_FORKED:
    case CACHECHAIN_DEADLINE:
    case CACHECHAIN_CANCELLED:
    case CACHECHAIN_CONFIG:
    case CACHECHAIN_UNAVAILABLE:
    case CACHECHAIN_TIMEOUT:
    case CACHECHAIN_OVERLOADED:
    case CACHECHAIN_PROTOCOL:
    case CACHECHAIN_AUTH:
    case CACHECHAIN_CORRUPT:
    case CACHECHAIN_NODE_DOWN:
    case CACHECHAIN_PLUGIN_FAULT:
    case CACHECHAIN_NO_MEMORY:
    case CACHECHAIN_INTERNAL:
      return true;
    default:
      return false;
  }
}

Result<Instance> open_instance(const LoadedPlugin &plugin, const LayerOpening &opening) {
  Instance made;
  made.place = opening.chain + "/" + opening.name + " " + plugin.name;
  if (!plugin.has_layer) {
    return failure(CACHECHAIN_CONFIG, made.place, opening.name,
                   plugin.file + " is an exporter and no layer; name it under \"exporters\"");
  }
  Clock &clock = opening.clock != nullptr ? *opening.clock : Clock::system();
  made.host = Host::acquire(made.place, opening.log, clock,
                            opening.allocator != nullptr ? *opening.allocator : Allocator::system());
  made.api = plugin.layer;

  cachechain_layer_config config{};
  config.struct_size = sizeof config;
  config.name = bytes(opening.name);
  config.name_size = opening.name.size();
  config.chain = bytes(opening.chain);
  config.chain_size = opening.chain.size();
  config.options = bytes(opening.options);
  config.options_size = opening.options.size();
  made.info.struct_size = sizeof made.info;
  cachechain_report report{};
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  const int64_t begun_ns = clock.mono_ns();
  guarded(thrown,
          [&] { status = plugin.layer.open(made.host->table(), &config, &made.info, &report, &made.instance); });
  const int64_t took_ns = clock.mono_ns() - begun_ns;

  // `closes`: the instance exists and is worth a goodbye.
  const auto refuse = [&](int32_t code, std::string_view text, bool closes) {
    const Status refused = failure(code, made.place, opening.name, text, report.native_code, report.retryable != 0);
    const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
    if (closes) {
      (void)close_instance(made, call);
    } else {
      made.host->retire();
    }
    return refused;
  };
  const auto breach = [&](std::string_view text, bool closes) {
    return refuse(CACHECHAIN_PLUGIN_REFUSED,
                  "open " + std::string(text) + "; this is a fault of " + plugin.file + ": ask who wrote it", closes);
  };
  if (thrown) return breach(thrown.text(), false);
  if (status < 0 && is_layer_failure(status)) {
    std::string_view text = report_text(report);
    if (text.empty()) text = status_name(status);
    return refuse(status, text, false);
  }
  if (status != CACHECHAIN_OK && status != CACHECHAIN_DEGRADED) {
    return breach("answered status " + std::to_string(status) + ", expected OK, DEGRADED or a failure", false);
  }
  if (made.instance == nullptr) {
    return breach(std::string("answered ") + status_name(status) + " without an instance", false);
  }
  if (const std::string problem = caps_problem(made.info.caps, plugin.layer_slots); !problem.empty()) {
    return breach("declared " + problem, true);
  }

  LayerTraits &traits = made.traits;
  traits.name = opening.name;
  traits.plugin = plugin.name;
  traits.version = plugin.version;
  traits.file = plugin.file;
  traits.caps = made.info.caps;
  if (made.info.endpoint != nullptr) {
    traits.endpoint.assign(reinterpret_cast<const char *>(made.info.endpoint),
                           std::min<uint64_t>(made.info.endpoint_size, kMaxEndpoint));
  }
  if (made.info.max_key_size != 0 && made.info.max_key_size < traits.max_key_size) {
    traits.max_key_size = made.info.max_key_size;
  }
  traits.max_value_size = made.info.max_value_size;
  if (status == CACHECHAIN_DEGRADED) {
    std::string_view text = report_text(report);
    if (text.empty()) text = "the backend cannot be reached";
    made.degraded = failure(status, made.place, opening.name, text, report.native_code, true);
  }
  if (took_ns > kOpenNs && opening.log != nullptr && opening.log->enabled(CACHECHAIN_LOG_WARN)) {
    opening.log->log(CACHECHAIN_LOG_WARN, made.place + ": open took " + std::to_string(took_ns / 1'000'000) +
                                              " ms, more than the 100 ms "
                                              "that a plugin may take");
  }
  return made;
}

Status close_instance(Instance &instance, const cachechain_call &call) {
  cachechain_report report{};
  cachechain_call own = call;
  if (own.report == nullptr) own.report = &report;
  own.report->size = 0;
  int32_t status = CACHECHAIN_OK;
  Thrown thrown;
  guarded(thrown, [&] { status = instance.api.close(instance.instance, &own); });
  instance.instance = nullptr;
  std::exchange(instance.host, nullptr)->retire();
  if (thrown) {
    return failure(CACHECHAIN_PLUGIN_FAULT, instance.place, instance.traits.name,
                   "close " + std::string(thrown.text()));
  }
  if (status == CACHECHAIN_OK) return status;
  if (!is_layer_failure(status) && status != CACHECHAIN_UNKNOWN_OUTCOME) {
    return failure(CACHECHAIN_PLUGIN_FAULT, instance.place, instance.traits.name,
                   "close answered status " + std::to_string(status) + ", expected OK or a failure");
  }
  std::string_view text = report_text(*own.report);
  if (text.empty()) text = status_name(status);
  return failure(status, instance.place, instance.traits.name, text, own.report->native_code,
                 own.report->retryable != 0);
}

}  // namespace cachechain
