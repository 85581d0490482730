// The four verbs: check the arguments, enter the chain, call, convert the failure.
#include "abi/error.h"
#include "abi/handle.h"
#include "abi/options.h"

namespace cachechain {
namespace {

bool overlap(const uint8_t *a, uint64_t a_size, const uint8_t *b, uint64_t b_size) {
  return a < b + b_size && b < a + a_size;
}

int32_t check_key(const uint8_t *key, uint64_t size, cachechain_error **error) {
  if (size > CACHECHAIN_MAX_KEY_SIZE) return fail(error, CACHECHAIN_KEY_TOO_LONG, "a key has at most 1024 bytes");
  if (key == nullptr || size == 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "a key has at least one byte, and is not NULL");
  }
  return CACHECHAIN_OK;
}

int32_t check_trace(const uint8_t *trace, uint64_t size, cachechain_error **error) {
  if (trace != nullptr || size == 0) return CACHECHAIN_OK;
  return fail(error, CACHECHAIN_INVALID_ARGUMENT, "options: trace is NULL, but trace_size is not 0");
}

int32_t check_get_options(const cachechain_get_options *given, ReadOptions &read, cachechain_error **error) {
  cachechain_get_options options;
  if (const Status bad = read_options(given, 0, options); !bad.ok()) return fail(error, bad);
  if (options.cancel != nullptr || options.min_version != 0) {
    return fail(error, CACHECHAIN_UNSUPPORTED, "options: cancel and min_version are not in this release");
  }
  if (options.timeout_ns < 0) return fail(error, CACHECHAIN_DEADLINE, "options: timeout_ns is below 0");
  if (const int32_t bad = check_trace(options.trace, options.trace_size, error); bad != 0) return bad;
  read.timeout_ns = options.timeout_ns;
  read.trace = {options.trace, static_cast<size_t>(options.trace_size)};
  return CACHECHAIN_OK;
}

int32_t check_put_options(const cachechain_put_options *given, Mutation &mutation, cachechain_error **error) {
  cachechain_put_options options;
  if (const Status bad = read_options(given, CACHECHAIN_PUT_EXPECT, options); !bad.ok()) return fail(error, bad);
  const auto invalid = [&](std::string_view text) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, text); };
  if (options.cancel != nullptr) {
    return fail(error, CACHECHAIN_UNSUPPORTED, "options: cancel is not in this release");
  }
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
  mutation.trace = {options.trace, static_cast<size_t>(options.trace_size)};
  mutation.ttl_ms = options.ttl_ms;
  mutation.fresh_ms = options.fresh_ms;
  mutation.expect_version = options.expect_version;
  mutation.created = options.created;
  return CACHECHAIN_OK;
}

int32_t get(cachechain_chain *handle, const cachechain_get_options *options, const uint8_t *key, uint64_t key_size,
            uint8_t *buf, uint64_t cap, cachechain_value *value, cachechain_error **error) {
  *value = {};
  if (const int32_t bad = check_key(key, key_size, error); bad != 0) return bad;
  if (cap != 0) {
    if (buf == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "buf is NULL, but cap is not 0");
    if (overlap(key, key_size, buf, cap)) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "buf overlaps the key");
  }
  ReadOptions read;
  if (options != nullptr) {
    if (const int32_t bad = check_get_options(options, read, error); bad != 0) return bad;
  }
  return inside(handle, error, [&](Chain &chain, ThreadBlocks::Block &block) {
    Status failure;
    const int32_t status = chain.get(block, {key, static_cast<size_t>(key_size)}, read, {buf, static_cast<size_t>(cap)},
                                     *value, error == nullptr ? nullptr : &failure);
    return status >= 0 ? status : error == nullptr ? status : fail(error, failure);
  });
}

int32_t mutate(cachechain_chain *handle, const cachechain_put_options *options, const uint8_t *key, uint64_t key_size,
               Mutation &mutation, cachechain_write *result, cachechain_error **error) {
  cachechain_write ignored;
  cachechain_write &write = result == nullptr ? ignored : *result;
  write = {};
  if (const int32_t bad = check_key(key, key_size, error); bad != 0) return bad;
  if (options != nullptr) {
    if (const int32_t bad = check_put_options(options, mutation, error); bad != 0) return bad;
  }
  return inside(handle, error, [&](Chain &chain, ThreadBlocks::Block &block) {
    const bool deletes = mutation.kind == CACHECHAIN_KIND_TOMBSTONE;
    const Status status = chain.mutate(block, {key, static_cast<size_t>(key_size)}, mutation, write);
    const bool ok = status.ok();
    block.add(counter_index(deletes ? (ok ? ChainCounter::kDeletes : ChainCounter::kDeleteErrors)
                                    : (ok ? ChainCounter::kSets : ChainCounter::kSetErrors)));
    return answer(error, status);
  });
}

}  // namespace
}  // namespace cachechain

using cachechain::guard;

extern "C" {

int32_t cachechain_get(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *key,
                       uint64_t key_size, uint8_t *buf, uint64_t cap, cachechain_value *value,
                       cachechain_error **error) {
  return guard(error, [&] {
    if (value == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "value is NULL");
    return cachechain::get(chain, options, key, key_size, buf, cap, value, error);
  });
}

int32_t cachechain_exists(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *key,
                          uint64_t key_size, cachechain_value *value, cachechain_error **error) {
  return guard(error, [&] {
    cachechain_value found{};
    const int32_t status = cachechain::get(chain, options, key, key_size, nullptr, 0, &found, error);
    if (found.release != nullptr) found.release(found.owner);
    found.data = nullptr;
    found.release = nullptr;
    found.owner = nullptr;
    if (value != nullptr) *value = found;
    return status;
  });
}

void cachechain_value_release(cachechain_value *value) {
  if (value == nullptr) return;
  void (*release)(void *) = value->release;
  void *owner = value->owner;
  *value = {};
  if (release != nullptr) release(owner);
}

int32_t cachechain_set(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                       uint64_t key_size, const uint8_t *data, uint64_t data_size, cachechain_write *result,
                       cachechain_error **error) {
  return guard(error, [&] {
    if (result != nullptr) *result = {};
    if (data == nullptr && data_size != 0) {
      return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "data is NULL, but data_size is not 0");
    }
    if (data_size > UINT32_MAX) {
      return cachechain::fail(error, CACHECHAIN_VALUE_TOO_LARGE, "a value has at most 4 GiB - 1 bytes");
    }
    cachechain::Mutation mutation;
    mutation.data = {data, static_cast<size_t>(data_size)};
    return cachechain::mutate(chain, options, key, key_size, mutation, result, error);
  });
}

int32_t cachechain_delete(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                          uint64_t key_size, cachechain_write *result, cachechain_error **error) {
  return guard(error, [&] {
    cachechain::Mutation mutation;
    mutation.kind = CACHECHAIN_KIND_TOMBSTONE;
    return cachechain::mutate(chain, options, key, key_size, mutation, result, error);
  });
}

}  // extern "C"
