// Gets and loads of many keys, and the fulfilment of many leases.
#include "abi/arguments.h"
#include "abi/batch.h"
#include "abi/error.h"
#include "abi/handle.h"
#include "abi/slices.h"

namespace cachechain {
namespace {

// body(chain, caller, read, answers) answers a Status.
template <class Body>
int32_t read(cachechain_chain *handle, const cachechain_get_options *options, cachechain_batch **batch,
             cachechain_error **error, Body &&body) {
  ReadOptions read_options;
  if (const int32_t bad = check_get_options(options, read_options, error); bad != 0) return bad;
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    return answer_batch(
        batch, [&](cachechain_batch &made) { return answer(error, body(chain, caller, read_options, made.answers)); });
  });
}

int32_t get(cachechain_chain *handle, const cachechain_get_options *options, const Slices &keys,
            cachechain_batch **batch, cachechain_error **error) {
  return read(handle, options, batch, error,
              [&](Chain &chain, const Caller &caller, const ReadOptions &read_options, Batch::Ptr &answers) {
                return chain.read_many().get(caller, keys, read_options, answers);
              });
}

int32_t load(cachechain_chain *handle, const cachechain_get_options *options, const Slices &keys,
             cachechain_batch **batch, cachechain_error **error) {
  return read(handle, options, batch, error,
              [&](Chain &chain, const Caller &caller, const ReadOptions &read_options, Batch::Ptr &answers) {
                return chain.load_many().get(caller, keys, read_options, answers);
              });
}

int32_t fulfil(cachechain_chain *handle, const cachechain_lease *leases, const Slices &values,
               const cachechain_put_options *options, cachechain_batch **batch, cachechain_error **error) {
  if (leases == nullptr && values.size() != 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "leases is NULL, but count is not 0");
  }
  Mutation times;
  if (const int32_t bad = check_put_options(options, times, error); bad != 0) return bad;
  if (times.expects) {
    return fail(error, CACHECHAIN_UNSUPPORTED, "options: CACHECHAIN_PUT_EXPECT means nothing to a fulfilment");
  }
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    return answer_batch(batch, [&](cachechain_batch &made) {
      return answer(error, chain.load_many().fulfil(caller, {leases, values.size()}, values, times, made.answers));
    });
  });
}

}  // namespace
}  // namespace cachechain

using namespace cachechain;  // NOLINT: each function below is one line over these

extern "C" {

int32_t cachechain_get_many(cachechain_chain *chain, const cachechain_get_options *options,
                            const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                            cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_keys(keys, count, taken, error); bad != 0) return bad;
    return get(chain, options, taken, batch, error);
  });
}

int32_t cachechain_get_many_packed(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *keys,
                                   const uint64_t *offsets, uint64_t count, cachechain_batch **batch,
                                   cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_keys(keys, offsets, count, taken, error); bad != 0) return bad;
    return get(chain, options, taken, batch, error);
  });
}

int32_t cachechain_load_many(cachechain_chain *chain, const cachechain_get_options *options,
                             const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                             cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_keys(keys, count, taken, error); bad != 0) return bad;
    return load(chain, options, taken, batch, error);
  });
}

int32_t cachechain_load_many_packed(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *keys,
                                    const uint64_t *offsets, uint64_t count, cachechain_batch **batch,
                                    cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_keys(keys, offsets, count, taken, error); bad != 0) return bad;
    return load(chain, options, taken, batch, error);
  });
}

int32_t cachechain_fulfil_many(cachechain_chain *chain, const cachechain_lease *leases, const cachechain_slice *values,
                               uint64_t count, const cachechain_put_options *options, cachechain_batch **batch,
                               cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_values(values, count, taken, error); bad != 0) return bad;
    return fulfil(chain, leases, taken, options, batch, error);
  });
}

int32_t cachechain_fulfil_many_packed(cachechain_chain *chain, const cachechain_lease *leases, const uint8_t *values,
                                      const uint64_t *offsets, uint64_t count, const cachechain_put_options *options,
                                      cachechain_batch **batch, cachechain_error **error) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    Slices taken;
    if (const int32_t bad = take_values(values, offsets, count, taken, error); bad != 0) return bad;
    return fulfil(chain, leases, taken, options, batch, error);
  });
}

}  // extern "C"
