#include "chain/clear_path.h"

#include <algorithm>

#include "chain/walk.h"

namespace cachechain {

void ClearPath::learn(Namespace &space, uint64_t stamp) {
  if (!space.learn_cleared(stamp)) return;
  // From here on what is read is judged by the new stamp. What was read before must not be joined, or waited for, by
  // whoever comes from now on.
  core_.records.void_all(space.raw());
  // A level that had forgotten what it owes holds nothing any more that would have to be marked.
  for (const auto &level : core_.levels) level->debts.forgive(space.raw().id, stamp);
}

int32_t ClearPath::put_record(const Caller &caller, uint64_t stamp, int64_t deadline_ns, const Mutation &options,
                              cachechain_put_result &result, cachechain_report &report) {
  Level &level = *core_.levels[core_.clear_level];
  const cachechain_key key = caller.space.record_key();
  cachechain_put put{};
  put.key = &key;
  put.version = put.created = stamp;
  put.flags = CACHECHAIN_KIND_VALUE;
  put.condition = CACHECHAIN_PUT_NEWER;
  put.horizon = core_.stamps.horizon();
  return core_.put(caller, level, put, result, deadline_ns, options.trace, report, options.cancel);
}

Status ClearPath::clear(const Caller &caller, const Mutation &options, cachechain_write &result) {
  if (core_.truth == core_.levels.size() ||
      (core_.source == Source::kLastLayer && core_.truth + 1 != core_.levels.size())) {
    return Status(CACHECHAIN_UNSUPPORTED, core_.settings.chain + ": " +
                                              (core_.truth == core_.levels.size() ? "no layer" : "the last layer") +
                                              " takes no writes (\"write\": \"none\")");
  }
  const auto cancelled = [&] { return options.cancel != nullptr && options.cancel->cancelled(); };
  if (cancelled()) {
    return Status(CACHECHAIN_CANCELLED, core_.settings.chain + ": the call was cancelled; nothing was changed");
  }
  const uint64_t stamp = core_.stamps.next();
  // The truth must know before anybody believes it.
  if (!core_.clear_is_truths()) learn(caller.space, stamp);
  if (core_.clear_level != core_.levels.size() && core_.levels[core_.clear_level]->writable()) {
    Level &level = *core_.levels[core_.clear_level];
    const uint32_t bit = uint32_t{1} << level.index;
    cachechain_report report{};
    cachechain_put_result stored{};
    const int32_t status = put_record(caller, stamp, core_.deadline_after(options.timeout_ns), options, stored, report);
    const bool doubt = status == CACHECHAIN_UNKNOWN_OUTCOME || status == CACHECHAIN_PLUGIN_FAULT;
    if (core_.clear_is_truths() && status < 0) {
      if (doubt) learn(caller.space, stamp);
      const bool of_caller = status == CACHECHAIN_DEADLINE || (status == CACHECHAIN_CANCELLED && cancelled());
      const int32_t code = doubt       ? int32_t{CACHECHAIN_UNKNOWN_OUTCOME}
                           : of_caller ? status
                                       : int32_t{CACHECHAIN_UNAVAILABLE};
      return Status(code, Status::Detail{core_.describe(level, status, report) + (doubt ? "" : "; nothing was changed"),
                                         level.layer->traits().name, report.native_code, status_retryable(code)});
    }
    learn(caller.space, stamp);
    // Another process has cleared since.
    if (status == CACHECHAIN_SUPERSEDED && core_.stamps.observe(stored.version)) learn(caller.space, stored.version);
    (status < 0 ? result.owed : result.done) |= bit;
    if (status < 0) caller.add(ChainCounter::kOwed);
  }
  result.version = stamp;
  return CACHECHAIN_OK;
}

int32_t ClearPath::look(const Caller &caller, size_t at, int64_t deadline_ns, cachechain_report &report) {
  Namespace &space = caller.space;
  if (core_.clear_level == core_.levels.size()) return CACHECHAIN_OK;
  const bool must = at == core_.clear_level && !space.record_known();
  const bool turn = space.take_turn(core_.parts.clock->coarse_unix_ms());
  if (!must) {
    if (!turn) return CACHECHAIN_OK;
    // Who asks another level has his own business: most of his time is left to it.
    const int64_t now_ns = core_.parts.clock->mono_ns();
    if (deadline_ns == 0) deadline_ns = core_.deadline_after(0);
    deadline_ns = now_ns + std::max<int64_t>(deadline_ns - now_ns, 0) / 4;
  }
  Level &level = *core_.levels[core_.clear_level];
  const cachechain_key key = space.record_key();
  cachechain_value value{};
  const int32_t status = level.layer->get(make_call(caller, level, deadline_ns, &report), key, {}, value);
  if (status < 0) {
    core_.layer_failed(level, status, report);
    return must ? status : int32_t{CACHECHAIN_OK};
  }
  core_.layer_answered(level);
  // A record from the future was written by a broken clock, and counts as none.
  const bool found = status == CACHECHAIN_OK && core_.stamps.observe(value.version);
  const uint64_t stored = found ? value.version : 0;
  if (status == CACHECHAIN_OK) drop(value);
  learn(space, stored);
  space.record_was_read();
  if (stored < space.cleared() && level.writable()) {
    cachechain_put_result ignored{};
    (void)put_record(caller, space.cleared(), deadline_ns, Mutation(), ignored, report);
  }
  return CACHECHAIN_OK;
}

}  // namespace cachechain
