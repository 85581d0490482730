// Batches: the answers to many keys in one call, in the order of the keys, up to CACHECHAIN_MAX_BATCH of them.
//
// A range of keys is any range of what converts to Bytes, a range of entries one of pairs of these. What a range only
// makes while it is walked, such as a view of temporary strings or of a stream, is refused at compile time: nobody
// would keep it. What walking a range throws goes on to the caller, and nothing was done then.
//
// A Batch owns its values, may outlive its Chain, be read by many threads and destroyed by any. An Item is borrowed
// from its Batch.
#ifndef CACHECHAIN_CLIENT_BATCH_HPP_
#define CACHECHAIN_CLIENT_BATCH_HPP_

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <ranges>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.h"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/options.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// The answer for one key, as its own call would have answered: the outcome may be a failure, which has a message.
struct Item : Lookup {
  std::string_view message;

  bool failed() const { return outcome < 0; }
};

class Batch {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(const Batch *batch, size_t at) : batch_(batch), at_(at) {}
    Item operator*() const { return (*batch_)[at_]; }
    Iterator &operator++() {
      ++at_;
      return *this;
    }
    void operator++(int) { ++at_; }
    bool operator==(const Iterator &) const = default;

   private:
    const Batch *batch_ = nullptr;
    size_t at_ = 0;
  };

  Batch(int32_t outcome, cachechain_batch *batch) : outcome_(outcome), batch_(batch) {}  // takes over `batch`

  bool ok() const { return outcome_ == CACHECHAIN_OK; }  // every answer is OK; else look at each
  size_t size() const { return static_cast<size_t>(cachechain_batch_size(batch_.get())); }
  bool empty() const { return size() == 0; }
  // REQUIRES i < size()
  Item operator[](size_t i) const {
    cachechain_value value{};
    const int32_t status = cachechain_batch_item(batch_.get(), i, &value, nullptr);
    uint64_t length = 0;
    const char *message = cachechain_batch_message(batch_.get(), i, &length);
    return Item{{status, Value(value)}, {message, static_cast<size_t>(length)}};
  }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }
  const cachechain_batch *raw() const { return batch_.get(); }

 private:
  struct Free {
    void operator()(cachechain_batch *batch) const { cachechain_batch_free(batch); }
  };
  int32_t outcome_;
  std::unique_ptr<cachechain_batch, Free> batch_;
};

// The answers to a caller who can load, with a Lease for each key that it is his turn to load, an empty one for the
// rest. Whoever has leases ends them before he asks again for keys that answered LOAD_PENDING.
struct LeasedBatch : Batch {
  std::vector<Lease> leases;
};

