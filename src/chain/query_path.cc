// A truth without versions, the user's own table: what it answers is stamped before it is asked, what it was told after
// it has acknowledged. Where processes share a level above it, stamps of different clocks are not enough: a reader
// takes a lease there first and copies only over that very lease, and a mutation leaves a mark there that keeps others
// from leasing until the table is written (tests/model/query.pml).
#include <algorithm>

#include "chain/chain.h"
#include "chain/told.h"
#include "chain/walk.h"

namespace cachechain {

int32_t Chain::put_mark_at(ThreadBlocks::Block &block, size_t at, cachechain_put put, int64_t deadline_ns,
                           std::span<const uint8_t> trace) {
  Level &level = *levels_[at];
  put.horizon = stamps_.horizon();
  cachechain_report report{};
  cachechain_put_result result{};
  const cachechain_call call = make_call(block, level, deadline_ns, &report, trace);
  const int32_t status = level.layer->put(call, put, result);
  if (status >= 0 || status == CACHECHAIN_CONFLICT) {
    layer_answered(level);
  } else {
    layer_failed(level, status, report);
  }
  return status;
}

Chain::Borrowed Chain::borrow(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk) {
  Borrowed borrowed;
  borrowed.version = stamps_.next();
  // Without the shared level, or while it cannot be asked, this process keeps what it reads to itself.
  if (shared_ == levels_.size() || !walk.shared.asked) return borrowed;
  const int64_t now_ms = parts_.clock->unix_ms();
  if (walk.shared.lease_until_ms > now_ms) {
    walk.keeps = false;  // somebody writes, or reads for all
    return borrowed;
  }
  cachechain_put lease{};
  lease.key = &key;
  lease.version = borrowed.version;
  lease.created = lease.token = lease_token(borrowed.version, *parts_.random);
  lease.flags = CACHECHAIN_KIND_LEASE;
  lease.expires_ms = now_ms + settings_.lease_ms;
  lease.condition = CACHECHAIN_PUT_EXACT;
  lease.expect_version = walk.shared.version;
  lease.expect_token = walk.shared.token;
  const int32_t status = put_mark_at(block, shared_, lease, walk.deadline_ns, walk.options.trace);
  if (status == CACHECHAIN_OK) borrowed.token = lease.token;
  // Somebody was faster, or nobody knows: then it may hold a lease of ours, which only time ends.
  if (status == CACHECHAIN_CONFLICT || status == CACHECHAIN_UNKNOWN_OUTCOME) walk.keeps = false;
  return borrowed;
}

void Chain::give_back(ThreadBlocks::Block &block, const cachechain_key &key, Walk &walk, const Borrowed &borrowed,
                      int32_t status, cachechain_value &value) {
  if (status == CACHECHAIN_OK) value.version = value.created = borrowed.version;
  if (borrowed.token == 0) return;
  Level &level = *levels_[shared_];
  const uint64_t most = level.layer->traits().max_value_size;
  const bool fits = status == CACHECHAIN_OK && (most == 0 || value.size <= most);
  const int64_t now_ms = parts_.clock->unix_ms();
  cachechain_put put{};
  put.key = &key;
  put.version = put.created = borrowed.version;
  put.condition = CACHECHAIN_PUT_EXACT;
  put.expect_version = borrowed.version;
  put.expect_token = borrowed.token;
  if (fits) {
    const Times times = times_of_copy(now_ms, {value.fresh_until_ms, value.expires_ms}, level.life, *parts_.random);
    put.data = value.data;
    put.size = value.size;
    put.fresh_until_ms = times.fresh_until_ms;
    put.expires_ms = times.expires_ms;
    put.flags = value.flags & (CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK);
  } else {
    put.flags = CACHECHAIN_KIND_INVALIDATED;
    put.expires_ms = now_ms + settings_.tombstone_ms;
  }
  const int32_t stored = put_mark_at(block, shared_, put, walk.deadline_ns, walk.options.trace);
  if (stored != CACHECHAIN_OK) walk.keeps = false;
  if (fits) {
    block.add(counter_index(level.index, stored == CACHECHAIN_OK         ? LayerCounter::kFills
                                         : stored == CACHECHAIN_CONFLICT ? LayerCounter::kFillsLost
                                                                         : LayerCounter::kFillErrors));
  }
}

// A lease that nobody can fulfil. It outlives the write, also of a process that dies in the middle of it.
void Chain::announce(ThreadBlocks::Block &block, Told &told) {
  if (shared_ == levels_.size()) return;
  cachechain_put mark = told.put;
  mark.data = nullptr;
  mark.size = 0;
  mark.flags = CACHECHAIN_KIND_LEASE;
  mark.created = mark.token = lease_token(told.put.version, *parts_.random);
  mark.condition = CACHECHAIN_PUT_BUMP;
  mark.expires_ms = told.now_ms + settings_.lease_ms;
  if (told.deadline_ns != 0) mark.expires_ms += (told.deadline_ns - parts_.clock->mono_ns()) / 1'000'000;
  told.announced = put_mark_at(block, shared_, mark, told.deadline_ns) == CACHECHAIN_OK;
}

// The table was not written: readers may lease again.
void Chain::call_off(ThreadBlocks::Block &block, Told &told) {
  if (!told.announced) return;
  cachechain_put mark = told.put;
  mark.data = nullptr;
  mark.size = 0;
  mark.flags = CACHECHAIN_KIND_INVALIDATED;
  mark.condition = CACHECHAIN_PUT_BUMP;
  mark.expires_ms = told.now_ms + settings_.tombstone_ms;
  (void)put_mark_at(block, shared_, mark, told.deadline_ns);
}

}  // namespace cachechain
