#include "latency.h"

#include <cmath>

namespace cachechain::tool {

uint64_t Latency::percentile_ns(double share) const {
  uint64_t wanted = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < counts_.size(); ++bucket) {
    seen += counts_[bucket];
    if (seen >= wanted) return std::min(LatencyBuckets::last_in(bucket), max_);
  }
  return max_;
}

}  // namespace cachechain::tool
