// What a call of the client answers: a value, or the Error that stands in its place. Neither throws.
//
// An Error owns one C object, can be moved and not copied; it may be read by many threads and destroyed by any.
#ifndef CACHECHAIN_CLIENT_RESULT_HPP_
#define CACHECHAIN_CLIENT_RESULT_HPP_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "cachechain/cachechain.h"

namespace cachechain::client {

// Why a call failed. Without a C object or a text behind it (there was no memory for one) the text is the status's
// name.
class [[nodiscard]] Error {
 public:
  Error(int32_t status, cachechain_error *error) : status_(status), error_(error) {}  // takes over `error`
  // An Error of the caller's own, such as a loader's.
  Error(int32_t status, std::string_view text) noexcept : status_(status) {
    try {
      text_ = text;
    } catch (...) {  // bad_alloc: the name must do
    }
  }

  int32_t status() const { return status_; }  // CACHECHAIN_TIMEOUT and so on, always < 0
  std::string_view name() const { return cachechain_status_name(status_); }
  // One line for a human, complete with the state that an operator would ask for. Lives as long as the Error.
  std::string_view message() const {
    if (error_ == nullptr) return text_.empty() ? name() : text_;
    uint64_t size = 0;
    const char *text = cachechain_error_message(error_.get(), &size);
    return {text, static_cast<size_t>(size)};
  }
  // The layer that failed, or "". Lives as long as the Error.
  std::string_view layer() const {
    uint64_t size = 0;
    const char *text = cachechain_error_layer(error_.get(), &size);
    return {text, static_cast<size_t>(size)};
  }
  int64_t native() const { return cachechain_error_native(error_.get()); }          // the backend's own number
  bool retryable() const { return cachechain_error_retryable(error_.get()) != 0; }  // as it is, later
  const cachechain_error *raw() const { return error_.get(); }

 private:
  struct Free {
    void operator()(cachechain_error *error) const { cachechain_error_free(error); }
  };
  int32_t status_;
  std::unique_ptr<cachechain_error, Free> error_;
  std::string text_;
};

// A T, or the Error that stands in its place. REQUIRES ok() for value(), * and ->, and !ok() for error(). A temporary
// gives its T or Error away as an object of its own, so that a loop over `*chain.get_many(keys)` has something to stand
// on.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : either_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: either side converts
  Result(Error error) : either_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  bool ok() const { return either_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T &value() & { return *std::get_if<0>(&either_); }
  const T &value() const & { return *std::get_if<0>(&either_); }
  T value() && { return std::move(*std::get_if<0>(&either_)); }
  T &operator*() & { return value(); }
  const T &operator*() const & { return value(); }
  T operator*() && { return std::move(*this).value(); }
  T *operator->() { return std::get_if<0>(&either_); }
  const T *operator->() const { return std::get_if<0>(&either_); }
  T value_or(T other) && { return ok() ? std::move(*this).value() : std::move(other); }
  T value_or(T other) const & { return ok() ? value() : std::move(other); }

  const Error &error() const & { return *std::get_if<1>(&either_); }
  Error error() && { return std::move(*std::get_if<1>(&either_)); }

 private:
  std::variant<T, Error> either_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_RESULT_HPP_
