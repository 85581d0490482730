// The functions whose shape is final and whose work is not in this release. Each zeroes its outputs and answers
// UNSUPPORTED with its name, so that a program learns at its first call what it cannot have yet.
#include <string>

#include "abi/error.h"

namespace {

template <class... Outputs>
int32_t later(const char *name, cachechain_error **error, Outputs *...outputs) {
  return cachechain::guard(error, [&] {
    ((outputs != nullptr ? void(*outputs = Outputs{}) : void()), ...);
    return cachechain::fail(error, CACHECHAIN_UNSUPPORTED, std::string(name) + " is not in this release");
  });
}

}  // namespace

extern "C" {

int32_t cachechain_clear(cachechain_chain *, const cachechain_put_options *, cachechain_write *result,
                         cachechain_error **error) {
  return later("cachechain_clear", error, result);
}

}  // extern "C"
