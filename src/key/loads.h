// Loads: how many loads of the source are under way, and how many may be. A permit is taken before a lease is granted
// and given back when the lease ends or expires. Thread-safe.
#ifndef CACHECHAIN_KEY_LOADS_H_
#define CACHECHAIN_KEY_LOADS_H_

#include <cstdint>
#include <mutex>

#include "base/cancel_token.h"
#include "base/clock.h"
#include "base/condition.h"

namespace cachechain {

class Loads {
 public:
  Loads(Clock &clock, uint32_t most) : clock_(clock), most_(most) {}
  Loads(const Loads &) = delete;
  Loads &operator=(const Loads &) = delete;

  bool try_take();
  void give_back();
  // Waits until a permit is free, without taking it. False if the deadline (0: none) came first, the call is cancelled
  // (NULL: never) or the chain closes.
  bool wait(int64_t deadline_ns, CancelToken *cancel);
  // Waits until then; false if the call is cancelled or the chain closes.
  bool pause(int64_t until_ns, CancelToken *cancel);
  // Ends every wait, now and later.
  void close();

  bool closed() const;
  uint32_t most() const { return most_; }

 private:
  Clock &clock_;
  const uint32_t most_;
  mutable std::mutex mutex_;
  Condition freed_;
  Condition pause_;
  uint32_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace cachechain

#endif  // CACHECHAIN_KEY_LOADS_H_
