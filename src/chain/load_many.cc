#include "chain/load_many.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace cachechain {
namespace {

bool is_hit(int32_t status) { return status == CACHECHAIN_OK || status == CACHECHAIN_STALE; }

}  // namespace

// What one call has come to so far.
struct LoadMany::Round {
  const Caller &caller;
  Batch &batch;
  size_t granted = 0;  // leases of this call

  std::vector<Traveller *> left;      // to be looked for, or looked for again
  std::vector<Traveller *> unmarked;  // have a lease whose mark is to be put
  std::vector<Traveller *> blocked;   // by others, as far as was seen

  LoadPath::Loading of(Traveller &one) {
    return {one.key, one.hold, one.walk, one.terms, batch.values()[one.place], batch.leases()[one.place]};
  }
  cachechain_lease &lease_of(const Traveller &one) { return batch.leases()[one.place]; }
};

Status LoadMany::get(const Caller &caller, const Slices &keys, const ReadOptions &options, Batch::Ptr &batch) {
  batch = Batch::create(*core_.parts.allocator, keys.size(), true);
  if (batch == nullptr) return Status(CACHECHAIN_NO_MEMORY, core_.settings.chain + ": no memory for the answers");
  const auto good = [&](const cachechain_value &value) {
    return value.version >= options.min_version && !loads_.wants_refresh(value);
  };
  const std::vector<Placed> rest = reads_.ask_first(caller, keys, good, *batch);
  if (rest.empty()) return CACHECHAIN_OK;
  Walk any(options, {});
  const Hold::LoadTerms terms = loads_.begin(any);
  Round round{caller, *batch, 0, {}, {}, {}};
  try {
    for (std::span<const Placed> more = rest; !more.empty();) {
      const size_t count = std::min(more.size(), Travellers::kMost);
      Travellers travellers(core_.records, options, more.first(count), terms.deadline_ns);
      for (Traveller &one : travellers.all()) {
        one.walk.loads = true;
        one.terms = terms;
      }
      go(round, travellers);
      more = more.subspan(count);
    }
  } catch (...) {
    // The caller gets no leases, so nobody else would end them.
    abandon_all(caller, *batch);
    throw;
  }
  return CACHECHAIN_OK;
}

