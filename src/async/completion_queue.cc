#include "async/completion_queue.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>
#include <new>
#include <string>

struct cachechain_queue final : cachechain::CompletionQueue {
  explicit cachechain_queue(const Options &options) : CompletionQueue(options) {}
};

namespace cachechain {

cachechain_queue *CompletionQueue::handle() { return static_cast<cachechain_queue *>(this); }
CompletionQueue *CompletionQueue::of(cachechain_queue *handle) { return handle; }

CompletionQueue::CompletionQueue(const Options &options)
    : clock_(*options.clock),
      free_error_(options.free_error),
      cancel_(CancelToken::create()),
      side_(options.log_lines) {}

CompletionQueue::~CompletionQueue() {
  if (fd_ >= 0) close(fd_);
}

Result<CompletionQueue *> CompletionQueue::open(const Options &options) {
  if (options.capacity == 0 || options.capacity > kMostCapacity) {
    return Status(CACHECHAIN_INVALID_ARGUMENT, "a queue's capacity is 1 to " + std::to_string(kMostCapacity));
  }
  try {
    auto *queue = new cachechain_queue(options);
    if (queue->cancel_ != nullptr && queue->ring_.make(static_cast<uint32_t>(options.capacity))) return queue;
    delete queue;
  } catch (const std::bad_alloc &) {
  }
  return Status(CACHECHAIN_NO_MEMORY);
}

void CompletionQueue::free() {
  if (born_.inherited()) return;
  ring_.shut();
  cancel_->fire();
  Lock lock(mutex_);
  freeing_ = true;
  wake_.notify_all();
  for (;;) {
    cachechain_event events[16];
    const uint64_t count = take(events, std::size(events));
    if (count != 0) {
      lock.unlock();
      for (uint64_t i = 0; i < count; ++i) dispose(events[i]);
      lock.lock();
    } else if (ring_.slots_taken() == 0) {
      break;
    } else {
      sleep(lock, 0);
    }
  }
  while (inside_ != 0) left_.wait(lock);
  lock.unlock();
  delete static_cast<cachechain_queue *>(this);
}

int32_t CompletionQueue::reserve(Slot &slot) {
  if (born_.inherited()) return CACHECHAIN_FORKED;
  const CompletionRing::Slot taken = ring_.take_slot();
  if (taken != CompletionRing::Slot::kTaken) return refusal(taken);
  slot = Slot();
  slot.queue_ = this;
  return CACHECHAIN_OK;
}

void CompletionQueue::give_back() {
  if (born_.inherited() || ring_.give_back_unless_shut()) return;
  // free() waits for this, and frees the queue once it has the lock.
  Lock lock(mutex_);
  ring_.give_back();
  wake();
}

void CompletionQueue::wake() {
  if (fd_ >= 0 && !readable_) readable_ = eventfd_write(fd_, 1) == 0;
  if (asleep_ != 0) wake_.notify_all();
}

// Armed before the descriptor is emptied: a claim that comes between the two writes to it after this lets go of the
// lock.
uint64_t CompletionQueue::take(cachechain_event *events, uint64_t cap) {
  uint64_t count = side_.take_layers(events, cap);
  const uint64_t completions = ring_.take(events + count, cap - count);
  count += completions;
  count += side_.take_logs(events + count, cap - count);
  const bool empty = ring_.settle(completions, fd_ >= 0 || asleep_ != 0) && !side_.any();
  if (empty && readable_) {
    eventfd_t ignored;
    readable_ = eventfd_read(fd_, &ignored) != 0;
  }
  return count;
}

int32_t CompletionQueue::wait(int64_t timeout_ns, cachechain_event *events, uint64_t cap, uint64_t &count) {
  count = 0;
  if (born_.inherited()) return CACHECHAIN_FORKED;
  if (cap == 0) return CACHECHAIN_INVALID_ARGUMENT;
  Lock lock(mutex_);
  ++inside_;
  const int32_t status = take_or_wait(lock, timeout_ns, events, cap, count);
  if (--inside_ == 0 && freeing_) left_.notify_all();
  return status;
}

int32_t CompletionQueue::take_or_wait(Lock &lock, int64_t timeout_ns, cachechain_event *events, uint64_t cap,
                                      uint64_t &count) {
  int64_t deadline_ns = -1;
  for (;;) {
    if (freeing_) return CACHECHAIN_CLOSED;
    count = take(events, cap);
    if (count != 0 || timeout_ns <= 0) return CACHECHAIN_OK;
    if (timeout_ns == CACHECHAIN_TIMEOUT_NONE) {
      deadline_ns = 0;
    } else {
      const int64_t now_ns = clock_.mono_ns();
      if (deadline_ns < 0) deadline_ns = timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
      if (now_ns >= deadline_ns) return CACHECHAIN_OK;
    }
    sleep(lock, deadline_ns);
  }
}

// Returns when there may be something to take, or at the deadline. A claim that is not yet published is nearly so: its
// producer is between two instructions, or waits for the lock. He notifies nobody if he did not end the emptiness, so
// the wait for him is short, in real time, and repeated.
void CompletionQueue::sleep(Lock &lock, int64_t deadline_ns) {
  constexpr int64_t kSoonNs = 50'000;
  ++asleep_;
  if (ring_.settle(0, true)) {
    clock_.wait(wake_, lock, deadline_ns);
  } else {
    wake_.wait_until(lock, Clock::system().mono_ns() + kSoonNs);
  }
  --asleep_;
}

int32_t CompletionQueue::fd() {
  if (born_.inherited()) return CACHECHAIN_FORKED;
  Lock lock(mutex_);
  if (fd_ >= 0) return fd_;
  fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd_ < 0) return errno == EMFILE || errno == ENFILE ? CACHECHAIN_OVERLOADED : CACHECHAIN_NO_MEMORY;
  if (!ring_.settle(0, true) || side_.any()) wake();
  return fd_;
}

