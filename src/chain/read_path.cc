#include "chain/read_path.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstring>

#include "chain/found.h"

namespace cachechain {
namespace {

// One inline layer, straight through its table. PLUGIN_FAULT sends the caller to the checked way.
int32_t ask_directly(const InlineSlots &slots, const cachechain_call &call, const cachechain_key &key,
                     std::span<uint8_t> buffer, cachechain_value &value) {
  try {
    const int32_t status = slots.api->get(slots.instance, &call, &key, buffer.data(), buffer.size(), &value);
    if (check_value(status, value, buffer.data(), buffer.size())) return status;
  } catch (abi::__forced_unwind &) {
    throw;
  } catch (...) {
  }
  value = {};
  return CACHECHAIN_PLUGIN_FAULT;
}

// A view becomes a copy in the buffer, as if the layer had been given it.
void settle_into(std::span<uint8_t> buffer, cachechain_value &value) {
  if (value.release == nullptr || value.size > buffer.size()) return;
  if (value.size != 0) std::memcpy(buffer.data(), value.data, value.size);
  value.release(value.owner);
  value.data = buffer.data();
  value.release = nullptr;
  value.owner = nullptr;
}

}  // namespace

int32_t ReadPath::ask_first(const Caller &caller, const cachechain_key &key, std::span<uint8_t> buffer,
                            cachechain_value &value) {
  Level &first = *core_.levels.front();
  if (!first.trusted.load(std::memory_order_relaxed)) return CACHECHAIN_MISS;
  const cachechain_call call = make_call(caller, first, 0, nullptr);
  const int32_t status = ask_directly(first.direct, call, key, buffer, value);
  uint64_t floor = 0;
  if (status == CACHECHAIN_OK && !caller.space.voids(value.created) &&
      judge_entry(value, floor, [this] { return core_.parts.clock->coarse_unix_ms(); }) == Found::kFresh) {
    value.layer = static_cast<int32_t>(first.index);
    return CACHECHAIN_OK;
  }
  if (status == CACHECHAIN_OK) drop(value);
  if (status == CACHECHAIN_PLUGIN_FAULT) first.trusted.store(false, std::memory_order_relaxed);
  return CACHECHAIN_MISS;
}

int32_t ReadPath::get(const Caller &caller, std::span<const uint8_t> key_bytes, const ReadOptions &options,
                      std::span<uint8_t> buffer, cachechain_value &value, Status *failure) {
  const cachechain_key key = caller.space.key(key_bytes);
  if (core_.leading_inline != 0 && ask_first(caller, key, buffer, value) == CACHECHAIN_OK) {
    if (value.version >= options.min_version) {
      caller.add(core_.levels.front()->index, LayerCounter::kHits);
      return CACHECHAIN_OK;
    }
    drop(value);
  }
  return search(caller, key, options, buffer, value, failure);
}

int32_t ReadPath::search(const Caller &caller, const cachechain_key &key, const ReadOptions &options,
                         std::span<uint8_t> buffer, cachechain_value &value, Status *failure) {
  Walk walk(options, buffer);
  int32_t status;
  Hold hold(core_.records);
  if (core_.levels.size() == 1 && core_.leading_inline == 1) {
    status = walk_down(caller, key, walk, value);
  } else if (const Hold::Entered entered = hold.enter(key, Hold::Wish::kLead); entered == Hold::Entered::kNoMemory) {
    status = walk_down(caller, key, walk, value);
  } else {
    status = fly(caller, key, hold, entered == Hold::Entered::kLeads, walk, value);
  }
  count_answer(caller, status, value);
  if (status < 0 && failure != nullptr) *failure = std::move(walk.failure);
  return status;
}

int32_t ReadPath::fly(const Caller &caller, const cachechain_key &key, Hold &hold, bool leads, Walk &walk,
                      cachechain_value &value) {
  walk.hold = &hold;
  if (leads) return lead(caller, key, hold, walk, value);
  AnswerPtr answer;
  switch (hold.wait_for_answer(deadline_of(walk), walk.options.cancel, walk.loads, answer)) {
    case Hold::Turn::kLeads:
      return lead(caller, key, hold, walk, value);
    case Hold::Turn::kAnswered:
      break;
    case Hold::Turn::kOthersLoad:
      return CACHECHAIN_LOAD_PENDING;
    case Hold::Turn::kLate:
      walk.late = walk.degraded = true;
      walk.note("the traversal of another call, which took longer than this one may");
      return nobody_has_it(walk, value);
    case Hold::Turn::kCancelled:
      return cancelled(walk, value);
    case Hold::Turn::kClosed:
      walk.failure = Status(CACHECHAIN_CLOSED, core_.settings.chain + ": was closed while this call waited");
      return CACHECHAIN_CLOSED;
  }
  const bool hit = answer->status() == CACHECHAIN_OK || answer->status() == CACHECHAIN_STALE;
  if (hit && answer->value().version < walk.least) return walk_down(caller, key, walk, value);
  caller.add(ChainCounter::kJoined);
  walk.seen = answer->seen();
  walk.degraded = (answer->value().flags & CACHECHAIN_FLAG_DEGRADED) != 0;
  if (answer->status() < 0) walk.failure = answer->failure();
  answer->hand_out(walk.buffer, value);
  return answer->status();
}

int32_t ReadPath::lead(const Caller &caller, const cachechain_key &key, Hold &hold, Walk &walk,
                       cachechain_value &value) {
  if (core_.costs_count) walk.begin_ns = core_.parts.clock->mono_ns();
  const int32_t status = walk_down(caller, key, walk, value);
  if (!walk.loads) end_flight(hold, status, value, walk);
  return status;
}

void ReadPath::end_flight(Hold &hold, int32_t status, const cachechain_value &value, const Walk &walk) {
  if (!hold.leading()) return;
  // What this call had no time for says nothing about the key: the next who waits tries himself.
  const bool whole = !walk.late && status != CACHECHAIN_CANCELLED;
  const bool shared = whole || status == CACHECHAIN_OK || status == CACHECHAIN_STALE;
  if (shared) {
    hold.end_flight(status, value, status < 0 ? &walk.failure : nullptr, walk.seen);
  } else {
    hold.stop_leading();
  }
}

int64_t ReadPath::deadline_of(Walk &walk) const {
  if (!walk.timed) {
    walk.deadline_ns = core_.deadline_after(walk.options.timeout_ns);
    walk.timed = true;
  }
  return walk.deadline_ns;
}

int32_t ReadPath::walk_down(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value) {
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    const int32_t asked = arrive(caller, at, key, walk);
    const int32_t status = asked == CACHECHAIN_OK ? ask(caller, at, key, walk, value) : asked;
    const int32_t answer = judge(caller, at, key, walk, status, value);
    if (answer != CACHECHAIN_MISS) return answer;
  }
  return give_up(caller, key, walk, value);
}

