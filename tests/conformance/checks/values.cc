// Values: what was put is what a get answers, copied or pinned, for every size and kind, and for as long as it is held.
#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <thread>
#include <utility>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

constexpr uint64_t kMiB = 1u << 20;
// A limit above this is not tried out: it would take the machine's memory, not the layer's word.
constexpr uint64_t kLargestTried = 64 * kMiB;

// `size` bytes that differ from those of another seed nearly everywhere.
std::string noise(uint64_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  std::minstd_rand random(seed + 1);
  for (char &byte : bytes) byte = static_cast<char>(random() >> 8);
  return bytes;
}

int64_t now_unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

void get_of_nothing_is_a_miss(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.misses("never stored", "get of a key that was never stored");
  check.status(caller.get("never stored", 64).status, CACHECHAIN_MISS, "the same with a buffer");
}

void round_trip(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.stores({.key = "user:42", .data = "forty-two", .version = 101});
  caller.finds("user:42", "forty-two", "get after put");
  caller.finds("user:42", "forty-two", "a second get");
}

void every_kind_keeps_its_metadata(Check &check) {
  Layer layer(check);
  if (!layer.needs_metadata()) return;
  Caller caller(layer);
  const int64_t hour = 3'600'000;
  const int64_t now = now_unix_ms();
  uint64_t version = 1001;
  for (uint32_t kind = CACHECHAIN_KIND_VALUE; kind <= CACHECHAIN_KIND_LEASE; ++kind) {
    for (uint32_t codec : {0u, 1u, 255u}) {
      const Key key(text("kind ", kind, " codec ", codec));
      const std::string data = kind == CACHECHAIN_KIND_VALUE ? "payload" : "";
      version += 2;
      const Put put{.key = key,
                    .data = data,
                    .version = version,
                    .created = version - 100,
                    .token = kind == CACHECHAIN_KIND_LEASE ? UINT64_C(0xfedcba9876543210) : 0,
                    .fresh_until_ms = now + hour,
                    .expires_ms = now + 2 * hour,
                    .flags = kind | codec << 8};
      if (!caller.stores(put)) return;
      const Got got = caller.get(key);
      check.status(got.status, CACHECHAIN_OK, text("get of ", key.bytes));
      check.bytes(got.data(), data, text("the value of ", key.bytes));
      check.equal(got.version, put.version, text("the version of ", key.bytes));
      check.equal(got.created, put.created, text("`created` of ", key.bytes));
      check.equal(got.fresh_until_ms, put.fresh_until_ms, text("fresh_until_ms of ", key.bytes));
      check.equal(got.expires_ms, put.expires_ms, text("expires_ms of ", key.bytes));
      check.equal(got.flags, put.flags, text("the flags of ", key.bytes));
    }
  }
}

void metadata_keeps_its_extremes(Check &check) {
  Layer layer(check);
  if (!layer.needs_metadata()) return;
  Caller caller(layer);
  constexpr uint64_t kMostStamp = (UINT64_C(1) << 63) - 1;
  const Put put{.key = "extremes",
                .data = "x",
                .version = kMostStamp,
                .created = kMostStamp - 2,
                .fresh_until_ms = INT64_MAX - 1,
                .expires_ms = INT64_MAX};
  caller.stores(put);
  const Got got = caller.get(put.key);
  check.status(got.status, CACHECHAIN_OK, "get of an entry with the largest stamps and times");
  check.equal(got.version, put.version, "the version");
  check.equal(got.created, put.created, "`created`");
  check.equal(got.fresh_until_ms, put.fresh_until_ms, "fresh_until_ms");
  check.equal(got.expires_ms, put.expires_ms, "expires_ms");
}

void empty_value_is_a_hit(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.stores({.key = "empty", .data = ""});
  for (uint64_t cap : {0, 16}) {
    const Got got = caller.get("empty", layer.stored_size(cap));
    check.status(got.status, CACHECHAIN_OK, "get of an empty value");
    check.equal(got.data().size(), 0u, "its size");
  }
  caller.stores({.key = "empty", .data = "no longer", .version = 3});
  caller.stores({.key = "empty", .data = "", .version = 5});
  caller.finds("empty", "", "get after a value was replaced by an empty one");
}

