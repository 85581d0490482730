#include "async/worker_group.h"

#include <mutex>
#include <utility>
#include <vector>

#include "base/condition.h"

namespace cachechain {

struct WorkerGroup::Insides {
  Insides(std::string its_name, uint32_t its_most, Threads &its_threads)
      : name(std::move(its_name)), most(its_most), threads(its_threads) {
    started.reserve(most);
  }

  // With the lock held.
  Status start_one() {
    pthread_t thread;
    const Body body = [](void *self) -> void * {
      static_cast<Insides *>(self)->work();
      return nullptr;
    };
    Status status = threads.start(name, body, this, &thread);
    if (status.ok()) started.push_back(thread);
    return status;
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      while (tasks.empty() && !stopping) {
        ++idle;
        work_came.wait(lock);
        --idle;
      }
      if (stopping) return;
      Task &task = tasks.pop();
      --waiting;
      lock.unlock();
      task.run();
      lock.lock();
    }
  }

  using Body = Threads::Body;

  const std::string name;
  const uint32_t most;
  Threads &threads;

  std::mutex mutex;
  Condition work_came;
  Condition ended;
  TaskList tasks;
  uint64_t waiting = 0;  // in `tasks`
  uint64_t idle = 0;     // threads, those included that were notified and are not yet awake
  std::vector<pthread_t> started;
  uint64_t dropping = 0;  // calls of shut() that are at it
  bool stopping = false;
  bool joining = false;
  bool stopped = false;
};

WorkerGroup::WorkerGroup(std::string name, uint32_t most, Threads &threads)
    : insides_(std::make_unique<Insides>(std::move(name), most, threads)) {}

WorkerGroup::~WorkerGroup() {
  stop();
  if (born_.inherited()) (void)insides_.release();
}

Status WorkerGroup::run(Task &task) {
  if (born_.inherited()) return CACHECHAIN_FORKED;
  Insides &in = *insides_;
  std::lock_guard<std::mutex> lock(in.mutex);
  if (in.stopping) return CACHECHAIN_CLOSED;
  if (in.waiting >= in.idle && in.started.size() < in.most) {
    Status status = in.start_one();
    if (!status.ok() && in.started.empty()) return status;
  }
  in.tasks.push(task);
  ++in.waiting;
  in.work_came.notify_one();
  return CACHECHAIN_OK;
}

void WorkerGroup::shut() {
  if (born_.inherited()) return;
  Insides &in = *insides_;
  std::unique_lock<std::mutex> lock(in.mutex);
  in.stopping = true;
  TaskList not_begun = std::move(in.tasks);
  in.work_came.notify_all();
  ++in.dropping;
  lock.unlock();
  not_begun.drop_all();
  lock.lock();
  --in.dropping;
  in.ended.notify_all();
}

void WorkerGroup::stop() {
  if (born_.inherited()) return;
  shut();
  Insides &in = *insides_;
  std::unique_lock<std::mutex> lock(in.mutex);
  while (in.dropping != 0) in.ended.wait(lock);
  if (std::exchange(in.joining, true)) {
    while (!in.stopped) in.ended.wait(lock);
    return;
  }
  lock.unlock();
  for (const pthread_t thread : in.started) pthread_join(thread, nullptr);
  lock.lock();
  in.stopped = true;
  in.ended.notify_all();
}

uint32_t WorkerGroup::threads() const {
  if (born_.inherited()) return 0;
  std::lock_guard<std::mutex> lock(insides_->mutex);
  return static_cast<uint32_t>(insides_->started.size());
}

}  // namespace cachechain
