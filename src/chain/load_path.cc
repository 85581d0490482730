#include "chain/load_path.h"

#include <algorithm>

#include "base/printable.h"

namespace cachechain {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kHoldOffMs = 1'000;
// How often who waits for a permit looks after leases that nobody ended.
constexpr int64_t kLookNs = 100 * kNsPerMs;

bool is_hit(int32_t status) { return status == CACHECHAIN_OK || status == CACHECHAIN_STALE; }

int64_t saturated(int64_t now_ns, int64_t span_ms) {
  return span_ms > (INT64_MAX - now_ns) / kNsPerMs ? INT64_MAX : now_ns + span_ms * kNsPerMs;
}

}  // namespace

int32_t LoadPath::get(const Caller &caller, std::span<const uint8_t> key_bytes, const ReadOptions &options,
                      std::span<uint8_t> buffer, cachechain_value &value, cachechain_lease &lease, Status *failure) {
  const cachechain_key key = caller.space.key(key_bytes);
  Walk walk(options, buffer);
  const int32_t status = load(caller, key, walk, value, lease);
  count_answer(caller, status, value, lease);
  if (status < 0 && failure != nullptr) *failure = std::move(walk.failure);
  return status;
}

void LoadPath::count_answer(const Caller &caller, int32_t status, const cachechain_value &value,
                            const cachechain_lease &lease) {
  if (lease.id != 0) {
    caller.add(ChainCounter::kLeases);
    if ((lease.flags & CACHECHAIN_LEASE_SIDE) != 0) caller.add(ChainCounter::kSideLeases);
  }
  if (is_hit(status) && value.layer < 0) {
    caller.add(ChainCounter::kLoaded);
  } else {
    ReadPath::count_answer(caller, status, value);
  }
}

// Leases that nobody ended give their permits back by their time, if somebody looks. False: the deadline, the
// call's cancel, or the end.
bool LoadPath::wait_for_permit(const Walk &walk) {
  const int64_t deadline_ns = walk.deadline_ns;
  const int64_t now_ns = core_.parts.clock->mono_ns();
  if (deadline_ns != 0 && now_ns >= deadline_ns) return false;
  core_.records.expire_all();
  const int64_t look_ns = now_ns + kLookNs;
  const bool freed = core_.loads.wait(deadline_ns == 0 ? look_ns : std::min(deadline_ns, look_ns), walk.options.cancel);
  return freed || !(core_.loads.closed() || walk.cancelled());
}

bool LoadPath::wants_refresh(const cachechain_value &value) const {
  const int64_t end_ms = value.fresh_until_ms != 0 ? value.fresh_until_ms : value.expires_ms;
  return core_.settings.refresh_ms != 0 && end_ms != 0 &&
         end_ms - core_.settings.refresh_ms <= core_.parts.clock->coarse_unix_ms();
}

int32_t LoadPath::fail(const Loading &one, int32_t code, std::string_view text) const {
  drop(one.value);
  one.walk.failure = Status(code, core_.settings.chain + ": " + std::string(text));
  return code;
}

int32_t LoadPath::pending(const Loading &one, std::string_view who) const {
  return fail(one, CACHECHAIN_LOAD_PENDING, std::string(who) + " still loads this key");
}

int32_t LoadPath::no_record(const Loading &one) const {
  return fail(one, CACHECHAIN_NO_MEMORY, "no memory for the record of the key");
}

int32_t LoadPath::busy(const Loading &one) const {
  return fail(one, CACHECHAIN_OVERLOADED,
              "source: " + std::to_string(core_.loads.most()) + " loads are under way (max_loads)");
}

Hold::LoadTerms LoadPath::begin(Walk &walk) const {
  walk.loads = true;
  Hold::LoadTerms terms;
  terms.begin_ns = core_.parts.clock->mono_ns();
  terms.deadline_ns = reads_.deadline_of(walk);
  terms.cancel = walk.options.cancel;
  terms.lease_ns = core_.settings.lease_ms * kNsPerMs;
  terms.lease_wait_ns = core_.settings.lease_wait_ms * kNsPerMs;
  return terms;
}