void LoadMany::go(Round &round, Travellers &travellers) {
  for (Traveller &one : travellers.all()) {
    if (one.hold.enter(one.key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) {
      answer(round, one, loads_.no_record(round.of(one)));
    } else {
      round.left.push_back(&one);
    }
  }
  for (;;) {
    std::vector<Traveller *> led;
    std::erase_if(round.left, [&](Traveller *one) {
      const Hold::Free free = one->hold.lead_if_free(true);
      one->blocked = free == Hold::Free::kOthersLoad ? Traveller::Blocked::kByCall : Traveller::Blocked::kNo;
      if (free == Hold::Free::kLeads) led.push_back(one);
      return free == Hold::Free::kLeads;
    });
    if (led.empty()) break;
    look(round, std::move(led));
  }
  // This call leads no flight now, so it may wait for those of others.
  std::vector<Traveller *> others = std::exchange(round.blocked, {});
  others.insert(others.end(), round.left.begin(), round.left.end());
  round.left.clear();
  for (Traveller *one : others) answer(round, *one, wait(round, *one));
  for (const Travellers::Again &one : travellers.again()) {
    round.batch.repeat(one.place, one.first);
    const bool to_load = round.batch.leases()[one.first].id != 0 && !is_hit(round.batch.statuses()[one.first]);
    if (to_load) {
      round.batch.values()[one.place] = {};
      round.batch.fail(one.place, Status(CACHECHAIN_LOAD_PENDING,
                                         core_.settings.chain + ": the lease of this key is at its first place"));
    }
    ReadPath::count_answer(round.caller, round.batch.statuses()[one.place], round.batch.values()[one.place]);
  }
}

// Leads the flights of these keys, all at once.
void LoadMany::look(Round &round, std::vector<Traveller *> led) {
  for (Traveller *one : led) {
    drop(round.batch.values()[one->place]);
    one->walk.restart();
    one->walk.hold = &one->hold;
  }
  reads_.descend(round.caller, std::move(led), round.batch,
                 [&](Traveller &one, int32_t status) { looked(round, one, status); });
  put_marks(round);
}

void LoadMany::looked(Round &round, Traveller &one, int32_t status) {
  const auto block = [&](Traveller::Blocked by) {
    one.blocked = by;
    round.blocked.push_back(&one);
  };
  switch (loads_.take_turn(round.of(one), false, status)) {
    case LoadPath::Next::kDone:
      answer(round, one, status);
      return;
    case LoadPath::Next::kAgain:
      round.left.push_back(&one);
      return;
    case LoadPath::Next::kOthersLoad:
      block(Traveller::Blocked::kByCall);
      return;
    case LoadPath::Next::kBusy:
      block(Traveller::Blocked::kByLimit);
      return;
    case LoadPath::Next::kMark:
      break;
  }
  switch (marks_.needed(one.hold, one.walk.seen, round.lease_of(one))) {
    case LeaseMarks::Needed::kNone:
      answer(round, one, status);
      return;
    case LeaseMarks::Needed::kPut:
      one.status = status;
      round.unmarked.push_back(&one);
      return;
    case LeaseMarks::Needed::kForeign:
      one.hold.pass_lease_on(round.lease_of(one).id);
      round.lease_of(one) = {};
      if (is_hit(status)) {
        answer(round, one, status);
      } else {
        block(Traveller::Blocked::kByProcess);
      }
  }
}

// All marks in one call.
void LoadMany::put_marks(Round &round) {
  const std::vector<Traveller *> unmarked = std::exchange(round.unmarked, {});
  if (unmarked.empty()) return;
  std::vector<cachechain_put> puts;
  puts.reserve(unmarked.size());
  for (const Traveller *one : unmarked) {
    const Seen &seen = one->walk.seen;
    puts.push_back(marks_.entry(one->key, round.lease_of(*one), seen.version, seen.token, core_.settings.lease_ms));
  }
  std::vector<cachechain_put_result> results(puts.size());
  core_.put_marks(round.caller, core_.truth, puts, results, core_.deadline_after(0));
  for (size_t i = 0; i < unmarked.size(); ++i) {
    Traveller &one = *unmarked[i];
    if (LeaseMarks::settle(one.hold, round.lease_of(one), results[i].status)) {
      answer(round, one, one.status);
    } else {
      round.lease_of(one) = {};
      round.left.push_back(&one);
    }
  }
}

// What others have under way for the key.
int32_t LoadMany::wait(Round &round, Traveller &one) {
  const bool patient = round.granted == 0;
  if (!patient) {
    switch (one.blocked) {
      case Traveller::Blocked::kNo:
        break;
      case Traveller::Blocked::kByCall:
        return loads_.pending(round.of(one), "another call");
      case Traveller::Blocked::kByProcess:
        return loads_.pending(round.of(one), "another process");
      case Traveller::Blocked::kByLimit:
        return loads_.busy(round.of(one));
    }
  }
  return loads_.load_held(round.caller, round.of(one), patient);
}

void LoadMany::answer(Round &round, Traveller &one, int32_t status) {
  const cachechain_value &value = round.batch.values()[one.place];
  const cachechain_lease &lease = round.lease_of(one);
  if (lease.id != 0) ++round.granted;
  round.batch.statuses()[one.place] = status;
  if (status < 0) round.batch.fail(one.place, one.walk.failure);
  one.hold.leave();
  LoadPath::count_answer(round.caller, status, value, lease);
}

void LoadMany::abandon_all(const Caller &caller, Batch &batch) {
  for (cachechain_lease &lease : batch.leases()) {
    if (lease.id == 0) continue;
    try {
      (void)loads_.abandon(caller, lease);
    } catch (const std::exception &) {
      // Its time ends it.
    }
  }
}

Status LoadMany::fulfil(const Caller &caller, std::span<const cachechain_lease> leases, const Slices &values,
                        const Mutation &common, Batch::Ptr &batch) {
  batch = Batch::create(*core_.parts.allocator, leases.size(), false);
  if (batch == nullptr) return Status(CACHECHAIN_NO_MEMORY, core_.settings.chain + ": no memory for the answers");
  return loads_.fulfilment().many(caller, leases, values, common, *batch);
}

}  // namespace cachechain
