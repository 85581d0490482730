// ReaderPool: the reading connections of an instance, borrowed for one call each.
//
// A thread gets the connection that it had last if that is idle: its cache is warm and its line is in this processor's
// cache. Otherwise any idle one, opened on its first use; if all are in use it waits for one, until its deadline.
// Thread-safe. Borrowing takes one exchange on a line of the slot's own.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_READER_POOL_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_READER_POOL_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "sql/sqlite/reader.h"

namespace cachechain::sqlite {

class ReaderPool {
 private:
  struct alignas(64) Slot {
    std::atomic<bool> busy{false};
    std::unique_ptr<Reader> reader;  // the borrower's
  };

 public:
  // `settings` and `counters` outlive it.
  ReaderPool(const Settings &settings, Counters &counters)
      : settings_(settings), counters_(counters), slots_(static_cast<size_t>(settings.readers)) {}

  // A borrowed reader, given back at the end of its life.
  class Loan {
   public:
    Loan() = default;
    ~Loan() {
      if (slot_ != nullptr) pool_->give_back(*slot_);
    }
    Loan(const Loan &) = delete;
    Loan &operator=(const Loan &) = delete;
    Reader *operator->() const { return slot_->reader.get(); }

   private:
    friend class ReaderPool;
    ReaderPool *pool_ = nullptr;
    Slot *slot_ = nullptr;
  };

  Failure borrow(const plugin::Call &call, Loan &loan);
  // Closes every connection, waiting for those in use until the deadline. False if some are still open.
  bool close_all(const plugin::Call &call);
  uint64_t open_readers() const { return open_.load(std::memory_order_relaxed); }

 private:
  Slot *take_idle(const plugin::Call &call);
  Slot *take(size_t index, const plugin::Call &call);
  bool wait(std::unique_lock<std::mutex> &lock, const plugin::Call &call);
  void give_back(Slot &slot);

  const Settings &settings_;
  Counters &counters_;
  std::vector<Slot> slots_;
  std::atomic<uint64_t> open_{0};
  std::atomic<uint32_t> waiters_{0};
  std::mutex mutex_;
  std::condition_variable idle_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_READER_POOL_H_
