// Typed: a view of a Chain whose values are objects of your own, by a codec.
//
//   Typed<Price> prices(chain);
//   auto price = prices.get_or_load("tea", [&] { return database.price("tea"); });   // Result<Found<Price>>
//
// A codec is a small object that any thread may use:
//
//   auto encode(const T &value) const;                  // what converts to Bytes
//   auto decode(std::span<const uint8_t> bytes) const;  // std::optional<T> or Result<T>; without a value: none of ours
//
// An entry that does not decode is rejected, so that no reader meets it again, and looked for or loaded once more. If
// the next one does not decode either the call fails with CORRUPT. What a codec throws goes on to the caller. The Chain
// must stay where it is for as long as there is a view of it. A view may be copied.
#ifndef CACHECHAIN_CLIENT_TYPED_HPP_
#define CACHECHAIN_CLIENT_TYPED_HPP_

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/client/chain.hpp"

namespace cachechain::client {

template <class C, class T>
concept Codec = requires(const C &codec, const T &value, std::span<const uint8_t> bytes) {
  { codec.encode(value) } -> std::convertible_to<Bytes>;
  static_cast<bool>(codec.decode(bytes));
  { *codec.decode(bytes) } -> std::convertible_to<T>;
};

// The bytes as they are, in a container: std::string, std::vector<uint8_t>.
template <class T>
struct BytesCodec {
  const T &encode(const T &value) const { return value; }
  std::optional<T> decode(std::span<const uint8_t> bytes) const { return T(bytes.begin(), bytes.end()); }
};

// The bytes of the object itself, for one program on one kind of machine; another size is none of ours. A type that
// changes its meaning and keeps its size wants another namespace, or a "schema" of it.
template <class T>
  requires(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::ranges::view<T>)
struct TrivialCodec {
  std::array<std::byte, sizeof(T)> encode(const T &value) const {
    return std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  }
  std::optional<T> decode(std::span<const uint8_t> bytes) const {
    std::array<std::byte, sizeof(T)> object;
    if (bytes.size() != object.size()) return std::nullopt;
    std::ranges::copy(std::as_bytes(bytes), object.begin());
    return std::bit_cast<T>(object);
  }
};

namespace internal {

template <class T>
struct DefaultCodec {
  using type = TrivialCodec<T>;
};
template <>
struct DefaultCodec<std::string> {
  using type = BytesCodec<std::string>;
};
template <>
struct DefaultCodec<std::vector<uint8_t>> {
  using type = BytesCodec<std::vector<uint8_t>>;
};

// What a loader of objects answers, as a loader of bytes would.
template <class T, class C, class Answer>
auto encoded(const C &codec, Answer &&answer) {
  using Given = std::remove_cvref_t<Answer>;
  if constexpr (!std::same_as<Given, T> && OptionalLike<Given>) {
    using Own = decltype(encoded<T>(codec, *std::forward<Answer>(answer)));
    return answer.has_value() ? std::optional<Own>(encoded<T>(codec, *std::forward<Answer>(answer))) : std::nullopt;
  } else if constexpr (!std::same_as<Given, T> && ExpectedLike<Given>) {
    using Own = decltype(encoded<T>(codec, *std::forward<Answer>(answer)));
    return static_cast<bool>(answer) ? Result<Own>(encoded<T>(codec, *std::forward<Answer>(answer)))
                                     : Result<Own>(take_error(std::forward<Answer>(answer)));
  } else {
    const T &value = answer;
    return own_bytes(codec.encode(value));
  }
}

// A loader of bytes over a loader of objects; both parts may be references.
template <class T, class C, class Loader>
struct Encoding {
  C codec;
  Loader loader;

  auto operator()(Lease &lease) { return encoded<T>(codec, call(loader, lease)); }
  // Owns its parts.
  auto copy() const {
    using Own = std::remove_cvref_t<Loader>;
    return Encoding<T, std::remove_cvref_t<C>, Own>{codec, Own(std::as_const(loader))};
  }
};
template <class T, class C, class Loader>
inline constexpr bool kCanCopy<Encoding<T, C, Loader>> = std::copy_constructible<std::remove_cvref_t<Loader>>;

}  // namespace internal

// What a typed get answers.
template <class T>
struct Found {
  int32_t outcome = CACHECHAIN_MISS;  // as of a Lookup
  std::optional<T> value;
  uint64_t version = 0;
  uint32_t flags = 0;
  bool loaded = false;             // by this call
  int32_t stored = CACHECHAIN_OK;  // then: as of Loaded

  bool hit() const { return value.has_value(); }
  bool stale() const { return outcome == CACHECHAIN_STALE; }
  bool degraded() const { return (flags & CACHECHAIN_FLAG_DEGRADED) != 0; }
};

template <class T, Codec<T> C = typename internal::DefaultCodec<T>::type>
class Typed {
 public:
  explicit Typed(const Chain &chain, C codec = C()) : chain_(&chain), codec_(std::move(codec)) {}
  explicit Typed(const Chain &&, C = C()) = delete;  // it would be gone at once

  Result<Found<T>> get(Bytes key, const GetOptions &options = {}) const {
    return until_it_decodes(key, [&]() -> Result<Loaded> {
      Result<Lookup> found = chain_->get(key, options);
      if (!found) return std::move(found).error();
      return Loaded{std::move(*found)};
    });
  }

  // The loader answers a T, an optional or a Result of one; the rest is as for Chain::get_or_load.
  template <class Loader>
  Result<Found<T>> get_or_load(Bytes key, Loader &&loader, const LoadOptions &options = {}) const {
    return until_it_decodes(key, [&] {
      return chain_->get_or_load(key, internal::Encoding<T, const C &, Loader &&>{codec_, std::forward<Loader>(loader)},
                                 options);
    });
  }

  Result<Written> set(Bytes key, const T &value, const SetOptions &options = {}) const {
    const auto &encoded = codec_.encode(value);
    return chain_->set(key, encoded, options);
  }

  Result<Written> remove(Bytes key, const RemoveOptions &options = {}) const noexcept {
    return chain_->remove(key, options);
  }

  const Chain &chain() const { return *chain_; }

 private:
  static constexpr int kTries = 2;

  template <class Look>
  Result<Found<T>> until_it_decodes(Bytes key, Look look) const {
    for (int i = 0; i < kTries; ++i) {
      Result<Loaded> found = look();
      if (!found) return std::move(found).error();
      Found<T> answer{found->outcome, {}, found->value.version(), found->value.flags(), found->loaded, found->stored};
      if (!found->hit()) return answer;
      if (auto decoded = codec_.decode(found->value.bytes())) {
        answer.value.emplace(*std::move(decoded));
        return answer;
      }
      // Refused is as good as done: what cannot be told now is told before it is believed again.
      (void)chain_->reject(key, found->value.version());
    }
    return Error(CACHECHAIN_CORRUPT, "the stored value does not decode, nor did the one before it");
  }

  const Chain *chain_;
  C codec_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_TYPED_HPP_
