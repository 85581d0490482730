#include "chain/warmer.h"

#include "chain/warming.h"

namespace cachechain {

void Warmer::warm(const Caller &caller, const cachechain_key &key, size_t below, const Walk &walk,
                  const cachechain_value &value) {
  if (below == 0 || walk.hold == nullptr || !walk.keeps) return;
  if (value.version == 0) return;  // nothing that it could be compared by
  cachechain_put put{};
  put.key = &key;
  put.data = value.data;
  put.size = value.size;
  put.version = value.version;
  put.created = value.created;
  put.flags = value.flags & (CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK);
  put.horizon = core_.stamps.horizon();
  put.cleared = caller.space.cleared();
  const int64_t now_ms = core_.parts.clock->coarse_unix_ms();
  const int64_t fetch_ns = walk.begin_ns != 0 ? core_.parts.clock->mono_ns() - walk.begin_ns : 0;
  const bool from_table = core_.is_plain(below);
  for (size_t at = below; at-- > 0;) {
    Level &level = *core_.levels[at];
    if (!level.writable()) continue;
    // The level that readers of a table lease from has got it in exchange for the lease.
    if (from_table && at == core_.shared) continue;
    const LayerTraits &traits = level.layer->traits();
    if (key.size > traits.max_key_size) continue;
    if (traits.max_value_size != 0 && value.size > traits.max_value_size) continue;
    if (!level.admission.admits(value.size, key.hash, fetch_ns)) continue;
    const Times times =
        times_of_copy(now_ms, {value.fresh_until_ms, value.expires_ms}, caller.space.life(at), *core_.parts.random);
    put.fresh_until_ms = times.fresh_until_ms;
    put.expires_ms = times.expires_ms;
    // A queue looks at the fence itself.
    put.fence = traits.can(CACHECHAIN_CAP_FENCE) || !level.is_inline() ? walk.hold->fence() : nullptr;
    // The mark that this walk saw says that what was there before is void; what the truth answered since is not, though
    // its version be the same.
    const bool over_mark = (walk.marked >> at & 1) != 0 && walk.marks[at] >= value.version &&
                           below + 1 == core_.levels.size() && traits.can(CACHECHAIN_CAP_EXACT);
    put.condition = over_mark ? CACHECHAIN_PUT_EXACT : CACHECHAIN_PUT_NEWER;
    put.expect_version = over_mark ? walk.marks[at] : 0;
    if (level.is_inline()) {
      put_inline(caller, level, put);
    } else {
      (void)level.warming->queue().offer(put);
    }
  }
}

void Warmer::put_inline(const Caller &caller, Level &level, const cachechain_put &put) {
  cachechain_put_result result{};
  const int32_t status = level.layer->put(make_call(caller, level, 0, nullptr), put, result);
  caller.add(level.index, status == CACHECHAIN_OK                       ? LayerCounter::kFills
                          : status > 0 || status == CACHECHAIN_CONFLICT ? LayerCounter::kFillsLost
                                                                        : LayerCounter::kFillErrors);
}

}  // namespace cachechain
