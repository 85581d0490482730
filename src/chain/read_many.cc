#include "chain/read_many.h"

#include <cxxabi.h>

#include <algorithm>

#include "chain/found.h"
#include "plugin/answers.h"

namespace cachechain {
namespace {

// So many keys lie on the stack while the first level is asked.
constexpr size_t kAtOnce = 128;

// The first level, straight through its table: OK, and a checked answer for each key. UNSUPPORTED: it has single gets
// only. Another failure: no key was answered. `trusted` becomes false if it broke its contract.
int32_t ask_directly(const InlineSlots &slots, const cachechain_call &call, std::span<const cachechain_key> keys,
                     std::span<cachechain_value> values, std::span<int32_t> statuses, bool &trusted) {
  if (slots.api->get_many == nullptr) return CACHECHAIN_UNSUPPORTED;
  (void)fail_all(statuses, kUnwritten);
  int32_t whole = CACHECHAIN_PLUGIN_FAULT;
  try {
    whole = slots.api->get_many(slots.instance, &call, keys.data(), keys.size(), values.data(), statuses.data());
  } catch (abi::__forced_unwind &) {
    throw;
  } catch (...) {
  }
  if (whole < 0) {
    std::fill(values.begin(), values.end(), cachechain_value{});
    trusted = whole != CACHECHAIN_PLUGIN_FAULT;
    return whole;
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i] != CACHECHAIN_OK) values[i] = {};
    if (statuses[i] != kUnwritten && check_value(statuses[i], values[i], nullptr, 0)) continue;
    values[i] = {};
    statuses[i] = CACHECHAIN_PLUGIN_FAULT;
    trusted = false;
  }
  return CACHECHAIN_OK;
}

}  // namespace

std::vector<Placed> ReadMany::ask_first(const Caller &caller, const Slices &keys, const Good &good, Batch &batch) {
  std::vector<Placed> rest;
  Level &first = *core_.levels.front();
  const bool inline_first = core_.leading_inline != 0;
  int64_t now_ms = 0;
  const auto now = [&] { return now_ms != 0 ? now_ms : now_ms = core_.parts.clock->coarse_unix_ms(); };
  uint64_t hits = 0;
  cachechain_key chunk[kAtOnce];
  for (size_t begin = 0; begin < keys.size(); begin += kAtOnce) {
    const size_t count = std::min(kAtOnce, keys.size() - begin);
    for (size_t i = 0; i < count; ++i) chunk[i] = caller.space.key(keys[begin + i]);
    const auto values = batch.values().subspan(begin, count);
    const auto statuses = batch.statuses().subspan(begin, count);
    int32_t whole = CACHECHAIN_UNAVAILABLE;
    if (inline_first && first.trusted.load(std::memory_order_relaxed)) {
      const cachechain_call call = make_call(caller, first, 0, nullptr);
      bool trusted = true;
      whole = ask_directly(first.direct, call, {chunk, count}, values, statuses, trusted);
      if (!trusted) first.trusted.store(false, std::memory_order_relaxed);
    }
    for (size_t i = 0; i < count; ++i) {
      uint64_t floor = 0;
      bool answered = false;
      if (whole >= 0) {
        answered = statuses[i] == CACHECHAIN_OK && !caller.space.voids(values[i].created) &&
                   judge_entry(values[i], floor, now) == Found::kFresh;
      } else if (whole == CACHECHAIN_UNSUPPORTED) {
        answered = reads_.ask_first(caller, chunk[i], {}, values[i]) == CACHECHAIN_OK;
      }
      if (answered && good(values[i])) {
        values[i].layer = static_cast<int32_t>(first.index);
        statuses[i] = CACHECHAIN_OK;
        ++hits;
        continue;
      }
      drop(values[i]);
      rest.push_back({begin + i, chunk[i]});
    }
  }
  if (hits != 0) caller.add(first.index, LayerCounter::kHits, hits);
  return rest;
}

Status ReadMany::get(const Caller &caller, const Slices &keys, const ReadOptions &options, Batch::Ptr &batch) {
  batch = Batch::create(*core_.parts.allocator, keys.size(), false);
  if (batch == nullptr) return Status(CACHECHAIN_NO_MEMORY, core_.settings.chain + ": no memory for the answers");
  const std::vector<Placed> rest = ask_first(
      caller, keys, [&](const cachechain_value &value) { return value.version >= options.min_version; }, *batch);
  if (rest.empty()) return CACHECHAIN_OK;
  const int64_t deadline_ns = core_.deadline_after(options.timeout_ns);
  for (std::span<const Placed> left = rest; !left.empty();) {
    const size_t count = std::min(left.size(), Travellers::kMost);
    Travellers travellers(core_.records, options, left.first(count), deadline_ns);
    go(caller, travellers, *batch);
    left = left.subspan(count);
  }
  return CACHECHAIN_OK;
}

