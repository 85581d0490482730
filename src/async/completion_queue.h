// CompletionQueue: the object behind cachechain_queue. Calls take a slot, complete once into it, and one or more
// threads take the events, many at a time, in the order of completion.
//
//   capacity   calls under way plus events not yet taken. Who finds none free is refused.
//   consumers  one that polls fd() and one that waits are served at the same time: the descriptor is readable
//              while events wait, and who waits is notified by the event that ends the emptiness. So a completion into
//              a queue that is not empty, or that nobody watches, costs one compare-and-swap and no system call. Each
//              event goes to one consumer; one that was woken for an event that another took sees none.
//   order      states of layers, then completions, then log lines in the room that is left.
//
// The producer that ends the emptiness takes the lock before it publishes. So its event cannot be taken, and the queue
// not be freed, before it has let go of the queue; every other producer's last touch is the publication itself.
//
// [any] thread; free() [once], while no other call begins. In a fork child every call answers FORKED, and free() leaks.
#ifndef CACHECHAIN_ASYNC_COMPLETION_QUEUE_H_
#define CACHECHAIN_ASYNC_COMPLETION_QUEUE_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "async/completion_ring.h"
#include "async/side_events.h"
#include "base/birth.h"
#include "base/cancel_token.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/status.h"

namespace cachechain {

class CompletionQueue {
 public:
  static constexpr uint64_t kMostCapacity = uint64_t{1} << 20;

  struct Options {
    uint64_t capacity = 0;
    uint32_t log_lines = 256;
    Clock *clock = &Clock::system();  // outlives the queue
    void (*free_error)(cachechain_error *error) = nullptr;
  };

  // The right to complete once. Given back if it is destroyed before, and then there is no event.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot &&other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Slot &operator=(Slot &&other) noexcept {
      std::swap(queue_, other.queue_);
      return *this;
    }
    ~Slot() {
      if (queue_ != nullptr) queue_->give_back();
    }
    bool held() const { return queue_ != nullptr; }
    // What the event holds is the receiver's, or the queue's if nobody comes for it. Only while held.
    void complete(const cachechain_event &event) { std::exchange(queue_, nullptr)->complete(event); }

   private:
    friend class CompletionQueue;
    CompletionQueue *queue_ = nullptr;
  };

  // INVALID_ARGUMENT, NO_MEMORY.
  static Result<CompletionQueue *> open(const Options &options);
  // Refuses new calls with CLOSED, cancels those under way and waits for them, ends every wait, and releases what the
  // events that nobody took hold.
  void free();

  // What the C functions hold.
  cachechain_queue *handle();
  static CompletionQueue *of(cachechain_queue *handle);

  // OK, QUEUE_FULL, CLOSED, FORKED.
  int32_t reserve(Slot &slot);
  // For a call that is complete before it was ever under way: takes a slot and completes into it at once. On a refusal
  // what the event holds is still the caller's. Ask full() before the call is made, so that few are made in vain.
  int32_t post(const cachechain_event &event) { return post_any(event); }
  int32_t post(const ValueEvent &event) { return post_any(event); }
  // True if a post() now would be refused.
  bool full() const { return ring_.full(); }
  // Fired by free(): each call under way is made under it.
  CancelToken &cancel() { return *cancel_; }

  // Waits up to `timeout_ns` (CACHECHAIN_TIMEOUT_NONE: for ever) for the first event and takes up to `cap`. OK, also if
  // none came; CLOSED, FORKED; INVALID_ARGUMENT if cap is 0.
  int32_t wait(int64_t timeout_ns, cachechain_event *events, uint64_t cap, uint64_t &count);
  // An eventfd that is readable while events wait, made at the first call and owned by the queue; not to be read by
  // anybody else. It may be so a moment before the first can be taken. A failure (< 0) if there can be none.
  int32_t fd();

  // The layers of a source (a chain) whose states come here. NO_MEMORY; INVALID_ARGUMENT if it was added before.
  Status add_source(const void *source, uint32_t layers);
  // No event of it is taken any more.
  void remove_source(const void *source);
  // The event is the queue's in any case. Nothing happens if the source was not added or is gone.
  void post_layer(const void *source, uint32_t layer, const cachechain_event &event);
  void post_log(const cachechain_event &event);
  uint64_t logs_lost() const;
  // How many threads are in wait() now.
  uint32_t waiting() const;

 protected:
  explicit CompletionQueue(const Options &options);
  ~CompletionQueue();

 private:
  using Lock = std::unique_lock<std::mutex>;

  static int32_t refusal(CompletionRing::Slot slot) {
    return slot == CompletionRing::Slot::kFull ? CACHECHAIN_QUEUE_FULL : CACHECHAIN_CLOSED;
  }
  template <class Event>
  int32_t post_any(const Event &event) {
    if (born_.inherited()) return CACHECHAIN_FORKED;
    const CompletionRing::Claim claim = ring_.take_and_claim();
    if (claim.slot != CompletionRing::Slot::kTaken) return refusal(claim.slot);
    publish(claim, event);
    return CACHECHAIN_OK;
  }
  template <class Event>
  void publish(const CompletionRing::Claim &claim, const Event &event) {
    if (claim.edge) {
      publish_and_wake(claim.at, event);
    } else {
      ring_.publish(claim.at, event);
    }
  }
  template <class Event>
  void publish_and_wake(uint32_t at, const Event &event) {
    Lock lock(mutex_);
    ring_.publish(at, event);
    wake();
  }
  void complete(const cachechain_event &event) {
    if (!born_.inherited()) publish(ring_.claim_taken(), event);
  }
  void give_back();
  void put_aside(Lock &lock, const std::optional<cachechain_event> &lost);
  void dispose(const cachechain_event &event) const;

  // With the lock held.
  void wake();
  uint64_t take(cachechain_event *events, uint64_t cap);
  int32_t take_or_wait(Lock &lock, int64_t timeout_ns, cachechain_event *events, uint64_t cap, uint64_t &count);
  void sleep(Lock &lock, int64_t deadline_ns);

  const Birth born_;
  Clock &clock_;
  void (*const free_error_)(cachechain_error *error);
  CancelRef cancel_;
  CompletionRing ring_;

  mutable std::mutex mutex_;
  Condition wake_;
  Condition left_;
  SideEvents side_;
  uint32_t inside_ = 0;  // calls of wait()
  uint32_t asleep_ = 0;  // of those, and free()
  int fd_ = -1;
  bool readable_ = false;  // fd_ is
  bool freeing_ = false;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ASYNC_COMPLETION_QUEUE_H_
