#include "base/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <atomic>

namespace cachechain {
namespace {

// splitmix64 over a shared counter: every call gets a number of its own without a lock.
class SystemRandom final : public Random {
 public:
  SystemRandom() {
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed)) {
      seed = reinterpret_cast<uintptr_t>(this) ^ (static_cast<uint64_t>(getpid()) << 32);
    }
    state_.store(seed, std::memory_order_relaxed);
  }

  uint64_t next() override {
    uint64_t z = state_.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

 private:
  std::atomic<uint64_t> state_{0};
};

}  // namespace

Random &Random::system() {
  static SystemRandom *const random = new SystemRandom;
  return *random;
}

}  // namespace cachechain
