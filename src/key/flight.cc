// Flights: one traversal of the layers for all reads of a key.
#include "key/hold.h"

namespace cachechain {

Hold::Turn Hold::wait_for_answer(int64_t deadline_ns, CancelToken *cancel, bool loads, AnswerPtr &answer) {
  Waiter waiter(*this);
  const WakeOnCancel wake(cancel, stripe_->mutex, waiter.wake);
  Lock lock(stripe_->mutex);
  if (record_->leader == nullptr) {
    if (loads && others_load()) return Turn::kOthersLoad;
    begin_flight();
    record_->leader = this;
    return Turn::kLeads;
  }
  if (stripe_->closed) return Turn::kClosed;
  record_->leader->followers_.append(waiter);
  while (waiter.state == Waiter::State::kWaiting) {
    if (cancel != nullptr && cancel->cancelled()) {
      waiter.leave();
      return Turn::kCancelled;
    }
    if (deadline_ns != 0 && table_.parts_.clock.mono_ns() >= deadline_ns) {
      waiter.leave();
      return Turn::kLate;
    }
    table_.parts_.clock.wait(waiter.wake, lock, deadline_ns);
  }
  switch (waiter.state) {
    case Waiter::State::kLeads:
      return Turn::kLeads;
    case Waiter::State::kAnswered:
      answer = std::move(waiter.answer);
      return Turn::kAnswered;
    default:
      return Turn::kClosed;
  }
}

Hold::Free Hold::lead_if_free(bool loads) {
  Lock lock(stripe_->mutex);
  if (record_->leader != nullptr) return Free::kOthersLead;
  if (loads && others_load()) return Free::kOthersLoad;
  begin_flight();
  record_->leader = this;
  return Free::kLeads;
}

bool Hold::others_load() {
  table_.expire(*record_, table_.parts_.clock.mono_ns());
  return record_->primary != nullptr && !record_->primary->had_value;
}

// Nothing that was read before is kept, so nothing that came before shuts it out.
void Hold::begin_flight() {
  leading_ = true;
  looked_ = record_->changes;
  __atomic_store_n(&fence_, record_->fence, __ATOMIC_RELAXED);
}

void Hold::end_flight(int32_t status, const cachechain_value &value, const Status *failure, const Seen &seen) {
  {
    Lock lock(stripe_->mutex);
    // From here on nobody joins, so who follows now is who gets the answer.
    if (record_->leader == this) record_->leader = nullptr;
    if (followers_.alone()) {
      leading_ = false;
      return;
    }
  }
  AnswerPtr answer(
      Answer::create(table_.parts_.allocator, status, value, failure == nullptr ? Status(status) : *failure, seen));
  Lock lock(stripe_->mutex);
  if (answer == nullptr) {
    hand_over();
    return;
  }
  leading_ = false;
  while (!followers_.alone()) {
    Waiter &waiter = *static_cast<Waiter *>(followers_.next);
    waiter.answer.reset(answer->ref());
    waiter.hold.looked_ = looked_;
    waiter.settle(Waiter::State::kAnswered);
  }
}

void Hold::stop_leading() {
  Lock lock(stripe_->mutex);
  if (leading_) hand_over();
}

void Hold::hand_over() {
  leading_ = false;
  const bool joinable = record_->leader == this;
  if (joinable) record_->leader = nullptr;
  if (followers_.alone()) return;
  Waiter &first = *static_cast<Waiter *>(followers_.next);
  first.settle(Waiter::State::kLeads);
  Hold &next_leader = first.hold;
  next_leader.begin_flight();
  next_leader.followers_.append_all(followers_);
  if (joinable) record_->leader = &next_leader;
}

}  // namespace cachechain
