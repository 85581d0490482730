// Batches answer as the single slots would, in the order of the keys, duplicates included.
#include <array>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

void get_many_equals_get(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  if (!caller.get_many({})) return check.skip("the layer has no get_many");
  for (int i = 0; i < 20; i += 2) {
    const std::string data = i == 10 ? "" : text("value ", i);
    caller.stores({.key = Key(text("key ", i)), .data = data, .version = 101});
  }
  std::vector<Key> keys;
  std::mt19937 random(3);
  const int count = check.repeat(300);
  for (int i = 0; i < count; ++i) keys.emplace_back(text("key ", random() % 20));
  keys.emplace_back("key 0", second_space());
  const auto answers = caller.get_many(keys);
  for (size_t i = 0; answers && i < keys.size() && check.going(); ++i) {
    const Got single = caller.get(keys[i]);
    const std::string what = text("key ", i, " of ", keys.size(), " in get_many, ", quoted(keys[i].bytes));
    check.status((*answers)[i].status, single.status, what);
    check.bytes((*answers)[i].data(), single.data(), what);
    check.equal((*answers)[i].version, single.version, text("the version of ", what));
    check.equal((*answers)[i].flags, single.flags, text("the flags of ", what));
  }
}

void put_many_equals_put(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  if (!caller.put_many({})) return check.skip("the layer has no put_many");
  std::vector<Put> puts;
  for (uint32_t i = 0; i < 100; ++i) {
    puts.push_back({.key = Key(text("key ", i % 70)), .data = text("value ", i), .version = 101 + 2 * uint64_t{i}});
  }
  const auto answers = caller.put_many(puts);
  for (size_t i = 0; answers && i < puts.size() && check.going(); ++i) {
    check.status((*answers)[i].status, CACHECHAIN_OK, text("put ", i, " of put_many"));
    if (layer.keeps_metadata()) check.equal((*answers)[i].version, puts[i].version, text("the version of put ", i));
  }
  for (uint32_t i = 0; i < 70 && check.going(); ++i) {
    caller.finds(puts[i].key, text("value ", i < 30 ? i + 70 : i), "get after put_many, the last of equal keys");
  }
  if (!layer.can(CACHECHAIN_CAP_NEWER)) return;
  const std::array mixed = {
      Put{.key = "key 40", .data = "lost", .version = 1, .condition = CACHECHAIN_PUT_NEWER},
      Put{.key = "fresh", .data = "won", .version = 1, .condition = CACHECHAIN_PUT_NEWER},
      Put{.key = "fresh", .data = "lost", .version = 1, .condition = CACHECHAIN_PUT_NEWER},
  };
  const auto verdicts = caller.put_many(mixed);
  if (!verdicts || !check.going()) return;
  check.status((*verdicts)[0].status, CACHECHAIN_SUPERSEDED, "an older put in put_many");
  check.status((*verdicts)[1].status, CACHECHAIN_OK, "a new key in put_many");
  check.status((*verdicts)[2].status, CACHECHAIN_SUPERSEDED, "an equal put of the same key in one put_many");
  caller.finds("key 40", "value 40", "get of the key with the older put");
  caller.finds("fresh", "won", "get of the new key");
}

void views_of_a_batch_are_apart(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  if (!caller.get_many({})) return check.skip("the layer has no get_many");
  caller.stores({.key = "a", .data = std::string(3000, 'a')});
  caller.stores({.key = "b", .data = std::string(3000, 'b')});
  const std::array<Key, 3> keys = {Key("a"), Key("b"), Key("a")};
  auto answers = caller.get_many(keys);
  if (!answers || !check.going()) return;
  (*answers)[0].release();
  caller.erase_many(keys);
  check.bytes((*answers)[2].data(), std::string(3000, 'a'), "a duplicate's view after its twin was released");
  (*answers)[2].release();
  check.bytes((*answers)[1].data(), std::string(3000, 'b'), "a view after its neighbours were released");
}

void empty_batches(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.get_many({});
  caller.put_many({});
  const int32_t erased = caller.erase_many({});
  check.holds(erased == CACHECHAIN_OK || erased == CACHECHAIN_UNSUPPORTED,
              text("erase_many of nothing answers OK, not ", status_text(erased)));
}

