// How a mutation goes: to the level whose word is the truth first, because its answer orders it among all others; then
// to the inline levels, then to the rest. A level that could not be told is owed.
#include <algorithm>

#include "base/hash.h"
#include "chain/chain.h"

namespace cachechain {
namespace {

// How long the truth itself remembers a delete, at least.
constexpr int64_t kTruthTombstoneMs = 3'600'000;

}  // namespace

// What a mutation is and how far it got.
struct Chain::Told {
  explicit Told(const Mutation &asked) : mutation(asked) {}

  const Mutation &mutation;
  cachechain_put put{};  // as the truth got it
  Times times;           // of the entry
  int64_t now_ms = 0;
  int64_t deadline_ns = 0;
  size_t arbiter = 0;  // the level that acknowledged it
  uint32_t done = 0;   // bits by index in the configuration
  uint32_t owed = 0;
  cachechain_put_result result{};  // of the last put
  cachechain_report report{};
  std::string verdicts;
};

Status Chain::mutate(ThreadBlocks::Block &block, std::span<const uint8_t> key_bytes, const Mutation &mutation,
                     cachechain_write &result) {
  if (truth_ == levels_.size() || (source_ == Source::kLastLayer && truth_ + 1 != levels_.size())) {
    return Status(CACHECHAIN_UNSUPPORTED, settings_.chain + ": " +
                                              (truth_ == levels_.size() ? "no layer" : "the last layer") +
                                              " takes no writes (\"write\": \"none\")");
  }
  if (mutation.data.size() > settings_.max_value_bytes) {
    return Status(CACHECHAIN_VALUE_TOO_LARGE, settings_.chain + ": the value has " +
                                                  std::to_string(mutation.data.size()) + " bytes, max_value_bytes is " +
                                                  std::to_string(settings_.max_value_bytes));
  }
  if (mutation.expect_version != 0 && !stamps_.observe(mutation.expect_version)) {
    return Status(CACHECHAIN_FUTURE_VERSION,
                  settings_.chain + ": the expected version is more than max_drift_ms ahead");
  }
  const cachechain_key key{key_bytes.data(), key_bytes.size(), hash_key(key_bytes, space_.seed()), &space_.raw()};
  Told told(mutation);
  told.now_ms = parts_.clock->unix_ms();
  told.deadline_ns = deadline_after(mutation.timeout_ns);
  told.put.key = &key;
  told.put.data = mutation.data.data();
  told.put.size = mutation.data.size();
  told.put.version = stamps_.next();
  told.put.created = mutation.created != 0 ? mutation.created : told.put.version;
  told.put.flags = mutation.kind;
  told.put.condition = mutation.expects ? CACHECHAIN_PUT_EXACT : CACHECHAIN_PUT_BUMP;
  told.put.expect_version = mutation.expect_version;
  told.put.horizon = stamps_.horizon();
  if (mutation.kind == CACHECHAIN_KIND_VALUE) {
    told.times = times_of_entry(told.now_ms, mutation.ttl_ms, mutation.fresh_ms, levels_[truth_]->life, *parts_.random);
  }
  const Status acknowledged = put_truth(block, told);
  if (acknowledged.code() == CACHECHAIN_OK) {
    put_copies(block, told);
  } else if (acknowledged.code() == CACHECHAIN_UNKNOWN_OUTCOME) {
    void_inline_copies(block, told);
  }
  if (acknowledged.ok()) {
    result.version = told.put.version;
    result.done = told.done;
    result.owed = told.owed;
  }
  if (told.owed != 0) block.add(counter_index(ChainCounter::kOwed));
  return acknowledged;
}

// One put into one level, as a copy of what the truth got. Its bit goes to done or owed.
int32_t Chain::put_one(ThreadBlocks::Block &block, size_t at, cachechain_put put, Told &told) {
  Level &level = *levels_[at];
  const LayerTraits &traits = level.layer->traits();
  const uint32_t bit = uint32_t{1} << level.index;
  if (put.key->size > traits.max_key_size) return CACHECHAIN_KEY_TOO_LONG;  // it never held the key: nothing to tell
  const auto count = [&](LayerCounter counter) { block.add(counter_index(level.index, counter)); };

  const auto attempt = [&] {
    const uint32_t kind = put.flags & CACHECHAIN_FLAG_KIND_MASK;
    if (kind == CACHECHAIN_KIND_VALUE) {
      const Times times =
          at == truth_ ? told.times : times_of_copy(told.now_ms, told.times, level.life, *parts_.random);
      put.fresh_until_ms = times.fresh_until_ms;
      put.expires_ms = times.expires_ms;
    } else {
      const bool truth = source_ == Source::kLastLayer && at == truth_;
      put.fresh_until_ms = 0;
      put.expires_ms =
          told.now_ms + (truth ? std::max(settings_.tombstone_ms, kTruthTombstoneMs) : settings_.tombstone_ms);
    }
    told.result = {};
    told.report.size = 0;
    if (traits.max_value_size != 0 && put.size > traits.max_value_size) return int32_t{CACHECHAIN_VALUE_TOO_LARGE};
    const cachechain_call call =
        make_call(block, level, level.is_inline() ? 0 : told.deadline_ns, &told.report, told.mutation.trace);
    return level.layer->put(call, put, told.result);
  };

  int32_t status = attempt();
  const bool is_truth = source_ == Source::kLastLayer && at == truth_;
  if (status == CACHECHAIN_VALUE_TOO_LARGE && !is_truth) {
    // What it cannot hold must not leave an older value behind.
    put.data = nullptr;
    put.size = 0;
    put.flags = CACHECHAIN_KIND_TOMBSTONE;
    if (const int32_t removed = attempt(); removed < 0) status = removed;
  }
  if (status >= 0) {
    layer_answered(level);
    count(status == CACHECHAIN_OK ? LayerCounter::kPuts : LayerCounter::kSuperseded);
    told.done |= bit;
    return status;
  }
  if (status == CACHECHAIN_CONFLICT || (is_truth && status == CACHECHAIN_VALUE_TOO_LARGE)) return status;
  count(LayerCounter::kPutErrors);
  if (status == CACHECHAIN_VALUE_TOO_LARGE) {
    told.done |= bit;  // told, and left without the key
    return status;
  }
  layer_failed(level, status, told.report);
  if (!told.verdicts.empty()) told.verdicts += "; ";
  told.verdicts += describe(level, status, told.report);
  // An inline put that fails leaves the key absent, which is as good as told.
  const bool absent = level.is_inline() && status != CACHECHAIN_PLUGIN_FAULT;
  (absent ? told.done : told.owed) |= bit;
  return status;
}

// On OK `told.put.version` is what the truth stored, and told.arbiter who that was.
Status Chain::put_truth(ThreadBlocks::Block &block, Told &told) {
  int32_t last = CACHECHAIN_UNAVAILABLE;
  for (size_t at = truth_ + 1; at-- > 0;) {
    Level &level = *levels_[at];
    if (!level.writable()) continue;
    const LayerTraits &traits = level.layer->traits();
    if (told.mutation.expects && !traits.can(CACHECHAIN_CAP_EXACT)) {
      return Status(CACHECHAIN_UNSUPPORTED, describe(level, CACHECHAIN_UNSUPPORTED, told.report) +
                                                ": this layer cannot compare versions, as CACHECHAIN_PUT_EXPECT asks");
    }
    const int32_t status = put_one(block, at, told.put, told);
    const auto failure = [&](int32_t code, std::string text) {
      return Status(code,
                    Status::Detail{std::move(text), traits.name, told.report.native_code, status_retryable(code)});
    };
    switch (status) {
      case CACHECHAIN_OK:
        told.arbiter = at;
        if (told.result.version != 0) told.put.version = told.result.version;
        (void)stamps_.observe(told.put.version);
        return CACHECHAIN_OK;
      case CACHECHAIN_CONFLICT:
        return failure(CACHECHAIN_CONFLICT, settings_.chain + "/" + traits.name + ": version " +
                                                std::to_string(told.mutation.expect_version) +
                                                " was expected, stored is " + std::to_string(told.result.version));
      case CACHECHAIN_UNKNOWN_OUTCOME:
      case CACHECHAIN_PLUGIN_FAULT:
        told.arbiter = at;
        return failure(CACHECHAIN_UNKNOWN_OUTCOME, told.verdicts);
      default:
        break;
    }
    last = status;
    if (source_ == Source::kLastLayer || told.mutation.expects) {
      told.owed = 0;  // nothing was changed, so nobody owes anything
      if (status == CACHECHAIN_VALUE_TOO_LARGE || status == CACHECHAIN_KEY_TOO_LONG) {
        return failure(status, settings_.chain + "/" + traits.name + ": more than this layer takes");
      }
      const bool caller =
          status == CACHECHAIN_DEADLINE || status == CACHECHAIN_OVERLOADED || status == CACHECHAIN_NO_MEMORY;
      return failure(caller ? status : int32_t{CACHECHAIN_UNAVAILABLE}, told.verdicts + "; nothing was changed");
    }
  }
  told.arbiter = 0;
  // A level that could not keep the mark of a delete has forgotten the key, which is what was asked for.
  if (told.mutation.kind != CACHECHAIN_KIND_VALUE && told.done != 0) return CACHECHAIN_OK;
  told.owed = 0;
  switch (last) {
    case CACHECHAIN_KEY_TOO_LONG:
      return Status(last,
                    settings_.chain + ": no layer takes a key of " + std::to_string(told.put.key->size) + " bytes");
    case CACHECHAIN_VALUE_TOO_LARGE:
      return Status(last, settings_.chain + ": no layer takes a value of " + std::to_string(told.put.size) +
                              " bytes; what was stored before is gone");
    case CACHECHAIN_NO_MEMORY:
    case CACHECHAIN_OVERLOADED:
    case CACHECHAIN_DEADLINE:
      return Status(last, told.verdicts);
    default:
      return Status(CACHECHAIN_UNAVAILABLE, told.verdicts + "; nothing was changed");
  }
}

void Chain::put_copies(ThreadBlocks::Block &block, Told &told) {
  cachechain_put copy = told.put;
  copy.condition = CACHECHAIN_PUT_NEWER;
  copy.expect_version = 0;
  for (const bool inline_ones : {true, false}) {
    for (size_t at = told.arbiter; at-- > 0;) {
      Level &level = *levels_[at];
      if (level.is_inline() == inline_ones && level.writable()) (void)put_one(block, at, copy, told);
    }
  }
}

// After an unknown outcome nobody may keep answering with what was there before.
void Chain::void_inline_copies(ThreadBlocks::Block &block, Told &told) {
  cachechain_put mark = told.put;
  mark.condition = CACHECHAIN_PUT_NEWER;
  mark.data = nullptr;
  mark.size = 0;
  mark.flags = CACHECHAIN_KIND_INVALIDATED;
  mark.version = told.put.version - 1;
  for (size_t at = 0; at < levels_.size(); ++at) {
    if (at == told.arbiter || !levels_[at]->writable()) continue;
    if (levels_[at]->is_inline()) {
      (void)put_one(block, at, mark, told);
    } else {
      told.owed |= uint32_t{1} << levels_[at]->index;
    }
  }
}

}  // namespace cachechain
