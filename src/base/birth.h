// Birth: remembers in which process an object was made. In a fork child the threads of the parent are not there, and
// what they held locked stays locked for ever: an object that was inherited takes no lock, joins nothing and is leaked.
#ifndef CACHECHAIN_BASE_BIRTH_H_
#define CACHECHAIN_BASE_BIRTH_H_

#include <atomic>
#include <cstdint>

namespace cachechain {

class Birth {
 public:
  Birth() : forks_(count_forks()) {}

  // [any] One load: cheap enough for every call.
  bool inherited() const { return forks_ != forks_so_far_.load(std::memory_order_relaxed); }

 private:
  static uint64_t count_forks();

  static std::atomic<uint64_t> forks_so_far_;  // between the first Birth and this process
  const uint64_t forks_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_BIRTH_H_
