// Zipf-distributed numbers by rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates
// from monotone discrete distributions", 1996): exact for any exponent from 0 up, 1 included, in constant time and
// memory. And a workload of requests made of them.
#ifndef CACHECHAIN_TOOL_ZIPF_H_
#define CACHECHAIN_TOOL_ZIPF_H_

#include <atomic>
#include <cstdint>
#include <random>

#include "operations.h"

namespace cachechain::tool {

// Ranks 1 to `count`, rank k with a probability proportional to k^-exponent. Constant; any thread, each with a
// generator of its own. REQUIRES count > 0 and exponent >= 0.
class Zipf {
 public:
  Zipf(uint64_t count, double exponent);
  uint64_t operator()(std::mt19937_64 &random) const;

 private:
  // The integral of h, its inverse, and h, the density to which the probabilities are steps.
  double integral(double x) const;
  double integral_inverse(double x) const;
  double density(double x) const;

  uint64_t count_;
  double exponent_;
  double integral_of_first_;
  double integral_of_last_;
  double threshold_;  // how near below k a point may lie to be accepted without a look at the density
};

// Requests for keys of 16 bytes. Neighbours in rank are no neighbours in key, and a rank has the same key in each run.
class ZipfSource : public OperationSource {
 public:
  ZipfSource(uint64_t requests, uint64_t keys, double exponent, uint32_t value_bytes, uint64_t seed);
  void fill(Block &block) override;
  double share_done() const override;

 private:
  const uint64_t requests_;
  const uint32_t value_bytes_;
  const Zipf zipf_;
  std::mt19937_64 random_;
  std::atomic<uint64_t> made_{0};
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_ZIPF_H_
