// Gate: where a test makes threads stand still, and sees that they have come.
#ifndef CACHECHAIN_TESTS_SUPPORT_GATE_H_
#define CACHECHAIN_TESTS_SUPPORT_GATE_H_

#include <condition_variable>
#include <mutex>

namespace cachechain {

class Gate {
 public:
  void shut() {
    std::lock_guard<std::mutex> lock(mutex_);
    shut_ = true;
    arrived_ = 0;
  }
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    shut_ = false;
    changed_.notify_all();
  }
  // Of the thread that is to stand still while the gate is shut.
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !shut_; });
  }
  // Since it was shut.
  void wait_for_arrival() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return arrived_ != 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_ = false;
  int arrived_ = 0;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_GATE_H_