void ReadMany::go(const Caller &caller, Travellers &travellers, Batch &batch) {
  const auto answered = [&](Traveller &one, int32_t status) { answer(caller, one, status, batch); };
  const bool alone = core_.levels.size() == 1 && core_.leading_inline == 1;  // then a get holds no record
  std::vector<Traveller *> led;
  std::vector<Traveller *> others;
  for (Traveller &one : travellers.all()) {
    const Hold::Entered entered = alone ? Hold::Entered::kNoMemory : one.hold.enter(one.key, Hold::Wish::kLead);
    if (entered != Hold::Entered::kNoMemory) one.walk.hold = &one.hold;
    if (entered == Hold::Entered::kFollows) {
      others.push_back(&one);
    } else {
      led.push_back(&one);
    }
  }
  for (;;) {
    descend(caller, std::move(led), batch, answered);
    led.clear();
    if (others.empty()) break;
    // This batch leads nobody now. What others have left meanwhile it leads together; else it waits for one of them.
    std::erase_if(others, [&](Traveller *one) {
      if (one->hold.lead_if_free(false) != Hold::Free::kLeads) return false;
      led.push_back(one);
      return true;
    });
    if (!led.empty()) continue;
    Traveller &next = *others.back();
    others.pop_back();
    answer(caller, next, reads_.fly(caller, next.key, next.hold, false, next.walk, batch.values()[next.place]), batch);
  }
  for (const Travellers::Again &one : travellers.again()) {
    batch.repeat(one.place, one.first);
    ReadPath::count_answer(caller, batch.statuses()[one.place], batch.values()[one.place]);
  }
}

void ReadMany::answer(const Caller &caller, Traveller &traveller, int32_t status, Batch &batch) {
  ReadPath::end_flight(traveller.hold, status, batch.values()[traveller.place], traveller.walk);
  traveller.hold.leave();
  batch.statuses()[traveller.place] = status;
  if (status < 0) batch.fail(traveller.place, traveller.walk.failure);
  ReadPath::count_answer(caller, status, batch.values()[traveller.place]);
}

void ReadMany::descend(const Caller &caller, std::vector<Traveller *> travellers, Batch &batch,
                       const Answered &answered) {
  if (core_.costs_count) {
    const int64_t now_ns = core_.parts.clock->mono_ns();
    for (Traveller *one : travellers) one->walk.begin_ns = now_ns;
  }
  std::vector<Traveller *> asked;
  for (size_t at = 0; at < core_.levels.size() && !travellers.empty(); ++at) {
    asked.clear();
    for (Traveller *one : travellers) {
      one->status = reads_.arrive(caller, at, one->key, one->walk);
      if (one->status == CACHECHAIN_OK) asked.push_back(one);
    }
    if (!asked.empty()) ask_level(caller, at, asked, batch);
    std::erase_if(travellers, [&](Traveller *one) {
      const int32_t status = reads_.judge(caller, at, one->key, one->walk, one->status, batch.values()[one->place]);
      if (status == CACHECHAIN_MISS) return false;
      answered(*one, status);
      return true;
    });
  }
  for (Traveller *one : travellers) {
    answered(*one, reads_.give_up(caller, one->key, one->walk, batch.values()[one->place]));
  }
}

// One call for all of them. What became of it counts for the level's health once.
void ReadMany::ask_level(const Caller &caller, size_t at, std::span<Traveller *const> asked, Batch &batch) {
  Level &level = *core_.levels[at];
  const Walk &any = asked.front()->walk;
  std::vector<cachechain_key> keys;
  keys.reserve(asked.size());
  for (const Traveller *one : asked) keys.push_back(one->key);
  std::vector<cachechain_value> values(asked.size());
  std::vector<int32_t> statuses(asked.size());
  cachechain_report report{};
  const cachechain_call call = make_call(caller, level, any.deadline_ns, &report, any.options.trace);
  const int32_t whole = level.layer->get_many(call, keys, values, statuses);
  int32_t worst = std::min(whole, int32_t{CACHECHAIN_OK});
  for (size_t i = 0; i < asked.size(); ++i) {
    asked[i]->status = statuses[i];
    if (statuses[i] == CACHECHAIN_OK) batch.values()[asked[i]->place] = values[i];
    if (worst == CACHECHAIN_OK && statuses[i] < 0) worst = statuses[i];
  }
  reads_.settle_call(caller, at, worst, report, level.is_inline() ? 0 : any.deadline_ns);
  for (Traveller *one : asked) {
    if (one->status < 0) reads_.failed(caller, at, one->status, report, one->walk);
  }
}

}  // namespace cachechain
