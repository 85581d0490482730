#include "base/cancel_token.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <new>

struct cachechain_cancel final : cachechain::CancelToken {};

namespace cachechain {

cachechain_cancel *CancelToken::handle() { return static_cast<cachechain_cancel *>(this); }
CancelToken *CancelToken::of(cachechain_cancel *handle) { return handle; }
const CancelToken *CancelToken::of(const cachechain_cancel *handle) { return handle; }

CancelRef CancelToken::create() noexcept { return CancelRef(new (std::nothrow) cachechain_cancel); }

CancelRef CancelToken::create_under(CancelToken *first, CancelToken *second) noexcept {
  CancelRef token = create();
  if (token == nullptr) return token;
  if (first != nullptr) token->put_under(token->above_[0], first);
  if (second != nullptr && second != first) token->put_under(token->above_[1], second);
  return token;
}

void CancelToken::put_under(Above &above, CancelToken *token) {
  above.below = this;
  if (token->watch(above)) {
    above.token = token->ref();
  } else {
    fire();
  }
}

CancelToken::~CancelToken() {
  for (Above &above : above_) {
    if (above.token != nullptr) above.token->unwatch(above);
  }
  if (fd_ >= 0) close(fd_);
}

CancelRef CancelToken::ref() {
  references_.fetch_add(1, std::memory_order_relaxed);
  return CancelRef(this);
}

void CancelRelease::operator()(CancelToken *token) const {
  if (token->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (!token->born_.inherited()) delete static_cast<cachechain_cancel *>(token);
}

void CancelToken::fire() noexcept {
  if (born_.inherited()) {
    fired_.store(true, std::memory_order_release);
    return;
  }
  std::unique_lock<std::mutex> lock(mutex_);
  if (fired_.exchange(true, std::memory_order_acq_rel)) return;
  if (fd_ >= 0) eventfd_write(fd_, 1);
  // One at a time, each after a fresh look: while one is told, others may leave.
  while (!watchers_.alone()) {
    CancelWatcher &watcher = *static_cast<CancelWatcher *>(watchers_.next);
    watcher.leave();
    telling_ = &watcher;
    lock.unlock();
    watcher.cancelled();
    lock.lock();
    telling_ = nullptr;
    told_.notify_all();
  }
}

int CancelToken::fd() {
  if (born_.inherited()) return -1;
  std::lock_guard<std::mutex> lock(mutex_);
  if (fd_ < 0) {
    fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd_ >= 0 && cancelled()) eventfd_write(fd_, 1);
  }
  return fd_;
}

bool CancelToken::watch(CancelWatcher &watcher) {
  if (born_.inherited()) return !cancelled();
  std::lock_guard<std::mutex> lock(mutex_);
  if (cancelled()) return false;
  watchers_.append(watcher);
  return true;
}

void CancelToken::unwatch(CancelWatcher &watcher) {
  if (born_.inherited()) return;
  std::unique_lock<std::mutex> lock(mutex_);
  watcher.leave();
  while (telling_ == &watcher) told_.wait(lock);
}

}  // namespace cachechain
