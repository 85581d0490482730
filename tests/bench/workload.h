// What the benchmarks share: keys of 16 bytes asked for by Zipf 0.99, values of 100 bytes, and chains through the
// public C functions with the plugins loaded as files.
#ifndef CACHECHAIN_TESTS_BENCH_WORKLOAD_H_
#define CACHECHAIN_TESTS_BENCH_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cachechain/cachechain.h"

namespace cachechain::bench {

inline constexpr size_t kKeySize = 16;
inline constexpr size_t kValueSize = 100;

struct Key {
  uint8_t bytes[kKeySize];
};

// `count` different keys, the same in each run.
std::vector<Key> make_keys(size_t count);

// Indexes into `count` keys, in the order that they are asked for; 2^20 of them.
inline constexpr size_t kSequence = size_t{1} << 20;
std::vector<uint32_t> make_sequence(size_t count, uint64_t seed);

// A chain that closes with the object. Ends the program with the reason if it cannot be opened.
class OpenChain {
 public:
  // Its log is not shown: a chain that opens degraded is no news to a benchmark.
  explicit OpenChain(const std::string &json);
  ~OpenChain();
  OpenChain(const OpenChain &) = delete;
  OpenChain &operator=(const OpenChain &) = delete;
  cachechain_chain *get() const { return chain_; }
  void set(const Key &key, const uint8_t *data, size_t size);

 private:
  cachechain_chain *chain_ = nullptr;
};

}  // namespace cachechain::bench

#endif  // CACHECHAIN_TESTS_BENCH_WORKLOAD_H_
