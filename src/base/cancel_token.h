// CancelToken: the object behind cachechain_cancel. It is fired once and stays so; any number of calls look at it, wait
// for it, or hand its descriptor to a client library's poll().
//
// References are counted, so that the user may free his while calls still have theirs. Everything here is [any] thread.
// In a fork child firing marks the child's copy only.
//
// No lock of the token is held while a watcher is told: a watcher may take a lock under which others wait, as long as
// nobody calls watch() or unwatch() while he holds that lock.
#ifndef CACHECHAIN_BASE_CANCEL_TOKEN_H_
#define CACHECHAIN_BASE_CANCEL_TOKEN_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

#include "base/birth.h"
#include "base/condition.h"
#include "base/link.h"
#include "cachechain/cachechain.h"

namespace cachechain {

class CancelToken;

// Lives where its user wants, for example on the stack, and is registered by watch().
class CancelWatcher : private Link {
 public:
  // On the thread that fires. Must not call watch() or unwatch() of the same token, nor give up a reference to it.
  virtual void cancelled() noexcept = 0;

 protected:
  ~CancelWatcher() = default;

 private:
  friend class CancelToken;
};

// Gives up one reference.
struct CancelRelease {
  void operator()(CancelToken *token) const;
};
using CancelRef = std::unique_ptr<CancelToken, CancelRelease>;

class CancelToken {
 public:
  // NULL if there is no memory.
  static CancelRef create() noexcept;
  // One that is also fired when either of two others is. Both may be NULL; it keeps a reference to each.
  static CancelRef create_under(CancelToken *first, CancelToken *second) noexcept;

  CancelToken(const CancelToken &) = delete;
  CancelToken &operator=(const CancelToken &) = delete;

  // What the C functions and the plugins hold.
  cachechain_cancel *handle();
  static CancelToken *of(cachechain_cancel *handle);
  static const CancelToken *of(const cachechain_cancel *handle);

  CancelRef ref();

  // The first call tells every watcher before it returns; another may return earlier.
  void fire() noexcept;
  bool cancelled() const { return fired_.load(std::memory_order_acquire); }

  // A descriptor that is readable once the token was fired, made at the first call and owned by the token. -1 if there
  // can be none.
  int fd();

  // False if the token was fired before: the watcher is not registered then and will not be told.
  bool watch(CancelWatcher &watcher);
  // When this returns the watcher is not being told, and will not be.
  void unwatch(CancelWatcher &watcher);

 protected:
  CancelToken() = default;
  ~CancelToken();

 private:
  friend struct CancelRelease;

  // Registered with a token above this one.
  struct Above final : CancelWatcher {
    void cancelled() noexcept override { below->fire(); }
    CancelToken *below = nullptr;
    CancelRef token;
  };
  void put_under(Above &above, CancelToken *token);

  const Birth born_;
  std::atomic<uint32_t> references_{1};
  std::atomic<bool> fired_{false};
  std::mutex mutex_;
  Condition told_;
  Link watchers_;
  const CancelWatcher *telling_ = nullptr;
  int fd_ = -1;
  Above above_[2];
};

// Notifies a condition when a token is fired. Whoever waits looks at cancelled() under the mutex before each wait. Made
// and destroyed while the mutex is not held; outlived by the condition. The token may be NULL.
class WakeOnCancel final : private CancelWatcher {
 public:
  WakeOnCancel(CancelToken *token, std::mutex &mutex, Condition &condition)
      : token_(token), mutex_(mutex), condition_(condition) {
    if (token_ != nullptr && !token_->watch(*this)) token_ = nullptr;
  }
  ~WakeOnCancel() {
    if (token_ != nullptr) token_->unwatch(*this);
  }
  WakeOnCancel(const WakeOnCancel &) = delete;
  WakeOnCancel &operator=(const WakeOnCancel &) = delete;

 private:
  void cancelled() noexcept override {
    std::lock_guard<std::mutex> lock(mutex_);
    condition_.notify_all();
  }

  CancelToken *token_;
  std::mutex &mutex_;
  Condition &condition_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_CANCEL_TOKEN_H_
