#include "base/threads.h"

#include <signal.h>

#include <new>
#include <system_error>

namespace cachechain {
namespace {

class SystemThreads final : public Threads {
 public:
  Status start(const std::string &name, Body body, void *argument, pthread_t *thread) override {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int failure = pthread_create(thread, nullptr, body, argument);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (failure != 0) return refusal(failure);
    constexpr size_t kLongestName = 15;
    pthread_setname_np(*thread, name.substr(0, kLongestName).c_str());
    return CACHECHAIN_OK;
  }

 private:
  static Status refusal(int failure) {
    try {
      const std::string reason = std::generic_category().message(failure);
      return Status(CACHECHAIN_OVERLOADED, Status::Detail{"no thread can be started: " + reason, "", failure, true});
    } catch (const std::bad_alloc &) {
      return CACHECHAIN_OVERLOADED;
    }
  }
};

}  // namespace

Threads &Threads::system() {
  static SystemThreads *const threads = new SystemThreads;  // never destroyed: handles may outlive static destructors
  return *threads;
}

}  // namespace cachechain
