// Mutations that leave the value as it is: new times for it, and the word that it is bad.
#include "chain/bars.h"
#include "chain/write_path.h"

namespace cachechain {
namespace {

// How often a rewrite is tried against others who write the same key.
constexpr int kRewrites = 8;

}  // namespace

Status WritePath::entry_to_rewrite(const Caller &caller, const cachechain_key &key, int64_t deadline_ns,
                                   cachechain_value &value) {
  if (core_.truth == core_.levels.size()) {
    return Status(CACHECHAIN_UNSUPPORTED, core_.settings.chain + ": no layer takes writes (\"write\": \"none\")");
  }
  Level &level = *core_.levels[core_.truth];
  if (!level.layer->traits().can(CACHECHAIN_CAP_EXACT)) {
    return Status(CACHECHAIN_UNSUPPORTED,
                  core_.settings.chain + "/" + level.layer->traits().name +
                      ": this layer cannot compare versions, so an entry cannot be given new times");
  }
  cachechain_report report{};
  if (level.debts.any() && !repairs_.believed(caller, level, key, deadline_ns, report)) {
    return Status(CACHECHAIN_UNAVAILABLE,
                  core_.describe(level, CACHECHAIN_UNAVAILABLE, report) + "; nothing was changed");
  }
  const int32_t status = key.size > level.layer->traits().max_key_size
                             ? int32_t{CACHECHAIN_MISS}
                             : level.layer->get(make_call(caller, level, deadline_ns, &report), key, {}, value);
  const int32_t nothing = core_.source == Source::kApplication ? CACHECHAIN_MISS : CACHECHAIN_NOT_FOUND;
  if (status < 0) {
    core_.layer_failed(level, status, report);
    return Status(CACHECHAIN_UNAVAILABLE, core_.describe(level, status, report) + "; nothing was changed");
  }
  if (status != CACHECHAIN_OK) return nothing;
  const bool live = (value.flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE &&
                    !caller.space.voids(value.created) &&
                    (value.expires_ms == 0 || value.expires_ms > core_.parts.clock->unix_ms());
  if (live) return CACHECHAIN_OK;
  drop(value);
  return nothing;
}

Status WritePath::touch(const Caller &caller, std::span<const uint8_t> key_bytes, const Mutation &times,
                        cachechain_write &result) {
  const cachechain_key key = caller.space.key(key_bytes);
  Hold hold(core_.records);
  if (hold.enter(key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) {
    return Status(CACHECHAIN_NO_MEMORY,
                  core_.settings.chain + ": no memory for the record of the key; nothing was changed");
  }
  const int64_t deadline_ns = core_.deadline_after(times.timeout_ns);
  Status touched;
  for (int i = 0; i < kRewrites; ++i) {
    cachechain_value value{};
    Status found = entry_to_rewrite(caller, key, deadline_ns, value);
    if (found.code() != CACHECHAIN_OK) return found;
    Mutation rewrite = times;
    rewrite.data = {value.data, static_cast<size_t>(value.size)};
    rewrite.expects = true;
    rewrite.expect_version = value.version;
    rewrite.created = value.created;
    touched = mutate_held(caller, hold, key, rewrite, result);
    drop(value);
    if (touched.code() != CACHECHAIN_CONFLICT && touched.code() != CACHECHAIN_VOID) break;
  }
  return touched;
}

Status WritePath::reject(const Caller &caller, std::span<const uint8_t> key_bytes, const Mutation &options,
                         uint64_t version) {
  if (options.cancel != nullptr && options.cancel->cancelled()) return cancelled();
  if (!core_.stamps.observe(version)) {
    return Status(CACHECHAIN_FUTURE_VERSION, core_.settings.chain + ": the version is more than max_drift_ms ahead");
  }
  const cachechain_key key = caller.space.key(key_bytes);
  Hold hold(core_.records);
  if (hold.enter(key, Hold::Wish::kHold) == Hold::Entered::kNoMemory) {
    return Status(CACHECHAIN_NO_MEMORY,
                  core_.settings.chain + ": no memory for the record of the key; nothing was changed");
  }
  hold.shut_others();
  Told told(options, hold);
  if (Status begun = begin(caller, told, key); begun.code() != CACHECHAIN_OK) return begun;
  const Bars bars(core_, key, told.deadline_ns);
  told.busy = bars.busy();
  // Above the bad version and below every other: whatever has replaced it stays.
  told.put.condition = CACHECHAIN_PUT_NEWER;
  make_mark(told.put, version + 2);
  for (size_t at = core_.levels.size(); at-- > 0;) {
    if (core_.is_truth(at) || !core_.levels[at]->writable()) continue;
    (void)put_one(caller, at, told.put, told);
  }
  hold.detach_flights();
  told.put.version = version + 2;
  repairs_.owe(told);
  return told.owed == 0 ? Status(CACHECHAIN_OK) : Status(CACHECHAIN_UNAVAILABLE, told.verdicts + "; it is owed");
}

}  // namespace cachechain
