// What the slots get, get_many, put and put_many may answer. Each function turns what a plugin answered into what the
// core may trust: a status of the slot's list with a value or result that fits it. If the answer broke the contract of
// plugin.h it becomes PLUGIN_FAULT, and `breach` says how. Thread-safe; nothing is allocated or thrown.
#ifndef CACHECHAIN_PLUGIN_ANSWERS_H_
#define CACHECHAIN_PLUGIN_ANSWERS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string_view>

#include "cachechain/plugin.h"

namespace cachechain {

// A text on the stack: it is written when memory may be short. What is too long is cut.
class Line {
 public:
  Line() = default;
  explicit Line(const char *text) : Line("%s", text) {}
  template <class First, class... Rest>
  Line(const char *format, First first, Rest... rest) {
    const int written = std::snprintf(text_, sizeof text_, format, first, rest...);
    size_ = written < 0 ? 0 : std::min<size_t>(static_cast<size_t>(written), sizeof text_ - 1);
  }
  operator std::string_view() const { return {text_, size_}; }  // NOLINT: it is a text
  bool empty() const { return size_ == 0; }

 private:
  char text_[480];
  size_t size_ = 0;
};

// No status of ours: an answer that the plugin forgot to write is taken for what it is, a breach.
inline constexpr int32_t kUnwritten = INT32_MIN;

// Releases what was handed out, and leaves the value zero. What the release throws ends here.
void give_back(cachechain_value &value);

// OK, MISS or a failure, with a value that is whole after OK and zero after all else. `plain`: of CAP_PLAIN. `call` has
// what the plugin said of a fault that it caught itself.
int32_t take_value(const cachechain_call &call, bool plain, int32_t status, std::span<const uint8_t> buffer,
                   cachechain_value &value, Line &breach);
// An outcome of a put, UNKNOWN_OUTCOME or a failure, the same in `result`.
int32_t take_result(const cachechain_call &call, bool plain, int32_t status, const cachechain_put &put,
                    cachechain_put_result &result, Line &breach);
// A slot that can only fail; `expected` are the outcomes that are none, which the caller has looked at.
int32_t take_failure(const cachechain_call &call, int32_t status, const char *expected, Line &breach);
// A slot that answers for many: OK, PARTIAL or a failure.
int32_t take_whole(const cachechain_call &call, int32_t status, Line &breach);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_ANSWERS_H_
