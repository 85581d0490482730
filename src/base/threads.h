// Threads: makes the threads of the core. Each blocks all signals from its first instruction on, so that a handler of
// the application never runs on one, and has a name that `top -H` shows. Tests inject one that fails.
#ifndef CACHECHAIN_BASE_THREADS_H_
#define CACHECHAIN_BASE_THREADS_H_

#include <pthread.h>

#include <string>

#include "base/status.h"

namespace cachechain {

class Threads {
 public:
  using Body = void *(*)(void *argument);

  virtual ~Threads() = default;
  // The name is cut to 15 bytes. OVERLOADED, with the system's number, if there can be no more threads. The caller
  // joins.
  virtual Status start(const std::string &name, Body body, void *argument, pthread_t *thread) = 0;

  static Threads &system();
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_THREADS_H_
