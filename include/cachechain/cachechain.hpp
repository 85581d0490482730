// cachechain.hpp: the C++ face of cachechain.h. Header-only, C++20, compiled into your binary, so that no C++ type
// crosses the library's boundary. It throws nothing; what fails comes back as an Error in a Result.
//
//   auto chain = cachechain::client::Chain::open(json);
//   if (!chain) return complain(chain.error().message());
//   auto found = chain->get("user:42");
//   if (found && found->hit()) use(found->value.view());
//
// Everything is in `cachechain::client`, because the library itself uses `cachechain` and has a Chain, a Result and a
// Value of its own; a test that links the library's insides may include this header all the same.
//
// Ownership: Chain, Value and Error own one C object each, can be moved and not copied, and give it back when they go.
// Keys, values, options and texts that you pass are borrowed for the call. A Value may outlive its Chain.
// Threads: every method of a Chain that is const may be called by any thread at any time, also while another closes it.
// Moving, assigning and destroying belong to one thread. A Value or an Error may be read by many and destroyed by any.
#ifndef CACHECHAIN_CACHECHAIN_HPP_
#define CACHECHAIN_CACHECHAIN_HPP_

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "cachechain/cachechain.h"

namespace cachechain::client {

// Bytes that are borrowed for a call. Made from whatever is text (a literal goes without its NUL) or a run of char,
// uint8_t or std::byte.
class Bytes {
 public:
  constexpr Bytes() = default;
  Bytes(const void *data, size_t size) : data_(static_cast<const uint8_t *>(data)), size_(size) {}
  template <class T>
    requires std::convertible_to<const T &, std::string_view>
  Bytes(const T &text) : Bytes(std::string_view(text).data(), std::string_view(text).size()) {}
  template <class T>
    requires(!std::convertible_to<const T &, std::string_view> &&
             (std::convertible_to<const T &, std::span<const char>> ||
              std::convertible_to<const T &, std::span<const uint8_t>> ||
              std::convertible_to<const T &, std::span<const std::byte>>))
  Bytes(const T &run) : Bytes(std::span(run).data(), std::span(run).size()) {}

  const uint8_t *data() const { return data_; }
  uint64_t size() const { return size_; }

 private:
  const uint8_t *data_ = nullptr;
  uint64_t size_ = 0;
};

// Why a call failed. Without a C object behind it (there was no memory for one) the text is the status's name.
class Error {
 public:
  Error(int32_t status, cachechain_error *error) : status_(status), error_(error) {}

  int32_t status() const { return status_; }  // CACHECHAIN_TIMEOUT and so on, always < 0
  std::string_view name() const { return cachechain_status_name(status_); }
  // One line for a human, complete with the state that an operator would ask for. Lives as long as the Error.
  std::string_view message() const {
    if (error_ == nullptr) return name();
    uint64_t size = 0;
    const char *text = cachechain_error_message(error_.get(), &size);
    return {text, static_cast<size_t>(size)};
  }
  // The layer that failed, or "". Lives as long as the Error.
  std::string_view layer() const {
    uint64_t size = 0;
    const char *text = cachechain_error_layer(error_.get(), &size);
    return {text, static_cast<size_t>(size)};
  }
  int64_t native() const { return cachechain_error_native(error_.get()); }          // the backend's own number
  bool retryable() const { return cachechain_error_retryable(error_.get()) != 0; }  // as it is, later
  const cachechain_error *raw() const { return error_.get(); }

 private:
  struct Free {
    void operator()(cachechain_error *error) const { cachechain_error_free(error); }
  };
  int32_t status_;
  std::unique_ptr<cachechain_error, Free> error_;
};

// A T, or the Error that stands in its place. REQUIRES ok() for value(), * and ->, and !ok() for error().
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : either_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: either side converts
  Result(Error error) : either_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return either_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &value() & { return *std::get_if<0>(&either_); }
  const T &value() const & { return *std::get_if<0>(&either_); }
  T &&value() && { return std::move(*std::get_if<0>(&either_)); }
  T &operator*() & { return value(); }
  const T &operator*() const & { return value(); }
  T &&operator*() && { return std::move(*this).value(); }
  T *operator->() { return std::get_if<0>(&either_); }
  const T *operator->() const { return std::get_if<0>(&either_); }
  T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }
  T value_or(T other) const & { return ok() ? value() : std::move(other); }

  const Error &error() const { return *std::get_if<1>(&either_); }

 private:
  std::variant<T, Error> either_;
};

