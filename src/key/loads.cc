#include "key/loads.h"

namespace cachechain {

bool Loads::try_take() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (taken_ == most_) return false;
  ++taken_;
  return true;
}

void Loads::give_back() {
  std::lock_guard<std::mutex> lock(mutex_);
  --taken_;
  freed_.notify_all();
}

bool Loads::wait(int64_t deadline_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (taken_ == most_) {
    if (closed_ || (deadline_ns != 0 && clock_.mono_ns() >= deadline_ns)) return false;
    clock_.wait(freed_, lock, deadline_ns);
  }
  return !closed_;
}

bool Loads::pause(int64_t until_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!closed_ && clock_.mono_ns() < until_ns) clock_.wait(pause_, lock, until_ns);
  return !closed_;
}

void Loads::close() {
  std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  pause_.notify_all();
  freed_.notify_all();
}

bool Loads::closed() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return closed_;
}

}  // namespace cachechain
