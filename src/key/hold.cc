#include "key/hold.h"

#include <algorithm>

namespace cachechain {

Hold::Entered Hold::enter(const cachechain_key &key, Wish wish) {
  stripe_ = &table_.stripe_of(key.hash);
  Lock lock(stripe_->mutex);
  record_ = table_.find_or_make(*stripe_, key);
  if (record_ == nullptr) return Entered::kNoMemory;
  join(*record_);
  if (wish == Wish::kHold) return Entered::kHeld;
  if (record_->leader != nullptr) return Entered::kFollows;
  begin_flight();
  record_->leader = this;
  return Entered::kLeads;
}

void Hold::join(Record &record) {
  record_ = &record;
  const bool alone = record.holds.alone();
  record.holds.append(*this);
  ++record.visits;
  visit_ = alone ? record.visits : 0;
  __atomic_store_n(&fence_, record.fence, __ATOMIC_RELAXED);
}

void Hold::leave() {
  if (record_ == nullptr) return;
  Lock lock(stripe_->mutex);
  if (leading_) hand_over();
  Link::leave();
  if (storing_) record_->stored.notify_all();
  table_.free_unless_needed(*stripe_, *record_);
  record_ = nullptr;
}

bool Hold::raise(uint64_t version, Others others) {
  Lock lock(stripe_->mutex);
  record_->fence = std::max(record_->fence, version);
  for (Link *link = record_->holds.next; link != &record_->holds; link = link->next) {
    Hold &one = of(link);
    const uint64_t fence = others == Others::kShut && &one != this ? kShut : version;
    if (one.fence_ < fence) __atomic_store_n(&one.fence_, fence, __ATOMIC_RELEASE);
  }
  end_what_began();
  return record_->visits != visit_;
}

// Whoever comes now starts a traversal of his own, and a load of his own.
void Hold::end_what_began() {
  ++record_->changes;
  record_->leader = nullptr;
  if (record_->primary != nullptr && record_->primary->id == ends_) return;
  if (record_->primary != nullptr) record_->primary->voided = true;
  record_->primary = nullptr;
  wake_load_waiters(*record_, Waiter::State::kAgain, nullptr);
}

void Hold::void_record(Record &record) {
  ++record.changes;
  record.leader = nullptr;
  record.primary = nullptr;
  for (Link *link = record.grants.next; link != &record.grants; link = link->next) {
    static_cast<Grant *>(link)->voided = true;
  }
  wake_load_waiters(record, Waiter::State::kAgain, nullptr);
}

void Hold::shut_others() {
  Lock lock(stripe_->mutex);
  for (Link *link = record_->holds.next; link != &record_->holds; link = link->next) {
    if (link != this) __atomic_store_n(&of(link).fence_, kShut, __ATOMIC_RELEASE);
  }
  end_what_began();
}

bool Hold::outlast_fulfilments(int64_t deadline_ns) {
  Clock &clock = table_.parts_.clock;
  Lock lock(stripe_->mutex);
  end_what_began();
  const auto others_store = [this] {
    for (Link *link = record_->holds.next; link != &record_->holds; link = link->next) {
      if (link != this && of(link).storing_) return true;
    }
    return false;
  };
  while (others_store()) {
    if (deadline_ns != 0 && clock.mono_ns() >= deadline_ns) return false;
    clock.wait(record_->stored, lock, deadline_ns);
  }
  return true;
}

void Hold::detach_flights() {
  Lock lock(stripe_->mutex);
  record_->leader = nullptr;
}

void Hold::close_waiters(Record &record) {
  const auto close = [](Link &head) {
    while (!head.alone()) static_cast<Waiter *>(head.next)->settle(Waiter::State::kClosed);
  };
  close(record.load_waiters);
  for (Link *link = record.holds.next; link != &record.holds; link = link->next) close(of(link).followers_);
}

uint64_t Hold::followers(const Record &record) {
  uint64_t number = 0;
  for (Link *link = record.holds.next; link != &record.holds; link = link->next) {
    const Link &head = of(link).followers_;
    for (const Link *one = head.next; one != &head; one = one->next) ++number;
  }
  return number;
}

}  // namespace cachechain
