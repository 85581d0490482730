// Progress: a bar on standard error while a workload runs, gone when it is done. One thread.
#ifndef CACHECHAIN_TOOL_PROGRESS_H_
#define CACHECHAIN_TOOL_PROGRESS_H_

#include <chrono>
#include <cstdint>

namespace cachechain::tool {

class Progress {
 public:
  // `total` 0: unknown; then update()'s share tells how far it is, or nothing does.
  Progress(bool enabled, uint64_t total);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  // `share` of the source that was read, 0 to 1, negative if unknown.
  void update(uint64_t done, double share);

 private:
  const bool enabled_;
  const uint64_t total_;
  const std::chrono::steady_clock::time_point begin_;
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_PROGRESS_H_
