#include "chain/lease_marks.h"

#include <algorithm>

namespace cachechain {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
// How often another process's load is looked after.
constexpr int64_t kLeastPollNs = 10 * kNsPerMs;
constexpr int64_t kMostPollNs = 100 * kNsPerMs;

}  // namespace

LeaseMarks::Needed LeaseMarks::needed(Hold &hold, const Seen &seen, const cachechain_lease &lease) const {
  if (!core_.marks_leases) return Needed::kNone;
  if (!seen.asked) {
    hold.note_mark(lease.id, false);
    return Needed::kNone;
  }
  // A value that is there is expectation enough, and others go on answering with it.
  if (seen.version != 0 && seen.token == 0 && seen.value) return Needed::kNone;
  return seen.lease_until_ms <= core_.parts.clock->unix_ms() ? Needed::kPut : Needed::kForeign;
}

cachechain_put LeaseMarks::entry(const cachechain_key &key, const cachechain_lease &lease, uint64_t expect_version,
                                 uint64_t expect_token, int64_t lease_ms) const {
  cachechain_put put{};
  put.key = &key;
  put.version = lease.version;
  put.created = put.token = lease.token;
  put.flags = CACHECHAIN_KIND_LEASE;
  put.expires_ms = core_.parts.clock->unix_ms() + std::min(lease_ms, kLongestMs);
  put.condition = CACHECHAIN_PUT_EXACT;
  put.expect_version = expect_version;
  put.expect_token = expect_token;
  return put;
}

bool LeaseMarks::settle(Hold &hold, const cachechain_lease &lease, int32_t status) {
  if (status == CACHECHAIN_CONFLICT) {
    hold.answer_lease(lease.id, nullptr);
    return false;
  }
  hold.note_mark(lease.id, status == CACHECHAIN_OK);
  return true;
}

LeaseMarks::Marked LeaseMarks::mark(const Caller &caller, Hold &hold, Seen seen, const Walk &walk, bool patient,
                                    cachechain_lease &lease) {
  const int64_t deadline_ns = walk.deadline_ns;
  Needed what = needed(hold, seen, lease);
  if (what == Needed::kNone) return Marked::kYes;
  const int64_t begin_ns = core_.parts.clock->mono_ns();
  int64_t side_ns = begin_ns + core_.settings.lease_wait_ms * kNsPerMs;
  if (deadline_ns != 0) side_ns = std::min(side_ns, begin_ns + (deadline_ns - begin_ns) / 2);
  for (; what == Needed::kForeign; what = needed(hold, seen, lease)) {
    // Another process loads. Its value, or its end, is looked for now and then.
    const int64_t now_ns = core_.parts.clock->mono_ns();
    if (!patient || (deadline_ns != 0 && now_ns >= deadline_ns)) {
      hold.pass_lease_on(lease.id);
      return Marked::kForeign;
    }
    if (now_ns >= side_ns) {
      hold.turn_into_side(lease.id, now_ns + core_.settings.lease_wait_ms * kNsPerMs, lease);
      return Marked::kYes;
    }
    const auto chance =
        static_cast<int64_t>(static_cast<double>(kMostPollNs - kLeastPollNs) * core_.parts.random->unit());
    const bool paused = core_.loads.pause(std::min(side_ns, now_ns + kLeastPollNs + chance), walk.options.cancel);
    if (!paused && walk.cancelled()) {
      hold.pass_lease_on(lease.id);
      return Marked::kCancelled;
    }
    if (!paused || !still_there(caller, hold, walk, seen)) {
      hold.answer_lease(lease.id, nullptr);
      return Marked::kOvertaken;
    }
  }
  const cachechain_key key = hold.key();
  const int32_t status =
      core_.put_mark(caller, core_.truth, entry(key, lease, seen.version, seen.token, core_.settings.lease_ms),
                     core_.deadline_after(0));
  return settle(hold, lease, status) ? Marked::kYes : Marked::kOvertaken;
}

// Whether the lease that was seen stands there; its new time goes into `seen`.
bool LeaseMarks::still_there(const Caller &caller, Hold &hold, const Walk &walk, Seen &seen) {
  cachechain_value value{};
  cachechain_report report{};
  Level &level = *core_.levels[core_.truth];
  const cachechain_call call =
      make_call(caller, level, walk.deadline_ns, &report, walk.options.trace, walk.options.cancel);
  const int32_t status = level.layer->get(call, hold.key(), {}, value);
  if (status != CACHECHAIN_OK) return false;
  const bool same = (value.flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_LEASE &&
                    value.version == seen.version && value.created == seen.token;
  if (same) seen.lease_until_ms = value.expires_ms;
  drop(value);
  return same;
}

int32_t LeaseMarks::renew(const Caller &caller, Hold &hold, const Hold::LeaseTerms &terms, int64_t lease_ms) {
  cachechain_lease own{};
  own.version = terms.version;
  own.token = terms.token;
  const cachechain_key key = hold.key();
  return core_.put_mark(caller, core_.truth, entry(key, own, terms.version, terms.token, lease_ms),
                        core_.deadline_after(0));
}

void LeaseMarks::release(const Caller &caller, Hold &hold, const Hold::LeaseTerms &terms) {
  if (terms.state == Hold::LeaseState::kPrimary && terms.marked) (void)renew(caller, hold, terms, 0);
}

}  // namespace cachechain
