#include "chain/repairs.h"

#include <algorithm>
#include <new>
#include <vector>

#include "chain/warming.h"

namespace cachechain {
namespace {

// So many debts to other keys are settled at one contact, for each mutation that the level is told of: more than one
// can leave behind, and few enough for a get to bear.
constexpr size_t kOthersAtOnce = 2;

// A warm-up that the mutation could not wait for comes first.
bool is_being_warmed(const Level &level, const cachechain_key &key) {
  return level.warming != nullptr && level.warming->queue().under_way(key);
}

}  // namespace

void Repairs::owe(const Told &told) {
  if (told.owed == 0) return;
  const uint32_t kind = told.put.flags & CACHECHAIN_FLAG_KIND_MASK;
  Debt debt;
  debt.version = told.put.version;
  // Not the version, which may have been bumped past a clear that the mutation came before.
  debt.created = told.put.created;
  // The truth is measured by tombstones, so only a delete that it has acknowledged leaves one.
  const bool deleted = kind == CACHECHAIN_KIND_TOMBSTONE && told.acknowledged();
  debt.kind = deleted ? CACHECHAIN_KIND_TOMBSTONE : CACHECHAIN_KIND_INVALIDATED;
  // Where the application is the source, versions of different processes were not ordered by one arbiter while it was
  // away; a reload is all that a mark too many costs.
  debt.always = core_.source == Source::kApplication || told.stage == Told::Stage::kDoubtful;
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    Level &level = *core_.levels[at];
    // The truth owes nothing: what it holds is right by definition.
    if ((told.owed >> level.index & 1) != 0 && !core_.is_truth(at)) level.debts.add(*told.put.key, debt, told.now_ms);
  }
}

cachechain_put Repairs::mark_of(const Caller &caller, const cachechain_key &key, const Debt &debt) const {
  cachechain_put put{};
  put.key = &key;
  put.flags = debt.kind;
  // One below the version that may replace it.
  put.version = debt.kind == CACHECHAIN_KIND_INVALIDATED ? debt.version - 1 : debt.version;
  put.created = debt.created;
  put.condition = debt.always ? CACHECHAIN_PUT_BUMP : CACHECHAIN_PUT_NEWER;
  put.expires_ms = core_.parts.clock->unix_ms() + core_.settings.tombstone_ms;
  put.horizon = core_.stamps.horizon();
  if (key.space == &caller.space.raw()) put.cleared = caller.space.cleared();
  return put;
}

bool Repairs::note(const Caller &caller, Level &level, const cachechain_key &key, const Debt &debt,
                   const cachechain_put_result &result) {
  if (result.status < 0) {
    caller.add(level.index, LayerCounter::kPutErrors);
    return false;
  }
  (void)core_.stamps.observe(result.version);
  level.debts.settle(key, debt);
  caller.add(level.index, LayerCounter::kRepairs);
  return true;
}

bool Repairs::settle(const Caller &caller, Level &level, const cachechain_key &key, const Debt &debt,
                     int64_t deadline_ns, cachechain_report &report) {
  if (is_being_warmed(level, key)) return false;
  cachechain_put_result result{};
  result.status = core_.put(caller, level, mark_of(caller, key, debt), result, deadline_ns, {}, report);
  return note(caller, level, key, debt, result);
}

bool Repairs::believed(const Caller &caller, Level &level, const cachechain_key &key, int64_t deadline_ns,
                       cachechain_report &report) {
  bool believed = true;
  if (level.debts.overdue() && level.warming != nullptr && level.warming->queue().at_work()) {
    believed = false;
  } else if (level.debts.overdue()) {
    const uint64_t turn = level.debts.turn();
    const int32_t status = level.layer->sweep(make_call(caller, level, deadline_ns, &report));
    const auto at =
        std::find_if(core_.levels.begin(), core_.levels.end(), [&](auto &one) { return one.get() == &level; });
    const int64_t longest_ms = core_.longest_life_ms(static_cast<size_t>(at - core_.levels.begin()));
    const bool outlived = longest_ms != 0 && core_.parts.clock->unix_ms() - level.debts.last_added_ms() >
                                                 longest_ms + core_.settings.max_drift_ms;
    if (status == CACHECHAIN_OK || (status == CACHECHAIN_UNSUPPORTED && outlived)) level.debts.settle_all(turn);
    believed = !level.debts.overdue();
  } else if (const std::optional<Debt> debt = level.debts.find(key)) {
    believed = settle(caller, level, key, *debt, deadline_ns, report);
  }
  if (!believed) caller.add(level.index, LayerCounter::kOwing);
  return believed;
}

// Whoever is in the middle of a mutation has more to do than to mind that there is no memory for this.
void Repairs::settle_others(const Caller &caller, Level &level, int64_t deadline_ns, size_t told) noexcept {
  try {
    std::vector<Debts::Owed> owed = level.debts.next(std::min<size_t>(told * kOthersAtOnce, CACHECHAIN_MAX_BATCH));
    std::erase_if(owed, [&](const Debts::Owed &one) { return is_being_warmed(level, one.raw()); });
    if (owed.empty()) return;
    std::vector<cachechain_key> keys(owed.size());
    std::vector<cachechain_put> puts(owed.size());
    std::vector<cachechain_put_result> results(owed.size());
    for (size_t i = 0; i < owed.size(); ++i) {
      keys[i] = owed[i].raw();
      puts[i] = mark_of(caller, keys[i], owed[i].debt);
    }
    cachechain_report report{};
    (void)core_.put_many(caller, level, puts, results, deadline_ns, {}, report);
    for (size_t i = 0; i < owed.size(); ++i) (void)note(caller, level, keys[i], owed[i].debt, results[i]);
  } catch (const std::bad_alloc &) {
  }
}

}  // namespace cachechain
