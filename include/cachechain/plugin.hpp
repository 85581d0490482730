// plugin.hpp: turns a C++ class into the table of plugin.h. Header-only, C++20, compiled into the plugin.
//
// A layer is a class with
//
//   static int32_t open(const Opening &opening, cachechain_layer_info &info, std::unique_ptr<T> &layer);
//   int32_t get(const Call &call, const cachechain_key &key, Buffer buffer, cachechain_value &value);
//   int32_t put(const Call &call, const cachechain_put &put, cachechain_put_result &result);
//
// and, where it has them, get_many, put_many, erase_many, ping, sweep, maintain, notify, watch, stats, thread_exit and
// close, with the types below. Each one that exists becomes a slot. CACHECHAIN_LAYER_PLUGIN(T, name, version, text)
// exports it. The slots catch every exception: what a class throws becomes a status and a text, never a crash.
#ifndef CACHECHAIN_PLUGIN_HPP_
#define CACHECHAIN_PLUGIN_HPP_

#include <cxxabi.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cachechain/plugin.h"

namespace cachechain::plugin {

// Where a get may copy to; empty asks for a view.
using Buffer = std::span<uint8_t>;

// The core, as one instance sees it. Copies are cheap; valid until after close.
class Host {
 public:
  explicit Host(const cachechain_host *host) : host_(host) {}

  bool logs(int32_t level) const { return host_->log_enabled(host_, level) != 0; }
  void log(int32_t level, std::string_view text) const {
    if (logs(level)) host_->log(host_, level, text.data(), text.size());
  }
  void report(cachechain_report *report, int64_t native_code, bool retryable, std::string_view text) const {
    host_->report(host_, report, native_code, retryable ? 1 : 0, text.data(), text.size());
  }
  int64_t now_mono_ns() const { return host_->now_mono_ns(host_); }
  int64_t now_unix_ms() const { return host_->now_unix_ms(host_); }
  void *alloc(uint64_t size, uint64_t align) const { return host_->alloc(host_, size, align); }
  void free(void *memory, uint64_t size, uint64_t align) const { host_->free(host_, memory, size, align); }
  bool cancelled(const cachechain_cancel *cancel) const {
    return cancel != nullptr && host_->cancelled(host_, cancel) != 0;
  }
  int32_t cancel_fd(cachechain_cancel *cancel) const {
    return cancel == nullptr ? -1 : host_->cancel_fd(host_, cancel);
  }
  template <class Service>
  const Service *service(const char *name) const {
    return static_cast<const Service *>(host_->service(host_, name));
  }
  const cachechain_host *raw() const { return host_; }

 private:
  const cachechain_host *host_;
};

// One call of a slot: its circumstances, and the way to say why it failed.
class Call {
 public:
  Call(Host host, const cachechain_call *call) : host_(host), call_(call) {}

  // 0 for none; else compare with host.now_mono_ns().
  int64_t deadline_ns() const { return call_ == nullptr ? 0 : call_->deadline_ns; }
  // Time that is left, at most `most`; 0 if the deadline is past.
  int64_t left_ns(int64_t most) const {
    if (deadline_ns() == 0) return most;
    return std::clamp<int64_t>(deadline_ns() - host_.now_mono_ns(), 0, most);
  }
  // Whether somebody may cancel it, so that a wait must look at cancelled() now and then.
  bool cancellable() const { return call_ != nullptr && call_->cancel != nullptr; }
  bool cancelled() const { return call_ != nullptr && host_.cancelled(call_->cancel); }
  // The core's own, readable once it is cancelled, to wait for beside a socket; -1: look at cancelled() now and then.
  int32_t cancel_fd() const { return call_ == nullptr ? -1 : host_.cancel_fd(call_->cancel); }
  // A bit that a layer does not know makes it answer UNSUPPORTED.
  uint32_t must_flags() const { return call_ == nullptr ? 0 : call_->must_flags; }
  uint64_t hint_flags() const { return call_ == nullptr ? 0 : call_->hint_flags; }
  // W3C traceparent, or "". Valid during the call.
  std::string_view trace() const {
    if (call_ == nullptr || call_->trace == nullptr) return {};
    return {reinterpret_cast<const char *>(call_->trace), static_cast<size_t>(call_->trace_size)};
  }
  uintptr_t *thread_word() const { return call_ == nullptr ? nullptr : call_->thread_word; }
  // `return call.fail(CACHECHAIN_UNAVAILABLE, errno, true, "...")`.
  [[nodiscard]] int32_t fail(int32_t status, int64_t native_code, bool retryable, std::string_view text) const {
    if (call_ != nullptr) host_.report(call_->report, native_code, retryable, text);
    return status;
  }
  Host host() const { return host_; }
  const cachechain_call *raw() const { return call_; }

