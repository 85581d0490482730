#include "async/strand.h"

namespace cachechain {

// The group takes its own lock under this one; it never calls a task under its own.
Status Strand::run(Task &task) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (closed_) return CACHECHAIN_CLOSED;
  if (!active_) {
    Status status = group_.run(static_cast<Task &>(*this));
    if (!status.ok()) return status;
    active_ = true;
  }
  tasks_.push(task);
  return CACHECHAIN_OK;
}

void Strand::run() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  Task &task = tasks_.pop();
  lock.unlock();
  task.run();
  lock.lock();
  if (tasks_.empty()) {
    active_ = false;
    return;
  }
  // This thread belongs to the group, so the group refuses only if it has stopped.
  if (group_.run(static_cast<Task &>(*this)).ok()) return;
  lock.unlock();
  drop();
}

void Strand::drop() noexcept {
  std::unique_lock<std::mutex> lock(mutex_);
  closed_ = true;
  active_ = false;
  TaskList not_begun = std::move(tasks_);
  lock.unlock();
  not_begun.drop_all();
}

bool Strand::idle() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return !active_;
}

}  // namespace cachechain
