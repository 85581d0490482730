#include "chain/warming.h"

#include <new>
#include <vector>

#include "chain/upkeep.h"

namespace cachechain {
namespace {

// An entry that waited longer may have lost against a tombstone that is forgotten by now.
constexpr int64_t kLongestWaitMs = 5'000;

}  // namespace

Warming::Warming(Core &core, Level &level, Namespace &home, const WarmSettings &settings, WorkerGroup &workers)
    : core_(core),
      level_(level),
      home_(home),
      queue_({settings.queue_entries, settings.queue_bytes, kLongestWaitMs}, *core.parts.clock, workers, *this) {}

void Warming::warm(std::span<const cachechain_put> puts) noexcept {
  const Caller caller(home_);
  const auto count = [&](int32_t status, uint64_t by) {
    const LayerCounter counter = status == CACHECHAIN_OK                       ? LayerCounter::kFills
                                 : status > 0 || status == CACHECHAIN_CONFLICT ? LayerCounter::kFillsLost
                                                                               : LayerCounter::kFillErrors;
    caller.block.add(counter_index(level_.index, counter), by);
  };
  std::vector<cachechain_put_result> results;
  try {
    results.resize(puts.size());
  } catch (const std::bad_alloc &) {
    return count(CACHECHAIN_NO_MEMORY, puts.size());
  }
  if (level_.upkeep != nullptr) level_.upkeep->written();
  cachechain_report report{};
  const cachechain_call call = make_call(caller, level_, core_.deadline_after(0), &report);
  const int32_t status = level_.layer->put_many(call, puts, results);
  if (status < 0) {
    core_.layer_failed(level_, status, report);
    return count(status, puts.size());
  }
  core_.layer_answered(level_);
  for (const cachechain_put_result &result : results) count(result.status, 1);
}

}  // namespace cachechain