namespace internal {

// Bytes that last longer than the step of a walk over them.
template <class T>
concept KeptBytes =
    BytesLike<std::remove_cvref_t<T>> && (std::is_lvalue_reference_v<T> || !kOwnsBytes<std::remove_cvref_t<T>>);

template <class T, size_t i>
using PartOf = std::tuple_element_t<i, std::remove_cvref_t<T>>;

template <class T>
concept KeptEntry = requires { requires std::tuple_size<std::remove_cvref_t<T>>::value == 2; } &&
                    (std::is_lvalue_reference_v<T>
                         ? BytesLike<std::remove_cvref_t<PartOf<T, 0>>> && BytesLike<std::remove_cvref_t<PartOf<T, 1>>>
                         : KeptBytes<PartOf<T, 0>> && KeptBytes<PartOf<T, 1>>);

template <class R>
concept KeyRange = std::ranges::forward_range<R> && KeptBytes<std::ranges::range_reference_t<R>>;

template <class R>
concept EntryRange = std::ranges::forward_range<R> && KeptEntry<std::ranges::range_reference_t<R>>;

inline cachechain_slice slice(Bytes bytes) { return {bytes.data(), bytes.size()}; }

template <KeyRange Keys>
std::vector<cachechain_slice> slices(Keys &keys) {
  std::vector<cachechain_slice> slices;
  for (auto &&key : keys) slices.push_back(slice(key));
  return slices;
}

// Calls a C function that answers a batch; what the vectors have no memory for is an Error as well.
template <class Call>
Result<Batch> batch(Call call) {
  try {
    cachechain_batch *batch = nullptr;
    cachechain_error *error = nullptr;
    const int32_t status = call(&batch, &error);
    if (status < 0) return Error(status, error);
    return Batch(status, batch);
  } catch (const std::bad_alloc &) {
    return Error(CACHECHAIN_NO_MEMORY, nullptr);
  }
}

template <KeyRange Keys>
Result<Batch> get_many(cachechain_chain *chain, Keys &keys, const GetOptions &options) {
  return batch([&](cachechain_batch **out, cachechain_error **error) {
    const cachechain_get_options given = internal::raw(options);
    const std::vector<cachechain_slice> all = slices(keys);
    return cachechain_get_many(chain, &given, all.data(), all.size(), out, error);
  });
}

template <KeyRange Keys>
Result<Batch> remove_many(cachechain_chain *chain, Keys &keys, const RemoveOptions &options) {
  return batch([&](cachechain_batch **out, cachechain_error **error) {
    const cachechain_put_options given = internal::raw(options);
    const std::vector<cachechain_slice> all = slices(keys);
    return cachechain_delete_many(chain, &given, all.data(), all.size(), out, error);
  });
}

template <EntryRange Entries>
Result<Batch> set_many(cachechain_chain *chain, Entries &entries, const SetOptions &options) {
  return batch([&](cachechain_batch **out, cachechain_error **error) {
    const cachechain_put_options given = internal::raw(options);
    std::vector<cachechain_slice> keys;
    std::vector<cachechain_slice> values;
    for (auto &&[key, value] : entries) {
      keys.push_back(slice(key));
      values.push_back(slice(value));
    }
    return cachechain_set_many(chain, &given, keys.data(), values.data(), keys.size(), out, error);
  });
}

inline Result<LeasedBatch> load_many(cachechain_chain *chain, std::span<const cachechain_slice> keys,
                                     const cachechain_get_options &options) noexcept {
  cachechain_batch *batch = nullptr;
  cachechain_error *error = nullptr;
  const int32_t status = cachechain_load_many(chain, &options, keys.data(), keys.size(), &batch, &error);
  if (status < 0) return Error(status, error);
  LeasedBatch found{Batch(status, batch), {}};
  bool room = true;
  try {
    found.leases.reserve(found.size());
  } catch (...) {  // bad_alloc
    room = false;
  }
  for (size_t i = 0; i < found.size(); ++i) {
    cachechain_lease raw{};
    (void)cachechain_batch_item(batch, i, nullptr, &raw);
    Lease lease(chain, raw);  // given up here if there is no room
    if (room) found.leases.push_back(std::move(lease));
  }
  if (!room) return Error(CACHECHAIN_NO_MEMORY, nullptr);
  return found;
}

// Leases that were ended are released; the rest, if any, stay their owner's.
inline Result<Batch> fulfil_many(cachechain_chain *chain, std::span<Lease> leases,
                                 std::span<const cachechain_slice> values, const Lives &lives) noexcept {
  if (leases.size() != values.size()) {
    return Error(CACHECHAIN_INVALID_ARGUMENT, "fulfil_many: there are not as many values as leases");
  }
  Result<Batch> done = batch([&](cachechain_batch **out, cachechain_error **error) {
    const cachechain_put_options options = put_options(Timeout(), lives.ttl, lives.fresh, nullptr, {});
    std::vector<cachechain_lease> raw;
    for (const Lease &lease : leases) raw.push_back(lease.raw());
    return cachechain_fulfil_many(chain, raw.data(), values.data(), raw.size(), &options, out, error);
  });
  if (!done) return done;
  for (size_t i = 0; i < leases.size(); ++i) {
    if (!(*done)[i].failed()) (void)leases[i].release();
  }
  return done;
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_BATCH_HPP_
