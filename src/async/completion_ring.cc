#include "async/completion_ring.h"

#include <new>

namespace cachechain {

CompletionRing::~CompletionRing() { delete[] cells_; }

bool CompletionRing::make(uint32_t capacity) {
  uint32_t cells = 1;
  while (cells < capacity) cells *= 2;
  cells_ = new (std::nothrow) Cell[cells];
  mask_ = cells - 1;
  capacity_ = capacity;
  return cells_ != nullptr;
}

bool CompletionRing::give_back_unless_shut() {
  uint64_t word = word_.load(std::memory_order_relaxed);
  do {
    if ((word & kShut) != 0) return false;
  } while (!swap(word, word - 1));
  return true;
}

void CompletionRing::give_back() { word_.fetch_sub(1, std::memory_order_acq_rel); }

uint64_t CompletionRing::take(cachechain_event *events, uint64_t cap) {
  uint64_t taken = 0;
  while (taken < cap) {
    const Cell &cell = cells_[head_ & mask_];
    if (cell.published.load(std::memory_order_acquire) != head_ + 1) break;
    cachechain_event &event = events[taken++];
    if (cell.value_only) {
      event.token = cell.event.token;
      event.status = cell.event.status;
      event.kind = cell.event.kind;
      event.value = cell.event.value;
      event.lease = {};
      event.write = {};
      event.error = nullptr;
    } else {
      event = cell.event;
    }
    ++head_;
  }
  return taken;
}

bool CompletionRing::settle(uint64_t taken, bool arm) {
  uint64_t word = word_.load(std::memory_order_acquire);
  for (;;) {
    const bool empty = static_cast<uint32_t>(word >> 32) == head_;
    const uint64_t to = (word - taken) | (empty && arm ? kArmed : 0);
    if (to == word || swap(word, to)) return empty;
  }
}

}  // namespace cachechain
