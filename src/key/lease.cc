// Leases: who loads a key that no layer has, who waits for him, and how the load ends.
#include <algorithm>
#include <new>
#include <utility>

#include "key/hold.h"

namespace cachechain {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

Hold::LoadTurn Hold::turn_to_load(const LoadTerms &terms, cachechain_lease &lease, AnswerPtr &answer) {
  Clock &clock = table_.parts_.clock;
  const int64_t half_left =
      terms.deadline_ns == 0 ? INT64_MAX : std::max<int64_t>(terms.deadline_ns - terms.begin_ns, 0) / 2;
  const int64_t own_side_ns = terms.begin_ns + std::min(terms.lease_wait_ns, half_left);
  Waiter waiter(*this);
  const WakeOnCancel wake(terms.cancel, stripe_->mutex, waiter.wake);
  Lock lock(stripe_->mutex);
  for (;;) {
    if (waiter.state == Waiter::State::kAgain) return LoadTurn::kAgain;
    if (waiter.state == Waiter::State::kClosed || stripe_->closed) {
      waiter.leave();
      return LoadTurn::kClosed;
    }
    if (waiter.state == Waiter::State::kAnswered) {
      answer = std::move(waiter.answer);
      return LoadTurn::kAnswered;
    }
    if (terms.cancel != nullptr && terms.cancel->cancelled()) {
      waiter.leave();
      return LoadTurn::kCancelled;
    }
    const int64_t now_ns = clock.mono_ns();
    table_.expire(*record_, now_ns);
    if (record_->failure != nullptr) {
      waiter.leave();
      answer.reset(record_->failure->ref());
      return LoadTurn::kAnswered;
    }
    if (record_->primary == nullptr) {
      waiter.leave();
      // What was loaded, or written, since this call looked may be what it looked for.
      if (!terms.looked || looked_ != record_->changes) return LoadTurn::kAgain;
      return grant(terms, now_ns, false, lease);
    }
    if (!terms.may_wait || (terms.deadline_ns != 0 && now_ns >= terms.deadline_ns)) {
      waiter.leave();
      return LoadTurn::kPending;
    }
    int64_t side_ns = std::max(own_side_ns, record_->next_side_ns);
    if (now_ns >= side_ns) {
      const LoadTurn side = grant(terms, now_ns, true, lease);
      if (side == LoadTurn::kSide) {
        waiter.leave();
        return side;
      }
      side_ns = now_ns + terms.lease_wait_ns;  // no permit or no memory: wait on, like the others
    }
    if (waiter.alone()) record_->load_waiters.append(waiter);
    int64_t until_ns = side_ns;
    // A lease past its time that is being ended wakes us itself.
    if (record_->primary->expires_ns > now_ns) until_ns = std::min(until_ns, record_->primary->expires_ns);
    if (terms.deadline_ns != 0) until_ns = std::min(until_ns, terms.deadline_ns);
    clock.wait(waiter.wake, lock, until_ns);
  }
}

Hold::LoadTurn Hold::grant(const LoadTerms &terms, int64_t now_ns, bool side, cachechain_lease &lease) {
  if (!table_.parts_.loads.try_take()) return LoadTurn::kBusy;
  void *memory = table_.parts_.allocator.alloc(sizeof(Grant), alignof(Grant));
  if (memory == nullptr) {
    table_.parts_.loads.give_back();
    return LoadTurn::kNoMemory;
  }
  Grant *made = new (memory) Grant;
  const uint64_t stripe = static_cast<uint64_t>(stripe_ - table_.stripes_.get());
  made->id = ++stripe_->next_lease * RecordTable::kStripes + stripe;
  made->version = table_.parts_.stamps.next();
  made->token = lease_token(made->version, table_.parts_.random);
  made->seen_version = terms.seen.version;
  made->seen_token = terms.seen.token;
  made->local = !terms.seen.asked;
  made->had_value = terms.has_value;
  made->expires_ns = now_ns + terms.lease_ns;
  made->side = side;
  record_->grants.append(*made);
  table_.keep_for_a_time(*stripe_, *record_);
  if (side) {
    record_->next_side_ns = now_ns + terms.lease_wait_ns;
  } else {
    record_->primary = made;
    record_->next_side_ns = 0;
  }
  lease = {};
  lease.id = made->id;
  lease.version = made->version;
  lease.seen_version = made->seen_version;
  lease.token = made->token;
  lease.expires_ms = table_.parts_.clock.unix_ms() + terms.lease_ns / kNsPerMs;
  lease.flags = side ? CACHECHAIN_LEASE_SIDE : 0;
  return side ? LoadTurn::kSide : LoadTurn::kGranted;
}

Hold::LeaseTerms Hold::enter_lease(const cachechain_space &space, const cachechain_lease &lease) {
  LeaseTerms terms;
  const uint64_t id = lease.id;
  stripe_ = &table_.stripes_[id % RecordTable::kStripes];
  Lock lock(stripe_->mutex);
  Record *record = nullptr;
  Grant *grant = id == 0 ? nullptr : table_.find_grant(*stripe_, id, record);
  // The token tells it from a lease of another chain.
  if (grant == nullptr || grant->ending || grant->token != lease.token || record->space->id != space.id) {
    return terms;
  }
  grant->ending = true;
  ends_ = id;
  join(*record);
  terms.state = grant->side ? LeaseState::kSide : grant->voided ? LeaseState::kVoid : LeaseState::kPrimary;
  terms.version = grant->version;
  terms.seen = {!grant->local, grant->seen_version, grant->seen_token, 0};
  terms.token = grant->token;
  terms.marked = grant->marked;
  terms.local = grant->local;
  return terms;
}

Grant *Hold::own_grant(uint64_t id) {
  for (Link *link = record_->grants.next; link != &record_->grants; link = link->next) {
    if (static_cast<Grant *>(link)->id == id) return static_cast<Grant *>(link);
  }
  return nullptr;
}

bool Hold::begin_storing(uint64_t id) {
  Lock lock(stripe_->mutex);
  const Grant *grant = own_grant(id);
  storing_ = grant != nullptr && !grant->voided;
  return storing_;
}

void Hold::resume_lease(uint64_t id) {
  Lock lock(stripe_->mutex);
  if (Grant *grant = own_grant(id)) grant->ending = false;
}

void Hold::turn_into_side(uint64_t id, int64_t next_side_ns, cachechain_lease &lease) {
  Lock lock(stripe_->mutex);
  Grant *grant = own_grant(id);
  if (grant == nullptr) return;
  grant->side = true;
  lease.flags |= CACHECHAIN_LEASE_SIDE;
  if (record_->primary != grant) return;
  record_->primary = nullptr;
  record_->next_side_ns = next_side_ns;
  wake_load_waiters(*record_, Waiter::State::kWaiting, nullptr);
}

bool Hold::renew_lease(uint64_t id, int64_t expires_ns) {
  Lock lock(stripe_->mutex);
  Grant *grant = own_grant(id);
  if (grant == nullptr || grant->voided) return false;
  grant->expires_ns = expires_ns;
  return true;
}

void Hold::note_mark(uint64_t id, bool marked) {
  Lock lock(stripe_->mutex);
  if (Grant *grant = own_grant(id)) {
    grant->marked = marked;
    grant->local = !marked;
  }
}

bool Hold::drop_lease(uint64_t id) {
  Grant *grant = own_grant(id);
  if (grant == nullptr) return false;
  const bool primary = grant == record_->primary;
  table_.drop_grant(*record_, grant);
  return primary;
}

void Hold::answer_lease(uint64_t id, AnswerPtr answer) {
  Lock lock(stripe_->mutex);
  if (!drop_lease(id)) return;
  ++record_->changes;
  wake_load_waiters(*record_, answer == nullptr ? Waiter::State::kAgain : Waiter::State::kAnswered, answer.get());
}

void Hold::pass_lease_on(uint64_t id) {
  Lock lock(stripe_->mutex);
  if (drop_lease(id)) wake_load_waiters(*record_, Waiter::State::kWaiting, nullptr);
}

void Hold::fail_lease(uint64_t id, AnswerPtr failure, int64_t hold_off_ns) {
  Lock lock(stripe_->mutex);
  if (!drop_lease(id)) return;
  wake_load_waiters(*record_, failure == nullptr ? Waiter::State::kAgain : Waiter::State::kAnswered, failure.get());
  if (failure == nullptr) return;
  record_->failure = std::move(failure);
  record_->hold_off_ns = hold_off_ns;
  table_.keep_for_a_time(*stripe_, *record_);
}

// kWaiting only makes them look again.
void Hold::wake_load_waiters(Record &record, Waiter::State state, Answer *answer) {
  Link &head = record.load_waiters;
  if (state == Waiter::State::kWaiting) {
    for (Link *link = head.next; link != &head; link = link->next) static_cast<Waiter *>(link)->wake.notify_all();
    return;
  }
  while (!head.alone()) {
    Waiter &waiter = *static_cast<Waiter *>(head.next);
    if (answer != nullptr) waiter.answer.reset(answer->ref());
    waiter.settle(state);
  }
}

}  // namespace cachechain
