#include "chain/lives.h"

#include <algorithm>

namespace cachechain {
namespace {

int64_t from_now(int64_t now_ms, int64_t span_ms) { return now_ms + std::min(span_ms, kLongestMs); }

// The earlier of two moments, 0 being never.
int64_t earlier(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

int64_t own_end(int64_t now_ms, const LifeRule &rule, Random &random) {
  if (rule.ttl_ms == 0) return 0;
  const double kept = 1.0 - rule.jitter * random.unit();
  const int64_t span = static_cast<int64_t>(static_cast<double>(std::min(rule.ttl_ms, kLongestMs)) * kept);
  return from_now(now_ms, std::max<int64_t>(span, 1));
}

int64_t latest_end(int64_t now_ms, const LifeRule &rule) {
  return rule.max_ttl_ms == 0 ? 0 : from_now(now_ms, rule.max_ttl_ms);
}

}  // namespace

Times times_of_entry(int64_t now_ms, int64_t ttl_ms, int64_t fresh_ms, const LifeRule &deepest, Random &random) {
  int64_t end = 0;
  if (ttl_ms > 0) {
    end = from_now(now_ms, ttl_ms);
  } else if (ttl_ms == 0) {
    end = own_end(now_ms, deepest, random);
  }
  end = earlier(end, latest_end(now_ms, deepest));
  const int64_t fresh = fresh_ms > 0 ? from_now(now_ms, fresh_ms) : 0;
  return {fresh != 0 ? earlier(fresh, end) : 0, end};
}

Times times_of_copy(int64_t now_ms, const Times &entry, const LifeRule &layer, Random &random) {
  const int64_t own = earlier(own_end(now_ms, layer, random), latest_end(now_ms, layer));
  return {entry.fresh_until_ms, earlier(entry.expires_ms, own)};
}

}  // namespace cachechain
