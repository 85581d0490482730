#include "base/birth.h"

#include <pthread.h>

namespace cachechain {

std::atomic<uint64_t> Birth::forks_so_far_{0};

uint64_t Birth::count_forks() {
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, [] { forks_so_far_.store(forks_so_far_.load(std::memory_order_relaxed) + 1); });
  return forks_so_far_.load(std::memory_order_relaxed);
}

}  // namespace cachechain