Status CompletionQueue::add_source(const void *source, uint32_t layers) {
  if (born_.inherited()) return CACHECHAIN_FORKED;
  if (layers > CACHECHAIN_MAX_LAYERS) return CACHECHAIN_INVALID_ARGUMENT;
  Lock lock(mutex_);
  return side_.add_source(source, layers);
}

void CompletionQueue::remove_source(const void *source) {
  if (born_.inherited()) return;
  cachechain_event left_over[CACHECHAIN_MAX_LAYERS];
  Lock lock(mutex_);
  const uint64_t count = side_.remove_source(source, left_over);
  (void)take(nullptr, 0);  // nothing may be left for the descriptor to tell of
  lock.unlock();
  for (uint64_t i = 0; i < count; ++i) dispose(left_over[i]);
}

void CompletionQueue::post_layer(const void *source, uint32_t layer, const cachechain_event &event) {
  if (born_.inherited()) return;
  Lock lock(mutex_);
  put_aside(lock, side_.put_layer(source, layer, event));
}

void CompletionQueue::post_log(const cachechain_event &event) {
  if (born_.inherited()) return;
  Lock lock(mutex_);
  put_aside(lock, side_.put_log(event));
}

void CompletionQueue::put_aside(Lock &lock, const std::optional<cachechain_event> &lost) {
  if (side_.any()) wake();
  lock.unlock();
  if (lost.has_value()) dispose(*lost);
}

uint64_t CompletionQueue::logs_lost() const {
  if (born_.inherited()) return 0;
  Lock lock(mutex_);
  return side_.logs_lost();
}

uint32_t CompletionQueue::waiting() const {
  if (born_.inherited()) return 0;
  Lock lock(mutex_);
  return inside_;
}

void CompletionQueue::dispose(const cachechain_event &event) const {
  if (event.value.release != nullptr) event.value.release(event.value.owner);
  if (event.error != nullptr) free_error_(event.error);
}

}  // namespace cachechain
