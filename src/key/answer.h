// Answer: what a traversal or a load came to, for all who waited for it. Immutable once it is shared; counted, and
// freed by whoever lets go last. It owns its bytes, so a value handed out of it stays valid behind the chain.
#ifndef CACHECHAIN_KEY_ANSWER_H_
#define CACHECHAIN_KEY_ANSWER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "base/allocator.h"
#include "base/status.h"
#include "cachechain/cachechain.h"

namespace cachechain {

// What the level that arbitrates was seen to hold: the expectation of a later conditional put. Version 0 is absent.
struct Seen {
  bool asked = false;  // it answered
  uint64_t version = 0;
  uint64_t token = 0;
  int64_t lease_until_ms = 0;  // another process holds a lease until then
  bool value = false;          // it is a value, of whatever age
  bool absent = false;         // some level has a mark that there is no such key
};

class Answer {
 public:
  // A copy of `value`, which may live in a caller's buffer. NULL if there is no memory.
  static Answer *create(Allocator &allocator, int32_t status, const cachechain_value &value, const Status &failure,
                        const Seen &seen) noexcept;
  Answer(const Answer &) = delete;
  Answer &operator=(const Answer &) = delete;

  int32_t status() const { return status_; }
  const cachechain_value &value() const { return value_; }
  const Status &failure() const { return failure_; }
  const Seen &seen() const { return seen_; }

  Answer *ref() {
    refs_.fetch_add(1, std::memory_order_relaxed);
    return this;
  }
  void unref() noexcept;

  // As a get hands out: a copy in `buffer` if it fits, else a view that holds the answer.
  void hand_out(std::span<uint8_t> buffer, cachechain_value &value);

 private:
  Answer(Allocator &allocator, int32_t status, const cachechain_value &value, const Status &failure, const Seen &seen)
      : allocator_(allocator), status_(status), value_(value), failure_(failure), seen_(seen) {}
  ~Answer() = default;

  Allocator &allocator_;
  std::atomic<uint32_t> refs_{1};
  const int32_t status_;
  cachechain_value value_;  // the bytes follow this object
  const Status failure_;
  const Seen seen_;
};

struct AnswerUnref {
  void operator()(Answer *answer) const { answer->unref(); }
};
using AnswerPtr = std::unique_ptr<Answer, AnswerUnref>;

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_ANSWER_H_
