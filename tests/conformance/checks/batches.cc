// Batches answer as the single slots would, in the order of the keys, duplicates included.
#include <array>
#include <random>

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

constexpr Listed kChecks[] = {
    {"slots.get_many_equals_get", get_many_equals_get},
    {"slots.put_many_equals_put", put_many_equals_put},
    {"slots.views_of_a_batch_are_apart", views_of_a_batch_are_apart},
};

}  // namespace

std::span<const Listed> batch_checks() { return kChecks; }

}  // namespace cachechain::conformance
