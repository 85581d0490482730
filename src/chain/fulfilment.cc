#include "chain/fulfilment.h"

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "chain/bars.h"

namespace cachechain {
namespace {

constexpr int64_t kAbsentMs = 1'000;

}  // namespace

// One lease, on its way to its end.
struct Fulfilment::Ending {
  Ending(Core &core, const cachechain_lease &its_lease, const Mutation &loaded)
      : hold(core.records), lease(its_lease), mutation(loaded) {}

  Hold hold;
  const cachechain_lease &lease;
  Hold::LeaseTerms terms;
  cachechain_key key{};
  Mutation mutation;
  std::optional<Bars> bars;
  Told *told = nullptr;                     // while it is stored
  bool local = false;                       // it stays in this process
  bool kept = false;                        // a level has it
  bool overtaken = false;                   // an inline level has something newer
  int32_t refused = CACHECHAIN_OVERLOADED;  // by the level that refused it last
  Status stored;
  cachechain_write result{};
};

Status Fulfilment::one(const Caller &caller, const cachechain_lease &lease, const Mutation &loaded,
                       cachechain_write &result) {
  Ending ending(core_, lease, loaded);
  if (enter(caller, ending)) {
    Told told(ending.mutation, ending.hold);
    ending.told = &told;
    ending.stored = writes_.begin(caller, told, ending.key);
    if (ending.stored.code() == CACHECHAIN_OK) {
      ending.bars.emplace(core_, ending.key, told.deadline_ns);
      Round round({&told, 1});
      Ending *const endings[] = {&ending};
      store(caller, endings, round);
    }
    finish(caller, ending);
  }
  result = ending.result;
  return std::move(ending.stored);
}

Status Fulfilment::many(const Caller &caller, std::span<const cachechain_lease> leases, const Slices &values,
                        const Mutation &common, Batch &answers) {
  // All room, before any lease is touched.
  std::deque<Ending> all;
  std::vector<Told> told;
  std::vector<Ending *> endings;
  Round round({});
  told.reserve(leases.size());
  endings.reserve(leases.size());
  round.reserve(leases.size());
  for (size_t i = 0; i < leases.size(); ++i) all.emplace_back(core_, leases[i], common).mutation.data = values[i];

  // A lease that is given twice has ended when it comes again, so the keys differ.
  for (Ending &ending : all) {
    if (!enter(caller, ending)) continue;
    ending.told = &told.emplace_back(ending.mutation, ending.hold);
    ending.stored = writes_.begin(caller, *ending.told, ending.key);
    if (ending.stored.code() != CACHECHAIN_OK) {
      told.pop_back();
      finish(caller, ending);
      continue;
    }
    ending.told->deadline_ns = told.front().deadline_ns;
    ending.bars.emplace(core_, ending.key, ending.told->deadline_ns);
    endings.push_back(&ending);
  }
  if (!endings.empty()) {
    round.told = told;
    store(caller, endings, round);
  }
  for (Ending *ending : endings) finish(caller, *ending);
  size_t i = 0;
  for (const Ending &ending : all) {
    answers.statuses()[i] = ending.stored.code();
    if (!ending.stored.ok()) answers.fail(i, ending.stored);
    answers.values()[i].version = ending.result.version;
    ++i;
  }
  return CACHECHAIN_OK;
}

// True if there is something to store; if not, the lease has ended.
bool Fulfilment::enter(const Caller &caller, Ending &ending) {
  ending.terms = ending.hold.enter_lease(caller.space.raw(), ending.lease);
  if (ending.terms.state != Hold::LeaseState::kPrimary) {
    if (ending.terms.state != Hold::LeaseState::kGone) ending.hold.answer_lease(ending.lease.id, nullptr);
    caller.add(ChainCounter::kLoadsVoid);
    ending.stored = CACHECHAIN_VOID;
    return false;
  }
  ending.key = ending.hold.key();
  ending.mutation.cancel = nullptr;  // whoever cancels the load has it done
  ending.mutation.created = ending.terms.version;
  ending.stored = writes_.check(ending.mutation);
  const bool sets = core_.source == Source::kLastLayer;
  const bool absent = ending.mutation.kind == CACHECHAIN_KIND_ABSENT;
  if (!ending.stored.ok() || (sets && absent)) {
    // Nobody stores it, but those who waited have the answer.
    finish(caller, ending);
    return false;
  }
  // The truth compares, where it can.
  if (sets && !core_.is_plain(core_.truth)) {
    ending.mutation.expects = true;
    ending.mutation.expect_version = ending.terms.seen.version;
  }
  return true;
}

void Fulfilment::store(const Caller &caller, std::span<Ending *const> endings, Round &round) {
  for (Ending *ending : endings) ending->told->busy = ending->bars->busy();
  const bool sets = core_.source == Source::kLastLayer;
  if (sets) {
    writes_.carry_out(caller, round);
  } else {
    store_copies(caller, endings, round);
  }
  for (Ending *ending : endings) {
    const Told &told = *ending->told;
    if (sets) ending->stored = told.outcome.code() == CACHECHAIN_CONFLICT ? Status(CACHECHAIN_VOID) : told.outcome;
    if (sets && !told.acknowledged()) continue;
    ending->result.version = told.put.version;
    ending->result.done = told.done;
    ending->result.owed = told.owed;
  }
}

// What was loaded goes where the lease is first; if it is no longer there, nothing is stored anywhere.
void Fulfilment::store_copies(const Caller &caller, std::span<Ending *const> endings, Round &round) {
  for (Ending *ending : endings) {
    Told &told = *ending->told;
    const int64_t life_ms = told.mutation.ttl_ms != 0                  ? told.mutation.ttl_ms
                            : told.put.flags == CACHECHAIN_KIND_ABSENT ? kAbsentMs
                                                                       : 0;
    told.put.version = ending->terms.version;
    told.times = times_of_entry(told.now_ms, life_ms, told.mutation.fresh_ms, caller.space.life(core_.truth),
                                *core_.parts.random);
    told.arbiter = core_.truth + 1;  // nobody yet
    ending->local = ending->terms.local;
    if (ending->hold.begin_storing(ending->lease.id)) continue;
    told.stage = Told::Stage::kRefused;
    ending->stored = CACHECHAIN_VOID;
  }
  if (core_.marks_leases) put_marked(caller, endings, round);
  for (Ending *ending : endings) {
    // What the arbiter never saw stays in this process.
    if (ending->local) ending->told->arbiter = core_.leading_inline;
  }
  for (const bool inline_ones : {true, false}) {
    for (size_t at = core_.truth + 1; at-- > 0;) {
      const Level &level = *core_.levels[at];
      if (level.is_inline() != inline_ones || !level.writable()) continue;
      const bool fenced = level.layer->traits().can(CACHECHAIN_CAP_FENCE);
      const auto gets_it = [at](const Told &told) { return told.stage == Told::Stage::kAsks && at < told.arbiter; };
      writes_.put_round(caller, at, round, [&](Told &told, cachechain_put &put) {
        if (!gets_it(told)) return false;
        put = told.put;
        put.condition = CACHECHAIN_PUT_NEWER;
        put.fence = fenced ? told.hold.fence() : nullptr;
        return true;
      });
      for (Ending *ending : endings) {
        const int32_t status = ending->told->status;
        if (!gets_it(*ending->told)) continue;
        ending->kept |= status == CACHECHAIN_OK;
        ending->overtaken |= inline_ones && (status == CACHECHAIN_FENCED || status == CACHECHAIN_SUPERSEDED);
        if (status < 0) ending->refused = status;
      }
    }
  }
  for (Ending *ending : endings) {
    Told &told = *ending->told;
    told.owed = 0;
    if (told.stage != Told::Stage::kAsks) continue;
    if (ending->overtaken && (ending->local || !core_.marks_leases)) {
      ending->stored = CACHECHAIN_VOID;
    } else if (!ending->kept && !ending->local) {
      ending->stored =
          Status(ending->refused, core_.settings.chain + ": no layer could keep the value: " + told.verdicts);
    } else {
      ending->stored = ending->local ? CACHECHAIN_LOCAL_ONLY : CACHECHAIN_OK;
    }
  }
}

void Fulfilment::put_marked(const Caller &caller, std::span<Ending *const> endings, Round &round) {
  // The round's mutations stand in the order of the endings.
  writes_.put_round(caller, core_.truth, round, [&](Told &told, cachechain_put &put) {
    const Hold::LeaseTerms &lease = endings[static_cast<size_t>(&told - round.told.data())]->terms;
    if (lease.local || told.stage != Told::Stage::kAsks) return false;
    put = told.put;
    put.condition = CACHECHAIN_PUT_EXACT;
    put.expect_version = lease.marked ? lease.version : lease.seen.version;
    put.expect_token = lease.marked ? lease.token : lease.seen.token;
    return true;
  });
  for (Ending *ending : endings) {
    Told &told = *ending->told;
    if (ending->terms.local || told.stage != Told::Stage::kAsks) continue;
    if (told.status == CACHECHAIN_CONFLICT) {
      told.stage = Told::Stage::kRefused;
      ending->stored = CACHECHAIN_VOID;
      continue;
    }
    ending->local = told.status < 0;
    ending->kept = !ending->local;
    told.owed = 0;  // what it could not be told, it does not hold either
    told.arbiter = core_.truth;
  }
}

// Ends the lease as it was stored.
void Fulfilment::finish(const Caller &caller, Ending &ending) {
  if (ending.stored.code() == CACHECHAIN_VOID) {
    ending.result = {};
    ending.hold.answer_lease(ending.lease.id, nullptr);
    caller.add(ChainCounter::kLoadsVoid);
    return;
  }
  if (ending.stored.ok()) {
    caller.add(ChainCounter::kFulfilled);
  } else {
    marks_.release(caller, ending.hold, ending.terms);
  }
  cachechain_value value{};
  const bool absent = ending.mutation.kind == CACHECHAIN_KIND_ABSENT;
  value.data = absent ? nullptr : ending.mutation.data.data();
  value.size = ending.mutation.data.size();
  value.version = ending.result.version != 0 ? ending.result.version : ending.terms.version;
  value.created = ending.terms.version;
  value.layer = -1;
  ending.hold.answer_lease(
      ending.lease.id, AnswerPtr(Answer::create(*core_.parts.allocator, absent ? CACHECHAIN_NOT_FOUND : CACHECHAIN_OK,
                                                value, Status(), Seen())));
}

}  // namespace cachechain
