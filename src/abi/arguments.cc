#include "abi/arguments.h"

#include "abi/error.h"
#include "abi/options.h"

namespace cachechain {
namespace {

bool overlap(const uint8_t *a, uint64_t a_size, const uint8_t *b, uint64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

int32_t check_trace(const uint8_t *trace, uint64_t size, cachechain_error **error) {
  if (trace != nullptr || size == 0) return CACHECHAIN_OK;
  return fail(error, CACHECHAIN_INVALID_ARGUMENT, "options: trace is NULL, but trace_size is not 0");
}

}  // namespace

int32_t check_key(const uint8_t *key, uint64_t size, cachechain_error **error) {
  if (size > CACHECHAIN_MAX_KEY_SIZE) return fail(error, CACHECHAIN_KEY_TOO_LONG, "a key has at most 1024 bytes");
  if (key == nullptr || size == 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "a key has at least one byte, and is not NULL");
  }
  return CACHECHAIN_OK;
}

int32_t check_buffer(const uint8_t *key, uint64_t key_size, const uint8_t *buf, uint64_t cap,
                     cachechain_error **error) {
  if (cap == 0) return CACHECHAIN_OK;
  if (buf == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "buf is NULL, but cap is not 0");
  if (overlap(key, key_size, buf, cap)) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "buf overlaps the key");
  return CACHECHAIN_OK;
}

int32_t check_data(const uint8_t *data, uint64_t size, cachechain_error **error) {
  if (data == nullptr && size != 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "data is NULL, but data_size is not 0");
  }
  if (size > UINT32_MAX) return fail(error, CACHECHAIN_VALUE_TOO_LARGE, "a value has at most 4 GiB - 1 bytes");
  return CACHECHAIN_OK;
}

int32_t check_get_options(const cachechain_get_options *given, ReadOptions &read, cachechain_error **error) {
  cachechain_get_options options;
  if (const Status bad = read_options(given, 0, options); !bad.ok()) return fail(error, bad);
  if (options.min_version > kStampMax) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "options: a version is below 2^63");
  }
  if (options.timeout_ns < 0) return fail(error, CACHECHAIN_DEADLINE, "options: timeout_ns is below 0");
  if (const int32_t bad = check_trace(options.trace, options.trace_size, error); bad != 0) return bad;
  read.timeout_ns = options.timeout_ns;
  read.cancel = CancelToken::of(options.cancel);
  read.min_version = options.min_version;
  read.trace = {options.trace, static_cast<size_t>(options.trace_size)};
  return CACHECHAIN_OK;
}

int32_t check_put_options(const cachechain_put_options *given, Mutation &mutation, cachechain_error **error) {
  cachechain_put_options options;
  if (const Status bad = read_options(given, CACHECHAIN_PUT_EXPECT, options); !bad.ok()) return fail(error, bad);
  const auto invalid = [&](std::string_view text) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, text); };
  if (options.timeout_ns < 0) return fail(error, CACHECHAIN_DEADLINE, "options: timeout_ns is below 0");
  if (options.ttl_ms < CACHECHAIN_TTL_NONE) return invalid("options: ttl_ms is below CACHECHAIN_TTL_NONE");
  if (options.fresh_ms < CACHECHAIN_TTL_NONE) return invalid("options: fresh_ms is below CACHECHAIN_TTL_NONE");
  if (options.expect_version > kStampMax || options.created > kStampMax) {
    return invalid("options: a version is below 2^63");
  }
  mutation.expects = (options.must_flags & CACHECHAIN_PUT_EXPECT) != 0;
  if (!mutation.expects && options.expect_version != 0) {
    return invalid("options: expect_version is set, but not CACHECHAIN_PUT_EXPECT");
  }
  if (const int32_t bad = check_trace(options.trace, options.trace_size, error); bad != 0) return bad;
  mutation.timeout_ns = options.timeout_ns;
  mutation.cancel = CancelToken::of(options.cancel);
  mutation.trace = {options.trace, static_cast<size_t>(options.trace_size)};
  mutation.ttl_ms = options.ttl_ms;
  mutation.fresh_ms = options.fresh_ms;
  mutation.expect_version = options.expect_version;
  mutation.created = options.created;
  return CACHECHAIN_OK;
}

}  // namespace cachechain
