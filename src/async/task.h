// Task: a piece of work for another thread. It lives where its maker wants and is linked into queues, so that to queue
// one needs no memory. TaskList: first in, first out; guarded by whoever has it.
#ifndef CACHECHAIN_ASYNC_TASK_H_
#define CACHECHAIN_ASYNC_TASK_H_

#include <utility>

namespace cachechain {

// An accepted task learns its end exactly once: it is run, or dropped because its group stopped. Either call may
// destroy or queue it again. A task that was refused learns nothing.
class Task {
 public:
  virtual void run() noexcept = 0;
  virtual void drop() noexcept = 0;

 protected:
  ~Task() = default;

 private:
  friend class TaskList;
  Task *next_ = nullptr;
};

class TaskList {
 public:
  TaskList() = default;
  TaskList(TaskList &&other) noexcept
      : first_(std::exchange(other.first_, nullptr)), last_(std::exchange(other.last_, nullptr)) {}
  TaskList &operator=(TaskList &&) = delete;

  bool empty() const { return first_ == nullptr; }
  void push(Task &task) {
    task.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &task;
    last_ = &task;
  }
  // Not of an empty list.
  Task &pop() {
    Task &task = *first_;
    first_ = task.next_;
    return task;
  }
  void drop_all() {
    while (!empty()) pop().drop();
  }

 private:
  Task *first_ = nullptr;
  Task *last_ = nullptr;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_TASK_H_
