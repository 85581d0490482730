#include "key/loads.h"

namespace cachechain {
namespace {

bool is_cancelled(const CancelToken *cancel) { return cancel != nullptr && cancel->cancelled(); }

}  // namespace

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

bool Loads::wait(int64_t deadline_ns, CancelToken *cancel) {
  const WakeOnCancel wake(cancel, mutex_, freed_);
  std::unique_lock<std::mutex> lock(mutex_);
  while (taken_ == most_) {
    if (closed_ || is_cancelled(cancel) || (deadline_ns != 0 && clock_.mono_ns() >= deadline_ns)) return false;
    clock_.wait(freed_, lock, deadline_ns);
  }
  return !closed_;
}

bool Loads::pause(int64_t until_ns, CancelToken *cancel) {
  const WakeOnCancel wake(cancel, mutex_, pause_);
  std::unique_lock<std::mutex> lock(mutex_);
  while (!closed_ && !is_cancelled(cancel) && clock_.mono_ns() < until_ns) clock_.wait(pause_, lock, until_ns);
  return !closed_ && !is_cancelled(cancel);
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
