// Chain: the calls of the library as methods.
//
// A Chain owns one handle, can be moved and not copied. Every method that is const may be called by any thread at any
// time, also while another closes it; moving, assigning and destroying belong to one thread.
#ifndef CACHECHAIN_CLIENT_CHAIN_HPP_
#define CACHECHAIN_CLIENT_CHAIN_HPP_

#include <chrono>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cachechain/cachechain.h"
#include "cachechain/client/batch.hpp"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/load.hpp"
#include "cachechain/client/load_many.hpp"
#include "cachechain/client/open.hpp"
#include "cachechain/client/options.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

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

  // Looks for a key, for a caller who can load it: beside what was found there may be a Lease, and then it is his turn.
  // Without one, a key that nobody has is waited for while another loads it. Fails with LOAD_FAILED, LOAD_PENDING (the
  // time-out is over, another still loads) and OVERLOADED (max_loads).
  Result<Leased> get_load(Bytes key, const GetOptions &options = {}) const noexcept {
    return internal::get_load(chain_.get(), key, internal::raw(options));
  }

  // Looks for a key, and calls `loader` if it is this caller's turn to load it; load.hpp tells what a loader may be.
  // Fails as get_load, and with the loader's own Error. What the loader throws goes on to the caller.
  template <class Loader>
  Result<Loaded> get_or_load(Bytes key, Loader &&loader, const LoadOptions &options = {}) const {
    return internal::get_or_load(chain_.get(), key, std::forward<Loader>(loader), options);
  }

  // Stores a value in every layer, the one whose word is the truth first.
  Result<Written> set(Bytes key, Bytes value) const noexcept { return set_raw(key, value, nullptr); }
  Result<Written> set(Bytes key, Bytes value, const SetOptions &options) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return set_raw(key, value, &raw);
  }

  // Deletes a key everywhere; fine if there was nothing. Write your database first, then call this.
  Result<Written> remove(Bytes key) const noexcept { return mutate(cachechain_delete, key, nullptr); }
  Result<Written> remove(Bytes key, const RemoveOptions &options) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return mutate(cachechain_delete, key, &raw);
  }

  // Makes what the layers hold void, but not the truth of a last_layer source: the next get looks there.
  Result<Written> invalidate(Bytes key, const RemoveOptions &options = {}) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return mutate(cachechain_invalidate, key, &raw);
  }

  // Gives an entry new times; its value stays. The outcome is MISS or NOT_FOUND if there is none.
  Result<Written> touch(Bytes key, const TouchOptions &options = {}) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    return mutate(cachechain_touch, key, &raw);
  }

  // Tells that the value of this version is bad: no copy of it is answered again. What has replaced it stays, and so
  // does the truth of a last_layer source.
  Result<int32_t> reject(Bytes key, uint64_t version, const RemoveOptions &options = {}) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    cachechain_error *error = nullptr;
    int32_t status = cachechain_reject(chain_.get(), &raw, key.data(), key.size(), version, &error);
    if (status < 0) return Error(status, error);
    return status;
  }

  // Makes every entry of this namespace void, in all processes.
  Result<Written> clear(const RemoveOptions &options = {}) const noexcept {
    cachechain_put_options raw = internal::raw(options);
    cachechain_write write{};
    cachechain_error *error = nullptr;
    int32_t status = cachechain_clear(chain_.get(), &raw, &write, &error);
    return written(status, write, error);
  }

  // The same for many keys, each layer being asked once; batch.hpp tells what a range may be. An Error is of the call
  // as a whole, and nothing was done then.
  template <class Keys>
    requires internal::KeyRange<Keys &>
  Result<Batch> get_many(Keys &&keys, const GetOptions &options = {}) const {
    return internal::get_many(chain_.get(), keys, options);
  }
  template <class Entries>
    requires internal::EntryRange<Entries &>
  Result<Batch> set_many(Entries &&entries, const SetOptions &options = {}) const {
    return internal::set_many(chain_.get(), entries, options);
  }
  template <class Keys>
    requires internal::KeyRange<Keys &>
  Result<Batch> remove_many(Keys &&keys, const RemoveOptions &options = {}) const {
    return internal::remove_many(chain_.get(), keys, options);
  }

  // The same as get_load: a Lease for each key that it is this caller's turn to load. fulfil_many ends many of them by
  // one call; those that it could not end stay their owner's.
  template <class Keys>
    requires internal::KeyRange<Keys &>
  Result<LeasedBatch> load_many(Keys &&keys, const GetOptions &options = {}) const {
    try {
      return internal::load_many(chain_.get(), internal::slices(keys), internal::raw(options));
    } catch (const std::bad_alloc &) {
      return Error(CACHECHAIN_NO_MEMORY, nullptr);
    }
  }
  template <class Values>
    requires internal::KeyRange<Values &>
  Result<Batch> fulfil_many(std::span<Lease> leases, Values &&values, const Lives &lives = {}) const {
    try {
      return internal::fulfil_many(chain_.get(), leases, internal::slices(values), lives);
    } catch (const std::bad_alloc &) {
      return Error(CACHECHAIN_NO_MEMORY, nullptr);
    }
  }

  // Looks for many keys and calls `loader` for those that are missing; load_many.hpp tells what it may be.
  template <class Keys, class Loader>
    requires internal::KeyRange<Keys &>
  Result<LoadedBatch> get_or_load_many(Keys &&keys, Loader &&loader, const LoadOptions &options = {}) const {
    return internal::get_or_load_many(chain_.get(), keys, loader, options);
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

  // A mutation of one key by a C function that takes nothing else.
  template <class Function>
  Result<Written> mutate(Function function, Bytes key, const cachechain_put_options *options) const noexcept {
    cachechain_write raw{};
    cachechain_error *error = nullptr;
    int32_t status = function(chain_.get(), options, key.data(), key.size(), &raw, &error);
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

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_CHAIN_HPP_
