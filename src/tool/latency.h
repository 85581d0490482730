// Latency: a histogram of times from 1 ns to an hour, within 1 % of the truth, in constant memory. One thread each;
// add() joins them afterwards.
#ifndef CACHECHAIN_TOOL_LATENCY_H_
#define CACHECHAIN_TOOL_LATENCY_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace cachechain::tool {

// Each power of two is cut into 128 buckets; below 256 ns there is one for each.
struct LatencyBuckets {
  static constexpr int kBits = 7;
  static constexpr uint64_t kLongest = uint64_t{1} << 42;
  static constexpr size_t of(uint64_t ns) {
    int shift = std::max(0, static_cast<int>(std::bit_width(ns)) - kBits - 1);
    return (static_cast<size_t>(shift) << kBits) + static_cast<size_t>(ns >> shift);
  }
  static constexpr uint64_t last_in(size_t bucket) {
    size_t shift = bucket < (size_t{2} << kBits) ? 0 : (bucket >> kBits) - 1;
    uint64_t first = (bucket - (shift << kBits)) << shift;
    return first + (uint64_t{1} << shift) - 1;
  }
};

class Latency {
 public:
  Latency() : counts_(LatencyBuckets::of(LatencyBuckets::kLongest) + 1) {}

  void record(uint64_t ns) {
    ++counts_[LatencyBuckets::of(std::min(ns, LatencyBuckets::kLongest))];
    ++count_;
    sum_ += ns;
    max_ = std::max(max_, ns);
  }
  void add(const Latency &other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
  }

  uint64_t count() const { return count_; }
  uint64_t max_ns() const { return max_; }
  uint64_t mean_ns() const { return count_ == 0 ? 0 : sum_ / count_; }
  // The time that a share of all (0.99) did not exceed; 0 if there is none.
  uint64_t percentile_ns(double share) const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t sum_ = 0;
  uint64_t max_ = 0;
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_LATENCY_H_
