// CompletionRing: the part of a completion queue that producers touch without a lock. A ring of cells that are there
// from the start, and one word that holds
//
//   bits  0 to 29  slots taken: calls under way and events that are not yet given back
//   bit   30       shut: no slot is given out any more
//   bit   31       armed: the consumer wants to be woken by the next claim
//   bits 32 to 63  how many cells were ever claimed
//
// so that one compare-and-swap takes a slot, claims the next cell and learns whether the ring was empty and somebody
// waits. There are at least as many cells as slots, so a claimed cell is always free. Cells are taken in the order of
// their claims; a claim that is not yet published holds up those behind it.
#ifndef CACHECHAIN_ASYNC_COMPLETION_RING_H_
#define CACHECHAIN_ASYNC_COMPLETION_RING_H_

#include <atomic>
#include <cstdint>

#include "cachechain/cachechain.h"

namespace cachechain {

// The part of a cachechain_event that a get without a lease fills in.
struct ValueEvent {
  uint64_t token;
  int32_t status;
  uint32_t kind;
  const cachechain_value &value;
};

class CompletionRing {
 public:
  enum class Slot { kTaken, kFull, kShut };

  // The cell that a producer has to publish. `edge`: it has also to wake the consumer, who may be asleep.
  struct Claim {
    Slot slot = Slot::kTaken;
    uint32_t at = 0;
    bool edge = false;
  };

  CompletionRing() = default;
  ~CompletionRing();
  CompletionRing(const CompletionRing &) = delete;
  CompletionRing &operator=(const CompletionRing &) = delete;

  // Once, before anything else. False if there is no memory. At most 2^20.
  bool make(uint32_t capacity);

  // Producers: any number of threads.

  Slot take_slot() {
    uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if (const Slot slot = check(word); slot != Slot::kTaken) return slot;
    } while (!swap(word, word + 1));
    return Slot::kTaken;
  }
  // Takes a slot and claims a cell for it.
  Claim take_and_claim() { return claim(1); }
  // Claims a cell for a slot that was taken before; that is always there.
  Claim claim_taken() { return claim(0); }
  void publish(uint32_t at, const cachechain_event &event) {
    Cell &cell = cells_[at & mask_];
    cell.event = event;
    cell.value_only = false;
    cell.published.store(at + 1, std::memory_order_release);
  }
  // The same for an event that has no more than a value, as a hit has: half as many bytes are written.
  void publish(uint32_t at, const ValueEvent &event) {
    Cell &cell = cells_[at & mask_];
    cell.event.token = event.token;
    cell.event.status = event.status;
    cell.event.kind = event.kind;
    cell.event.value = event.value;
    cell.value_only = true;
    cell.published.store(at + 1, std::memory_order_release);
  }
  // False, and nothing is done, if the ring is shut.
  bool give_back_unless_shut();
  void give_back();
  bool full() const { return check(word_.load(std::memory_order_relaxed)) != Slot::kTaken; }

  // The consumer: one thread at a time.

  // Copies out what is published, up to the first that is not. Their slots stay taken until settle().
  uint64_t take(cachechain_event *events, uint64_t cap);
  // Gives back the slots of `taken` events. True if every claim was taken; the ring is then armed, if that is wanted.
  bool settle(uint64_t taken, bool arm);
  void shut() { word_.fetch_or(kShut, std::memory_order_acq_rel); }
  uint64_t slots_taken() const { return word_.load(std::memory_order_acquire) & kSlots; }

 private:
  static constexpr uint64_t kShut = uint64_t{1} << 30;
  static constexpr uint64_t kArmed = uint64_t{1} << 31;
  static constexpr uint64_t kSlots = kShut - 1;
  static constexpr uint64_t kOneClaim = uint64_t{1} << 32;

  struct alignas(64) Cell {
    std::atomic<uint32_t> published{0};  // its claim + 1
    bool value_only = false;
    cachechain_event event;
  };

  Slot check(uint64_t word) const {
    if ((word & kShut) != 0) return Slot::kShut;
    return (word & kSlots) < capacity_ ? Slot::kTaken : Slot::kFull;
  }
  // Acquire: what the consumer did with a cell happened before the cell is claimed again.
  bool swap(uint64_t &word, uint64_t to) {
    return word_.compare_exchange_weak(word, to, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
  Claim claim(uint64_t slots) {
    uint64_t word = word_.load(std::memory_order_relaxed);
    do {
      if (slots != 0) {
        if (const Slot slot = check(word); slot != Slot::kTaken) return {slot, 0, false};
      }
    } while (!swap(word, (word & ~kArmed) + kOneClaim + slots));
    return {Slot::kTaken, static_cast<uint32_t>(word >> 32), (word & kArmed) != 0};
  }

  Cell *cells_ = nullptr;
  uint32_t mask_ = 0;
  uint32_t capacity_ = 0;
  alignas(128) std::atomic<uint64_t> word_{0};
  alignas(128) uint32_t head_ = 0;  // the consumer's
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_COMPLETION_RING_H_
