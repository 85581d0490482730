// Surroundings: what a configuration may ask of the machine that it is read on. Thread-safe. Tests inject their own.
#ifndef CACHECHAIN_CONFIG_SURROUNDINGS_H_
#define CACHECHAIN_CONFIG_SURROUNDINGS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"

namespace cachechain {

// The largest file that ${file:PATH} reads.
inline constexpr size_t kMaxReferencedFileBytes = 64 << 10;

class Surroundings {
 public:
  virtual ~Surroundings() = default;

  // Nothing if it is not set, or if the process is setuid and must not trust its environment.
  virtual std::optional<std::string> environment(const std::string &name) = 0;
  // The whole of a regular file of at most kMaxReferencedFileBytes. The failure's message does not repeat the path.
  virtual Result<std::string> file(const std::string &path) = 0;
  // What the process may use: the machine's memory, or less if a control group says so. 0 if it cannot be told.
  virtual uint64_t memory_bytes() = 0;

  // The machine itself. Lives as long as the process.
  static Surroundings &system();
};

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_SURROUNDINGS_H_
