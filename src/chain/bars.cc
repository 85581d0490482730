#include "chain/bars.h"

#include "chain/warming.h"

namespace cachechain {

Bars::Bars(Core &core, const cachechain_key &key, int64_t deadline_ns) {
  if (!core.queues) return;
  for (const auto &level : core.levels) {
    if (level->warming == nullptr) continue;
    if (!bars_.emplace_back(level->warming->queue(), key, deadline_ns).quiet()) busy_ |= uint32_t{1} << level->index;
  }
}

}  // namespace cachechain
