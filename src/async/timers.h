// Timers: the housekeeper of a chain. One thread, started when the first timer is armed, that calls each timer when the
// chain's clock reaches its time; of two with the same time, the one that was armed first.
//
// [any] thread, but stop() and destruction not on the housekeeper's own. In a fork child arm() answers FORKED, and the
// insides are leaked.
#ifndef CACHECHAIN_ASYNC_TIMERS_H_
#define CACHECHAIN_ASYNC_TIMERS_H_

#include <cstdint>
#include <memory>
#include <string>

#include "base/birth.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/threads.h"

namespace cachechain {

// Lives where its user wants. Cancelled before it is destroyed, or outlives stop().
class Timer {
 public:
  // On the housekeeper's thread: short, and blocks on nothing. The timer is not armed any more; a periodic one arms
  // itself again, or it may end itself.
  virtual void due() noexcept = 0;

 protected:
  ~Timer() = default;

 private:
  friend class Timers;
  static constexpr uint64_t kNotArmed = UINT64_MAX;

  int64_t at_ns_ = 0;
  uint64_t turn_ = 0;           // among timers of the same time
  uint64_t place_ = kNotArmed;  // in the heap
  uint32_t cancels_ = 0;        // under way
};

class Timers {
 public:
  // The clock outlives it. Throws std::bad_alloc.
  Timers(Clock &clock, std::string name, Threads &threads = Threads::system());
  // Stops.
  ~Timers();
  Timers(const Timers &) = delete;
  Timers &operator=(const Timers &) = delete;

  // At `at_ns` on the monotonic clock, which may be past; an armed timer gets the new time instead of its old one.
  // Refused with CLOSED after stop(), CANCELLED while somebody cancels the timer, NO_MEMORY, and OVERLOADED if the
  // thread cannot be started; a refused timer is not armed.
  Status arm(Timer &timer, int64_t at_ns);

  // When this returns the timer is not armed and due() is not running, unless it is the caller. True if it was armed.
  bool cancel(Timer &timer);

  // Timers that are armed will not be due. Waits for one that runs. A second call waits for the first.
  void stop();

 private:
  struct Insides;

  const Birth born_;
  std::unique_ptr<Insides> insides_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_TIMERS_H_
