// WorkerGroup: at most N threads that run tasks in the order in which they came. A thread is started when a task finds
// none idle, so a group that nobody uses has none.
//
// The group sets no bound to how many tasks wait: that is for the queues which use it.
//
// [any] thread, but stop() and destruction not on a thread of the group. In a fork child run() answers FORKED, and the
// group's insides are leaked.
#ifndef CACHECHAIN_ASYNC_WORKER_GROUP_H_
#define CACHECHAIN_ASYNC_WORKER_GROUP_H_

#include <cstdint>
#include <memory>
#include <string>

#include "async/task.h"
#include "base/birth.h"
#include "base/status.h"
#include "base/threads.h"

namespace cachechain {

class WorkerGroup {
 public:
  // `most` is at least 1. Throws std::bad_alloc.
  WorkerGroup(std::string name, uint32_t most, Threads &threads = Threads::system());
  // Stops.
  ~WorkerGroup();
  WorkerGroup(const WorkerGroup &) = delete;
  WorkerGroup &operator=(const WorkerGroup &) = delete;

  // The task stays alive until its end. Refused with CLOSED after shut(), and with OVERLOADED if the group has no
  // thread and none can be started; with at least one thread a task is accepted whatever happens.
  Status run(Task &task);

  // No task begins after this was called. Drops those that have not begun, on the calling thread.
  void shut();
  // The same, and waits for those that have begun. A second call waits for the first.
  void stop();

  uint32_t threads() const;

 private:
  struct Insides;

  const Birth born_;
  std::unique_ptr<Insides> insides_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_WORKER_GROUP_H_
