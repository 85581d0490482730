// Condition: what a thread waits for while it holds a std::mutex, with deadlines on the monotonic clock. Wait through
// Clock::wait(), so that a test can turn the time.
#ifndef CACHECHAIN_BASE_CONDITION_H_
#define CACHECHAIN_BASE_CONDITION_H_

#include <pthread.h>

#include <cstdint>
#include <mutex>

namespace cachechain {

class Condition {
 public:
  Condition();
  ~Condition() { pthread_cond_destroy(&condition_); }
  Condition(const Condition &) = delete;
  Condition &operator=(const Condition &) = delete;

  void notify_one() { pthread_cond_signal(&condition_); }
  void notify_all() { pthread_cond_broadcast(&condition_); }

  // Both may return early.
  void wait(std::unique_lock<std::mutex> &lock) { pthread_cond_wait(&condition_, lock.mutex()->native_handle()); }
  // `mono_ns` on CLOCK_MONOTONIC.
  void wait_until(std::unique_lock<std::mutex> &lock, int64_t mono_ns);

 private:
  pthread_cond_t condition_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_CONDITION_H_
