// The user's side of a CancelToken.
#include "abi/error.h"
#include "base/cancel_token.h"

using cachechain::CancelToken;

extern "C" {

int32_t cachechain_cancel_create(cachechain_cancel **cancel, cachechain_error **error) {
  return cachechain::guard(error, [&] {
    if (cancel == nullptr) return cachechain::fail(error, CACHECHAIN_INVALID_ARGUMENT, "cancel is NULL");
    *cancel = nullptr;
    cachechain::CancelRef token = CancelToken::create();
    if (token == nullptr) return cachechain::fail(error, CACHECHAIN_NO_MEMORY, "no memory for a cancel token");
    *cancel = token.release()->handle();
    return int32_t{CACHECHAIN_OK};
  });
}

void cachechain_cancel_fire(cachechain_cancel *cancel) {
  if (cancel != nullptr) CancelToken::of(cancel)->fire();
}

void cachechain_cancel_free(cachechain_cancel *cancel) {
  if (cancel != nullptr) cachechain::CancelRelease()(CancelToken::of(cancel));
}

}  // extern "C"
