// The size query of every function that answers a text: the caller's buffer gets all of it or nothing.
#ifndef CACHECHAIN_ABI_COPY_OUT_H_
#define CACHECHAIN_ABI_COPY_OUT_H_

#include <cstdint>
#include <cstring>
#include <string_view>

#include "abi/error.h"

namespace cachechain {

inline int32_t copy_out(std::string_view text, uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
  if (needed == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "needed is NULL");
  *needed = text.size();
  if (buf == nullptr && cap != 0) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "buf is NULL, but cap is not 0");
  if (text.size() > cap) return fail(error, CACHECHAIN_BUFFER_TOO_SMALL, "the text is larger than the buffer");
  if (!text.empty()) std::memcpy(buf, text.data(), text.size());
  return CACHECHAIN_OK;
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_COPY_OUT_H_
