// get_or_load, which is a few lines over a lease: look, and if it is this caller's turn, call his loader and end the
// lease by what he answers. No callback enters the library.
//
// A loader is a callable, taking nothing or the `Lease &` (to renew it, or to end it by itself), and answers
//
//   what converts to Bytes      the value: std::string, std::vector<uint8_t>, std::string_view ...
//   a std::optional of these    std::nullopt: the source has no such key, which is remembered
//   a Result of these, or what looks like std::expected    its error's text goes to all who wait
//
// A loader that throws is the caller's own: the load counts as failed, by what(), and the exception goes on. So does
// what its answer throws while it is taken apart, and what an executor throws. Where a value is at hand and the load is
// to refresh it, an error of the loader is answered by that value.
#ifndef CACHECHAIN_CLIENT_LOAD_HPP_
#define CACHECHAIN_CLIENT_LOAD_HPP_

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "cachechain/cachechain.h"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/options.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// Runs a job some time on some thread. A job that it drops abandons the load; one that it keeps must go before the
// Chain.
using Executor = std::function<void(std::function<void()>)>;

struct LoadOptions {
  Timeout timeout = {};      // of looking and of waiting for another's load; a loader takes the time that it takes
  uint64_t min_version = 0;  // as of a get
  const Cancel *cancel = nullptr;  // the same, not the loader
  Life ttl = {};                   // of a value that is loaded, as for set
  Life fresh = {};
  Life absent_ttl = {};  // how long it is remembered that the source has none; none given: a second
  Life hold_off = {};    // how long nobody here loads after a failure; none given: a second
  // None: the value is refreshed by the caller whose turn it is. Given: he has the value at hand at once, and a copy of
  // his loader, if it can be copied, runs as a job. A std::exception of that copy ends with the job.
  Executor refresh = {};
  std::string_view trace = {};
};

// The answer to get_or_load. Who loaded the value has it, whatever became of it in the layers.
struct Loaded : Lookup {
  bool loaded = false;             // by this call
  int32_t stored = CACHECHAIN_OK;  // then: OK, LOCAL_ONLY, VOID, or why it was not, as of Lease::fulfil
};

