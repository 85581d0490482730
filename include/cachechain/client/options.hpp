// Options of reads and mutations, with times that cannot be mistaken: a time-out or a life that is not given is the
// chain's own, and nothing else means "default".
//
// Texts in options are borrowed for the call.
#ifndef CACHECHAIN_CLIENT_OPTIONS_HPP_
#define CACHECHAIN_CLIENT_OPTIONS_HPP_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cachechain/cachechain.h"
#include "cachechain/client/cancel.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// A time-out: none given means the chain's own, kNoTimeout none at all, zero or less that the time is already over.
using Timeout = std::optional<std::chrono::nanoseconds>;
inline constexpr std::chrono::nanoseconds kNoTimeout = std::chrono::nanoseconds::max();

// A life: none given means the layers' own, kForever that it does not end. Zero or less is refused: it would mean
// "forever" to one reader and "not at all" to the next.
using Life = std::optional<std::chrono::milliseconds>;
inline constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

struct GetOptions {
  Timeout timeout = {};
  uint64_t min_version = 0;  // a copy older than this is no answer: the version of a write that must be seen; 0: any
  const Cancel *cancel = nullptr;
  std::string_view trace = {};  // W3C traceparent, handed to the layers
};

struct SetOptions {
  Timeout timeout = {};
  Life ttl = {};    // life from now
  Life fresh = {};  // fresh time from now; none given and kForever: as long as it lives
  // Store only if this version is there, 0 for nothing at all; else the call fails with CONFLICT.
  std::optional<uint64_t> expect_version = {};
  uint64_t created = 0;  // stamp taken before the value was made; 0: now
  const Cancel *cancel = nullptr;
  std::string_view trace = {};
};

struct TouchOptions {
  Timeout timeout = {};
  Life ttl = {};  // both counted from now, as for set
  Life fresh = {};
  const Cancel *cancel = nullptr;
  std::string_view trace = {};
};

// Of remove, invalidate, reject and clear.
struct RemoveOptions {
  Timeout timeout = {};
  const Cancel *cancel = nullptr;
  std::string_view trace = {};
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

// The same where the library wants a span, and takes the longest for one without end.
inline int64_t span_ms(const Life &span) {
  if (!span.has_value()) return 0;
  return span->count() > 0 ? span->count() : INT64_MIN;
}

inline cachechain_cancel *raw(const Cancel *cancel) { return cancel == nullptr ? nullptr : cancel->raw(); }

// The parts that are alike; by reference, since a compiler that sees an optional being copied warns of what is not
// there.
inline cachechain_get_options get_options(const Timeout &timeout, uint64_t min_version, const Cancel *cancel,
                                          std::string_view trace) {
  cachechain_get_options raw{};
  raw.struct_size = sizeof raw;
  raw.timeout_ns = timeout_ns(timeout);
  raw.cancel = internal::raw(cancel);
  raw.min_version = min_version;
  raw.trace = bytes(trace);
  raw.trace_size = trace.size();
  return raw;
}

inline cachechain_put_options put_options(const Timeout &timeout, const Life &ttl, const Life &fresh,
                                          const Cancel *cancel, std::string_view trace) {
  cachechain_put_options raw{};
  raw.struct_size = sizeof raw;
  raw.timeout_ns = timeout_ns(timeout);
  raw.cancel = internal::raw(cancel);
  raw.ttl_ms = life_ms(ttl);
  raw.fresh_ms = life_ms(fresh);
  raw.trace = bytes(trace);
  raw.trace_size = trace.size();
  return raw;
}

inline cachechain_get_options raw(const GetOptions &options) {
  return get_options(options.timeout, options.min_version, options.cancel, options.trace);
}

inline cachechain_put_options raw(const RemoveOptions &options) {
  return put_options(options.timeout, Life(), Life(), options.cancel, options.trace);
}

inline cachechain_put_options raw(const TouchOptions &options) {
  return put_options(options.timeout, options.ttl, options.fresh, options.cancel, options.trace);
}

inline cachechain_put_options raw(const SetOptions &options) {
  cachechain_put_options raw = put_options(options.timeout, options.ttl, options.fresh, options.cancel, options.trace);
  if (options.expect_version.has_value()) {
    raw.must_flags = CACHECHAIN_PUT_EXPECT;
    raw.expect_version = *options.expect_version;
  }
  raw.created = options.created;
  return raw;
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_OPTIONS_HPP_
