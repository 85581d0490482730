// Strand: tasks that run one after another in the order in which they came, on any thread of a group. Between two of
// its tasks others of the group get their turn.
//
// [any] thread. Outlives the group's stop(), or at least the last of its tasks and that task's turn: idle() tells. Like
// the group it sets no bound to how many tasks wait.
#ifndef CACHECHAIN_ASYNC_STRAND_H_
#define CACHECHAIN_ASYNC_STRAND_H_

#include <mutex>

#include "async/task.h"
#include "async/worker_group.h"

namespace cachechain {

class Strand final : private Task {
 public:
  explicit Strand(WorkerGroup &group) : group_(group) {}
  Strand(const Strand &) = delete;
  Strand &operator=(const Strand &) = delete;

  // Accepts and refuses as the group does.
  Status run(Task &task);
  // Nothing waits and nothing runs.
  bool idle() const;

 private:
  void run() noexcept override;
  void drop() noexcept override;

  WorkerGroup &group_;
  mutable std::mutex mutex_;
  TaskList tasks_;
  bool active_ = false;  // this is queued in the group, or running
  bool closed_ = false;  // the group has stopped
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_STRAND_H_
