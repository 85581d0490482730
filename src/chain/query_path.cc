#include "chain/query_path.h"

namespace cachechain {

Borrowed QueryPath::borrow(const Caller &caller, const cachechain_key &key, Walk &walk) {
  Borrowed borrowed;
  borrowed.version = core_.stamps.next();
  // Without the shared level, or while it cannot be asked, this process keeps what it reads to itself.
  if (core_.shared == core_.levels.size() || !walk.shared.asked) return borrowed;
  const int64_t now_ms = core_.parts.clock->unix_ms();
  if (walk.shared.lease_until_ms > now_ms) {
    walk.keeps = false;  // somebody writes, or reads for all
    return borrowed;
  }
  cachechain_put lease{};
  lease.key = &key;
  lease.version = borrowed.version;
  lease.created = lease.token = lease_token(borrowed.version, *core_.parts.random);
  lease.flags = CACHECHAIN_KIND_LEASE;
  lease.expires_ms = now_ms + core_.settings.lease_ms;
  lease.condition = CACHECHAIN_PUT_EXACT;
  lease.expect_version = walk.shared.version;
  lease.expect_token = walk.shared.token;
  const int32_t status = core_.put_mark(caller, core_.shared, lease, walk.deadline_ns, walk.options.trace);
  if (status == CACHECHAIN_OK) borrowed.token = lease.token;
  // Somebody was faster, or nobody knows: then it may hold a lease of ours, which only time ends.
  if (status == CACHECHAIN_CONFLICT || status == CACHECHAIN_UNKNOWN_OUTCOME) walk.keeps = false;
  return borrowed;
}

void QueryPath::give_back(const Caller &caller, const cachechain_key &key, Walk &walk, const Borrowed &borrowed,
                          int32_t status, cachechain_value &value) {
  if (status == CACHECHAIN_OK) value.version = value.created = borrowed.version;
  if (borrowed.token == 0) return;
  Level &level = *core_.levels[core_.shared];
  const uint64_t most = level.layer->traits().max_value_size;
  bool fits = status == CACHECHAIN_OK && (most == 0 || value.size <= most);
  int32_t stored = CACHECHAIN_VALUE_TOO_LARGE;
  const int64_t now_ms = core_.parts.clock->unix_ms();
  cachechain_put put{};
  put.key = &key;
  put.version = put.created = borrowed.version;
  put.condition = CACHECHAIN_PUT_EXACT;
  put.expect_version = borrowed.version;
  put.expect_token = borrowed.token;
  if (fits) {
    const Times times = times_of_copy(now_ms, {value.fresh_until_ms, value.expires_ms}, caller.space.life(core_.shared),
                                      *core_.parts.random);
    put.data = value.data;
    put.size = value.size;
    put.fresh_until_ms = times.fresh_until_ms;
    put.expires_ms = times.expires_ms;
    put.flags = value.flags & (CACHECHAIN_FLAG_KIND_MASK | CACHECHAIN_FLAG_CODEC_MASK);
    stored = core_.put_mark(caller, core_.shared, put, walk.deadline_ns, walk.options.trace);
  }
  if (stored == CACHECHAIN_VALUE_TOO_LARGE) {  // which a level that compresses finds out only now
    fits = false;
    put.data = nullptr;
    put.size = 0;
    put.flags = CACHECHAIN_KIND_INVALIDATED;
    put.fresh_until_ms = 0;
    put.expires_ms = now_ms + core_.settings.tombstone_ms;
    stored = core_.put_mark(caller, core_.shared, put, walk.deadline_ns, walk.options.trace);
  }
  if (stored != CACHECHAIN_OK) walk.keeps = false;
  if (fits) {
    caller.add(level.index, stored == CACHECHAIN_OK         ? LayerCounter::kFills
                            : stored == CACHECHAIN_CONFLICT ? LayerCounter::kFillsLost
                                                            : LayerCounter::kFillErrors);
  }
}

// Puts what make(told, mark) makes of the mutation into the shared level. The answers are told.status.
template <class Make>
void QueryPath::mark_shared(const Caller &caller, Round &round, Make &&make) {
  round.clear();
  for (Told &told : round.told) {
    cachechain_put mark = told.put;
    mark.data = nullptr;
    mark.size = 0;
    mark.condition = CACHECHAIN_PUT_BUMP;
    if (!make(told, mark)) continue;
    if (round.told.size() == 1) {
      told.status = core_.put_mark(caller, core_.shared, mark, told.deadline_ns);
    } else {
      round.add(told, mark);
    }
  }
  if (round.puts.empty()) return;
  cachechain_report report{};
  round.results.assign(round.puts.size(), {});
  (void)core_.put_many(caller, *core_.levels[core_.shared], round.puts, round.results,
                       round.asked.front().told->deadline_ns, {}, report);
  for (size_t i = 0; i < round.asked.size(); ++i) round.asked[i].told->status = round.results[i].status;
}

// A lease that nobody can fulfil. It outlives the write, also of a process that dies in the middle of it.
void QueryPath::announce(const Caller &caller, Round &round) {
  if (core_.shared == core_.levels.size()) return;
  mark_shared(caller, round, [&](Told &told, cachechain_put &mark) {
    mark.flags = CACHECHAIN_KIND_LEASE;
    mark.created = mark.token = lease_token(told.put.version, *core_.parts.random);
    mark.expires_ms = told.now_ms + core_.settings.lease_ms;
    if (told.deadline_ns != 0) mark.expires_ms += (told.deadline_ns - core_.parts.clock->mono_ns()) / 1'000'000;
    return true;
  });
  for (Told &told : round.told) told.announced = told.status == CACHECHAIN_OK;
}

// The table was not written: readers may lease again.
void QueryPath::call_off(const Caller &caller, Round &round) {
  if (core_.shared == core_.levels.size()) return;
  mark_shared(caller, round, [&](Told &told, cachechain_put &mark) {
    mark.flags = CACHECHAIN_KIND_INVALIDATED;
    mark.expires_ms = told.now_ms + core_.settings.tombstone_ms;
    return told.announced && told.stage == Told::Stage::kRefused;
  });
}

}  // namespace cachechain
