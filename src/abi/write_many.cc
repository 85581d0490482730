// Mutations of many keys: check the arguments, enter the chain, call, hand over the batch.
#include "abi/arguments.h"
#include "abi/batch.h"
#include "abi/error.h"
#include "abi/handle.h"
#include "abi/slices.h"

namespace cachechain {
namespace {

int32_t mutate_many(cachechain_chain *handle, const cachechain_put_options *options, Mutation common,
                    const Slices &keys, const Slices &values, cachechain_batch **batch, cachechain_error **error) {
  if (const int32_t bad = check_put_options(options, common, error); bad != 0) return bad;
  if (common.expect_version != 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT,
                "options: expect_version must be 0 in a batch, because no two keys have the same version");
  }
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    return answer_batch(batch, [&](cachechain_batch &made) {
      made.answers = Batch::create(Allocator::system(), keys.size(), false);
      if (made.answers == nullptr) return fail(error, CACHECHAIN_NO_MEMORY, "no memory for the batch");
      const Status status = chain.writes().mutate_many(caller, keys, values, common, *made.answers);
      if (!status.ok()) return fail(error, status);
      const bool sets = common.kind == CACHECHAIN_KIND_VALUE;
      const ChainCounter done = sets ? ChainCounter::kSets : ChainCounter::kDeletes;
      const ChainCounter failed = sets ? ChainCounter::kSetErrors : ChainCounter::kDeleteErrors;
      for (const int32_t one : made.answers->statuses()) caller.add(one >= 0 ? done : failed);
      return int32_t{CACHECHAIN_OK};
    });
  });
}

// Runs body() with the output zeroed.
template <class Body>
int32_t guard_batch(cachechain_batch **batch, cachechain_error **error, Body &&body) {
  return guard(error, [&] {
    if (batch == nullptr) return no_batch(error);
    *batch = nullptr;
    return body();
  });
}

Mutation deletion() {
  Mutation made;
  made.kind = CACHECHAIN_KIND_TOMBSTONE;
  return made;
}

}  // namespace
}  // namespace cachechain

using namespace cachechain;  // NOLINT: each function below is a few lines over these

extern "C" {

int32_t cachechain_set_many(cachechain_chain *chain, const cachechain_put_options *options,
                            const cachechain_slice *keys, const cachechain_slice *values, uint64_t count,
                            cachechain_batch **batch, cachechain_error **error) {
  return guard_batch(batch, error, [&] {
    Slices taken;
    Slices taken_values;
    if (const int32_t bad = take_keys(keys, count, taken, error); bad != 0) return bad;
    if (const int32_t bad = take_values(values, count, taken_values, error); bad != 0) return bad;
    return mutate_many(chain, options, {}, taken, taken_values, batch, error);
  });
}

int32_t cachechain_set_many_packed(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *keys,
                                   const uint64_t *key_offsets, const uint8_t *values, const uint64_t *value_offsets,
                                   uint64_t count, cachechain_batch **batch, cachechain_error **error) {
  return guard_batch(batch, error, [&] {
    Slices taken;
    Slices taken_values;
    if (const int32_t bad = take_keys(keys, key_offsets, count, taken, error); bad != 0) return bad;
    if (const int32_t bad = take_values(values, value_offsets, count, taken_values, error); bad != 0) return bad;
    return mutate_many(chain, options, {}, taken, taken_values, batch, error);
  });
}

int32_t cachechain_delete_many(cachechain_chain *chain, const cachechain_put_options *options,
                               const cachechain_slice *keys, uint64_t count, cachechain_batch **batch,
                               cachechain_error **error) {
  return guard_batch(batch, error, [&] {
    Slices taken;
    if (const int32_t bad = take_keys(keys, count, taken, error); bad != 0) return bad;
    return mutate_many(chain, options, deletion(), taken, {}, batch, error);
  });
}

int32_t cachechain_delete_many_packed(cachechain_chain *chain, const cachechain_put_options *options,
                                      const uint8_t *keys, const uint64_t *offsets, uint64_t count,
                                      cachechain_batch **batch, cachechain_error **error) {
  return guard_batch(batch, error, [&] {
    Slices taken;
    if (const int32_t bad = take_keys(keys, offsets, count, taken, error); bad != 0) return bad;
    return mutate_many(chain, options, deletion(), taken, {}, batch, error);
  });
}

}  // extern "C"
