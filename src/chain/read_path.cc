// How a get goes: down the levels until one has a live entry, then warm the inline levels above it.
#include <cxxabi.h>

#include <algorithm>

#include "base/hash.h"
#include "chain/chain.h"
#include "chain/found.h"

namespace cachechain {

// What a get learned on its way down.
struct Chain::Walk {
  const ReadOptions &options;
  std::span<uint8_t> buffer;
  Status *failure;

  int64_t deadline_ns = 0;  // 0: none, or not yet needed
  bool timed = false;       // deadline_ns was worked out
  bool late = false;        // a level was skipped for lack of time
  bool degraded = false;    // a level could not be asked
  bool truth_said_no = false;
  uint64_t floor = 0;
  std::string verdicts;  // of the levels that failed

  void note(std::string_view text) {
    if (!verdicts.empty()) verdicts += "; ";
    verdicts += text;
  }
};

namespace {

void drop(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
  value = {};
}

// One inline layer, straight through its table. PLUGIN_FAULT sends the caller to the checked way.
int32_t ask_directly(const InlineSlots &slots, const cachechain_call &call, const cachechain_key &key,
                     std::span<uint8_t> buffer, cachechain_value &value) {
  try {
    const int32_t status = slots.api->get(slots.instance, &call, &key, buffer.data(), buffer.size(), &value);
    if (check_value(status, value, buffer.data(), buffer.size())) return status;
  } catch (abi::__forced_unwind &) {
    throw;
  } catch (...) {
  }
  value = {};
  return CACHECHAIN_PLUGIN_FAULT;
}

}  // namespace

int32_t Chain::get(ThreadBlocks::Block &block, std::span<const uint8_t> key_bytes, const ReadOptions &options,
                   std::span<uint8_t> buffer, cachechain_value &value, Status *failure) {
  const cachechain_key key{key_bytes.data(), key_bytes.size(), hash_key(key_bytes, space_.seed()), &space_.raw()};
  // The common case, a hit in the first layer, without a clock, a lock or a virtual call.
  if (leading_inline_ != 0) {
    Level &first = *levels_.front();
    if (first.trusted.load(std::memory_order_relaxed)) {
      const cachechain_call call = make_call(block, first, 0, nullptr);
      const int32_t status = ask_directly(first.direct, call, key, buffer, value);
      uint64_t floor = 0;
      if (status == CACHECHAIN_OK &&
          judge_entry(value, floor, [this] { return parts_.clock->coarse_unix_ms(); }) == Found::kFresh) {
        value.layer = static_cast<int32_t>(first.index);
        block.add(counter_index(first.index, LayerCounter::kHits));
        return CACHECHAIN_OK;
      }
      if (status == CACHECHAIN_OK) drop(value);
      if (status == CACHECHAIN_PLUGIN_FAULT) first.trusted.store(false, std::memory_order_relaxed);
    }
  }
  Walk walk{options, buffer, failure};
  return walk_down(block, key, walk, value);
}

int32_t Chain::walk_down(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk, cachechain_value &value) {
  for (size_t at = 0; at < levels_.size(); ++at) {
    Level &level = *levels_[at];
    const auto count = [&](LayerCounter counter) { block.add(counter_index(level.index, counter)); };
    const bool truth = source_ == Source::kLastLayer && at + 1 == levels_.size();
    const int32_t status = ask(block, at, key, walk, value);
    if (status < 0) continue;
    if (status != CACHECHAIN_OK) {
      count(LayerCounter::kMisses);
      walk.truth_said_no |= truth;
      continue;
    }
    const Found found = judge_entry(value, walk.floor, [this] { return parts_.clock->coarse_unix_ms(); });
    switch (found) {
      case Found::kFresh:
      case Found::kStale: {
        value.layer = static_cast<int32_t>(level.index);
        if (!level.is_inline()) (void)stamps_.observe(value.version);
        if (at != 0) warm(block, key, at, value);
        if (walk.degraded) value.flags |= CACHECHAIN_FLAG_DEGRADED;
        if (found == Found::kFresh) {
          count(LayerCounter::kHits);
          return CACHECHAIN_OK;
        }
        value.flags |= CACHECHAIN_FLAG_STALE;
        count(LayerCounter::kStale);
        return CACHECHAIN_STALE;
      }
      case Found::kAbsent:
        count(LayerCounter::kDeleted);
        drop(value);
        value.layer = static_cast<int32_t>(level.index);
        block.add(counter_index(ChainCounter::kNotFound));
        return CACHECHAIN_NOT_FOUND;
      case Found::kDeleted:
        count(LayerCounter::kDeleted);
        break;
      case Found::kExpired:
        count(LayerCounter::kExpired);
        break;
      case Found::kVoid:
        count(LayerCounter::kVoid);
        break;
      case Found::kNothing:
        count(LayerCounter::kMisses);
        break;
    }
    walk.truth_said_no |= truth;
    drop(value);
  }
  return nobody_has_it(block, walk, value);
}

// Asks one level; < 0 means that it could not be asked, and then everything about that has been noted.
int32_t Chain::ask(ThreadBlocks::Block &block, size_t at, const cachechain_key &key, Walk &walk,
                   cachechain_value &value) {
  Level &level = *levels_[at];
  const LayerTraits &traits = level.layer->traits();
  if (key.size > traits.max_key_size) return CACHECHAIN_MISS;  // it cannot hold such a key
  if (!level.is_inline()) {
    if (!walk.timed) {
      walk.deadline_ns = deadline_after(walk.options.timeout_ns);
      walk.timed = true;
    } else if (walk.deadline_ns != 0 && parts_.clock->mono_ns() >= walk.deadline_ns) {
      block.add(counter_index(level.index, LayerCounter::kSkipped));
      walk.degraded = walk.late = true;
      walk.note(traits.name + ": not asked, the deadline has passed");
      return CACHECHAIN_DEADLINE;
    }
  }
  cachechain_report report;
  report.native_code = 0;
  report.retryable = report.size = 0;
  const cachechain_call call = make_call(block, level, walk.deadline_ns, &report, walk.options.trace);
  const int32_t status = level.layer->get(call, key, walk.buffer, value);
  if (status >= 0) {
    layer_answered(level);
    return status;
  }
  value = {};
  block.add(counter_index(level.index, LayerCounter::kErrors));
  layer_failed(level, status, report);
  walk.degraded = true;
  walk.late |= status == CACHECHAIN_DEADLINE;
  walk.note(describe(level, status, report));
  return status;
}

void Chain::warm(ThreadBlocks::Block &block, const cachechain_key &key, size_t below, const cachechain_value &value) {
  if (value.version == 0) return;  // nothing that it could be compared by
  cachechain_put put{};
  put.key = &key;
  put.data = value.data;
  put.size = value.size;
  put.version = value.version;
  put.created = value.created;
  put.flags = value.flags & (CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK);
  put.condition = CACHECHAIN_PUT_NEWER;
  put.horizon = stamps_.horizon();
  const int64_t now_ms = parts_.clock->coarse_unix_ms();
  for (size_t at = below; at-- > 0;) {
    Level &level = *levels_[at];
    if (!level.is_inline() || !level.writable()) continue;
    const LayerTraits &traits = level.layer->traits();
    if (key.size > traits.max_key_size) continue;
    if (traits.max_value_size != 0 && value.size > traits.max_value_size) continue;
    const Times times = times_of_copy(now_ms, {value.fresh_until_ms, value.expires_ms}, level.life, *parts_.random);
    put.fresh_until_ms = times.fresh_until_ms;
    put.expires_ms = times.expires_ms;
    cachechain_put_result result{};
    const int32_t status = level.layer->put(make_call(block, level, 0, nullptr), put, result);
    block.add(counter_index(level.index, status == CACHECHAIN_OK ? LayerCounter::kFills
                                         : status > 0            ? LayerCounter::kFillsLost
                                                                 : LayerCounter::kFillErrors));
  }
}

int32_t Chain::nobody_has_it(ThreadBlocks::Block &block, const Walk &walk, cachechain_value &value) {
  value = {};
  value.layer = -1;
  if (walk.degraded) value.flags = CACHECHAIN_FLAG_DEGRADED;
  if (source_ == Source::kApplication) {
    block.add(counter_index(walk.degraded ? ChainCounter::kDegraded : ChainCounter::kMisses));
    return CACHECHAIN_MISS;
  }
  if (walk.truth_said_no) {
    block.add(counter_index(ChainCounter::kNotFound));
    return CACHECHAIN_NOT_FOUND;
  }
  block.add(counter_index(ChainCounter::kGetErrors));
  value = {};
  const int32_t status = walk.late ? CACHECHAIN_DEADLINE : CACHECHAIN_UNAVAILABLE;
  if (walk.failure != nullptr) {
    *walk.failure =
        Status(status, Status::Detail{settings_.chain + ": the last layer could not be asked: " + walk.verdicts,
                                      levels_.back()->layer->traits().name, 0, true});
  }
  return status;
}

}  // namespace cachechain
