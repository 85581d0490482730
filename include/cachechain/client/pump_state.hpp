// What a Pump is made of: the calls under way, and the one place that resumes coroutines. See async.hpp, which alone
// includes this; nothing here is for anybody else.
//
// A call is found by the slot that is its token, so an event never meets an AsyncCall that has gone: who goes first
// forgets the slot, and the event then gives back what it brings. One thread at a time.
#ifndef CACHECHAIN_CLIENT_PUMP_STATE_HPP_
#define CACHECHAIN_CLIENT_PUMP_STATE_HPP_

#include <array>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "cachechain/cachechain.h"
#include "cachechain/client/queue.hpp"
#include "cachechain/client/result.hpp"

namespace cachechain::client {

namespace internal {

class PumpState;

// One call, from its submission to its answer. While it is under way the PumpState knows where it is.
class AsyncCall {
 public:
  // `changes`: a mutation.
  AsyncCall(PumpState &state, cachechain_chain *chain, bool changes)
      : state_(&state), chain_(chain), changes_(changes) {}
  AsyncCall(AsyncCall &&other) noexcept;
  AsyncCall &operator=(AsyncCall &&) = delete;
  ~AsyncCall();

  // Whether the answer is here.
  bool ready() const noexcept { return state_ == nullptr; }
  // Who is resumed when it comes, or nobody.
  void set_waiter(std::coroutine_handle<> waiter) noexcept { waiter_ = waiter; }

 protected:
  Event take() noexcept {
    instead_ = Error(CACHECHAIN_INVALID_ARGUMENT, nullptr);  // to whoever awaits it again
    return std::move(answer_);
  }

  PumpState *state_;  // while it is under way
  size_t slot_ = 0;
  cachechain_chain *const chain_;
  const bool changes_;
  Event answer_;
  std::optional<Error> instead_;  // of the answer

 private:
  friend class PumpState;
  // The waiter may destroy this.
  void end() {
    state_ = nullptr;
    if (const auto waiter = std::exchange(waiter_, nullptr)) waiter.resume();
  }

  std::coroutine_handle<> waiter_;
};

// For an event that nobody waits for any more: a lease in it goes to the next.
inline void give_up(Event event, cachechain_chain *chain) noexcept {
  if (event.raw().lease.id != 0) (void)std::move(event).leased(chain);
}

// What a Pump is; stays where it is.
class PumpState {
 public:
  explicit PumpState(Queue queue, size_t capacity) : queue_(std::move(queue)), slots_(capacity + Queue::kAtOnce) {
    for (size_t i = 0; i < slots_.size(); ++i) slots_[i].next_free = i + 1;
  }
  PumpState(const PumpState &) = delete;
  PumpState &operator=(const PumpState &) = delete;

  // `submit` is (queue, token) -> Result<int32_t>.
  template <class Submit>
  void submit(AsyncCall &call, Submit submit) noexcept {
    if (closing_ || free_ == slots_.size()) {
      return refuse(call, Error(closing_ ? CACHECHAIN_CLOSED : CACHECHAIN_QUEUE_FULL, nullptr));
    }
    const size_t slot = free_;
    Result<int32_t> submitted = submit(*queue_, slot);
    if (!submitted) return refuse(call, std::move(submitted).error());
    free_ = std::exchange(slots_[slot].next_free, 0);
    slots_[slot].owner = &call;
    slots_[slot].chain = call.chain_;
    call.slot_ = slot;
    ++under_way_;
  }
  void moved(size_t slot, AsyncCall &to) noexcept { slots_[slot].owner = &to; }
  void forget(size_t slot) noexcept { slots_[slot].owner = nullptr; }

  Result<size_t> poll(std::chrono::nanoseconds timeout) {
    if (next_ == came_) {
      if (!queue_) return Error(CACHECHAIN_CLOSED, nullptr);
      Result<size_t> came = queue_->wait(events_, timeout);
      if (!came) return came;
      next_ = 0;
      came_ = *came;
    }
    size_t told = 0;
    for (; next_ < came_; ++told) deliver(std::move(events_[next_++]));
    return told;
  }

  void close() {
    closing_ = true;
    if (queue_) {
      for (bool more = true; more;) {
        const Result<size_t> told = poll(std::chrono::nanoseconds(0));
        more = told && *told != 0;
      }
      queue_.reset();
    }
    for (Slot &slot : slots_) {
      AsyncCall *owner = std::exchange(slot.owner, nullptr);
      if (owner == nullptr) continue;
      owner->instead_ = Error(owner->changes_ ? CACHECHAIN_UNKNOWN_OUTCOME : CACHECHAIN_CLOSED, nullptr);
      owner->end();
    }
    under_way_ = 0;
  }

  size_t under_way() const { return under_way_; }
  const std::optional<Queue> &queue() const { return queue_; }
  void set_watcher(std::function<void(const Event &)> watcher) { watcher_ = std::move(watcher); }

 private:
  struct Slot {
    AsyncCall *owner = nullptr;  // NULL also for a call that was forgotten
    cachechain_chain *chain = nullptr;
    size_t next_free = 0;
  };

  static void refuse(AsyncCall &call, Error error) noexcept {
    call.state_ = nullptr;
    call.instead_ = std::move(error);
  }

  void deliver(Event event) {
    if (event.kind() == CACHECHAIN_EVENT_LAYER || event.kind() == CACHECHAIN_EVENT_LOG) {
      if (watcher_) watcher_(event);
      return;
    }
    Slot &slot = slots_[static_cast<size_t>(event.token())];
    AsyncCall *owner = std::exchange(slot.owner, nullptr);
    slot.next_free = std::exchange(free_, static_cast<size_t>(event.token()));
    --under_way_;
    if (owner == nullptr) return give_up(std::move(event), slot.chain);
    owner->answer_ = std::move(event);
    owner->end();
  }

  std::optional<Queue> queue_;
  bool closing_ = false;
  // A call has a slot until its event is delivered, so there are some for the events that were taken and wait for it.
  std::vector<Slot> slots_;
  size_t free_ = 0;
  size_t under_way_ = 0;
  std::array<Event, Queue::kAtOnce> events_;  // taken; those from next_ to came_ are to be delivered
  size_t next_ = 0;
  size_t came_ = 0;
  std::function<void(const Event &)> watcher_;
};

inline AsyncCall::AsyncCall(AsyncCall &&other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      slot_(other.slot_),
      chain_(other.chain_),
      changes_(other.changes_),
      answer_(std::move(other.answer_)),
      instead_(std::exchange(other.instead_, Error(CACHECHAIN_INVALID_ARGUMENT, nullptr))) {
  if (state_ != nullptr) state_->moved(slot_, *this);
}

inline AsyncCall::~AsyncCall() {
  if (state_ != nullptr) state_->forget(slot_);
  give_up(std::move(answer_), chain_);
}

}  // namespace internal

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_PUMP_STATE_HPP_
