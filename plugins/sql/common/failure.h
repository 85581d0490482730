// Failure: why an SQL backend could not do something, ready to be put into a report. It holds its text in place, so
// that making, copying and handing one to another thread never allocates and never throws: a write that failed for
// lack of memory must still be able to say so.
#ifndef CACHECHAIN_PLUGINS_SQL_COMMON_FAILURE_H_
#define CACHECHAIN_PLUGINS_SQL_COMMON_FAILURE_H_

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "cachechain/plugin.hpp"

namespace cachechain::sql {

class [[nodiscard]] Failure {
 public:
  // No failure.
  Failure() { text_[0] = '\0'; }
  // printf with a status, the backend's own number and whether to try again. Text that is too long is cut.
  __attribute__((format(printf, 5, 6)))
  Failure(int32_t status, int64_t native_code, bool retryable, const char *format, ...)
      : status_(status), retryable_(retryable), native_code_(native_code) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text_, sizeof(text_), format, arguments);
    va_end(arguments);
  }
  Failure(const Failure &other) { *this = other; }
  Failure &operator=(const Failure &other) {
    status_ = other.status_;
    retryable_ = other.retryable_;
    native_code_ = other.native_code_;
    std::memmove(text_, other.text_, std::strlen(other.text_) + 1);
    return *this;
  }

  explicit operator bool() const { return status_ < 0; }
  int32_t status() const { return status_; }
  int64_t native_code() const { return native_code_; }
  bool retryable() const { return retryable_; }
  const char *text() const { return text_; }

  // Writes the report and returns the status, for `return failure.report(call)`.
  int32_t report(const plugin::Call &call) const {
    return *this ? call.fail(status_, native_code_, retryable_, text_) : status_;
  }

 private:
  int32_t status_ = CACHECHAIN_OK;
  bool retryable_ = false;
  int64_t native_code_ = 0;
  char text_[480];
};

}  // namespace cachechain::sql

#endif  // CACHECHAIN_PLUGINS_SQL_COMMON_FAILURE_H_