void copies_what_fits(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  for (uint64_t size : {uint64_t{1}, uint64_t{7}, uint64_t{8}, uint64_t{100}, uint64_t{4096}, kMiB}) {
    const std::string data = noise(size, static_cast<uint32_t>(size));
    const Key key(text("of ", size));
    if (!caller.stores({.key = key, .data = data})) return;
    const uint64_t exact = layer.stored_size(size);
    for (const auto &[cap, copied] : {std::pair(exact, true), std::pair(exact + 1, true), std::pair(exact - 1, false),
                                      std::pair(uint64_t{0}, false)}) {
      const Got got = caller.get(key, cap);
      check.status(got.status, CACHECHAIN_OK, text("get of ", exact, " bytes with a buffer of ", cap));
      check.bytes(got.data(), data, text("a value of ", exact, " bytes got with a buffer of ", cap));
      check.equal(got.copied, copied, text("whether ", exact, " bytes were copied into a buffer of ", cap));
    }
  }
}

void view_outlives_its_entry(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const std::string data = noise(5000, 1);
  caller.stores({.key = "held", .data = data});
  Got held = caller.get("held");
  check.status(held.status, CACHECHAIN_OK, "get of the value to hold");
  caller.stores({.key = "held", .data = noise(5000, 2), .version = 3});
  check.bytes(held.data(), data, "a view after its key was overwritten");
  caller.erase("held");
  check.bytes(held.data(), data, "a view after its key was erased");
  for (uint32_t i = 0; i < 50 && check.going(); ++i) {
    caller.stores({.key = Key(text("other ", i)), .data = noise(5000, i + 3), .version = 5 + 2 * uint64_t{i}});
  }
  check.bytes(held.data(), data, "a view after fifty other puts");
  layer.close();
  check.bytes(held.data(), data, "a view after close");
}

void view_is_released_by_another_thread(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.stores({.key = "before", .data = noise(3000, 1)});
  caller.stores({.key = "after", .data = noise(3000, 2)});
  Got before = caller.get("before");
  Got after = caller.get("after");
  check.holds(before.hit() && after.hit(), "both values are found");
  std::thread([&] { before.release(); }).join();
  caller.finds("before", noise(3000, 1), "get after another thread released a view");
  layer.close();
  std::thread([&] {
    check.bytes(after.data(), noise(3000, 2), "a view after close, read by another thread");
    after.release();
  }).join();
}

void many_views_of_one_entry(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const std::string data = noise(2000, 7);
  caller.stores({.key = "popular", .data = data});
  std::vector<Got> views;
  for (int i = 0; i < 200 && check.going(); ++i) views.push_back(caller.get("popular"));
  for (size_t i = 0; i < views.size(); i += 2) views[i].release();
  caller.erase("popular");
  for (size_t i = 1; i < views.size(); i += 2) check.bytes(views[i].data(), data, "one of many views of an entry");
}

void sizes(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  uint64_t version = 1;
  const uint64_t most = layer.info().max_value_size;
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{255}, uint64_t{256}, uint64_t{4095}, uint64_t{4096},
                        uint64_t{65535}, uint64_t{65536}, kMiB - 1, kMiB}) {
    if (!check.going()) return;
    if (most != 0 && layer.stored_size(size) > most) continue;
    const std::string data = noise(size, static_cast<uint32_t>(size));
    caller.stores({.key = "sized", .data = data, .version = version += 2});
    caller.finds("sized", data, text("a value of ", size, " bytes"));
  }
}

