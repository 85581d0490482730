// What threads did to the keys of a cache and what came of it. judge.h tells whether a cache may have answered so.
//
// Each thread records into a Recorder of its own, without a lock; only tickets are shared. Begin and end of an
// operation are tickets of one atomic counter: who drew the smaller one was first, so "ended before the other began" is
// exact and needs no clock. A History is read when all who record into it are done, by one thread or by many.
//
//   History history;
//   Recorder &recorder = history.recorder();               // one per thread
//   Operation get = recorder.begin(Act::kGet, key_index);  // before the call
//   ... call ...
//   get.fate = Fate::kAcknowledged;
//   get.value = identity_of_what_was_found;
//   recorder.end(get);                                     // after it
//
// An installed copy of this header is <cachechain/conformance/history.h>, linked by cachechain::conformance.
#ifndef CACHECHAIN_CONFORMANCE_HISTORY_HISTORY_H_
#define CACHECHAIN_CONFORMANCE_HISTORY_HISTORY_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <span>
#include <vector>

namespace cachechain::conformance {

enum class Act : uint8_t {
  kWrite,   // of a value
  kDelete,  // also what else makes a key absent
  kMark,    // an invalidation, a touch: changes no value, and obliges by its rank if it has one
  kGet,
  kExists,  // a get that does not learn which value there is
  kClear,   // a delete of all keys at once: `key` means nothing, and it has no rank
};

enum class Fate : uint8_t {
  kAcknowledged,  // of a get: answered
  kRefused,       // certainly without effect; of a get: failed, which claims nothing
  kUnknown,       // may have happened, or may yet at any time; of a get: as refused
};

// The value of a delete, and of an answer that there is nothing.
inline constexpr uint64_t kAbsent = UINT64_MAX;

struct Operation {
  uint32_t key = 0;  // an index: the caller knows which key it stands for
  Act act = Act::kGet;
  Fate fate = Fate::kUnknown;
  // Of an answer: it said that it may be old; that not every layer could be asked; that it is a miss of a cache, which
  // says nothing about the key.
  bool stale = false;
  bool degraded = false;
  bool claims_nothing = false;
  uint64_t begin = 0;
  uint64_t end = 0;
  // The place of what was written or answered in the order of the key's mutations, 0 if not known: a version, or the
  // number that the source gave the value. The caller decides, and stays with it for the whole history.
  uint64_t rank = 0;
  // Which value was written or answered. A value that is written more than once convicts less. An exists that found
  // something may leave anything but kAbsent here; a delete need not fill it in.
  uint64_t value = 0;
};

// One thread's log. Belongs to its History and lives as long.
class alignas(64) Recorder {
 public:
  Recorder(std::atomic<uint64_t> &tickets, uint32_t thread) : tickets_(tickets), thread_(thread) {}
  Recorder(const Recorder &) = delete;
  Recorder &operator=(const Recorder &) = delete;

  // Nothing is recorded before end(). An operation that can no longer end is handed to end() as kUnknown.
  Operation begin(Act act, uint32_t key) {
    Operation operation;
    operation.act = act;
    operation.key = key;
    operation.begin = ticket();
    return operation;
  }
  void end(Operation operation) {
    operation.end = ticket();
    operations_.push_back(operation);
  }
  // As it is: made up, of another process, or with an end that was drawn before its outcome was worked out.
  void add(const Operation &operation) { operations_.push_back(operation); }
  // The next one. Nothing of an operation may be seen before its begin or after its end.
  uint64_t ticket() { return tickets_.fetch_add(1, std::memory_order_acq_rel) + 1; }

  uint32_t thread() const { return thread_; }
  std::span<const Operation> operations() const { return operations_; }

 private:
  std::atomic<uint64_t> &tickets_;
  const uint32_t thread_;
  std::vector<Operation> operations_;
};

class History {
 public:
  History() : tickets_(own_tickets_) {}
  // Draws from a counter that begins at zero and is shared with others, such as a process that maps the same memory.
  explicit History(std::atomic<uint64_t> &tickets) : tickets_(tickets) {}
  History(const History &) = delete;
  History &operator=(const History &) = delete;

  // A new log. Any thread.
  Recorder &recorder();

  // What a key holds before the first ticket, kAbsent if this is not called. The last call for a key counts.
  void starts_with(uint32_t key, uint64_t value, uint64_t rank = 0);

  const std::deque<Recorder> &recorders() const { return recorders_; }
  // As acknowledged mutations that began and ended at ticket 0.
  std::span<const Operation> starts() const { return starts_; }

 private:
  std::atomic<uint64_t> own_tickets_{0};
  std::atomic<uint64_t> &tickets_;
  std::mutex mutex_;
  std::deque<Recorder> recorders_;
  std::vector<Operation> starts_;
};

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_HISTORY_HISTORY_H_
