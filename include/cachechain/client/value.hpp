// Bytes that go in, entries that come out, and what became of a write.
//
// Bytes are borrowed for the call. A Value owns what it shows, can be moved and not copied, may outlive its Chain, be
// read by many threads and destroyed by any.
#ifndef CACHECHAIN_CLIENT_VALUE_HPP_
#define CACHECHAIN_CLIENT_VALUE_HPP_

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

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

using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::milliseconds>;

// An entry that was handed out. What it shows is the buffer that was passed to get(), or memory of the cache that this
// object keeps in place: keep such a Value for as long as it is read and no longer, it holds the cache's memory.
class Value {
 public:
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

// What a mutation did. Bit i of a mask stands for layer i.
struct Written {
  int32_t outcome = CACHECHAIN_OK;
  uint64_t version = 0;
  uint32_t done = 0;
  uint32_t owed = 0;  // layers that could not be told; the library tells them later
};

namespace internal {

template <class T>
concept BytesLike = std::convertible_to<const T &, Bytes>;

// Whether a copy or a move of a T keeps the bytes that it shows.
template <class T>
inline constexpr bool kOwnsBytes = !std::is_trivially_copyable_v<T> && !std::ranges::borrowed_range<T>;

inline const uint8_t *bytes(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_VALUE_HPP_