int32_t ReadPath::arrive(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk) {
  if (!core_.levels[at]->is_inline() && walk.cancelled()) return CACHECHAIN_CANCELLED;
  if (walk.hold != nullptr) walk.least = std::max(walk.least, walk.hold->floor());
  if (core_.is_plain(at)) walk.borrowed = query_.borrow(caller, key, walk);
  return may_ask(caller, at, key, walk);
}

int32_t ReadPath::judge(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk, int32_t status,
                        cachechain_value &value) {
  if (core_.is_plain(at)) query_.give_back(caller, key, walk, walk.borrowed, status, value);
  if (status == CACHECHAIN_CANCELLED && walk.cancelled()) return cancelled(walk, value);
  if (status < 0) return CACHECHAIN_MISS;
  if (at == core_.truth) walk.seen.asked = true;
  if (at == core_.shared) walk.shared.asked = true;
  if (status != CACHECHAIN_OK) {
    caller.add(core_.levels[at]->index, LayerCounter::kMisses);
    walk.truth_said_no |= core_.is_truth(at);
    return CACHECHAIN_MISS;
  }
  const int32_t answer = found_at(caller, at, key, walk, value);
  if (answer == CACHECHAIN_MISS) drop(value);
  return answer;
}

int32_t ReadPath::give_up(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value) {
  if (!walk.has_stale || walk.truth_said_no || !caller.space.serve_stale()) {
    return nobody_has_it(walk, value);
  }
  value = std::exchange(walk.stale, {});
  walk.has_stale = false;
  warmer_.warm(caller, key, walk.stale_at, walk, value);
  if (walk.degraded) value.flags |= CACHECHAIN_FLAG_DEGRADED;
  value.flags |= CACHECHAIN_FLAG_STALE;
  return CACHECHAIN_STALE;
}

