// Random: the only source of chance for everything inside. Thread-safe. Tests inject a seeded one.
#ifndef CACHECHAIN_BASE_RANDOM_H_
#define CACHECHAIN_BASE_RANDOM_H_

#include <cstdint>

namespace cachechain {

class Random {
 public:
  virtual ~Random() = default;
  virtual uint64_t next() = 0;
  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  // Seeded by the kernel. Lives as long as the process.
  static Random &system();
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_RANDOM_H_
