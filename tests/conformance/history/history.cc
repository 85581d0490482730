#include "history/history.h"

namespace cachechain::conformance {

Recorder &History::recorder() {
  const std::lock_guard lock(mutex_);
  return recorders_.emplace_back(tickets_, static_cast<uint32_t>(recorders_.size()));
}

void History::starts_with(uint32_t key, uint64_t value, uint64_t rank) {
  Operation start;
  start.key = key;
  start.act = value == kAbsent ? Act::kDelete : Act::kWrite;
  start.fate = Fate::kAcknowledged;
  start.rank = rank;
  start.value = value;
  starts_.push_back(start);
}

}  // namespace cachechain::conformance