// What the entry of one level means: an answer, or MISS if the levels below are to be asked.
int32_t ReadPath::found_at(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk,
                           cachechain_value &value) {
  Level &level = *core_.levels[at];
  const auto count = [&](LayerCounter counter) { caller.add(level.index, counter); };
  const bool truth = core_.is_truth(at);
  // A version from the future counts as oldest: it is compared with nothing, and copied nowhere.
  const bool future = !level.is_inline() && !core_.stamps.observe(value.version);
  // A table of the user's own is never cleared. What a broken clock wrote may be older than the clear.
  if (!(truth && core_.is_plain(at)) &&
      (caller.space.voids(value.created) || (future && caller.space.cleared() != 0))) {
    count(LayerCounter::kVoid);
    walk.truth_said_no |= truth;
    return CACHECHAIN_MISS;
  }
  const uint32_t kind = value.flags & CACHECHAIN_FLAG_KIND_MASK;
  const int64_t now_ms = value.expires_ms != 0 || value.fresh_until_ms != 0 ? core_.parts.clock->coarse_unix_ms() : 0;
  if ((at == core_.truth || at == core_.shared) && !future) {
    Seen &seen = at == core_.truth ? walk.seen : walk.shared;
    seen.version = value.version;
    seen.value = kind == CACHECHAIN_KIND_VALUE;
    if (kind == CACHECHAIN_KIND_LEASE) {
      seen.token = value.created;
      if (value.expires_ms == 0 || value.expires_ms > now_ms) seen.lease_until_ms = value.expires_ms;
    }
  }
  // The truth is only measured by deletes: it had acknowledged them. Marks of doubt ask for its very word.
  Found found = judge_entry(value, truth ? walk.deleted : walk.floor, [now_ms] { return now_ms; });
  const bool live = found == Found::kFresh || found == Found::kStale || found == Found::kAbsent;
  const bool old = future ? walk.least != 0 || walk.floor != 0 : value.version < walk.least;
  if (live && old && !truth) found = Found::kVoid;
  switch (found) {
    case Found::kFresh:
    case Found::kStale:
      break;
    case Found::kAbsent:
      count(LayerCounter::kDeleted);
      drop(value);
      value.layer = static_cast<int32_t>(level.index);
      walk.seen.absent = true;
      return CACHECHAIN_NOT_FOUND;
    case Found::kDeleted:
      count(LayerCounter::kDeleted);
      walk.marked |= uint32_t{1} << at;
      walk.marks[at] = value.version;
      if (kind == CACHECHAIN_KIND_TOMBSTONE) walk.deleted = std::max(walk.deleted, value.version);
      if (walk.has_stale && walk.stale.version <= walk.floor) {
        drop(walk.stale);
        walk.has_stale = false;
      }
      walk.truth_said_no |= truth;
      return CACHECHAIN_MISS;
    default:
      count(found == Found::kExpired ? LayerCounter::kExpired
            : found == Found::kVoid  ? LayerCounter::kVoid
                                     : LayerCounter::kMisses);
      walk.truth_said_no |= truth;
      return CACHECHAIN_MISS;
  }

  value.layer = static_cast<int32_t>(level.index);
  if (truth && old) {
    // The truth went back behind what it had acknowledged. It is the answer, but no copy may have it.
    drop(walk.stale);
    walk.has_stale = false;
    settle_into(walk.buffer, value);
    value.flags |= CACHECHAIN_FLAG_STALE;
    return CACHECHAIN_STALE;
  }
  if (found == Found::kStale && !truth) {
    const bool better = !walk.has_stale || value.version > walk.stale.version ||
                        (value.version == walk.stale.version && value.fresh_until_ms > walk.stale.fresh_until_ms);
    if (better) {
      drop(walk.stale);
      settle_into(walk.buffer, value);
      walk.stale = std::exchange(value, {});
      walk.has_stale = true;
      walk.stale_at = at;
      walk.floor = std::max(walk.floor, walk.stale.version - 1);
    }
    return CACHECHAIN_MISS;
  }
  drop(walk.stale);
  walk.has_stale = false;
  settle_into(walk.buffer, value);
  if (!future) warmer_.warm(caller, key, at, walk, value);
  if (walk.degraded) value.flags |= CACHECHAIN_FLAG_DEGRADED;
  if (found == Found::kFresh) return CACHECHAIN_OK;
  value.flags |= CACHECHAIN_FLAG_STALE;
  return CACHECHAIN_STALE;
}