 private:
  Host host_;
  const cachechain_call *call_;
};

// What `open` is given.
class Opening {
 public:
  Opening(Host host, const cachechain_layer_config *config, cachechain_report *report)
      : host_(host), config_(config), report_(report) {}

  Host host() const { return host_; }
  std::string_view name() const { return text(config_->name, config_->name_size); }
  std::string_view chain() const { return text(config_->chain, config_->chain_size); }
  std::string_view options() const { return text(config_->options, config_->options_size); }
  [[nodiscard]] int32_t fail(int32_t status, int64_t native_code, bool retryable, std::string_view text) const {
    host_.report(report_, native_code, retryable, text);
    return status;
  }

 private:
  static std::string_view text(const uint8_t *data, uint64_t size) {
    return {reinterpret_cast<const char *>(data), static_cast<size_t>(size)};
  }
  Host host_;
  const cachechain_layer_config *config_;
  cachechain_report *report_;
};

inline std::span<const uint8_t> bytes(const uint8_t *data, uint64_t size) { return {data, static_cast<size_t>(size)}; }
inline std::span<const uint8_t> bytes(const cachechain_key &key) { return bytes(key.data, key.size); }
inline std::span<const uint8_t> bytes(const cachechain_put &put) { return bytes(put.data, put.size); }

inline uint32_t kind_of(uint32_t flags) { return flags & CACHECHAIN_FLAG_KIND_MASK; }
inline uint32_t codec_of(uint32_t flags) { return (flags & CACHECHAIN_FLAG_CODEC_MASK) >> 8; }

// The verdict of a put's condition over what is stored: {status, version to store or that stands}. The one place that
// spells the three conditions, so that layers which compare in their own code agree. `stored` version 0 is absent.
struct Stored {
  uint64_t version = 0;
  uint64_t created = 0;
  uint64_t token = 0;
};
// The `created` to store beside that version.
inline uint64_t created_at(const cachechain_put &put, uint64_t version) {
  return put.created == put.version ? version : put.created;
}
inline cachechain_put_result judge(const cachechain_put &put, Stored stored) {
  const bool unseen =
      (put.horizon != 0 && stored.version > put.horizon) || (put.cleared != 0 && stored.created <= put.cleared);
  if (unseen) stored = {};
  switch (put.condition) {
    case CACHECHAIN_PUT_NEWER:
      if (stored.version != 0 && put.version <= stored.version) return {CACHECHAIN_SUPERSEDED, 0, stored.version};
      return {CACHECHAIN_OK, 0, put.version};
    case CACHECHAIN_PUT_BUMP:
      return {CACHECHAIN_OK, 0, stored.version == 0 ? put.version : std::max(put.version, (stored.version | 1) + 2)};
    case CACHECHAIN_PUT_EXACT:
      if (stored.version != put.expect_version || stored.token != put.expect_token) {
        return {CACHECHAIN_CONFLICT, 0, stored.version};
      }
      return {CACHECHAIN_OK, 0, put.version};
    default:
      return {CACHECHAIN_UNSUPPORTED, 0, stored.version};
  }
}

namespace internal {

// Largest n * scale that an int64_t holds; nothing for what is not a plain decimal number of a known unit.
struct Unit {
  std::string_view name;
  int64_t scale;
};
inline std::optional<int64_t> parse_units(std::string_view text, std::span<const Unit> units) {
  int64_t number = 0;
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view unit(rest, static_cast<size_t>(end - rest));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  for (const Unit &known : units) {
    if (known.name != unit) continue;
    if (number > INT64_MAX / known.scale) return std::nullopt;
    return number * known.scale;
  }
  return std::nullopt;
}

}  // namespace internal

// "250ms", "30s", "10min", "2h", "7d", or a number alone in milliseconds.
inline std::optional<int64_t> parse_duration_ms(std::string_view text) {
  static constexpr internal::Unit kUnits[] = {{"", 1},         {"ms", 1},        {"s", 1000},
                                              {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  return internal::parse_units(text, kUnits);
}

// "512", "64KiB", "256MiB", "2GiB", and the decimal "kB", "MB", "GB", in bytes.
inline std::optional<int64_t> parse_size_bytes(std::string_view text) {
  static constexpr internal::Unit kUnits[] = {
      {"", 1},      {"B", 1},          {"KiB", 1LL << 10},   {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40},
      {"kB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}};
  return internal::parse_units(text, kUnits);
}

// The known name that `given` most likely meant, or "" if none is near.
inline std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(given.size() / 3, 1) + 1;
  std::vector<size_t> row;
  for (std::string_view name : known) {
    row.resize(name.size() + 1);
    for (size_t j = 0; j <= name.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= given.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= name.size(); ++j) {
        const size_t substituted = diagonal + (given[i - 1] == name[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = name;
    }
  }
  return best;
}

namespace internal {

// The end of a thread is no object of C++: what is caught for it is bound to nothing, and UBSan would object.
#ifdef __SANITIZE_ADDRESS__
#define CACHECHAIN_CATCHES_NOTHING __attribute__((noinline, no_sanitize("null")))
#else
#define CACHECHAIN_CATCHES_NOTHING
#endif

// Runs one slot. `complain` takes the text of what was thrown.
template <class Body, class Complain>
CACHECHAIN_CATCHES_NOTHING int32_t firewall(Body &&body, Complain &&complain) noexcept(false) {
  try {
    return body();
  } catch (abi::__forced_unwind &) {
    throw;  // pthread_cancel: swallowing it would abort the process
  } catch (const std::bad_alloc &) {
    return CACHECHAIN_NO_MEMORY;
  } catch (const std::exception &thrown) {
    complain(std::string_view(thrown.what()));
    return CACHECHAIN_PLUGIN_FAULT;
  } catch (...) {
    complain(std::string_view("threw what is no std::exception"));
    return CACHECHAIN_PLUGIN_FAULT;
  }
}
#undef CACHECHAIN_CATCHES_NOTHING

// What a table's `void *instance` points to.
template <class T>
struct Instance {
  Host host;
  std::unique_ptr<T> layer;
};

// What a batch has handed out: taken back when an exception ends it in the middle. A status that was not written yet is
// none of ours.
struct HandedOut {
  std::span<cachechain_value> values;
  std::span<int32_t> statuses;

  HandedOut(std::span<cachechain_value> to_fill, std::span<int32_t> to_write) : values(to_fill), statuses(to_write) {
    std::fill(statuses.begin(), statuses.end(), INT32_MIN);
  }
  HandedOut(const HandedOut &) = delete;
  HandedOut &operator=(const HandedOut &) = delete;
  ~HandedOut() {
    for (size_t i = 0; i < values.size(); ++i) {
      if (statuses[i] == CACHECHAIN_OK && values[i].release != nullptr) values[i].release(values[i].owner);
      values[i] = {};
    }
  }
};

template <class T>
struct Slots {
  using Self = Instance<T>;

  template <class Body>
  static int32_t run(void *instance, const cachechain_call *call, Body &&body) {
    Self &self = *static_cast<Self *>(instance);
    return firewall([&] { return body(*self.layer, Call(self.host, call)); },
                    [&](std::string_view text) {
                      if (call != nullptr) self.host.report(call->report, 0, false, text);
                    });
  }

  static int32_t open(const cachechain_host *host, const cachechain_layer_config *config, cachechain_layer_info *info,
                      cachechain_report *report, void **instance) {
    *instance = nullptr;
    return firewall(
        [&] {
          auto self = std::make_unique<Self>(Self{Host(host), nullptr});
          const int32_t status = T::open(Opening(Host(host), config, report), *info, self->layer);
          if (status >= 0) *instance = self.release();
          return status;
        },
        [&](std::string_view text) { Host(host).report(report, 0, false, text); });
  }
  static int32_t close(void *instance, const cachechain_call *call) {
    std::unique_ptr<Self> self(static_cast<Self *>(instance));
    if constexpr (requires(T &t, const Call &c) { t.close(c); }) {
      return run(self.get(), call, [](T &t, const Call &c) { return t.close(c); });
    }
    return CACHECHAIN_OK;
  }
  static int32_t get(void *instance, const cachechain_call *call, const cachechain_key *key, uint8_t *buf, uint64_t cap,
                     cachechain_value *value) {
    return run(instance, call,
               [&](T &t, const Call &c) { return t.get(c, *key, Buffer(buf, static_cast<size_t>(cap)), *value); });
  }
  static int32_t get_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count,
                          cachechain_value *values, int32_t *statuses) {
    return run(instance, call, [&](T &t, const Call &c) {
      HandedOut given{std::span(values, count), std::span(statuses, count)};
      const int32_t status = t.get_many(c, std::span(keys, count), given.values, given.statuses);
      given.values = {};
      return status;
    });
  }
  static int32_t put(void *instance, const cachechain_call *call, const cachechain_put *put,
                     cachechain_put_result *result) {
    return result->status = run(instance, call, [&](T &t, const Call &c) { return t.put(c, *put, *result); });
  }
  static int32_t put_many(void *instance, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                          cachechain_put_result *results) {
    return run(instance, call,
               [&](T &t, const Call &c) { return t.put_many(c, std::span(puts, count), std::span(results, count)); });
  }
  static int32_t erase_many(void *instance, const cachechain_call *call, const cachechain_key *keys, uint64_t count) {
    return run(instance, call, [&](T &t, const Call &c) { return t.erase_many(c, std::span(keys, count)); });
  }
  static int32_t ping(void *instance, const cachechain_call *call) {
    return run(instance, call, [](T &t, const Call &c) { return t.ping(c); });
  }
  static int32_t sweep(void *instance, const cachechain_call *call, const cachechain_space *space, uint64_t *removed) {
    return run(instance, call, [&](T &t, const Call &c) { return t.sweep(c, space, *removed); });
  }
  static int32_t maintain(void *instance, const cachechain_call *call) {
    return run(instance, call, [](T &t, const Call &c) { return t.maintain(c); });
  }
  static int32_t notify(void *instance, const cachechain_call *call, const cachechain_notice *notices, uint64_t count) {
    return run(instance, call, [&](T &t, const Call &c) { return t.notify(c, std::span(notices, count)); });
  }
  static int32_t watch(void *instance, const cachechain_call *call, cachechain_notice_fn fn, void *context) {
    return run(instance, call, [&](T &t, const Call &c) { return t.watch(c, fn, context); });
  }
  static int32_t stats(void *instance, uint8_t *buf, uint64_t cap, uint64_t *needed) {
    return run(instance, nullptr, [&](T &t, const Call &) {
      const std::string text = t.stats();
      *needed = text.size();
      if (text.size() > cap) return int32_t{CACHECHAIN_BUFFER_TOO_SMALL};
      std::memcpy(buf, text.data(), text.size());
      return int32_t{CACHECHAIN_OK};
    });
  }
  static void thread_exit(void *instance, uintptr_t word) {
    (void)run(instance, nullptr, [&](T &t, const Call &) {
      t.thread_exit(word);
      return int32_t{CACHECHAIN_OK};
    });
  }
};

}  // namespace internal

// The table of T, with a slot for each function that T has.
template <class T>
constexpr cachechain_layer_api layer_api() {
  using S = internal::Slots<T>;
  using Key = std::span<const cachechain_key>;
  cachechain_layer_api api{};
  api.struct_size = sizeof(api);
  api.open = &S::open;
  api.close = &S::close;
  api.get = &S::get;
  api.put = &S::put;
  if constexpr (requires(T &t, const Call &c, Key k, std::span<cachechain_value> v, std::span<int32_t> s) {
                  t.get_many(c, k, v, s);
                }) {
    api.get_many = &S::get_many;
  }
  if constexpr (requires(T &t, const Call &c, std::span<const cachechain_put> p, std::span<cachechain_put_result> r) {
                  t.put_many(c, p, r);
                }) {
    api.put_many = &S::put_many;
  }
  if constexpr (requires(T &t, const Call &c, Key k) { t.erase_many(c, k); }) api.erase_many = &S::erase_many;
  if constexpr (requires(T &t, const Call &c) { t.ping(c); }) api.ping = &S::ping;
  if constexpr (requires(T &t, const Call &c, const cachechain_space *s, uint64_t &n) { t.sweep(c, s, n); }) {
    api.sweep = &S::sweep;
  }
  if constexpr (requires(T &t, const Call &c) { t.maintain(c); }) api.maintain = &S::maintain;
  if constexpr (requires(T &t, const Call &c, std::span<const cachechain_notice> n) { t.notify(c, n); }) {
    api.notify = &S::notify;
  }
  if constexpr (requires(T &t, const Call &c, cachechain_notice_fn f, void *x) { t.watch(c, f, x); }) {
    api.watch = &S::watch;
  }
  if constexpr (requires(T &t) { t.stats(); }) api.stats = &S::stats;
  if constexpr (requires(T &t, uintptr_t w) { t.thread_exit(w); }) api.thread_exit = &S::thread_exit;
  return api;
}

}  // namespace cachechain::plugin

// Exports class T as the layer plugin `plugin_name`.
#define CACHECHAIN_LAYER_PLUGIN(T, plugin_name, plugin_version, plugin_text)                             \
  extern "C" __attribute__((visibility("default"))) const cachechain_plugin *cachechain_plugin_entry_v1( \
      const cachechain_host *) {                                                                         \
    static constexpr cachechain_layer_api layer = cachechain::plugin::layer_api<T>();                    \
    static constexpr cachechain_plugin plugin = {sizeof(cachechain_plugin),                              \
                                                 CACHECHAIN_ABI_MINOR,                                   \
                                                 0,                                                      \
                                                 0,                                                      \
                                                 plugin_name,                                            \
                                                 plugin_version,                                         \
                                                 plugin_text,                                            \
                                                 &layer,                                                 \
                                                 nullptr};                                               \
    return &plugin;                                                                                      \
  }

#endif  // CACHECHAIN_PLUGIN_HPP_