int32_t LoadPath::load(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value,
                       cachechain_lease &lease) {
  if (core_.leading_inline != 0 && reads_.ask_first(caller, key, walk.buffer, value) == CACHECHAIN_OK) {
    if (value.version >= walk.least && !wants_refresh(value)) return CACHECHAIN_OK;
    drop(value);
  }
  Hold hold(core_.records);
  Hold::LoadTerms terms;
  const Loading one{key, hold, walk, terms, value, lease};
  if (hold.enter(key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) return no_record(one);
  terms = begin(walk);
  return load_held(caller, one, true);
}

int32_t LoadPath::load_held(const Caller &caller, const Loading &one, bool patient) {
  for (;;) {
    drop(one.value);
    one.walk.restart();
    int32_t status = reads_.fly(caller, one.key, one.hold, false, one.walk, one.value);
    switch (take_turn(one, patient, status)) {
      case Next::kDone:
        return status;
      case Next::kAgain:
        break;
      case Next::kMark:
        switch (marks_.mark(caller, one.hold, one.walk.seen, one.walk, patient, one.lease)) {
          case LeaseMarks::Marked::kYes:
            return status;
          case LeaseMarks::Marked::kOvertaken:
            one.lease = {};
            break;
          case LeaseMarks::Marked::kForeign:
            one.lease = {};
            return is_hit(status) ? status : pending(one, "another process");
          case LeaseMarks::Marked::kCancelled:
            one.lease = {};
            return is_hit(status) ? status : reads_.cancelled(one.walk, one.value);
        }
        break;
      case Next::kOthersLoad:
        return pending(one, "another call");
      case Next::kBusy:
        if (patient && wait_for_permit(one.walk)) break;
        return one.walk.cancelled() ? reads_.cancelled(one.walk, one.value) : busy(one);
    }
  }
}

LoadPath::Next LoadPath::take_turn(const Loading &one, bool patient, int32_t &status) {
  Hold::LoadTerms &terms = one.terms;
  terms.looked = status != CACHECHAIN_LOAD_PENDING;
  if (!terms.looked) {
    status = core_.source == Source::kApplication ? CACHECHAIN_MISS : CACHECHAIN_NOT_FOUND;
    one.value.layer = -1;
  } else if (status < 0 || (status == CACHECHAIN_OK && !wants_refresh(one.value)) || one.walk.seen.absent) {
    ReadPath::end_flight(one.hold, status, one.value, one.walk);
    return Next::kDone;
  }
  terms.seen = one.walk.seen;
  terms.has_value = is_hit(status);
  // Whoever leads takes the lease before he tells the others that nobody has the key, so that there is no moment in
  // which one more would look for it.
  const bool leads = one.hold.leading();
  const bool may_wait = patient && !terms.has_value;
  terms.may_wait = may_wait && !leads;
  AnswerPtr answer;
  Hold::LoadTurn turn = one.hold.turn_to_load(terms, one.lease, answer);
  if (leads) {
    ReadPath::end_flight(one.hold, status, one.value, one.walk);
    terms.may_wait = may_wait;
    if (turn == Hold::LoadTurn::kPending && may_wait) turn = one.hold.turn_to_load(terms, one.lease, answer);
  }
  switch (turn) {
    case Hold::LoadTurn::kGranted:
      if (!one.walk.cancelled()) return Next::kMark;
      one.hold.pass_lease_on(one.lease.id);
      one.lease = {};
      if (!terms.has_value) status = reads_.cancelled(one.walk, one.value);
      return Next::kDone;
    case Hold::LoadTurn::kSide:
      return Next::kDone;
    case Hold::LoadTurn::kAgain:
      return Next::kAgain;
    case Hold::LoadTurn::kClosed:
      status = fail(one, CACHECHAIN_CLOSED, "was closed while this call waited");
      return Next::kDone;
    default:
      break;
  }
  if (terms.has_value) return Next::kDone;
  switch (turn) {
    case Hold::LoadTurn::kAnswered:
      if (answer->status() < 0) one.walk.failure = answer->failure();
      answer->hand_out(one.walk.buffer, one.value);
      status = answer->status();
      return Next::kDone;
    case Hold::LoadTurn::kPending:
      return Next::kOthersLoad;
    case Hold::LoadTurn::kCancelled:
      status = reads_.cancelled(one.walk, one.value);
      return Next::kDone;
    case Hold::LoadTurn::kBusy:
      return Next::kBusy;
    default:
      status = fail(one, CACHECHAIN_NO_MEMORY, "no memory for a lease");
      return Next::kDone;
  }
}

Status LoadPath::unchanged(const Caller &caller, const cachechain_lease &lease, int64_t ttl_ms) {
  Hold hold(core_.records);
  const Hold::LeaseTerms terms = hold.enter_lease(caller.space.raw(), lease);
  Status ended = CACHECHAIN_VOID;
  if (terms.state == Hold::LeaseState::kPrimary && terms.seen.version != 0) {
    const cachechain_key key = hold.key();
    cachechain_value value{};
    Status found = writes_.entry_to_rewrite(caller, key, core_.deadline_after(0), value);
    if (found.code() == CACHECHAIN_OK && value.version == terms.seen.version) {
      Mutation times;
      times.data = {value.data, static_cast<size_t>(value.size)};
      times.fresh_ms = ttl_ms;
      times.expects = true;
      times.expect_version = value.version;
      times.created = terms.version;
      cachechain_write ignored{};
      ended = writes_.mutate_held(caller, hold, key, times, ignored);
      if (ended.code() == CACHECHAIN_CONFLICT) ended = CACHECHAIN_VOID;
    } else if (!found.ok()) {
      ended = std::move(found);
    }
    drop(value);
  }
  if (terms.state != Hold::LeaseState::kGone) hold.answer_lease(lease.id, nullptr);
  caller.add(ended.code() == CACHECHAIN_OK ? ChainCounter::kFulfilled : ChainCounter::kLoadsVoid);
  return ended;
}

Status LoadPath::fail(const Caller &caller, const cachechain_lease &lease, std::string_view message,
                      int64_t hold_off_ms) {
  Hold hold(core_.records);
  const Hold::LeaseTerms terms = hold.enter_lease(caller.space.raw(), lease);
  if (terms.state == Hold::LeaseState::kGone) return CACHECHAIN_VOID;
  if (terms.state == Hold::LeaseState::kVoid) {
    hold.pass_lease_on(lease.id);
    return CACHECHAIN_VOID;
  }
  caller.add(ChainCounter::kLoadFailures);
  std::string text = core_.settings.chain + "/source: the load failed";
  if (!message.empty()) text.append(": ").append(printable(message));
  const Status failure(CACHECHAIN_LOAD_FAILED, Status::Detail{std::move(text), "source", 0, true});
  AnswerPtr answer(Answer::create(*core_.parts.allocator, CACHECHAIN_LOAD_FAILED, {}, failure, Seen()));
  const int64_t span_ms = hold_off_ms == 0 ? kHoldOffMs : hold_off_ms;
  marks_.release(caller, hold, terms);  // other processes' sources may be well
  hold.fail_lease(lease.id, std::move(answer), saturated(core_.parts.clock->mono_ns(), span_ms));
  return CACHECHAIN_OK;
}

Status LoadPath::abandon(const Caller &caller, const cachechain_lease &lease) {
  Hold hold(core_.records);
  const Hold::LeaseTerms terms = hold.enter_lease(caller.space.raw(), lease);
  if (terms.state == Hold::LeaseState::kGone) return CACHECHAIN_VOID;
  marks_.release(caller, hold, terms);
  hold.pass_lease_on(lease.id);
  return terms.state == Hold::LeaseState::kVoid ? CACHECHAIN_VOID : CACHECHAIN_OK;
}

Status LoadPath::renew(const Caller &caller, cachechain_lease &lease, int64_t lease_ms) {
  Hold hold(core_.records);
  const Hold::LeaseTerms terms = hold.enter_lease(caller.space.raw(), lease);
  if (terms.state == Hold::LeaseState::kGone) return CACHECHAIN_VOID;
  const int64_t span_ms = lease_ms == 0 ? core_.settings.lease_ms : std::min(lease_ms, kLongestMs);
  Status renewed = CACHECHAIN_OK;
  if (terms.state == Hold::LeaseState::kPrimary && terms.marked &&
      marks_.renew(caller, hold, terms, span_ms) == CACHECHAIN_CONFLICT) {
    renewed = CACHECHAIN_VOID;
  }
  if (terms.state == Hold::LeaseState::kVoid ||
      !hold.renew_lease(lease.id, saturated(core_.parts.clock->mono_ns(), span_ms))) {
    renewed = CACHECHAIN_VOID;
  }
  hold.resume_lease(lease.id);
  if (renewed.code() == CACHECHAIN_OK) lease.expires_ms = core_.parts.clock->unix_ms() + span_ms;
  return renewed;
}

}  // namespace cachechain
