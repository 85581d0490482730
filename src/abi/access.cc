// Reads and mutations: check the arguments, enter the chain, call, convert the failure.
#include "abi/arguments.h"
#include "abi/error.h"
#include "abi/handle.h"

namespace cachechain {
namespace {

int32_t get(cachechain_chain *handle, const cachechain_get_options *options, const uint8_t *key, uint64_t key_size,
            uint8_t *buf, uint64_t cap, cachechain_value *value, cachechain_error **error) {
  *value = {};
  if (const int32_t bad = check_key(key, key_size, error); bad != 0) return bad;
  if (const int32_t bad = check_buffer(key, key_size, buf, cap, error); bad != 0) return bad;
  ReadOptions read;
  if (options != nullptr) {
    if (const int32_t bad = check_get_options(options, read, error); bad != 0) return bad;
  }
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    Status failure;
    const int32_t status =
        chain.reads().get(caller, {key, static_cast<size_t>(key_size)}, read, {buf, static_cast<size_t>(cap)}, *value,
                          error == nullptr ? nullptr : &failure);
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
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    const Status status = chain.writes().mutate(caller, {key, static_cast<size_t>(key_size)}, mutation, write);
    const bool ok = status.ok();
    switch (mutation.kind) {
      case CACHECHAIN_KIND_VALUE:
        caller.add(ok ? ChainCounter::kSets : ChainCounter::kSetErrors);
        break;
      case CACHECHAIN_KIND_TOMBSTONE:
        caller.add(ok ? ChainCounter::kDeletes : ChainCounter::kDeleteErrors);
        break;
      default:
        caller.add(ChainCounter::kInvalidations);
    }
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
    if (const int32_t bad = cachechain::check_data(data, data_size, error); bad != 0) return bad;
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

int32_t cachechain_invalidate(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                              uint64_t key_size, cachechain_write *result, cachechain_error **error) {
  return guard(error, [&] {
    cachechain::Mutation mutation;
    mutation.kind = CACHECHAIN_KIND_INVALIDATED;
    return cachechain::mutate(chain, options, key, key_size, mutation, result, error);
  });
}

int32_t cachechain_touch(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                         uint64_t key_size, cachechain_write *result, cachechain_error **error) {
  return guard(error, [&] {
    cachechain_write ignored;
    cachechain_write &write = result == nullptr ? ignored : *result;
    write = {};
    cachechain::Mutation times;
    if (const int32_t bad = cachechain::check_key(key, key_size, error); bad != 0) return bad;
    if (const int32_t bad = cachechain::check_put_options(options, times, error); bad != 0) return bad;
    if (times.expects) {
      return cachechain::fail(error, CACHECHAIN_UNSUPPORTED, "options: CACHECHAIN_PUT_EXPECT means nothing to a touch");
    }
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, const cachechain::Caller &caller) {
      caller.add(cachechain::ChainCounter::kTouches);
      return cachechain::answer(error, c.writes().touch(caller, {key, static_cast<size_t>(key_size)}, times, write));
    });
  });
}

int32_t cachechain_clear(cachechain_chain *chain, const cachechain_put_options *options, cachechain_write *result,
                         cachechain_error **error) {
  return guard(error, [&] {
    cachechain_write ignored;
    cachechain_write &write = result == nullptr ? ignored : *result;
    write = {};
    cachechain::Mutation rest;
    if (const int32_t bad = cachechain::check_put_options(options, rest, error); bad != 0) return bad;
    if (rest.expects) {
      return cachechain::fail(error, CACHECHAIN_UNSUPPORTED, "options: CACHECHAIN_PUT_EXPECT means nothing to a clear");
    }
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, const cachechain::Caller &caller) {
      caller.add(cachechain::ChainCounter::kClears);
      return cachechain::answer(error, c.clears().clear(caller, rest, write));
    });
  });
}

int32_t cachechain_reject(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                          uint64_t key_size, uint64_t version, cachechain_error **error) {
  return guard(error, [&] {
    cachechain::Mutation rest;
    if (const int32_t bad = cachechain::check_key(key, key_size, error); bad != 0) return bad;
    if (const int32_t bad = cachechain::check_put_options(options, rest, error); bad != 0) return bad;
    if (version == 0 || version > cachechain::kStampMax) {
      return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "version is not that of an entry");
    }
    rest.created = 0;
    return cachechain::inside(chain, error, [&](cachechain::Chain &c, const cachechain::Caller &caller) {
      caller.add(cachechain::ChainCounter::kRejects);
      return cachechain::answer(error, c.writes().reject(caller, {key, static_cast<size_t>(key_size)}, rest, version));
    });
  });
}

}  // extern "C"
