#include "chain/namespace.h"

#include <utility>

#include "base/random.h"

namespace cachechain {
namespace {

// How often the record of clears is read again.
constexpr int64_t kTurnMs = 1'000;

std::string with_schema(const NamespaceSettings &settings) {
  return settings.schema == 0 ? settings.name : settings.name + "/" + std::to_string(settings.schema);
}

cachechain_space make_space(uint32_t id, const std::string &prefix, const std::string &name) {
  cachechain_space space{};
  space.prefix = reinterpret_cast<const uint8_t *>(prefix.data());
  space.prefix_size = static_cast<uint32_t>(prefix.size());
  space.name = reinterpret_cast<const uint8_t *>(name.data());
  space.name_size = static_cast<uint32_t>(name.size());
  space.id = id;
  return space;
}

const std::string kNoName;

}  // namespace

Namespace::Namespace(Terms terms, ThreadBlocks::ExitFn words_end)
    : terms_(std::move(terms)),
      prefix_(terms_.chain + "/" + terms_.settings.name + "/" + std::to_string(terms_.settings.schema) + ":"),
      shown_(with_schema(terms_.settings)),
      record_prefix_(terms_.chain + "//0:"),
      seed_(Random::system().next()),
      raw_(make_space(terms_.id, prefix_, shown_)),
      record_space_(make_space(kRecordSpace, record_prefix_, kNoName)),
      threads_(counter_count(terms_.layers), terms_.layers, std::move(words_end)) {}

bool Namespace::learn_cleared(uint64_t stamp) {
  uint64_t known = cleared_.load(std::memory_order_relaxed);
  while (known < stamp) {
    if (cleared_.compare_exchange_weak(known, stamp, std::memory_order_release, std::memory_order_relaxed)) return true;
  }
  return false;
}

cachechain_key Namespace::record_key() const {
  const auto *bytes = reinterpret_cast<const uint8_t *>(shown_.data());
  return {bytes, shown_.size(), hash_key({bytes, shown_.size()}, seed_), &record_space_};
}

bool Namespace::take_turn(int64_t now_ms) {
  int64_t last_ms = read_at_ms_.load(std::memory_order_relaxed);
  // A wall clock that was set back must not end the reading.
  if (now_ms >= last_ms && now_ms - last_ms < kTurnMs) return false;
  return read_at_ms_.compare_exchange_strong(last_ms, now_ms, std::memory_order_relaxed);
}

}  // namespace cachechain
