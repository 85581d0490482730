// Logger: lines for a human, through spdlog, to the user's sink or to standard error. Thread-safe; a sink that throws
// loses its line and nothing else. Formatting belongs to the caller, behind enabled(), so that spdlog and fmt stay in
// one file.
#ifndef CACHECHAIN_BASE_LOG_H_
#define CACHECHAIN_BASE_LOG_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "cachechain/cachechain.h"

namespace cachechain {

class Logger {
 public:
  // `name` stands in front of each line that goes to standard error.
  static std::shared_ptr<Logger> to_stderr(std::string_view name, int32_t level);
  static std::shared_ptr<Logger> to_sink(cachechain_log_fn sink, void *context, int32_t level);
  // What `options` ask for; NULL asks for WARN and above on standard error.
  static std::shared_ptr<Logger> from_options(const cachechain_open_options *options, std::string_view name);

  virtual ~Logger() = default;
  virtual bool enabled(int32_t level) const = 0;
  virtual void log(int32_t level, std::string_view text) = 0;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_LOG_H_
