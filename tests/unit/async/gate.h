// Gate: threads of a test wait at it until it is opened. in_child(): runs a check in a fork child.
#ifndef CACHECHAIN_TESTS_UNIT_ASYNC_GATE_H_
#define CACHECHAIN_TESTS_UNIT_ASYNC_GATE_H_

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "support/few_threads.h"

namespace cachechain {

class Gate {
 public:
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    opened_.wait(lock, [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

inline bool readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return poll(&one, 1, 0) == 1;
}

// What the check answers, which must be below 128; 255 if the child did not come to its end.
template <class Check>
int in_child(Check &&check) {
  const pid_t child = fork();
  if (child == 0) _exit(check());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
  return WEXITSTATUS(status);
}

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_ASYNC_GATE_H_
