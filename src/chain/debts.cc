// Debts: what a level could not be told is put there at the next contact, before anything that it holds is believed.
#include "chain/chain.h"
#include "chain/told.h"

namespace cachechain {
namespace {

// So many debts to other keys are settled at one contact: more than one mutation can leave behind, and few enough for a
// get to bear.
constexpr int kOthersAtOnce = 2;

}  // namespace

void Chain::owe(const Told &told) {
  if (told.owed == 0) return;
  const uint32_t kind = told.put.flags & CACHECHAIN_FLAG_KIND_MASK;
  Debt debt;
  debt.version = told.put.version;
  debt.kind = kind == CACHECHAIN_KIND_TOMBSTONE ? CACHECHAIN_KIND_TOMBSTONE : CACHECHAIN_KIND_INVALIDATED;
  // Where the application is the source, versions of different processes were not ordered by one arbiter while it was
  // away; a reload is all that a mark too many costs.
  debt.always = source_ == Source::kApplication || told.doubt;
  for (size_t at = 0; at < levels_.size(); ++at) {
    Level &level = *levels_[at];
    // The truth owes nothing: what it holds is right by definition.
    if ((told.owed >> level.index & 1) != 0 && !is_truth(at)) level.debts.add(*told.put.key, debt, told.now_ms);
  }
}

bool Chain::settle(ThreadBlocks::Block &block, Level &level, const cachechain_key &key, const Debt &debt,
                   int64_t deadline_ns, cachechain_report &report) {
  cachechain_put put{};
  put.key = &key;
  put.flags = debt.kind;
  // One below the version that may replace it.
  put.version = debt.kind == CACHECHAIN_KIND_INVALIDATED ? debt.version - 1 : debt.version;
  put.created = debt.version;
  put.condition = debt.always ? CACHECHAIN_PUT_BUMP : CACHECHAIN_PUT_NEWER;
  put.expires_ms = parts_.clock->unix_ms() + settings_.tombstone_ms;
  put.horizon = stamps_.horizon();
  cachechain_put_result result{};
  const int32_t status = level.layer->put(make_call(block, level, deadline_ns, &report), put, result);
  if (status < 0) {
    block.add(counter_index(level.index, LayerCounter::kPutErrors));
    layer_failed(level, status, report);
    return false;
  }
  layer_answered(level);
  (void)stamps_.observe(result.version);
  level.debts.settle(key, debt);
  block.add(counter_index(level.index, LayerCounter::kRepairs));
  return true;
}

// Whether what the level holds of this key may be believed: it owes nothing, or has just been told.
bool Chain::believed(ThreadBlocks::Block &block, Level &level, const cachechain_key &key, int64_t deadline_ns,
                     cachechain_report &report) {
  bool believed = true;
  if (level.debts.overdue()) {
    const uint64_t turn = level.debts.turn();
    const int32_t status = level.layer->sweep(make_call(block, level, deadline_ns, &report));
    const int64_t longest_ms = level.life.max_ttl_ms != 0 ? level.life.max_ttl_ms : level.life.ttl_ms;
    const bool outlived =
        longest_ms != 0 && parts_.clock->unix_ms() - level.debts.last_added_ms() > longest_ms + settings_.max_drift_ms;
    if (status == CACHECHAIN_OK || (status == CACHECHAIN_UNSUPPORTED && outlived)) level.debts.settle_all(turn);
    believed = !level.debts.overdue();
  } else if (const std::optional<Debt> debt = level.debts.find(key)) {
    believed = settle(block, level, key, *debt, deadline_ns, report);
  }
  if (!believed) block.add(counter_index(level.index, LayerCounter::kOwing));
  return believed;
}

void Chain::settle_others(ThreadBlocks::Block &block, Level &level, int64_t deadline_ns) {
  for (int i = 0; i < kOthersAtOnce; ++i) {
    const std::optional<Debts::Owed> owed = level.debts.next();
    cachechain_report report{};
    if (!owed || !settle(block, level, owed->raw(), owed->debt, deadline_ns, report)) return;
  }
}

}  // namespace cachechain
