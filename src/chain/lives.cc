#include "chain/lives.h"

#include <algorithm>
#include <cmath>

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

LifeRule rule_in(const NamespaceLife &space, const LifeRule &layer, size_t above) {
  LifeRule rule = layer;
  rule.max_ttl_ms = earlier(layer.max_ttl_ms, space.max_ttl_ms);
  if (above == 0 && space.ttl_ms != 0) rule.ttl_ms = space.ttl_ms;
  rule.copies = space.copies;
  rule.share = std::pow(space.decay, static_cast<double>(above));
  return rule;
}

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
  int64_t own = latest_end(now_ms, layer);
  if (layer.copies == LifeStrategy::kDecaying && entry.expires_ms != 0) {
    const int64_t left_ms = std::clamp<int64_t>(entry.expires_ms - now_ms, 0, kLongestMs);
    const auto share_ms = static_cast<int64_t>(static_cast<double>(left_ms) * layer.share);
    own = earlier(own, from_now(now_ms, std::max(share_ms, kLeastShareMs)));
  } else if (layer.copies != LifeStrategy::kUniform) {
    own = earlier(own, own_end(now_ms, layer, random));
  }
  return {entry.fresh_until_ms, earlier(entry.expires_ms, own)};
}

}  // namespace cachechain