// More than any list of a statement, a frame or a stack that a layer may cut a batch into.
void large_batches(Check &check) {
  constexpr uint32_t kMany = 4096;
  Layer layer(check);
  Caller caller(layer);
  std::vector<Put> puts;
  for (uint32_t i = 0; i < kMany; ++i) {
    puts.push_back({.key = Key(text("key ", i)), .data = text("value ", i), .version = 101});
  }
  const auto done = caller.put_many(puts);
  for (uint32_t i = 0; done && i < kMany && check.going(); ++i) {
    check.status((*done)[i].status, CACHECHAIN_OK, text("put ", i, " of ", kMany));
  }
  // Two of three are there, the others never were; some come twice.
  std::vector<Key> keys;
  std::mt19937 random(7);
  std::vector<uint32_t> picks;
  for (uint32_t i = 0; i < kMany; ++i) {
    picks.push_back(random() % (kMany + kMany / 2));
    keys.emplace_back(text("key ", picks.back()));
  }
  const auto answers = caller.get_many(keys);
  for (uint32_t i = 0; answers && i < kMany && check.going(); ++i) {
    const std::string what = text("key ", i, " of ", kMany, ", ", keys[i].bytes);
    const bool held = picks[i] < kMany;
    if (!check.status((*answers)[i].status, held ? CACHECHAIN_OK : CACHECHAIN_MISS, what)) return;
    if (held) check.bytes((*answers)[i].data(), text("value ", picks[i]), what);
  }
}

void batches_of_every_byte(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  std::vector<Put> puts;
  std::vector<Key> keys;
  for (int byte = 0; byte < 256; ++byte) {
    for (const char *stem : {"", "in "}) {
      keys.emplace_back(std::string(stem) + static_cast<char>(byte));
      puts.push_back({.key = keys.back(), .data = text("value of ", stem, byte)});
    }
  }
  const auto done = caller.put_many(puts);
  const auto answers = caller.get_many(keys);
  for (size_t i = 0; done && answers && i < keys.size() && check.going(); ++i) {
    check.status((*done)[i].status, CACHECHAIN_OK, text("put_many of key ", quoted(keys[i].bytes)));
    check.status((*answers)[i].status, CACHECHAIN_OK, text("get_many of key ", quoted(keys[i].bytes)));
    check.bytes((*answers)[i].data(), puts[i].data, text("get_many of key ", quoted(keys[i].bytes)));
    caller.finds(keys[i], puts[i].data, text("get of key ", quoted(keys[i].bytes), " after put_many"));
  }
}

void batches_of_every_kind(Check &check) {
  Layer layer(check);
  if (!layer.needs_metadata()) return;
  Caller caller(layer);
  std::vector<Put> puts;
  std::vector<Key> keys;
  for (uint32_t i = 0; i < 40; ++i) {
    const uint32_t kind = i % (CACHECHAIN_KIND_LEASE + 1);
    keys.emplace_back(text("key ", i));
    puts.push_back({.key = keys.back(),
                    .data = kind == CACHECHAIN_KIND_VALUE ? text("value ", i) : "",
                    .version = 1001 + 2 * uint64_t{i},
                    .created = 901 + 2 * uint64_t{i},
                    .token = kind == CACHECHAIN_KIND_LEASE ? 77 + i : 0,
                    .fresh_until_ms = INT64_MAX / 4 + i,
                    .expires_ms = INT64_MAX / 2 + i,
                    .flags = kind | i << 8});
  }
  const auto done = caller.put_many(puts);
  const auto answers = caller.get_many(keys);
  for (size_t i = 0; done && answers && i < keys.size() && check.going(); ++i) {
    const Got &got = (*answers)[i];
    check.status((*done)[i].status, CACHECHAIN_OK, text("put_many of ", keys[i].bytes));
    check.status(got.status, CACHECHAIN_OK, text("get_many of ", keys[i].bytes));
    check.bytes(got.data(), puts[i].data, text("the value of ", keys[i].bytes));
    check.equal(got.version, puts[i].version, text("the version of ", keys[i].bytes));
    check.equal(got.created, puts[i].created, text("`created` of ", keys[i].bytes));
    check.equal(got.fresh_until_ms, puts[i].fresh_until_ms, text("fresh_until_ms of ", keys[i].bytes));
    check.equal(got.expires_ms, puts[i].expires_ms, text("expires_ms of ", keys[i].bytes));
    check.equal(got.flags, puts[i].flags, text("the flags of ", keys[i].bytes));
  }
}