void largest_value(Check &check) {
  Layer layer(check);
  if (!layer) return;
  Caller caller(layer);
  const uint64_t most = layer.info().max_value_size;
  if (most == 0) return check.skip("the layer states no max_value_size");
  if (most > kLargestTried) return check.skip(text("max_value_size is ", most, " bytes"));
  if (!check.holds(most >= layer.stored_size(1), "max_value_size leaves room for a byte")) return;
  const std::string fits = noise(most - layer.stored_size(0), 1);
  caller.stores({.key = "large", .data = fits, .version = 3});
  caller.finds("large", fits, "a value of max_value_size");
  const Done done = caller.put({.key = "large", .data = fits + "x", .version = 5});
  check.status(done.status, CACHECHAIN_VALUE_TOO_LARGE, "put of max_value_size + 1 bytes");
  check.holds(!caller.report().empty(), "VALUE_TOO_LARGE comes with a text");
  const Got got = caller.get("large");
  if (layer.can(CACHECHAIN_CAP_INLINE)) {
    check.status(got.status, CACHECHAIN_MISS, "get after a put that was too large, from an inline layer");
  } else if (got.status != CACHECHAIN_MISS) {
    check.status(got.status, CACHECHAIN_OK, "get after a put that was too large");
    check.bytes(got.data(), fits, "the older value after a put that was too large");
  }
  caller.stores({.key = "large", .data = "small", .version = 7});
  caller.finds("large", "small", "get after a put that fits again");
}

void overwriting_replaces_everything(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const int64_t far = now_unix_ms() + 3'600'000;
  const uint32_t codec = layer.keeps_metadata() ? 9u << 8 : 0;
  caller.stores({.key = "k", .data = noise(900, 1), .version = 3, .expires_ms = far, .flags = codec});
  caller.stores({.key = "k", .data = "short", .version = 5});
  const Got got = caller.get("k");
  check.status(got.status, CACHECHAIN_OK, "get after overwriting");
  check.bytes(got.data(), "short", "the value after a longer one was overwritten");
  if (!layer.keeps_metadata()) return;
  check.equal(got.version, 5u, "the version after overwriting");
  check.equal(got.expires_ms, 0, "expires_ms after an entry without one was put");
  check.equal(got.flags, 0u, "the flags after overwriting");
}

void inputs_are_borrowed(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  Put put{.key = Key("borrowed key"), .data = noise(600, 1)};
  const std::string data = put.data;
  caller.stores(put);
  std::fill(put.key.bytes.begin(), put.key.bytes.end(), '#');
  std::fill(put.data.begin(), put.data.end(), '#');
  caller.finds("borrowed key", data, "get after the caller reused its memory");
  caller.misses(std::string(12, '#'), "get of what the caller wrote over its key");
}

void expired_is_itself_or_missing(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  caller.stores({.key = "old", .data = "older", .version = 3});
  caller.stores({.key = "old", .data = "expired", .version = 5, .expires_ms = now_unix_ms() - 1000});
  const Got got = caller.get("old");
  if (got.status != CACHECHAIN_MISS) {
    check.status(got.status, CACHECHAIN_OK, "get of an entry that has expired");
    check.bytes(got.data(), "expired", "an entry that has expired, if it is still there");
  }
  caller.maintain();
  caller.stores({.key = "old", .data = "alive", .version = 7});
  caller.finds("old", "alive", "get after an expired entry was replaced");
}

void erase_forgets(Check &check) {
  Layer layer(check);
  Caller caller(layer);
  const std::vector<Key> keys = {"a", "b", "never stored", "a"};
  for (const char *key : {"a", "b", "c"}) caller.stores({.key = Key(key), .data = key, .version = 1001});
  const int32_t status = caller.erase_many(keys);
  if (status == CACHECHAIN_UNSUPPORTED) return check.skip("the layer has no erase_many");
  check.status(status, CACHECHAIN_OK, "erase_many of two keys, one of them twice, and one that is not there");
  caller.misses("a", "get of an erased key");
  caller.misses("b", "get of an erased key");
  caller.finds("c", "c", "get of the key that was not erased");
  caller.stores({.key = "a", .data = "again", .version = 3});
  caller.finds("a", "again", "get of an erased key that was put again, with an older version");
  check.status(caller.erase_many({}), CACHECHAIN_OK, "erase_many of no keys");
}

