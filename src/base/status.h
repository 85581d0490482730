// Status and Result<T>: how everything inside answers when it can fail.
//
// A Status is a code of cachechain.h and, for failures, a shared immutable detail: which layer, the backend's own
// number, whether to try again, one line for a human. OK and outcomes carry no detail and cost no allocation.
#ifndef CACHECHAIN_BASE_STATUS_H_
#define CACHECHAIN_BASE_STATUS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cachechain/cachechain.h"

namespace cachechain {

// "MISS" for CACHECHAIN_MISS, and so on; "UNKNOWN" for what has no name. Static, NUL-terminated.
const char *status_name(int32_t code);

// True if the same call may succeed later without a change.
bool status_retryable(int32_t code);

class [[nodiscard]] Status {
 public:
  struct Detail {
    std::string message;
    std::string layer;
    int64_t native_code = 0;
    bool retryable = false;
  };

  Status() = default;
  Status(int32_t code) : code_(code) {}  // NOLINT: a bare code is a status
  Status(int32_t code, std::string message);
  Status(int32_t code, Detail detail);

  int32_t code() const { return code_; }
  bool ok() const { return code_ >= 0; }
  std::string_view message() const { return detail_ == nullptr ? std::string_view() : detail_->message; }
  std::string_view layer() const { return detail_ == nullptr ? std::string_view() : detail_->layer; }
  int64_t native_code() const { return detail_ == nullptr ? 0 : detail_->native_code; }
  bool retryable() const { return detail_ == nullptr ? status_retryable(code_) : detail_->retryable; }

 private:
  int32_t code_ = CACHECHAIN_OK;
  std::shared_ptr<const Detail> detail_;
};

// A T, or the failure that stands in its place.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}             // NOLINT: either side converts
  Result(Status failure) : failure_(std::move(failure)) {}  // NOLINT

  bool ok() const { return value_.has_value(); }
  const Status &status() const { return failure_; }
  T &value() { return *value_; }
  const T &value() const { return *value_; }
  T take() { return std::move(*value_); }
  T *operator->() { return &*value_; }
  const T *operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status failure_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_STATUS_H_
