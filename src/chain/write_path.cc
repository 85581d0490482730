#include "chain/write_path.h"

#include <new>
#include <utility>

#include "cachechain/plugin.hpp"
#include "chain/bars.h"

namespace cachechain {

Status WritePath::check(const Mutation &mutation) const {
  if (core_.truth == core_.levels.size() ||
      (core_.source == Source::kLastLayer && core_.truth + 1 != core_.levels.size())) {
    if (mutation.kind == CACHECHAIN_KIND_INVALIDATED && core_.source == Source::kLastLayer) return CACHECHAIN_OK;
    return Status(CACHECHAIN_UNSUPPORTED, core_.settings.chain + ": " +
                                              (core_.truth == core_.levels.size() ? "no layer" : "the last layer") +
                                              " takes no writes (\"write\": \"none\")");
  }
  if (mutation.data.size() > core_.settings.max_value_bytes) {
    return Status(CACHECHAIN_VALUE_TOO_LARGE, core_.settings.chain + ": the value has " +
                                                  std::to_string(mutation.data.size()) + " bytes, max_value_bytes is " +
                                                  std::to_string(core_.settings.max_value_bytes));
  }
  return CACHECHAIN_OK;
}

Status WritePath::mutate(const Caller &caller, std::span<const uint8_t> key_bytes, const Mutation &mutation,
                         cachechain_write &result) {
  if (Status checked = check(mutation); !checked.ok()) return checked;
  if (mutation.expect_version != 0 && !core_.stamps.observe(mutation.expect_version)) {
    return Status(CACHECHAIN_FUTURE_VERSION,
                  core_.settings.chain + ": the expected version is more than max_drift_ms ahead");
  }
  const cachechain_key key = caller.space.key(key_bytes);
  Hold hold(core_.records);
  if (hold.enter(key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) {
    return Status(CACHECHAIN_NO_MEMORY,
                  core_.settings.chain + ": no memory for the record of the key; nothing was changed");
  }
  return mutate_held(caller, hold, key, mutation, result);
}

Status WritePath::cancelled() const {
  return Status(CACHECHAIN_CANCELLED, core_.settings.chain + ": the call was cancelled; nothing was changed");
}

Status WritePath::begin(const Caller &caller, Told &told, const cachechain_key &key) {
  const Mutation &mutation = told.mutation;
  told.now_ms = core_.parts.clock->unix_ms();
  told.deadline_ns = core_.deadline_after(mutation.timeout_ns);
  // What is not stamped above a clear of another process would be void.
  cachechain_report report{};
  const int32_t unread = clears_.look(caller, core_.truth, told.deadline_ns, report);
  if (unread < 0 && core_.clear_is_truths()) {
    const Level &level = *core_.levels[core_.truth];
    return Status(CACHECHAIN_UNAVAILABLE,
                  Status::Detail{core_.describe(level, unread, report) + "; nothing was changed",
                                 level.layer->traits().name, report.native_code, true});
  }
  told.put.key = &key;
  told.put.data = mutation.data.data();
  told.put.size = mutation.data.size();
  told.put.version = core_.stamps.next();
  // Nothing was made after it is written, whatever the caller says.
  const bool made =
      mutation.created != 0 && (mutation.kind == CACHECHAIN_KIND_VALUE || mutation.kind == CACHECHAIN_KIND_ABSENT);
  told.put.created = made ? std::min(mutation.created, told.put.version) : told.put.version;
  told.put.cleared = caller.space.cleared();
  told.put.flags = mutation.kind;
  told.put.condition = mutation.expects ? CACHECHAIN_PUT_EXACT : CACHECHAIN_PUT_BUMP;
  told.put.expect_version = mutation.expect_version;
  told.put.horizon = core_.stamps.horizon();
  return made && caller.space.voids(told.put.created) ? CACHECHAIN_VOID : CACHECHAIN_OK;
}

Status WritePath::mutate_held(const Caller &caller, Hold &hold, const cachechain_key &key, const Mutation &mutation,
                              cachechain_write &result) {
  Told told(mutation, hold);
  if (Status begun = begin(caller, told, key); begun.code() != CACHECHAIN_OK) return begun;
  if (told.cancelled()) return cancelled();
  const Bars bars(core_, key, told.deadline_ns);
  told.busy = bars.busy();
  Round round({&told, 1});
  carry_out(caller, round);
  if (told.acknowledged()) {
    result.version = told.put.version;
    result.done = told.done;
    result.owed = told.owed;
  }
  return std::move(told.outcome);
}

void WritePath::carry_out(const Caller &caller, Round &round) {
  const bool above_truth =
      round.told.front().mutation.kind == CACHECHAIN_KIND_INVALIDATED && core_.source == Source::kLastLayer;
  if (above_truth) {
    for (Told &told : round.told) invalidate_above_truth(caller, told);
  } else {
    for (Told &told : round.told) {
      if (told.mutation.kind != CACHECHAIN_KIND_VALUE) continue;
      told.times = times_of_entry(told.now_ms, told.mutation.ttl_ms, told.mutation.fresh_ms,
                                  caller.space.life(core_.truth), *core_.parts.random);
    }
    query_.announce(caller, round);
    put_truth(caller, round);
    spread(caller, round);
    for (Told &told : round.told) {
      if (told.stage == Told::Stage::kDoubtful) void_copies(caller, told);
    }
    query_.call_off(caller, round);
  }
  for (Told &told : round.told) {
    if (told.stage != Told::Stage::kRefused) repairs_.owe(told);
    if (told.owed != 0) caller.add(ChainCounter::kOwed);
  }
}

// Afterwards each mutation is acknowledged, in doubt or refused. Acknowledged, told.put.version is what the truth
// stored, and told.arbiter who that was.
void WritePath::put_truth(const Caller &caller, Round &round) {
  size_t asking = round.told.size();
  for (size_t at = core_.truth + 1; at-- > 0 && asking != 0;) {
    const Level &level = *core_.levels[at];
    if (!level.writable()) continue;
    teller_.tell(caller, at, round, [&](Told &told, cachechain_put &put) {
      if (told.stage != Told::Stage::kAsks) return false;
      if (told.mutation.expects && !level.layer->traits().can(CACHECHAIN_CAP_EXACT)) {
        refuse(told, CACHECHAIN_UNSUPPORTED, nullptr, [&] {
          return core_.describe(level, CACHECHAIN_UNSUPPORTED, {}) +
                 ": this layer cannot compare versions, as CACHECHAIN_PUT_EXPECT asks";
        });
        return false;
      }
      put = told.put;
      return true;
    });
    asking = 0;
    for (Told &told : round.told) {
      if (told.stage != Told::Stage::kAsks) continue;
      judge_truth(at, told);
      if (told.stage == Told::Stage::kAsks) ++asking;
    }
  }
  for (Told &told : round.told) {
    if (told.stage == Told::Stage::kAsks) nobody_took(told);
    told.cancel = nullptr;
  }
}

// What the answer of the level that was asked last makes of the mutation; if nothing, the next one is asked.
void WritePath::judge_truth(size_t at, Told &told) {
  const Level &level = *core_.levels[at];
  const LayerTraits &traits = level.layer->traits();
  const std::string &chain = core_.settings.chain;
  switch (told.status) {
    case CACHECHAIN_OK:
      told.stage = Told::Stage::kAcknowledged;
      told.arbiter = at;
      if (traits.can(CACHECHAIN_CAP_PLAIN)) told.result.version = core_.stamps.next();
      if (told.result.version != 0) {
        told.put.created = plugin::created_at(told.put, told.result.version);
        told.put.version = told.result.version;
      }
      (void)core_.stamps.observe(told.put.version);
      return;
    case CACHECHAIN_CONFLICT:
      return refuse(told, CACHECHAIN_CONFLICT, &level, [&] {
        return chain + "/" + traits.name + ": version " + std::to_string(told.mutation.expect_version) +
               " was expected, stored is " + std::to_string(told.result.version);
      });
    case CACHECHAIN_UNKNOWN_OUTCOME:
    case CACHECHAIN_PLUGIN_FAULT:
      told.arbiter = at;
      refuse(told, CACHECHAIN_UNKNOWN_OUTCOME, &level, [&] { return told.verdicts; });
      told.stage = Told::Stage::kDoubtful;
      return;
    case CACHECHAIN_CANCELLED:
      if (level.is_inline() || !told.cancelled() || told.done != 0) break;
      told.owed = 0;
      told.stage = Told::Stage::kRefused;
      told.outcome = cancelled();
      return;
    default:
      break;
  }
  if (core_.source != Source::kLastLayer && !told.mutation.expects) return;
  told.owed = 0;  // nothing was changed, so nobody owes anything
  if (told.status == CACHECHAIN_VALUE_TOO_LARGE || told.status == CACHECHAIN_KEY_TOO_LONG) {
    return refuse(told, told.status, &level,
                  [&] { return chain + "/" + traits.name + ": more than this layer takes"; });
  }
  const bool of_caller = told.status == CACHECHAIN_DEADLINE || told.status == CACHECHAIN_OVERLOADED ||
                         told.status == CACHECHAIN_NO_MEMORY || told.status == CACHECHAIN_UNSUPPORTED ||
                         told.status == CACHECHAIN_INVALID_ARGUMENT;
  refuse(told, of_caller ? told.status : int32_t{CACHECHAIN_UNAVAILABLE}, &level,
         [&] { return told.verdicts + "; nothing was changed"; });
}

void WritePath::nobody_took(Told &told) {
  told.arbiter = 0;
  // A level that could not keep the mark of a delete has forgotten the key, which is what was asked for.
  if (told.mutation.kind != CACHECHAIN_KIND_VALUE && told.done != 0) {
    told.stage = Told::Stage::kAcknowledged;
    return;
  }
  told.owed = 0;
  const std::string &chain = core_.settings.chain;
  switch (told.status) {
    case CACHECHAIN_KEY_TOO_LONG:
      return refuse(told, told.status, nullptr, [&] {
        return chain + ": no layer takes a key of " + std::to_string(told.put.key->size) + " bytes";
      });
    case CACHECHAIN_VALUE_TOO_LARGE:
      return refuse(told, told.status, nullptr, [&] {
        return chain + ": no layer takes a value of " + std::to_string(told.put.size) +
               " bytes; what was stored before is gone";
      });
    case CACHECHAIN_NO_MEMORY:
    case CACHECHAIN_OVERLOADED:
    case CACHECHAIN_DEADLINE:
      return refuse(told, told.status, nullptr, [&] { return told.verdicts; });
    default:
      return refuse(told, CACHECHAIN_UNAVAILABLE, nullptr, [&] { return told.verdicts + "; nothing was changed"; });
  }
}

// What others are still to be told does not wait for want of a text.
template <class Text>
void WritePath::refuse(Told &told, int32_t code, const Level *level, Text &&text) {
  told.stage = Told::Stage::kRefused;
  told.outcome = code;
  try {
    if (level == nullptr) {
      told.outcome = Status(code, text());
    } else {
      told.outcome =
          Status(code, Status::Detail{text(), level->layer->traits().name, told.native_code, status_retryable(code)});
    }
  } catch (const std::bad_alloc &) {
  }
}

// The mutation has its place among all others: from here on nobody may put, or join, what was read before it.
void WritePath::acknowledge(const Caller &caller, Told &told) {
  const bool others = told.hold.raise(told.put.version, core_.ordered ? Hold::Others::kFenced : Hold::Others::kShut);
  // An inline level that arbitrates got the mutation before the fence was up. If it has evicted it since, somebody may
  // have put what is older; put once more, behind the fence, it is certain.
  if (!others || !core_.levels[told.arbiter]->is_inline()) return;
  put_inline(caller, told.arbiter, told.put, told);
}

// A copy into an inline level, behind the fence.
void WritePath::put_inline(const Caller &caller, size_t at, cachechain_put copy, Told &told) {
  Level &level = *core_.levels[at];
  copy.condition = CACHECHAIN_PUT_NEWER;
  copy.expect_version = 0;
  copy.fence = level.layer->traits().can(CACHECHAIN_CAP_FENCE) ? told.hold.fence() : nullptr;
  const int32_t status = put_one(caller, at, copy, told);
  if (core_.ordered || status != CACHECHAIN_SUPERSEDED || told.result.version <= copy.version) return;
  // It holds what the arbiter does not know of, and which of the two is newer nobody can tell: neither stays. Whoever
  // read before is shut out, so only what is read from now on can come back.
  cachechain_report report{};
  if (level.layer->erase_many(make_call(caller, level, 0, &report), {copy.key, 1}) == CACHECHAIN_OK) return;
  make_mark(copy, copy.version);
  copy.condition = CACHECHAIN_PUT_BUMP;
  copy.fence = nullptr;
  (void)put_one(caller, at, copy, told);
}

// Brings what the truth has acknowledged to all other levels.
void WritePath::spread(const Caller &caller, Round &round) {
  // Who reads after the fence is up must find every level told, or in debt, where the version of what he reads there
  // would not give him away.
  if (!core_.ordered) {
    for (Told &told : round.told) {
      if (!told.acknowledged() || told.hold.outlast_fulfilments(told.deadline_ns)) continue;
      for (const auto &level : core_.levels) {
        if (!level->is_inline()) told.busy |= uint32_t{1} << level->index;
      }
    }
    put_other_copies(caller, round);
  }
  for (Told &told : round.told) {
    if (!told.acknowledged()) continue;
    if (!core_.ordered) repairs_.owe(told);
    acknowledge(caller, told);
    put_inline_copies(caller, told);
    if (!core_.ordered) told.hold.detach_flights();
  }
  if (core_.ordered) put_other_copies(caller, round);
}

void WritePath::put_inline_copies(const Caller &caller, Told &told) {
  cachechain_put copy = told.put;
  // What a truth without versions was told has no known place among the writes of others: readers make the copies.
  if (core_.is_plain(told.arbiter)) make_mark(copy, told.put.version);
  bool first = true;
  for (size_t at = told.arbiter; at-- > 0;) {
    if (!core_.levels[at]->is_inline() || !core_.levels[at]->writable()) continue;
    // Who has read the inline level below before it was told must not copy it into this one.
    if (!core_.ordered && !std::exchange(first, false)) told.hold.shut_others();
    put_inline(caller, at, copy, told);
  }
}

void WritePath::put_other_copies(const Caller &caller, Round &round) {
  const auto mark_of = [](const Told &told, cachechain_put &put) {
    put = told.put;
    put.expect_version = 0;
    make_mark(put, told.put.version);
    put.condition = CACHECHAIN_PUT_BUMP;
  };
  for (size_t at = core_.truth; at-- > 0;) {
    if (core_.levels[at]->is_inline() || !core_.levels[at]->writable()) continue;
    const auto gets_it = [at](const Told &told) { return told.acknowledged() && at < told.arbiter; };
    teller_.tell(caller, at, round, [&](Told &told, cachechain_put &put) {
      if (!gets_it(told)) return false;
      if (core_.is_plain(told.arbiter)) {
        mark_of(told, put);
      } else {
        put = told.put;
        put.expect_version = 0;
        put.condition = CACHECHAIN_PUT_NEWER;
      }
      return true;
    });
    if (core_.ordered) continue;
    // It holds what the arbiter does not know of. Which of the two is newer nobody can tell, so neither stays.
    teller_.tell(caller, at, round, [&](Told &told, cachechain_put &put) {
      if (!gets_it(told) || told.status != CACHECHAIN_SUPERSEDED) return false;
      mark_of(told, put);
      return true;
    });
  }
}

// After an unknown outcome nobody may keep answering with what was there before, however new it says it is.
void WritePath::void_copies(const Caller &caller, Told &told) {
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    Level &level = *core_.levels[at];
    // A mark that announced the mutation stays until the write's time is over.
    const bool marked = told.announced && at == core_.shared;
    if (level.writable() && !core_.is_truth(at) && !level.is_inline() && !marked)
      told.owed |= uint32_t{1} << level.index;
  }
  repairs_.owe(told);
  (void)told.hold.raise(told.put.version, Hold::Others::kShut);
  cachechain_put mark = told.put;
  make_mark(mark, told.put.version);
  mark.condition = CACHECHAIN_PUT_BUMP;
  mark.expect_version = 0;
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    Level &level = *core_.levels[at];
    if (!level.writable() || core_.is_truth(at) || !level.is_inline()) continue;
    mark.fence = level.layer->traits().can(CACHECHAIN_CAP_FENCE) ? told.hold.fence() : nullptr;
    (void)put_one(caller, at, mark, told);
  }
}

void WritePath::invalidate_above_truth(const Caller &caller, Told &told) {
  // The truth keeps its version, so a fence by version would shut out its answers for good. Those who have read are
  // shut out instead, and those who come later begin anew.
  told.hold.shut_others();
  told.arbiter = core_.levels.size() - 1;
  cachechain_put mark = told.put;
  make_mark(mark, told.put.version);
  for (const bool inline_ones : {true, false}) {
    for (size_t at = told.arbiter; at-- > 0;) {
      Level &level = *core_.levels[at];
      if (level.is_inline() == inline_ones && level.writable()) (void)put_one(caller, at, mark, told);
    }
  }
  told.hold.detach_flights();
  told.stage = Told::Stage::kAcknowledged;
}

}  // namespace cachechain