int32_t ReadPath::may_ask(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk) {
  Level &level = *core_.levels[at];
  const LayerTraits &traits = level.layer->traits();
  if (key.size > traits.max_key_size) return CACHECHAIN_MISS;  // it cannot hold such a key
  if (!level.is_inline()) {
    if (!walk.timed) {
      (void)deadline_of(walk);
    } else if (walk.deadline_ns != 0 && core_.parts.clock->mono_ns() >= walk.deadline_ns) {
      caller.add(level.index, LayerCounter::kSkipped);
      walk.degraded = walk.late = true;
      walk.note(traits.name + ": not asked, the deadline has passed");
      return CACHECHAIN_DEADLINE;
    }
  }
  cachechain_report report{};
  if (const int32_t unread = level.is_inline() ? 0 : clears_.look(caller, at, walk.deadline_ns, report); unread < 0) {
    failed(caller, at, unread, report, walk);
    return unread;
  }
  if (!level.debts.any()) return CACHECHAIN_OK;
  if (repairs_.believed(caller, level, key, level.is_inline() ? 0 : walk.deadline_ns, report)) return CACHECHAIN_OK;
  walk.degraded = true;
  walk.note(core_.describe(level, CACHECHAIN_UNAVAILABLE, report) +
            ": not asked, because it owes what it could not be told");
  return CACHECHAIN_UNAVAILABLE;
}

int32_t ReadPath::ask(const Caller &caller, size_t at, const cachechain_key &key, Walk &walk, cachechain_value &value) {
  Level &level = *core_.levels[at];
  cachechain_report report;
  report.native_code = 0;
  report.retryable = report.size = 0;
  const cachechain_call call =
      make_call(caller, level, walk.deadline_ns, &report, walk.options.trace, walk.options.cancel);
  // The buffer holds the best so far; what comes beside it comes as a view.
  const int32_t status = level.layer->get(call, key, walk.has_stale ? std::span<uint8_t>() : walk.buffer, value);
  if (status == CACHECHAIN_CANCELLED && walk.cancelled()) {
    value = {};
    return status;  // the layer is well
  }
  settle_call(caller, at, status, report, level.is_inline() ? 0 : walk.deadline_ns);
  if (status < 0) {
    value = {};
    failed(caller, at, status, report, walk);
  }
  return status;
}

void ReadPath::settle_call(const Caller &caller, size_t at, int32_t status, const cachechain_report &report,
                           int64_t deadline_ns) {
  Level &level = *core_.levels[at];
  if (status < 0) {
    core_.layer_failed(level, status, report);
    return;
  }
  core_.layer_answered(level);
  if (level.debts.any()) repairs_.settle_others(caller, level, deadline_ns);
}

void ReadPath::failed(const Caller &caller, size_t at, int32_t status, const cachechain_report &report, Walk &walk) {
  const Level &level = *core_.levels[at];
  caller.add(level.index, LayerCounter::kErrors);
  walk.degraded = true;
  walk.late |= status == CACHECHAIN_DEADLINE ||
               (walk.deadline_ns != 0 && !level.is_inline() && core_.parts.clock->mono_ns() >= walk.deadline_ns);
  walk.note(core_.describe(level, status, report));
}

int32_t ReadPath::cancelled(Walk &walk, cachechain_value &value) const {
  drop(value);
  walk.failure = Status(CACHECHAIN_CANCELLED, core_.settings.chain + ": the call was cancelled");
  return CACHECHAIN_CANCELLED;
}

int32_t ReadPath::nobody_has_it(Walk &walk, cachechain_value &value) {
  value = {};
  value.layer = -1;
  if (walk.degraded) value.flags = CACHECHAIN_FLAG_DEGRADED;
  if (core_.source == Source::kApplication) return CACHECHAIN_MISS;
  if (walk.truth_said_no) return CACHECHAIN_NOT_FOUND;
  value = {};
  const int32_t status = walk.late ? CACHECHAIN_DEADLINE : CACHECHAIN_UNAVAILABLE;
  walk.failure =
      Status(status, Status::Detail{core_.settings.chain + ": the last layer could not be asked: " + walk.verdicts,
                                    core_.levels.back()->layer->traits().name, 0, true});
  return status;
}

void ReadPath::count_answer(const Caller &caller, int32_t status, const cachechain_value &value) {
  switch (status) {
    case CACHECHAIN_OK:
    case CACHECHAIN_STALE:
      caller.add(static_cast<uint32_t>(value.layer),
                 status == CACHECHAIN_OK ? LayerCounter::kHits : LayerCounter::kStale);
      return;
    case CACHECHAIN_MISS:
      caller.add((value.flags & CACHECHAIN_FLAG_DEGRADED) != 0 ? ChainCounter::kDegraded : ChainCounter::kMisses);
      return;
    case CACHECHAIN_NOT_FOUND:
      caller.add(ChainCounter::kNotFound);
      return;
    default:
      caller.add(ChainCounter::kGetErrors);
  }
}

}  // namespace cachechain
