// Record: what this process has under way for one key: who traverses the layers, who loads, who waits, and the fence.
// Plain data, guarded by the lock of its stripe. Only RecordTable and Hold touch it.
#ifndef CACHECHAIN_KEY_RECORD_H_
#define CACHECHAIN_KEY_RECORD_H_

#include <cstdint>

#include "base/condition.h"
#include "base/link.h"
#include "cachechain/plugin.h"
#include "key/answer.h"

namespace cachechain {

class Hold;

// One thread that waits for another's traversal or load. Lives on that thread's stack.
struct Waiter : Link {
  enum class State { kWaiting, kAnswered, kLeads, kAgain, kClosed };

  explicit Waiter(Hold &its_hold) : hold(its_hold) {}

  void settle(State to) {
    leave();
    state = to;
    wake.notify_all();
  }

  Hold &hold;
  State state = State::kWaiting;
  AnswerPtr answer;
  Condition wake;
};

// A lease that was given out and has not ended. Holds one permit of the chain's loads.
struct Grant : Link {
  uint64_t id = 0;
  uint64_t version = 0;
  uint64_t seen_version = 0;
  uint64_t seen_token = 0;
  uint64_t token = 0;
  int64_t expires_ns = 0;
  bool side = false;       // stores nothing
  bool marked = false;     // the level that arbitrates holds it too
  bool local = false;      // the level that arbitrates could not be asked
  bool had_value = false;  // something to answer with is at hand: nobody has to wait
  bool ending = false;     // one of the five endings is at work
  bool voided = false;     // a mutation came in between
};

struct Record {
  struct Timed : Link {
    explicit Timed(Record &its_record) : record(its_record) {}
    Record &record;
  };

  Record *next = nullptr;  // in its bucket
  Timed timed{*this};      // in the stripe's list, while time alone may end it
  const cachechain_space *space = nullptr;
  uint64_t hash = 0;
  uint32_t key_size = 0;

  Link holds;           // of Hold
  Condition stored;     // one that was storing has left
  uint64_t visits = 0;  // how many there have been
  uint64_t fence = 0;   // what a new hold begins with
  Hold *leader = nullptr;
  Link load_waiters;     // of Waiter
  uint64_t changes = 0;  // mutations and loads that have ended
  Link grants;           // of Grant
  Grant *primary = nullptr;
  int64_t next_side_ns = 0;
  AnswerPtr failure;  // of the last load, until hold_off_ns
  int64_t hold_off_ns = 0;

  uint8_t *key_bytes() { return reinterpret_cast<uint8_t *>(this + 1); }
  cachechain_key key() { return {key_bytes(), key_size, hash, space}; }
  bool needed() const { return !holds.alone() || !grants.alone() || failure != nullptr; }
};

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_RECORD_H_
