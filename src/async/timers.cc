#include "async/timers.h"

#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "base/condition.h"

namespace cachechain {

struct Timers::Insides {
  Insides(Clock &its_clock, std::string its_name, Threads &its_threads)
      : clock(its_clock), name(std::move(its_name)), threads(its_threads) {}

  // A binary heap, the next one first. With the lock held.
  static bool before(const Timer &a, const Timer &b) {
    return a.at_ns_ != b.at_ns_ ? a.at_ns_ < b.at_ns_ : a.turn_ < b.turn_;
  }
  void put(Timer &timer, uint64_t place) {
    heap[place] = &timer;
    timer.place_ = place;
  }
  void settle(Timer &timer, uint64_t place) {
    while (place > 0 && before(timer, *heap[(place - 1) / 2])) {
      put(*heap[(place - 1) / 2], place);
      place = (place - 1) / 2;
    }
    for (uint64_t child = 2 * place + 1; child < heap.size(); child = 2 * place + 1) {
      if (child + 1 < heap.size() && before(*heap[child + 1], *heap[child])) ++child;
      if (!before(*heap[child], timer)) break;
      put(*heap[child], place);
      place = child;
    }
    put(timer, place);
  }
  void remove(Timer &timer) {
    const uint64_t place = std::exchange(timer.place_, Timer::kNotArmed);
    Timer &last = *heap.back();
    heap.pop_back();
    if (&last != &timer) settle(last, place);
  }

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (!stopping) {
      if (heap.empty()) {
        changed.wait(lock);
        continue;
      }
      Timer &next = *heap.front();
      if (clock.mono_ns() < next.at_ns_) {
        clock.wait(changed, lock, next.at_ns_);
        continue;
      }
      remove(next);
      running = &next;
      lock.unlock();
      next.due();
      lock.lock();
      running = nullptr;
      ran.notify_all();
    }
  }

  Clock &clock;
  const std::string name;
  Threads &threads;

  std::mutex mutex;
  Condition changed;
  Condition ran;
  std::vector<Timer *> heap;
  uint64_t turns = 0;
  const Timer *running = nullptr;
  pthread_t thread;
  bool started = false;
  bool stopping = false;
  bool stopped = false;
};

Timers::Timers(Clock &clock, std::string name, Threads &threads)
    : insides_(std::make_unique<Insides>(clock, std::move(name), threads)) {}

Timers::~Timers() {
  stop();
  if (born_.inherited()) (void)insides_.release();
}

Status Timers::arm(Timer &timer, int64_t at_ns) {
  if (born_.inherited()) return CACHECHAIN_FORKED;
  Insides &in = *insides_;
  std::lock_guard<std::mutex> lock(in.mutex);
  if (in.stopping) return CACHECHAIN_CLOSED;
  if (timer.cancels_ != 0) return CACHECHAIN_CANCELLED;
  if (!in.started) {
    const Threads::Body body = [](void *self) -> void * {
      static_cast<Insides *>(self)->work();
      return nullptr;
    };
    Status status = in.threads.start(in.name, body, &in, &in.thread);
    if (!status.ok()) return status;
    in.started = true;
  }
  uint64_t place = timer.place_;
  if (place == Timer::kNotArmed) {
    try {
      in.heap.push_back(&timer);
    } catch (const std::bad_alloc &) {
      return CACHECHAIN_NO_MEMORY;
    }
    place = in.heap.size() - 1;
  }
  timer.at_ns_ = at_ns;
  timer.turn_ = in.turns++;
  in.settle(timer, place);
  if (timer.place_ == 0) in.changed.notify_all();
  return CACHECHAIN_OK;
}

bool Timers::cancel(Timer &timer) {
  if (born_.inherited()) return false;
  Insides &in = *insides_;
  std::unique_lock<std::mutex> lock(in.mutex);
  const bool armed = timer.place_ != Timer::kNotArmed;
  if (armed) in.remove(timer);
  if (in.running != &timer || pthread_equal(pthread_self(), in.thread)) return armed;
  ++timer.cancels_;
  while (in.running == &timer) in.ran.wait(lock);
  --timer.cancels_;
  return armed;
}

void Timers::stop() {
  if (born_.inherited()) return;
  Insides &in = *insides_;
  std::unique_lock<std::mutex> lock(in.mutex);
  if (in.stopping) {
    while (!in.stopped) in.ran.wait(lock);
    return;
  }
  in.stopping = true;
  in.changed.notify_all();
  lock.unlock();
  if (in.started) pthread_join(in.thread, nullptr);
  lock.lock();
  for (Timer *timer : in.heap) timer->place_ = Timer::kNotArmed;
  in.heap.clear();
  in.stopped = true;
  in.ran.notify_all();
}

}  // namespace cachechain
