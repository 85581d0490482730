// A Lease is the right to load one key, and the duty to end it: by one of five calls, or by going, which abandons it.
// Whoever waits for the key has the answer of the one who ends the lease.
//
// A Lease can be moved, also to another thread, and used by one thread at a time. It must go before its Chain.
// Every ending answers VOID if the lease had ended before, by its time or by a mutation of the key; nothing is stored
// then. One that is a `side` lease loads for its holder alone: fulfilling it always answers VOID.
#ifndef CACHECHAIN_CLIENT_LEASE_HPP_
#define CACHECHAIN_CLIENT_LEASE_HPP_

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "cachechain/cachechain.h"
#include "cachechain/client/options.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// Of a value that is loaded, as for set.
struct Lives {
  Life ttl = {};
  Life fresh = {};
};

class [[nodiscard]] Lease {
 public:
  Lease() = default;
  Lease(cachechain_chain *chain, const cachechain_lease &raw) : chain_(chain), raw_(raw) {}
  Lease(Lease &&other) noexcept : chain_(other.chain_), raw_(std::exchange(other.raw_, {})) {}
  Lease &operator=(Lease &&other) noexcept {
    Lease taken(std::move(other));
    std::swap(chain_, taken.chain_);
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~Lease() {
    if (held()) cachechain_lease_abandon(chain_, &raw_, nullptr);
  }

  // Whether there is one that was not ended.
  bool held() const { return raw_.id != 0; }
  explicit operator bool() const { return held(); }
  bool side() const { return (raw_.flags & CACHECHAIN_LEASE_SIDE) != 0; }
  uint64_t version() const { return raw_.version; }            // a stamp taken before the load
  uint64_t seen_version() const { return raw_.seen_version; }  // of the entry that was there, 0 for none
  Time expires() const { return Time(std::chrono::milliseconds(raw_.expires_ms)); }  // when another may load instead
  const cachechain_lease &raw() const { return raw_; }
  // For an ending by other means: nothing is abandoned any more.
  [[nodiscard]] cachechain_lease release() { return std::exchange(raw_, {}); }

  // Stores the value for all who wait and all who come. OK; LOCAL_ONLY: kept in this process, the layer that all share
  // could not be asked; VOID: stored nowhere. After an Error those who waited have the value all the same.
  Result<Written> fulfil(Bytes value, const Lives &lives = {}) noexcept {
    const cachechain_put_options options = internal::put_options(Timeout(), lives.ttl, lives.fresh, nullptr, {});
    cachechain_write write{};
    cachechain_error *error = nullptr;
    const int32_t status = cachechain_lease_fulfil(chain_, &raw_, &options, value.data(), value.size(), &write, &error);
    if (status < 0) return Error(status, error);
    raw_.id = 0;
    return Written{status, write.version, write.done, write.owed};
  }
  // The source has no such key; remembered for `ttl`, none given: a second.
  Result<int32_t> absent(Life ttl = {}) noexcept { return end(cachechain_lease_absent, internal::span_ms(ttl)); }
  // The value that was there is still right, and fresh for another `fresh`, none given: as long as it lives.
  Result<int32_t> unchanged(Life fresh = {}) noexcept {
    return end(cachechain_lease_unchanged, internal::span_ms(fresh));
  }
  // The load failed: all who wait are told, and nobody here loads the key for `hold_off`, none given: a second.
  Result<int32_t> fail(std::string_view message, Life hold_off = {}) noexcept {
    return end(cachechain_lease_fail, internal::bytes(message), message.size(), internal::span_ms(hold_off));
  }
  // Gives up: the next who waits takes over.
  Result<int32_t> abandon() noexcept { return end(cachechain_lease_abandon); }
  // Lives `span` from now, none given: as long as a new one.
  Result<int32_t> renew(Life span = {}) noexcept {
    cachechain_error *error = nullptr;
    const int32_t status = cachechain_lease_renew(chain_, &raw_, internal::span_ms(span), &error);
    if (status < 0) return Error(status, error);
    return status;
  }

 private:
  // A call that failed may not have ended it; to end it twice does no harm.
  template <class Function, class... Arguments>
  Result<int32_t> end(Function function, Arguments... arguments) noexcept {
    cachechain_error *error = nullptr;
    const int32_t status = function(chain_, &raw_, arguments..., &error);
    if (status < 0) return Error(status, error);
    raw_.id = 0;
    return status;
  }

  cachechain_chain *chain_ = nullptr;
  cachechain_lease raw_{};
};

// What a get for somebody who can load answers: beside what was found there may be a lease.
struct Leased : Lookup {
  Lease lease;
};

namespace internal {

// Looks for a key, for somebody who can load it.
inline Result<Leased> get_load(cachechain_chain *chain, Bytes key, const cachechain_get_options &options) noexcept {
  cachechain_value value{};
  cachechain_lease lease{};
  cachechain_error *error = nullptr;
  const int32_t status =
      cachechain_get_load(chain, &options, key.data(), key.size(), nullptr, 0, &value, &lease, &error);
  if (status < 0) return Error(status, error);
  return Leased{{status, Value(value)}, Lease(chain, lease)};
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_LEASE_HPP_
