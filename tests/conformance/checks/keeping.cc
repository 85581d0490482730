// House-keeping slots: ping, maintain, stats, sweep; and calls whose circumstances a layer must respect: a deadline
// that is past, a flag that it does not know.
#include <chrono>
#include <nlohmann/json.hpp>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

void ping(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const int32_t status = caller.ping();
  if (layer && status == CACHECHAIN_UNSUPPORTED) return check.skip("the layer has no ping");
  check.status(status, CACHECHAIN_OK, "ping");
}

void maintain(Check &check) {
  Layer layer(check);
  if (!layer) return;
  Caller caller(layer);
  caller.stores({.key = "kept", .data = "alive", .version = 3});
  caller.stores({.key = "expired", .data = "dead", .version = 5, .expires_ms = 1});
  for (int i = 0; i < 1000 && check.going(); ++i) {
    const int32_t status = caller.maintain();
    if (status == CACHECHAIN_UNSUPPORTED) return check.skip("the layer has no maintain");
    check.holds(status == CACHECHAIN_OK || status == CACHECHAIN_PARTIAL,
                text("maintain answers OK or PARTIAL, not ", status_text(status), ": ", caller.report()));
    if (status == CACHECHAIN_OK) return (void)caller.finds("kept", "alive", "get after maintain");
  }
  check.fail("maintain of two entries answered PARTIAL a thousand times");
}

void stats(Check &check) {
  Layer layer(check);
  if (!layer) return;
  Caller caller(layer);
  for (int round = 0; round < 3 && check.going(); ++round) {
    const auto numbers = caller.stats();
    if (!numbers) return check.skip("the layer has no stats");
    const auto json = nlohmann::json::parse(*numbers, nullptr, /*allow_exceptions=*/false);
    check.holds(json.is_object(), text("stats are one JSON object; found ", quoted(*numbers)));
    caller.stores({.key = Key(text("key ", round)), .data = "value", .version = 3});
    caller.finds(Key(text("key ", round)), "value", "get between two stats");
  }
}

void sweep(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_SWEEP)) return;
  Caller caller(layer);
  for (int i = 0; i < 30; ++i) {
    const std::string key = text("key ", i);
    caller.stores({.key = Key(key, first_space()), .data = "first", .version = 3});
    caller.stores({.key = Key(key, second_space()), .data = "second", .version = 3});
  }
  uint64_t total = 0;
  int32_t status = CACHECHAIN_PARTIAL;
  for (int i = 0; status == CACHECHAIN_PARTIAL && i < 1000; ++i) {
    uint64_t removed = 0;
    status = caller.sweep(&first_space(), removed);
    total += removed;
  }
  check.status(status, CACHECHAIN_OK, "sweep of a namespace, repeated while PARTIAL");
  check.equal(total, 30u, "the entries that sweep says it removed");
  for (int i = 0; i < 30 && check.going(); ++i) {
    caller.misses(Key(text("key ", i), first_space()), "get from the namespace that was swept");
    caller.finds(Key(text("key ", i), second_space()), "second", "get from the other namespace");
  }
}

void unknown_flags_are_refused(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.stores({.key = "k", .data = "before", .version = 3});
  caller.set_must_flags(UINT32_C(0x80000000));
  if (layer) {
    check.status(caller.get("k").status, CACHECHAIN_UNSUPPORTED, "get with a must_flag that nobody knows");
    check.status(caller.put({.key = "k", .data = "after", .version = 5}).status, CACHECHAIN_UNSUPPORTED,
                 "put with a must_flag that nobody knows");
    check.status(caller.erase("k"), CACHECHAIN_UNSUPPORTED, "erase_many with a must_flag that nobody knows");
  }
  caller.set_must_flags(0);
  caller.finds("k", "before", "get after refused calls, which have done nothing");
}

void unknown_condition_is_refused(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER)) return;
  Caller caller(layer);
  caller.stores({.key = "k", .data = "before", .version = 3});
  const Done done = caller.put({.key = "k", .data = "after", .version = 5, .condition = 99});
  check.holds(done.status < 0, text("a put with condition 99 fails; found ", status_text(done.status)));
  const Got got = caller.get("k");
  if (got.status == CACHECHAIN_MISS && layer.can(CACHECHAIN_CAP_INLINE)) return;  // may drop what it cannot judge
  check.bytes(got.data(), "before", "the value after a put that failed");
}

void past_deadline_is_no_lie(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_DEADLINE)) return;
  Caller caller(layer);
  caller.stores({.key = "k", .data = "before", .version = 3});
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  caller.set_deadline_ns(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - 1);
  const auto late = [](int32_t status) { return status == CACHECHAIN_DEADLINE || status == CACHECHAIN_TIMEOUT; };
  const Got got = caller.get("k");
  check.holds(
      got.hit() || late(got.status),
      text("a get that is too late finds what is there or answers DEADLINE or TIMEOUT, not ", status_text(got.status)));
  if (got.hit()) check.bytes(got.data(), "before", "what a late get found");
  const Done done = caller.put({.key = "k", .data = "after", .version = 5});
  check.holds(done.status == CACHECHAIN_OK || late(done.status) || done.status == CACHECHAIN_UNKNOWN_OUTCOME,
              text("a put that is too late is done or answers DEADLINE, TIMEOUT or UNKNOWN_OUTCOME, not ",
                   status_text(done.status)));
  if (late(done.status)) check.holds(!caller.report().empty(), "a put that is too late says so in its report");
  caller.set_deadline_ns(0);
  const Got stands = caller.get("k");
  check.status(stands.status, CACHECHAIN_OK, "get without a deadline after calls that were too late");
  if (done.status == CACHECHAIN_OK) {
    check.bytes(stands.data(), "after", "the value after a late put that answered OK");
  } else if (late(done.status)) {
    check.bytes(stands.data(), "before", "the value after a put that came too late and was not done");
  }
  caller.stores({.key = "k", .data = "last", .version = 7});
  caller.finds("k", "last", "get of a put after the late one");
}

constexpr Listed kChecks[] = {
    {"slots.ping", ping},
    {"slots.maintain", maintain},
    {"slots.stats", stats},
    {"slots.sweep", sweep},
    {"slots.unknown_flags_are_refused", unknown_flags_are_refused},
    {"slots.unknown_condition_is_refused", unknown_condition_is_refused},
    {"slots.past_deadline_is_no_lie", past_deadline_is_no_lie},
};

}  // namespace

std::span<const Listed> keeping_checks() { return kChecks; }

}  // namespace cachechain::conformance
