#include "sql/sqlite/reader_pool.h"

#include <chrono>

namespace cachechain::sqlite {

namespace {
// A wait is cut into these, so that a cancelled call is noticed.
constexpr int64_t kLongestWaitNs = 10'000'000;
}  // namespace

Failure ReaderPool::borrow(const plugin::Call &call, Loan &loan) {
  Slot *slot = take_idle(call);
  if (slot == nullptr) {
    std::unique_lock<std::mutex> lock(mutex_);
    waiters_.fetch_add(1);
    // Once more, now that whoever gives one back sees that somebody waits.
    while ((slot = take_idle(call)) == nullptr && wait(lock, call)) {
    }
    waiters_.fetch_sub(1);
    if (slot == nullptr) {
      return Failure(call.cancelled() ? CACHECHAIN_CANCELLED : CACHECHAIN_TIMEOUT, 0, true,
                     "%s: all %zu reading connections were in use until the deadline; raise \"readers\"",
                     settings_.path.c_str(), slots_.size());
    }
  }
  loan.pool_ = this;
  loan.slot_ = slot;
  if (slot->reader != nullptr) return Failure();
  Failure failure = Reader::open(settings_, counters_, call, slot->reader);
  if (!failure) open_.fetch_add(1, std::memory_order_relaxed);
  return failure;
}

ReaderPool::Slot *ReaderPool::take_idle(const plugin::Call &call) {
  const uintptr_t *word = call.thread_word();
  const size_t last = word == nullptr ? 0 : *word;  // index + 1
  if (last != 0 && last <= slots_.size()) {
    if (Slot *slot = take(last - 1, call)) return slot;
  }
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].busy.load(std::memory_order_relaxed)) continue;
    if (Slot *slot = take(i, call)) return slot;
  }
  return nullptr;
}

ReaderPool::Slot *ReaderPool::take(size_t index, const plugin::Call &call) {
  Slot &slot = slots_[index];
  if (slot.busy.exchange(true)) return nullptr;
  if (uintptr_t *word = call.thread_word()) *word = index + 1;
  return &slot;
}

bool ReaderPool::wait(std::unique_lock<std::mutex> &lock, const plugin::Call &call) {
  const int64_t left_ns = call.left_ns(kLongestWaitNs);
  if (left_ns == 0 || call.cancelled()) return false;
  idle_.wait_for(lock, std::chrono::nanoseconds(left_ns));
  return true;
}

void ReaderPool::give_back(Slot &slot) {
  slot.busy.store(false);
  // Ordered with the waiter's: either it finds the slot idle, or this sees it waiting.
  if (waiters_.load() == 0) return;
  // Under the lock: a waiter that found nothing idle is then inside its wait and hears this.
  const std::lock_guard<std::mutex> guard(mutex_);
  idle_.notify_one();
}

bool ReaderPool::close_all(const plugin::Call &call) {
  for (Slot &slot : slots_) {
    bool taken = !slot.busy.exchange(true);
    if (!taken) {
      std::unique_lock<std::mutex> lock(mutex_);
      waiters_.fetch_add(1);
      while (!(taken = !slot.busy.exchange(true)) && wait(lock, call)) {
      }
      waiters_.fetch_sub(1);
    }
    if (!taken) return false;
    if (slot.reader != nullptr) open_.fetch_sub(1, std::memory_order_relaxed);
    slot.reader.reset();
    give_back(slot);
  }
  return true;
}

}  // namespace cachechain::sqlite
