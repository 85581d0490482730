#include "abi/slices.h"

#include <string>

#include "abi/error.h"

namespace cachechain {
namespace {

// What is wrong with one slice, or OK.
using CheckFn = int32_t (*)(const uint8_t *data, uint64_t size, const char *&problem);

int32_t check_key(const uint8_t *data, uint64_t size, const char *&problem) {
  if (size > CACHECHAIN_MAX_KEY_SIZE) {
    problem = "has more than 1024 bytes";
    return CACHECHAIN_KEY_TOO_LONG;
  }
  if (data != nullptr && size != 0) return CACHECHAIN_OK;
  problem = "is empty or NULL";
  return CACHECHAIN_INVALID_ARGUMENT;
}

int32_t check_value(const uint8_t *data, uint64_t size, const char *&problem) {
  if (data == nullptr && size != 0) {
    problem = "is NULL, but its size is not 0";
    return CACHECHAIN_INVALID_ARGUMENT;
  }
  if (size <= UINT32_MAX) return CACHECHAIN_OK;
  problem = "has more than 4 GiB - 1 bytes";
  return CACHECHAIN_VALUE_TOO_LARGE;
}

int32_t refuse(const char *noun, uint64_t index, int32_t status, const char *problem, cachechain_error **error) {
  return fail(error, status, std::string(noun) + " " + std::to_string(index) + " " + problem);
}

int32_t take(const cachechain_slice *slices, uint64_t count, const char *noun, CheckFn check, Slices &taken,
             cachechain_error **error) {
  if (const int32_t bad = check_count(count, error); bad != 0) return bad;
  if (slices == nullptr && count != 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, std::string(noun) + "s is NULL, but count is not 0");
  }
  const char *problem = nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    const int32_t bad = check(slices[i].data, slices[i].size, problem);
    if (bad != 0) return refuse(noun, i, bad, problem, error);
  }
  taken = Slices(slices, static_cast<size_t>(count));
  return CACHECHAIN_OK;
}

int32_t take(const uint8_t *bytes, const uint64_t *offsets, uint64_t count, const char *noun, CheckFn check,
             Slices &taken, cachechain_error **error) {
  if (const int32_t bad = check_count(count, error); bad != 0) return bad;
  if (offsets == nullptr && count != 0) {
    return fail(error, CACHECHAIN_INVALID_ARGUMENT, "offsets is NULL, but count is not 0");
  }
  const char *problem = nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    if (offsets[i + 1] < offsets[i]) {
      return refuse(noun, i, CACHECHAIN_INVALID_ARGUMENT, "ends before it begins", error);
    }
    const int32_t bad = check(bytes, offsets[i + 1] - offsets[i], problem);
    if (bad != 0) return refuse(noun, i, bad, problem, error);
  }
  taken = Slices(bytes, offsets, static_cast<size_t>(count));
  return CACHECHAIN_OK;
}

}  // namespace

int32_t check_count(uint64_t count, cachechain_error **error) {
  if (count <= CACHECHAIN_MAX_BATCH) return CACHECHAIN_OK;
  return fail(error, CACHECHAIN_INVALID_ARGUMENT,
              "a batch has at most " + std::to_string(CACHECHAIN_MAX_BATCH) + " keys");
}

int32_t take_keys(const cachechain_slice *slices, uint64_t count, Slices &keys, cachechain_error **error) {
  return take(slices, count, "key", &check_key, keys, error);
}

int32_t take_keys(const uint8_t *bytes, const uint64_t *offsets, uint64_t count, Slices &keys,
                  cachechain_error **error) {
  return take(bytes, offsets, count, "key", &check_key, keys, error);
}

int32_t take_values(const cachechain_slice *slices, uint64_t count, Slices &values, cachechain_error **error) {
  return take(slices, count, "value", &check_value, values, error);
}

int32_t take_values(const uint8_t *bytes, const uint64_t *offsets, uint64_t count, Slices &values,
                    cachechain_error **error) {
  return take(bytes, offsets, count, "value", &check_value, values, error);
}

}  // namespace cachechain
