// FewThreads: lets as many threads be started as a test says.
#ifndef CACHECHAIN_TESTS_SUPPORT_FEW_THREADS_H_
#define CACHECHAIN_TESTS_SUPPORT_FEW_THREADS_H_

#include <atomic>
#include <string>

#include "base/threads.h"

namespace cachechain {

class FewThreads final : public Threads {
 public:
  explicit FewThreads(int most) : left_(most) {}
  Status start(const std::string &name, Body body, void *argument, pthread_t *thread) override {
    if (left_.fetch_sub(1) <= 0) {
      left_.fetch_add(1);
      return Status(CACHECHAIN_OVERLOADED, "none left");
    }
    return Threads::system().start(name, body, argument, thread);
  }
  void add(int more) { left_.fetch_add(more); }

 private:
  std::atomic<int> left_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_FEW_THREADS_H_
