// How a chain is opened, and what can be asked without one: is a configuration right, which plugins are there.
#ifndef CACHECHAIN_CLIENT_OPEN_HPP_
#define CACHECHAIN_CLIENT_OPEN_HPP_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "cachechain/cachechain.h"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// Receives one line of log without a newline, from any thread, several at a time. It must not block or call the chain;
// what it throws is dropped with the line.
using Log = std::function<void(int32_t level, std::string_view line)>;

struct OpenOptions {
  std::string_view plugin_path = {};        // folders separated by ':', searched first
  Log log = {};                             // none: warnings and errors go to standard error
  int32_t log_level = CACHECHAIN_LOG_WARN;  // least level that reaches `log`
};

namespace internal {

inline void pass_log(void *context, int32_t level, const uint8_t *text, uint64_t size) noexcept {
  try {
    (*static_cast<const Log *>(context))(level, {reinterpret_cast<const char *>(text), static_cast<size_t>(size)});
  } catch (...) {  // a foreign frame is below us
  }
}

inline cachechain_open_options raw(const OpenOptions &options, const Log *log) {
  cachechain_open_options raw{};
  raw.struct_size = sizeof raw;
  raw.plugin_path = bytes(options.plugin_path);
  raw.plugin_path_size = options.plugin_path.size();
  if (log != nullptr && *log) {
    raw.log = pass_log;
    raw.log_context = const_cast<Log *>(log);
    raw.log_level = options.log_level;
  }
  return raw;
}

// Asks for a text whose size may grow from one call to the next. `query` is (buf, cap, needed, error) -> status.
template <class Query>
Result<std::string> text(Query query) noexcept {
  try {
    std::string text(4096, '\0');
    for (;;) {
      uint64_t needed = 0;
      cachechain_error *error = nullptr;
      int32_t status = query(reinterpret_cast<uint8_t *>(text.data()), text.size(), &needed, &error);
      if (status == CACHECHAIN_BUFFER_TOO_SMALL && needed > text.size()) {
        cachechain_error_free(error);
        text.resize(needed + needed / 4);
        continue;
      }
      if (status < 0) return Error(status, error);
      text.resize(needed);
      return text;
    }
  } catch (...) {  // bad_alloc, length_error
    return Error(CACHECHAIN_NO_MEMORY, nullptr);
  }
}

}  // namespace internal

// The effective values of a configuration and where each came from, as a JSON object; opens nothing. On CONFIG the
// Error's message has every problem on a line of its own.
inline Result<std::string> config_check(std::string_view json) noexcept {
  return internal::text([json](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_config_check(internal::bytes(json), json.size(), buf, cap, needed, error);
  });
}

// Every plugin of the search path, as a JSON array. `options.log` is used during the call only.
inline Result<std::string> plugins(const OpenOptions &options = {}) noexcept {
  cachechain_open_options raw = internal::raw(options, &options.log);
  return internal::text([&raw](uint8_t *buf, uint64_t cap, uint64_t *needed, cachechain_error **error) {
    return cachechain_plugins(&raw, buf, cap, needed, error);
  });
}

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_OPEN_HPP_
