// Cancel: ends every call whose options point to it, now and later, with CANCELLED or with what it came to.
//
// It can be moved and not copied, and must stay where it is for as long as a call is given it. Any thread may fire it.
#ifndef CACHECHAIN_CLIENT_CANCEL_HPP_
#define CACHECHAIN_CLIENT_CANCEL_HPP_

#include <cstdint>
#include <memory>

#include "cachechain/cachechain.h"
#include "cachechain/client/result.hpp"

namespace cachechain::client {

class Cancel {
 public:
  static Result<Cancel> create() noexcept {
    cachechain_cancel *cancel = nullptr;
    cachechain_error *error = nullptr;
    const int32_t status = cachechain_cancel_create(&cancel, &error);
    if (status < 0) return Error(status, error);
    return Cancel(cancel);
  }

  // Once fired it stays so.
  void fire() const noexcept { cachechain_cancel_fire(cancel_.get()); }
  cachechain_cancel *raw() const { return cancel_.get(); }

 private:
  struct Free {
    void operator()(cachechain_cancel *cancel) const { cachechain_cancel_free(cancel); }
  };
  explicit Cancel(cachechain_cancel *cancel) : cancel_(cancel) {}

  std::unique_ptr<cachechain_cancel, Free> cancel_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_CANCEL_HPP_
