// What the contract at the top of cachechain.h says about the outputs of every call, as checks.
#ifndef CACHECHAIN_TESTS_FUZZ_API_OUTPUTS_H_
#define CACHECHAIN_TESTS_FUZZ_API_OUTPUTS_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "cachechain/cachechain.h"
#include "fuzz/check.h"
#include "fuzz/input.h"

namespace cachechain {

using Bytes = std::vector<uint8_t>;

// What no call may leave in an output.
inline constexpr uint8_t kPoison = 0xa5;

// An output that is poisoned before the call, and the check of what the call made of it.
template <class T>
class Output {
 public:
  Output() { std::memset(&value_, kPoison, sizeof(value_)); }
  T *out() { return &value_; }
  T &get() { return value_; }
  void check_zero() const {
    const T zero{};
    CHECK(std::memcmp(&value_, &zero, sizeof(value_)) == 0);
  }

 private:
  T value_;
};

// The error of one call; sometimes the caller does not want it.
class Error {
 public:
  explicit Error(Input &input) : wanted_(input.pick(8) != 0) {}
  cachechain_error **out() { return wanted_ ? error_.out() : nullptr; }

  // Once, after the call.
  void check(int32_t status) {
    if (!wanted_) return;
    cachechain_error *error = error_.get();
    CHECK((error != nullptr) == (status < 0));
    CHECK(cachechain_error_status(error) == (status < 0 ? status : CACHECHAIN_OK));
    uint64_t size = kPoison;
    const char *text = cachechain_error_message(error, &size);
    CHECK(text != nullptr && std::strlen(text) == size && (size != 0) == (status < 0));
    text = cachechain_error_layer(error, &size);
    CHECK(text != nullptr && std::strlen(text) == size);
    const int32_t retryable = cachechain_error_retryable(error);
    CHECK(retryable == 0 || retryable == 1);
    (void)cachechain_error_native(error);
    if (error != nullptr) {
      uint64_t needed = 0;
      CHECK(cachechain_error_json(error, nullptr, 0, &needed) == CACHECHAIN_BUFFER_TOO_SMALL && needed > 2);
      Bytes json(needed);
      CHECK(cachechain_error_json(error, json.data(), json.size(), &needed) == CACHECHAIN_OK);
      CHECK(needed == json.size() && json.front() == '{' && json.back() == '}');
    }
    cachechain_error_free(error);
  }

 private:
  bool wanted_;
  Output<cachechain_error *> error_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_FUZZ_API_OUTPUTS_H_
