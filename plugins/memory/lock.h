// Lock: a mutex of four bytes for critical sections of some tens of nanoseconds. Spins a little, then sleeps in the
// kernel; not recursive, not fair. Meets BasicLockable.
#ifndef CACHECHAIN_PLUGINS_MEMORY_LOCK_H_
#define CACHECHAIN_PLUGINS_MEMORY_LOCK_H_

#include <atomic>

namespace cachechain::memory {

class Lock {
 public:
  void lock() {
    int expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) wait();
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr int kFree = 0;
  static constexpr int kHeld = 1;
  static constexpr int kAwaited = 2;  // held, and somebody may sleep
  static constexpr int kSpins = 100;

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  [[gnu::noinline]] void wait() {
    for (int i = 0; i < kSpins; ++i) {
      int expected = kFree;
      if (state_.load(std::memory_order_relaxed) == kFree &&
          state_.compare_exchange_weak(expected, kHeld, std::memory_order_acquire, std::memory_order_relaxed)) {
        return;
      }
      pause();
    }
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree) {
      state_.wait(kAwaited, std::memory_order_relaxed);
    }
  }

  std::atomic<int> state_{kFree};
};

}  // namespace cachechain::memory

#endif  // CACHECHAIN_PLUGINS_MEMORY_LOCK_H_