// An entry that was handed out. What it shows is the buffer that was passed to get(), or memory of the cache that this
// object keeps in place: keep such a Value for as long as it is read and no longer, it holds the cache's memory.
class Value {
 public:
  using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

  Value() = default;
  explicit Value(const cachechain_value &raw) : raw_(raw) {}  // takes over what `raw` holds
  Value(Value &&other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  Value &operator=(Value &&other) noexcept {
    Value taken(std::move(other));
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~Value() {
    if (raw_.release != nullptr) cachechain_value_release(&raw_);
  }

  // Empty for a value that exists() described.
  std::span<const uint8_t> bytes() const {
    return {raw_.data, raw_.data == nullptr ? 0 : static_cast<size_t>(raw_.size)};
  }
  std::string_view view() const { return {reinterpret_cast<const char *>(raw_.data), bytes().size()}; }
  uint64_t size() const { return raw_.size; }
  uint64_t version() const { return raw_.version; }
  uint64_t created() const { return raw_.created; }
  std::optional<Time> fresh_until() const { return time(raw_.fresh_until_ms); }  // none: as long as it lives
  std::optional<Time> expires() const { return time(raw_.expires_ms); }          // none: never
  int layer() const { return raw_.layer; }  // index of the layer that answered, -1 for none
  bool degraded() const { return (raw_.flags & CACHECHAIN_FLAG_DEGRADED) != 0; }  // some layer could not be asked
  uint32_t flags() const { return raw_.flags; }
  const cachechain_value &raw() const { return raw_; }

 private:
  static std::optional<Time> time(int64_t unix_ms) {
    if (unix_ms == 0) return std::nullopt;
    return Time(std::chrono::milliseconds(unix_ms));
  }
  cachechain_value raw_{};
};

// The answer to a get or an exists. A miss is an answer, not an Error.
struct Lookup {
  int32_t outcome = CACHECHAIN_MISS;  // OK, STALE, MISS, NOT_FOUND; treat one that you do not know as a miss
  Value value;                        // after a miss only its flags mean something

  bool hit() const { return outcome == CACHECHAIN_OK || outcome == CACHECHAIN_STALE; }
  bool stale() const { return outcome == CACHECHAIN_STALE; }
  // A miss of this kind says less: a layer that could not be asked may have the key.
  bool degraded() const { return value.degraded(); }
};

// What a set or a remove did. Bit i of a mask stands for layer i.
struct Written {
  int32_t outcome = CACHECHAIN_OK;
  uint64_t version = 0;
  uint32_t done = 0;
  uint32_t owed = 0;  // layers that could not be told; the library tells them later
};

// A time-out: none given means the chain's own, kNoTimeout none at all, zero or less that the time is already over.
using Timeout = std::optional<std::chrono::nanoseconds>;
inline constexpr std::chrono::nanoseconds kNoTimeout = std::chrono::nanoseconds::max();

// A life: none given means the layers' own, kForever that it does not end. Zero or less is refused: it would mean
// "forever" to one reader and "not at all" to the next.
using Life = std::optional<std::chrono::milliseconds>;
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

struct GetOptions {
  Timeout timeout = {};
  std::string_view trace = {};  // W3C traceparent, handed to the layers
};

struct SetOptions {
  Timeout timeout = {};
  Life ttl = {};    // life from now
  Life fresh = {};  // fresh time from now; none given and kForever: as long as it lives
  // Store only if this version is there, 0 for nothing at all; else the call fails with CONFLICT.
  std::optional<uint64_t> expect_version = {};
  uint64_t created = 0;  // stamp taken before the value was made; 0: now
  std::string_view trace = {};
};

struct RemoveOptions {
  Timeout timeout = {};
  std::string_view trace = {};
};

// Receives one line of log without a newline, from any thread, several at a time. It must not block or call the chain;
// what it throws is dropped with the line.
using Log = std::function<void(int32_t level, std::string_view line)>;

struct OpenOptions {
  std::string_view plugin_path = {};        // folders separated by ':', searched first
  Log log = {};                             // none: warnings and errors go to standard error
  int32_t log_level = CACHECHAIN_LOG_WARN;  // least level that reaches `log`
};

namespace internal {

inline int64_t timeout_ns(const Timeout &timeout) {
  if (!timeout.has_value()) return 0;
  return timeout->count() > 0 ? timeout->count() : 1;
}

// Lives of zero or less become a number that the library refuses.
inline int64_t life_ms(const Life &life) {
  if (!life.has_value()) return 0;
  if (*life == kForever) return CACHECHAIN_TTL_NONE;
  return life->count() > 0 ? life->count() : INT64_MIN;
}

inline const uint8_t *bytes(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

inline void pass_log(void *context, int32_t level, const uint8_t *text, uint64_t size) noexcept {
  try {
    (*static_cast<const Log *>(context))(level, {reinterpret_cast<const char *>(text), static_cast<size_t>(size)});
  } catch (...) {  // a foreign frame is below us
  }
}

inline cachechain_open_options raw(const OpenOptions &options, const Log *log) {
  cachechain_open_options raw{};
  raw.struct_size = sizeof raw;
  raw.plugin_path = bytes(options.plugin_path);
  raw.plugin_path_size = options.plugin_path.size();
  if (log != nullptr && *log) {
    raw.log = pass_log;
    raw.log_context = const_cast<Log *>(log);
    raw.log_level = options.log_level;
  }
  return raw;
}

inline cachechain_get_options raw(const GetOptions &options) {
  cachechain_get_options raw{};
  raw.struct_size = sizeof raw;
  raw.timeout_ns = timeout_ns(options.timeout);
  raw.trace = bytes(options.trace);
  raw.trace_size = options.trace.size();
  return raw;
}

inline cachechain_put_options raw(const SetOptions &options) {
  cachechain_put_options raw{};
  raw.struct_size = sizeof raw;
  raw.timeout_ns = timeout_ns(options.timeout);
  raw.ttl_ms = life_ms(options.ttl);
  raw.fresh_ms = life_ms(options.fresh);
  if (options.expect_version.has_value()) {
    raw.must_flags = CACHECHAIN_PUT_EXPECT;
    raw.expect_version = *options.expect_version;
  }
  raw.created = options.created;
  raw.trace = bytes(options.trace);
  raw.trace_size = options.trace.size();
  return raw;
}

inline cachechain_put_options raw(const RemoveOptions &options) {
  cachechain_put_options raw{};
  raw.struct_size = sizeof raw;
  raw.timeout_ns = timeout_ns(options.timeout);
  raw.trace = bytes(options.trace);
  raw.trace_size = options.trace.size();
  return raw;
}

// Asks for a text whose size may grow from one call to the next. `query` is (buf, cap, needed, error) -> status.
template <class Query>
Result<std::string> text(Query query) noexcept {
  try {
    std::string text(4096, '\0');
    for (;;) {
      uint64_t needed = 0;
      cachechain_error *error = nullptr;
      int32_t status = query(reinterpret_cast<uint8_t *>(text.data()), text.size(), &needed, &error);
      if (status == CACHECHAIN_BUFFER_TOO_SMALL && needed > text.size()) {
        cachechain_error_free(error);
        text.resize(needed + needed / 4);
        continue;
      }
      if (status < 0) return Error(status, error);
      text.resize(needed);
      return text;
    }
  } catch (...) {  // bad_alloc, length_error
    return Error(CACHECHAIN_NO_MEMORY, nullptr);
  }
}

}  // namespace internal

// A chain of layers, seen through one of its namespaces. After a move it is empty: then only assigning and destroying
// are allowed.
class Chain {
 public:
  Chain(Chain &&other) = default;
  Chain &operator=(Chain &&other) noexcept {
    Chain taken(std::move(other));
    log_.swap(taken.log_);
    chain_.swap(taken.chain_);
    return *this;
  }

  // Opens a chain from a JSON object. A layer that cannot be reached now is no Error; `options.log` hears of it, and is
  // kept until the Chain is gone.
  static Result<Chain> open(std::string_view json, OpenOptions options = {}) noexcept {
    int32_t status = cachechain_abi_check(CACHECHAIN_ABI_MAJOR, CACHECHAIN_ABI_MINOR);
    if (status < 0) return Error(status, nullptr);
    std::shared_ptr<Log> log;
    try {
      log = std::make_shared<Log>(std::move(options.log));
    } catch (...) {  // bad_alloc
      return Error(CACHECHAIN_NO_MEMORY, nullptr);
    }
    cachechain_open_options raw = internal::raw(options, log.get());
    cachechain_chain *chain = nullptr;
    cachechain_error *error = nullptr;
    status = cachechain_chain_open(internal::bytes(json), json.size(), &raw, &chain, &error);
    if (status < 0) return Error(status, error);
    return Chain(chain, std::move(log));
  }

  // Ends the intake, waits for calls under way, closes the layers and answers how many queued writes were not written.
  // Fails with DEADLINE while a call is still inside: call it again. Destroying the last Chain of those that space()
  // gave and their origin closes too, without a time-out. Closing one that space() gave ends its own calls alone.
  Result<uint64_t> close(std::chrono::nanoseconds timeout = kNoTimeout) const noexcept {
    uint64_t unwritten = 0;
    cachechain_error *error = nullptr;
    int32_t status = cachechain_chain_close(chain_.get(), timeout.count(), &unwritten, &error);
    if (status < 0) return Error(status, error);
    return unwritten;
  }

  // The same chain seen through another namespace: other keys, with lives, counters and a clear of their own. It is a
  // Chain in its own right, and may outlive this one. 1 to 64 of A-Z a-z 0-9 _ . -
  Result<Chain> space(std::string_view name) const noexcept {
    cachechain_chain *space = nullptr;
    cachechain_error *error = nullptr;
    int32_t status = cachechain_chain_namespace(chain_.get(), internal::bytes(name), name.size(), &space, &error);
    if (status < 0) return Error(status, error);
    return Chain(space, log_);
  }

  // Looks for a key from the fastest layer down. The Value keeps the entry in place in the cache.
  Result<Lookup> get(Bytes key) const noexcept { return get_raw(key, {}, nullptr); }
  Result<Lookup> get(Bytes key, const GetOptions &options) const noexcept {
    cachechain_get_options raw = internal::raw(options);
    return get_raw(key, {}, &raw);
  }
  // The same, and a value that fits is copied into `buffer`, which must then outlive the Value.
  Result<Lookup> get(Bytes key, std::span<uint8_t> buffer) const noexcept { return get_raw(key, buffer, nullptr); }
  Result<Lookup> get(Bytes key, std::span<uint8_t> buffer, const GetOptions &options) const noexcept {
    cachechain_get_options raw = internal::raw(options);
    return get_raw(key, buffer, &raw);
  }

  // As get, without the bytes: the Value has the entry's size, version and times.
  Result<Lookup> exists(Bytes key) const noexcept { return exists_raw(key, nullptr); }
  Result<Lookup> exists(Bytes key, const GetOptions &options) const noexcept {
    cachechain_get_options raw = internal::raw(options);
    return exists_raw(key, &raw);
  }

  // Stores a value in every layer, the one whose word is the truth first.
  Result<Written> set(Bytes key, Bytes value) const noexcept { return set_raw(key, value, nullptr); }
  Result<Written> set(Bytes key, Bytes value, const SetOptions &options) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return set_raw(key, value, &raw);
  }

  // Deletes a key everywhere; fine if there was nothing. Write your database first, then call this.
  Result<Written> remove(Bytes key) const noexcept { return remove_raw(key, nullptr); }
  Result<Written> remove(Bytes key, const RemoveOptions &options) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return remove_raw(key, &raw);
  }

  // Makes every entry of this namespace void, in all processes.
  Result<Written> clear(const RemoveOptions &options = {}) const noexcept {
    cachechain_put_options given = internal::raw(options);
    cachechain_write raw{};
    cachechain_error *error = nullptr;
    int32_t status = cachechain_clear(chain_.get(), &given, &raw, &error);
    return written(status, raw, error);
  }

  // Everything counted, as a JSON object.
  Result<std::string> stats() const noexcept {
    return internal::text([this](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
      return cachechain_chain_stats(chain_.get(), buf, cap, needed, error);
    });
  }

  // What each layer knows about a key and what a get would do with it, as JSON, without counting or warming.
  Result<std::string> explain(Bytes key) const noexcept {
    return internal::text([this, key](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
      return cachechain_chain_explain(chain_.get(), key.data(), key.size(), buf, cap, needed, error);
    });
  }
  // The chain itself: layers, capabilities, lives, warnings.
  Result<std::string> explain() const noexcept { return explain(Bytes()); }

  // For what this header does not wrap; still owned by the Chain.
  cachechain_chain *raw() const { return chain_.get(); }

 private:
  struct Free {
    void operator()(cachechain_chain *chain) const { cachechain_chain_free(chain); }
  };

  Chain(cachechain_chain *chain, std::shared_ptr<Log> log) : log_(std::move(log)), chain_(chain) {}

  Result<Lookup> get_raw(Bytes key, std::span<uint8_t> buffer, const cachechain_get_options *options) const noexcept {
    cachechain_value raw{};
    cachechain_error *error = nullptr;
    int32_t status =
        cachechain_get(chain_.get(), options, key.data(), key.size(), buffer.data(), buffer.size(), &raw, &error);
    if (status < 0) return Error(status, error);
    return Lookup{status, Value(raw)};
  }

  Result<Lookup> exists_raw(Bytes key, const cachechain_get_options *options) const noexcept {
    cachechain_value raw{};
    cachechain_error *error = nullptr;
    int32_t status = cachechain_exists(chain_.get(), options, key.data(), key.size(), &raw, &error);
    if (status < 0) return Error(status, error);
    return Lookup{status, Value(raw)};
  }

  Result<Written> set_raw(Bytes key, Bytes value, const cachechain_put_options *options) const noexcept {
    cachechain_write raw{};
    cachechain_error *error = nullptr;
    int32_t status =
        cachechain_set(chain_.get(), options, key.data(), key.size(), value.data(), value.size(), &raw, &error);
    return written(status, raw, error);
  }

  Result<Written> remove_raw(Bytes key, const cachechain_put_options *options) const noexcept {
    cachechain_write raw{};
    cachechain_error *error = nullptr;
    int32_t status = cachechain_delete(chain_.get(), options, key.data(), key.size(), &raw, &error);
    return written(status, raw, error);
  }

  static Result<Written> written(int32_t status, const cachechain_write &raw, cachechain_error *error) {
    if (status < 0) return Error(status, error);
    return Written{status, raw.version, raw.done, raw.owed};
  }

  // In this order: the chain logs until it is gone.
  std::shared_ptr<Log> log_;
  std::unique_ptr<cachechain_chain, Free> chain_;
};

// The effective values of a configuration and where each came from, as a JSON object; opens nothing. On CONFIG the
// Error's message has every problem on a line of its own.
inline Result<std::string> config_check(std::string_view json) noexcept {
  return internal::text([json](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_config_check(internal::bytes(json), json.size(), buf, cap, needed, error);
  });
}

// Every plugin of the search path, as a JSON array. `options.log` is used during the call only.
inline Result<std::string> plugins(const OpenOptions &options = {}) noexcept {
  cachechain_open_options raw = internal::raw(options, &options.log);
  return internal::text([&raw](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_plugins(&raw, buf, cap, needed, error);
  });
}

}  // namespace cachechain::client

#endif  // CACHECHAIN_CACHECHAIN_HPP_