void tombstone_deletes(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_PLAIN)) return;
  Caller caller(layer);
  const auto tombstone = [](const char *key) { return Put{.key = key, .flags = CACHECHAIN_KIND_TOMBSTONE}; };
  caller.stores({.key = "gone", .data = "value"});
  caller.stores({.key = "kept", .data = "value"});
  const Done done = caller.put(tombstone("gone"));
  if (done.status == CACHECHAIN_UNSUPPORTED) {
    caller.finds("gone", "value", "get after a tombstone that was refused");
    return;
  }
  check.status(done.status, CACHECHAIN_OK, text("put of a tombstone: ", caller.report()));
  caller.misses("gone", "get after a tombstone");
  caller.finds("kept", "value", "get of the key beside it");
  check.status(caller.put(tombstone("never stored")).status, CACHECHAIN_OK, "put of a tombstone over nothing");
  for (uint32_t kind : {CACHECHAIN_KIND_ABSENT, CACHECHAIN_KIND_INVALIDATED, CACHECHAIN_KIND_LEASE}) {
    const Done other = caller.put({.key = "kept", .flags = kind});
    check.holds(other.status < 0, text("a put of kind ", kind, " fails; found ", status_text(other.status)));
  }
  caller.finds("kept", "value", "get after puts of kinds that such a layer cannot keep");
}

void agrees_with_a_map(Check &check) {
  Layer layer(check);
  if (!layer) return;
  Caller caller(layer);
  const bool erases = caller.erase_many({}) != CACHECHAIN_UNSUPPORTED;
  std::map<std::string, std::string> model;
  std::mt19937 random(20240101);
  uint64_t version = 1;
  const int steps = layer.repeat(5000);
  for (int step = 0; step < steps && check.going(); ++step) {
    const std::string key = text("key ", random() % 50);
    switch (random() % 4) {
      case 0: {
        const std::string data = noise(random() % 2000, random());
        caller.stores({.key = key, .data = data, .version = version += 2});
        model[key] = data;
        break;
      }
      case 1:
        if (erases && random() % 4 == 0) {
          caller.erase(key);
          model.erase(key);
          break;
        }
        [[fallthrough]];
      default: {
        const auto found = model.find(key);
        const std::string what = text("step ", step, ", get of ", key);
        if (found == model.end()) {
          caller.misses(key, what);
        } else {
          caller.finds(key, found->second, what);
        }
      }
    }
  }
}

constexpr Listed kChecks[] = {
    {"slots.get_of_nothing_is_a_miss", get_of_nothing_is_a_miss},
    {"slots.round_trip", round_trip},
    {"slots.every_kind_keeps_its_metadata", every_kind_keeps_its_metadata},
    {"slots.metadata_keeps_its_extremes", metadata_keeps_its_extremes},
    {"slots.empty_value_is_a_hit", empty_value_is_a_hit},
    {"slots.copies_what_fits", copies_what_fits},
    {"slots.view_outlives_its_entry", view_outlives_its_entry},
    {"slots.view_is_released_by_another_thread", view_is_released_by_another_thread},
    {"slots.many_views_of_one_entry", many_views_of_one_entry},
    {"slots.sizes", sizes},
    {"slots.largest_value", largest_value},
    {"slots.overwriting_replaces_everything", overwriting_replaces_everything},
    {"slots.inputs_are_borrowed", inputs_are_borrowed},
    {"slots.expired_is_itself_or_missing", expired_is_itself_or_missing},
    {"slots.erase_forgets", erase_forgets},
    {"slots.tombstone_deletes", tombstone_deletes},
    {"slots.agrees_with_a_map", agrees_with_a_map},
};

}  // namespace

std::span<const Listed> value_checks() { return kChecks; }

}  // namespace cachechain::conformance