namespace internal {

template <class T>
concept OptionalLike = requires { typename T::value_type; } && std::same_as<T, std::optional<typename T::value_type>>;

template <class T>
concept ExpectedLike = std::constructible_from<bool, T &> && requires(T &&either) {
  *either;
  either.error();
};

// The bytes of an object that is kept for as long as they are needed.
template <BytesLike T>
auto own_bytes(T &&object) {
  if constexpr (kOwnsBytes<std::remove_cvref_t<T>>) {
    return std::remove_cvref_t<T>(std::forward<T>(object));
  } else {
    const Bytes bytes(object);
    return std::vector<uint8_t>(bytes.data(), bytes.data() + bytes.size());
  }
}

// A value over an object of the caller's, which the Value that is made of it next takes over.
template <class T>
Result<cachechain_value> keep(T &&object) {
  try {
    using Own = decltype(own_bytes(std::forward<T>(object)));
    auto own = std::make_unique<Own>(own_bytes(std::forward<T>(object)));
    const Bytes bytes(*own);
    cachechain_value raw{};
    raw.data = bytes.data();
    raw.size = bytes.size();
    raw.layer = -1;
    raw.release = [](void *owner) { delete static_cast<Own *>(owner); };
    raw.owner = own.release();
    return raw;
  } catch (const std::bad_alloc &) {
    return Error(CACHECHAIN_NO_MEMORY, "no memory for the value that was loaded");
  }
}

// What a foreign error says.
template <class E>
std::string error_text(const E &error) {
  if constexpr (std::convertible_to<const E &, std::string_view>) {
    return std::string(std::string_view(error));
  } else if constexpr (requires { std::string(error.message()); }) {
    return std::string(error.message());
  } else {
    static_assert(
        requires { std::string(error.what()); }, "a loader's error has a text: itself, message() or what()");
    return std::string(error.what());
  }
}

template <ExpectedLike T>
Error take_error(T &&failed) {
  using Given = decltype(std::forward<T>(failed).error());
  if constexpr (std::same_as<std::remove_cvref_t<Given>, Error> && std::constructible_from<Error, Given>) {
    return std::forward<T>(failed).error();
  } else if constexpr (std::same_as<std::remove_cvref_t<Given>, Error>) {
    return Error(failed.error().status(), failed.error().message());
  } else {
    return Error(CACHECHAIN_LOAD_FAILED, error_text(failed.error()));
  }
}

template <class Loader>
decltype(auto) call(Loader &loader, Lease &lease) {
  if constexpr (std::invocable<Loader &, Lease &>) {
    return std::invoke(loader, lease);
  } else {
    static_assert(std::invocable<Loader &>, "a loader takes nothing, or a Lease &");
    return std::invoke(loader);
  }
}

// Ends a lease by what the loader answered.
template <class T>
Result<Loaded> settle(Lease &lease, T &&answer, const LoadOptions &options) {
  using Answer = std::remove_cvref_t<T>;
  if constexpr (BytesLike<Answer>) {
    Result<cachechain_value> kept = keep(std::forward<T>(answer));
    if (!kept) return std::move(kept).error();
    kept->version = kept->created = lease.version();
    int32_t stored = CACHECHAIN_OK;
    if (lease) {
      const Result<Written> written = lease.fulfil({kept->data, kept->size}, {options.ttl, options.fresh});
      stored = written ? written->outcome : written.error().status();
      if (written && written->version != 0) kept->version = written->version;
    }
    return Loaded{{CACHECHAIN_OK, Value(*kept)}, true, stored};
  } else if constexpr (OptionalLike<Answer>) {
    if (answer.has_value()) return settle(lease, *std::forward<T>(answer), options);
    int32_t stored = CACHECHAIN_OK;
    if (lease) {
      const Result<int32_t> remembered = lease.absent(options.absent_ttl);
      stored = remembered ? *remembered : remembered.error().status();
    }
    return Loaded{{CACHECHAIN_NOT_FOUND, Value()}, true, stored};
  } else {
    static_assert(ExpectedLike<Answer>, "a loader answers bytes, an optional of bytes, or a Result of either");
    if (static_cast<bool>(answer)) return settle(lease, *std::forward<T>(answer), options);
    Error error = take_error(std::forward<T>(answer));
    if (lease) (void)lease.fail(error.message(), options.hold_off);
    return error;
  }
}

template <class Loader>
Result<Loaded> run(Lease &lease, Loader &loader, const LoadOptions &options) {
  const auto failed = [&](std::string_view text) {
    if (lease) (void)lease.fail(text, options.hold_off);
  };
  try {
    return settle(lease, call(loader, lease), options);
  } catch (const std::exception &thrown) {
    failed(thrown.what());
    throw;
  } catch (...) {
    failed("the loader threw what is no std::exception");
    throw;
  }
}

// Whether a job can have a copy of a loader, and the copy. A loader that refers to parts of its own speaks for itself.
template <class Loader>
inline constexpr bool kCanCopy = std::copy_constructible<Loader>;

template <class Loader>
auto copy(const Loader &loader) {
  if constexpr (requires { loader.copy(); }) {
    return loader.copy();
  } else {
    return loader;
  }
}

template <class Loader>
void refresh_later(Lease lease, const Loader &loader, const LoadOptions &options) {
  using Own = decltype(copy(loader));
  struct Job {
    Lease lease;
    Own loader;
    LoadOptions options;
  };
  std::function<void()> job;
  try {
    auto parts = std::make_shared<Job>(Job{std::move(lease), copy(loader), options});
    parts->options.refresh = nullptr;
    parts->options.cancel = nullptr;
    parts->options.trace = {};
    job = [parts = std::move(parts)] {
      if (!parts->lease) return;
      try {
        (void)run(parts->lease, parts->loader, parts->options);
      } catch (const std::exception &) {  // those who wait know, and the executor has nobody to tell
      }
    };
  } catch (const std::bad_alloc &) {  // the next who looks gets the lease
    return;
  }
  options.refresh(std::move(job));
}

inline bool lives_are_right(const LoadOptions &options) {
  for (const Life *life : {&options.ttl, &options.fresh, &options.absent_ttl, &options.hold_off}) {
    if (span_ms(*life) < 0) return false;
  }
  return true;
}

inline Error wrong_lives() { return Error(CACHECHAIN_INVALID_ARGUMENT, "get_or_load: a life of zero or less"); }

template <class Loader>
Result<Loaded> get_or_load(cachechain_chain *chain, Bytes key, Loader &&loader, const LoadOptions &options) {
  if (!lives_are_right(options)) return wrong_lives();
  Result<Leased> found =
      get_load(chain, key, get_options(options.timeout, options.min_version, options.cancel, options.trace));
  if (!found) return std::move(found).error();
  Loaded at_hand{{found->outcome, std::move(found->value)}, false, CACHECHAIN_OK};
  if (!found->lease) return at_hand;
  if constexpr (kCanCopy<std::remove_reference_t<Loader>>) {
    if (at_hand.hit() && options.refresh) {
      refresh_later(std::move(found->lease), loader, options);
      return at_hand;
    }
  }
  Result<Loaded> loaded = run(found->lease, loader, options);
  if (!loaded && at_hand.hit()) return at_hand;
  return loaded;
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_LOAD_HPP_
