#include "chain/teller.h"

#include <algorithm>
#include <new>

namespace cachechain {
namespace {

// How long the truth itself remembers a delete, at least.
constexpr int64_t kTruthTombstoneMs = 3'600'000;

uint32_t kind_of(const cachechain_put &put) { return put.flags & CACHECHAIN_FLAG_KIND_MASK; }

}  // namespace

// Gives the put its times in this level. OK, or why the level cannot hold it.
int32_t Teller::fit(const Caller &caller, size_t at, cachechain_put &put, const Told &told) const {
  const Level &level = *core_.levels[at];
  const LayerTraits &traits = level.layer->traits();
  if (put.key->size > traits.max_key_size) return CACHECHAIN_KEY_TOO_LONG;  // it never held the key: nothing to tell
  if ((told.busy >> level.index & 1) != 0) return CACHECHAIN_TIMEOUT;       // it is still being told something older
  if (kind_of(put) == CACHECHAIN_KIND_VALUE || kind_of(put) == CACHECHAIN_KIND_ABSENT) {
    const Times times = at == core_.truth
                            ? told.times
                            : times_of_copy(told.now_ms, told.times, caller.space.life(at), *core_.parts.random);
    put.fresh_until_ms = times.fresh_until_ms;
    put.expires_ms = times.expires_ms;
  } else {
    const int64_t span_ms =
        core_.is_truth(at) ? std::max(core_.settings.tombstone_ms, kTruthTombstoneMs) : core_.settings.tombstone_ms;
    put.fresh_until_ms = 0;
    put.expires_ms = told.now_ms + span_ms;
  }
  return traits.max_value_size != 0 && put.size > traits.max_value_size ? CACHECHAIN_VALUE_TOO_LARGE : CACHECHAIN_OK;
}

void Teller::shrink(const Caller &caller, size_t at, cachechain_put &put, const Told &told) const {
  put.data = nullptr;
  put.size = 0;
  put.flags = CACHECHAIN_KIND_TOMBSTONE;
  (void)fit(caller, at, put, told);
}

int32_t Teller::put(const Caller &caller, size_t at, const cachechain_put &put, Told &told, cachechain_report &report) {
  Level &level = *core_.levels[at];
  told.result = {};
  report.native_code = 0;
  report.size = 0;
  const bool waits = !level.is_inline();
  return core_.put(caller, level, put, told.result, waits ? told.deadline_ns : 0, told.mutation.trace, report,
                   waits ? told.cancel : nullptr);
}

// What a level cannot hold must not leave an older value behind.
int32_t Teller::put_tombstone(const Caller &caller, size_t at, cachechain_put put, Told &told,
                              cachechain_report &report) {
  shrink(caller, at, put, told);
  const int32_t removed = this->put(caller, at, put, told, report);
  return removed < 0 ? removed : int32_t{CACHECHAIN_VALUE_TOO_LARGE};
}

int32_t Teller::tell(const Caller &caller, size_t at, cachechain_put put, Told &told) {
  Level &level = *core_.levels[at];
  cachechain_report report;
  report.native_code = 0;
  report.size = 0;
  int32_t status = fit(caller, at, put, told);
  if (status == CACHECHAIN_KEY_TOO_LONG) return told.status = status;
  if (status == CACHECHAIN_OK) status = this->put(caller, at, put, told, report);
  if (status == CACHECHAIN_VALUE_TOO_LARGE && !core_.is_truth(at)) {
    status = put_tombstone(caller, at, put, told, report);
  }
  if (status >= 0 && level.debts.any()) repairs_.settle_others(caller, level, told.deadline_ns);
  return settle(caller, at, told, status, report);
}

void Teller::collect(const Caller &caller, size_t at, cachechain_put put, Told &told, Round &round) {
  const int32_t fits = fit(caller, at, put, told);
  if (fits == CACHECHAIN_OK) {
    round.add(told, put);
  } else if (fits == CACHECHAIN_KEY_TOO_LONG) {
    told.status = fits;
  } else if (core_.is_truth(at) || fits != CACHECHAIN_VALUE_TOO_LARGE) {
    told.result = {};
    (void)settle(caller, at, told, fits, {});
  } else {
    shrink(caller, at, put, told);
    round.add(told, put, true);
  }
}

void Teller::send(const Caller &caller, size_t at, Round &round) {
  Level &level = *core_.levels[at];
  const Told &first = *round.asked.front().told;
  cachechain_report report{};
  cachechain_report own{};
  round.results.assign(round.puts.size(), {});
  const int32_t whole =
      core_.put_many(caller, level, round.puts, round.results, first.deadline_ns, first.mutation.trace, report);
  for (size_t i = 0; i < round.asked.size(); ++i) {
    Told &told = *round.asked[i].told;
    told.result = round.results[i];
    int32_t status = told.result.status;
    if (round.asked[i].shrunk && status >= 0) status = CACHECHAIN_VALUE_TOO_LARGE;
    const bool shrinks = !round.asked[i].shrunk && status == CACHECHAIN_VALUE_TOO_LARGE && !core_.is_truth(at);
    if (shrinks) status = put_tombstone(caller, at, round.puts[i], told, own);
    (void)settle(caller, at, told, status, shrinks ? own : report);
  }
  if (whole >= 0 && level.debts.any()) repairs_.settle_others(caller, level, first.deadline_ns, round.asked.size());
}

int32_t Teller::settle(const Caller &caller, size_t at, Told &told, int32_t status, const cachechain_report &report) {
  Level &level = *core_.levels[at];
  const uint32_t bit = uint32_t{1} << level.index;
  told.status = status;
  if (status >= 0) {
    caller.add(level.index, status == CACHECHAIN_OK ? LayerCounter::kPuts : LayerCounter::kSuperseded);
    told.done |= bit;
    return status;
  }
  if (status == CACHECHAIN_CONFLICT || (core_.is_truth(at) && status == CACHECHAIN_VALUE_TOO_LARGE)) return status;
  if (status == CACHECHAIN_CANCELLED && !level.is_inline() && told.cancelled()) return status;  // the layer is well
  caller.add(level.index, LayerCounter::kPutErrors);
  if (status == CACHECHAIN_VALUE_TOO_LARGE) {
    told.done |= bit;  // told, and left without the key
    return status;
  }
  told.native_code = report.native_code;
  // An inline put that fails leaves the key absent, which is as good as told.
  const bool absent = level.is_inline() && status != CACHECHAIN_PLUGIN_FAULT;
  if (!absent) level.trusted.store(false, std::memory_order_relaxed);  // what it owes is looked at from now on
  (absent ? told.done : told.owed) |= bit;
  give_verdict(level, told, status, report);
  return status;
}

// A mutation does not end half-way for want of a text.
void Teller::give_verdict(const Level &level, Told &told, int32_t status,
                          const cachechain_report &report) const noexcept {
  try {
    if (!told.verdicts.empty()) told.verdicts += "; ";
    told.verdicts += core_.describe(level, status, report);
  } catch (const std::bad_alloc &) {
  }
}

}  // namespace cachechain