void one_bad_put_fails_alone(Check &check) {
  constexpr uint64_t kLargestTried = 64u << 20;
  Layer layer(check);
  const uint64_t limit = layer.info().max_value_size;
  if (limit == 0 || limit > kLargestTried) return check.skip("the layer has no limit for a value that could be tried");
  Caller caller(layer);
  std::vector<Put> puts;
  for (int i = 0; i < 20; ++i) puts.push_back({.key = Key(text("key ", i)), .data = text("value ", i), .version = 3});
  caller.stores({.key = "key 7", .data = "before"});
  puts[7].data.assign(limit + 1, 'x');
  const auto done = caller.put_many(puts);
  if (check.going()) check.holds(!caller.report().empty(), "a put that fails in put_many leaves a text");
  for (size_t i = 0; done && i < puts.size() && check.going(); ++i) {
    const int32_t wanted = i == 7 ? CACHECHAIN_VALUE_TOO_LARGE : CACHECHAIN_OK;
    check.status((*done)[i].status, wanted, text("put ", i, " of a put_many with one that is too large"));
    if (i != 7) caller.finds(puts[i].key, puts[i].data, text("what put ", i, " beside a bad one stored"));
  }
  const Got got = caller.get("key 7");
  if (layer.can(CACHECHAIN_CAP_INLINE)) {
    check.status(got.status, CACHECHAIN_MISS, "get of the key whose put was too large, from an inline layer");
  } else if (got.status != CACHECHAIN_MISS) {
    check.bytes(got.data(), "before", "the value of the key whose put was too large");
  }
}

void late_batches_are_no_lie(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_DEADLINE)) return;
  Caller caller(layer);
  std::vector<Put> puts;
  std::vector<Key> keys;
  for (int i = 0; i < 100; ++i) {
    keys.emplace_back(text("key ", i));
    if (!caller.stores({.key = keys.back(), .data = text("before ", i), .version = 3})) return;
    puts.push_back({.key = keys.back(), .data = text("after ", i), .version = 5});
  }
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  caller.set_deadline_ns(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - 1);
  const auto late = [](int32_t status) { return status == CACHECHAIN_DEADLINE || status == CACHECHAIN_TIMEOUT; };
  const auto answers = caller.get_many(keys, /*may_fail=*/true);
  for (size_t i = 0; answers && i < keys.size() && check.going(); ++i) {
    const Got &got = (*answers)[i];
    check.holds(got.hit() || late(got.status), text("a get_many that is too late finds what is there or answers "
                                                    "DEADLINE or TIMEOUT, not ",
                                                    status_text(got.status)));
    if (got.hit()) check.bytes(got.data(), text("before ", i), "what a late get_many found");
  }
  const auto done = caller.put_many(puts, /*may_fail=*/true);
  caller.set_deadline_ns(0);
  for (size_t i = 0; done && i < puts.size() && check.going(); ++i) {
    const int32_t status = (*done)[i].status;
    check.holds(status == CACHECHAIN_OK || status == CACHECHAIN_UNKNOWN_OUTCOME || late(status),
                text("a put_many that is too late does each put or answers DEADLINE, TIMEOUT or UNKNOWN_OUTCOME, not ",
                     status_text(status)));
    if (status == CACHECHAIN_OK) caller.finds(keys[i], puts[i].data, "what a late put_many did");
    if (late(status)) caller.finds(keys[i], text("before ", i), "what a late put_many did not do");
  }
}

constexpr Listed kChecks[] = {
    {"slots.get_many_equals_get", get_many_equals_get},
    {"slots.put_many_equals_put", put_many_equals_put},
    {"slots.views_of_a_batch_are_apart", views_of_a_batch_are_apart},
    {"slots.empty_batches", empty_batches},
    {"slots.large_batches", large_batches},
    {"slots.batches_of_every_byte", batches_of_every_byte},
    {"slots.batches_of_every_kind", batches_of_every_kind},
    {"slots.one_bad_put_fails_alone", one_bad_put_fails_alone},
    {"slots.late_batches_are_no_lie", late_batches_are_no_lie},
};

}  // namespace

std::span<const Listed> batch_checks() { return kChecks; }

}  // namespace cachechain::conformance
