// Sized option structs: what a caller of any age hands in, as the struct that this library knows.
#ifndef CACHECHAIN_ABI_OPTIONS_H_
#define CACHECHAIN_ABI_OPTIONS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/status.h"

namespace cachechain {

inline constexpr uint32_t kLeastOptions = 16;   // struct_size, must_flags, hint_flags
inline constexpr uint32_t kMostOptions = 4096;  // beyond it struct_size is garbage

// NULL gives zeroes. A smaller struct is filled up with zeroes; the part of a larger one that is not known must be
// zero; bits of must_flags outside `known_flags` are refused.
template <class T>
Status read_options(const T *given, uint32_t known_flags, T &options) {
  options = {};
  options.struct_size = sizeof(T);
  if (given == nullptr) return CACHECHAIN_OK;
  const uint32_t size = given->struct_size;
  if (size < kLeastOptions || size > kMostOptions) {
    return Status(CACHECHAIN_INVALID_ARGUMENT,
                  "options: struct_size is " + std::to_string(size) + ", set it to sizeof of the struct");
  }
  const uint8_t *bytes = reinterpret_cast<const uint8_t *>(given);
  if (size > sizeof(T) && std::any_of(bytes + sizeof(T), bytes + size, [](uint8_t b) { return b != 0; })) {
    return Status(CACHECHAIN_UNSUPPORTED, "options: a field that this version of the library does not know is set");
  }
  std::memcpy(&options, given, std::min<size_t>(size, sizeof(T)));
  options.struct_size = sizeof(T);
  if ((options.must_flags & ~known_flags) != 0) {
    return Status(CACHECHAIN_UNSUPPORTED,
                  "options: must_flags has a bit that this version of the library does not know");
  }
  return CACHECHAIN_OK;
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_OPTIONS_H_
