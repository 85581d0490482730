// The layer inside a chain: what an application sees of it through the public C functions.
#include "driver/chain.h"

#include <array>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <vector>

#include "checks/checks.h"
#include "driver/layer.h"
#include "driver/witness.h"

namespace cachechain::conformance {
namespace {

using Json = nlohmann::json;

int64_t now_unix_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Json parsed(Check &check, const std::string &text_of_json, std::string_view what) {
  Json json = Json::parse(text_of_json, nullptr, /*allow_exceptions=*/false);
  if (check.going()) check.holds(json.is_object(), text(what, " is one JSON object; found ", quoted(text_of_json)));
  return json.is_object() ? json : Json::object();
}

// True if the subject can all of these; else the check is skipped.
bool subject_needs(Check &check, uint64_t caps) {
  Layer layer(check);
  return layer.needs(caps);
}

bool subject_can(Check &check, uint64_t caps) {
  Layer layer(check);
  return layer && layer.can(caps);
}

void set_get_delete(Check &check) {
  Chain chain(check);
  chain.lacks("user:42", "get before anything was set");
  check.status(chain.exists("user:42"), chain.get("user:42").status, "exists of a key that is not there");
  chain.sets("user:42", "Ada");
  chain.finds("user:42", "Ada", "get after set");
  chain.sets("user:42", "Grace");
  chain.finds("user:42", "Grace", "get after a second set");
  const Written removed = chain.remove("user:42");
  check.status(removed.status, CACHECHAIN_OK, text("delete ", removed.message));
  chain.lacks("user:42", "get after delete");
  chain.sets("user:42", "Edsger");
  chain.finds("user:42", "Edsger", "get after delete and set");
  check.status(chain.remove("never set").status, CACHECHAIN_OK, "delete of a key that was never set");
  chain.finds("user:42", "Edsger", "get after another key was deleted");
}

void values_come_copied_and_pinned(Check &check) {
  Chain chain(check);
  for (size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{5000}, size_t{200'000}}) {
    const std::string key = text("of ", size);
    const std::string data(size, static_cast<char>('a' + size % 26));
    chain.sets(key, data);
    for (uint64_t cap : {uint64_t{0}, uint64_t{size}, uint64_t{size + 1}, uint64_t{size - (size > 0)}}) {
      if (!check.going()) return;
      const Found found = chain.get(key, cap);
      const std::string what = text("get of ", size, " bytes with a buffer of ", cap);
      check.status(found.status, CACHECHAIN_OK, text(what, " ", found.message));
      check.bytes(found.data(), data, what);
      check.equal(found.copied(), size > 0 && size <= cap, text("whether they were copied by a ", what));
      check.equal(found.value.layer, 0, text("the layer that answered a ", what));
    }
  }
}

void views_outlive_the_chain(Check &check) {
  Found held;
  const std::string data(3000, 'v');
  {
    Chain chain(check);
    chain.sets("held", data);
    held = chain.get("held");
    check.status(held.status, CACHECHAIN_OK, "get of the value to hold");
    chain.sets("held", "other");
    chain.remove("held");
    check.bytes(held.data(), data, "a view after its key was set and deleted");
    chain.close();
    check.bytes(held.data(), data, "a view after close");
  }
  check.bytes(held.data(), data, "a view after the chain was freed");
}

void exists_tells_without_the_value(Check &check) {
  Chain chain(check);
  chain.sets("there", "four");
  cachechain_value value{};
  check.status(chain.exists("there", &value), CACHECHAIN_OK, "exists of a key that was set");
  check.equal(value.size, 4u, "the size that exists tells");
  check.holds(value.data == nullptr && value.release == nullptr, "exists hands out no data");
  const uint64_t version = chain.get("there").value.version;
  if (chain.versioned()) check.equal(value.version, version, "the version that exists tells, as a get tells it");
  cachechain_value_release(&value);
}

void versions_grow(Check &check) {
  Chain chain(check);
  uint64_t last = 0;
  for (int i = 0; i < 50 && check.going(); ++i) {
    const Written written = i % 7 == 6 ? chain.remove("k") : chain.set("k", text("value ", i));
    check.status(written.status, CACHECHAIN_OK, text("mutation ", i, " ", written.message));
    check.holds(written.write.version > last,
                text("the version of mutation ", i, " is above ", last, "; found ", written.write.version));
    check.equal(written.write.done, 1u, text("the layers that have mutation ", i));
    last = written.write.version;
    if (i % 7 == 6) continue;
    const uint64_t got = chain.get("k").value.version;
    if (chain.versioned()) {
      check.equal(got, last, text("the version got after mutation ", i));
    } else {
      check.holds(got > last, text("the version of a read after mutation ", i, " is above ", last, "; found ", got));
    }
  }
}

void lives_are_kept(Check &check) {
  Chain chain(check);
  if (!chain.versioned()) return check.skip("the layer keeps no lives");
  cachechain_put_options options = put_options();
  options.ttl_ms = 30'000;
  options.fresh_ms = 10'000;
  const int64_t before = now_unix_ms();
  const Written written = chain.set("mortal", "x", &options);
  check.status(written.status, CACHECHAIN_OK, text("set with a life of half a minute ", written.message));
  const int64_t after = now_unix_ms();
  const Found mortal = chain.get("mortal");
  // The core's clock for lives may be a few milliseconds coarse.
  constexpr int64_t kCoarse = 50;
  const auto within = [&](int64_t found, int64_t life, std::string_view what) {
    check.holds(found >= before + life - kCoarse && found <= after + life + kCoarse,
                text(what, " is ", life, " ms after the set; found ", found - before, " ms after it"));
  };
  within(mortal.value.expires_ms, options.ttl_ms, "expires_ms");
  within(mortal.value.fresh_until_ms, options.fresh_ms, "fresh_until_ms");
  if (!subject_can(check, CACHECHAIN_CAP_NEWER)) return;  // then the core keeps every life short
  options.ttl_ms = CACHECHAIN_TTL_NONE;
  options.fresh_ms = CACHECHAIN_TTL_NONE;
  chain.set("eternal", "x", &options);
  const Found eternal = chain.get("eternal");
  check.status(eternal.status, CACHECHAIN_OK, "get of an entry without an end");
  check.equal(eternal.value.expires_ms, 0, "expires_ms of an entry without an end");
}

void a_life_ends(Check &check) {
  Chain chain(check);
  if (!chain.versioned()) return check.skip("the layer keeps no lives");
  cachechain_put_options options = put_options();
  options.ttl_ms = 20;
  check.status(chain.set("short", "x", &options).status, CACHECHAIN_OK, "set with a life of 20 ms");
  int32_t status = CACHECHAIN_OK;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (check.going() && status == CACHECHAIN_OK && std::chrono::steady_clock::now() < give_up) {
    status = chain.get("short").status;
    std::this_thread::yield();
  }
  check.holds(status == CACHECHAIN_MISS || status == CACHECHAIN_NOT_FOUND,
              text("an entry with a life of 20 ms is gone long after it; found ", status_text(status)));
  chain.sets("short", "again");
  chain.finds("short", "again", "get after a key whose life had ended was set");
}

void keys_are_apart(Check &check) {
  Chain chain(check);
  std::vector<std::string> keys = {std::string("a\0b", 3),
                                   "a",
                                   "ab",
                                   "a:b",
                                   "a/b",
                                   "\r\n",
                                   std::string(1, '\0'),
                                   std::string(CACHECHAIN_MAX_KEY_SIZE - 1, 'x') + "1",
                                   std::string(CACHECHAIN_MAX_KEY_SIZE - 1, 'x') + "2"};
  for (int byte = 0; byte < 256; byte += 5) keys.push_back(std::string("byte ") + static_cast<char>(byte));
  for (const std::string &key : keys) chain.sets(key, "value of " + key);
  for (const std::string &key : keys) chain.finds(key, "value of " + key, text("get of ", quoted(key)));
}

void expectations_conflict(Check &check) {
  if (!subject_needs(check, CACHECHAIN_CAP_EXACT)) return;
  Chain chain(check);
  cachechain_put_options options = put_options();
  options.must_flags = CACHECHAIN_PUT_EXPECT;
  const Written first = chain.set("k", "first", &options);
  check.status(first.status, CACHECHAIN_OK, text("set that expects no entry ", first.message));
  const Written again = chain.set("k", "again", &options);
  check.status(again.status, CACHECHAIN_CONFLICT, "set that expects no entry over one");
  check.holds(!again.message.empty(), "a CONFLICT comes with a message");
  options.expect_version = first.write.version;
  const Written second = chain.set("k", "second", &options);
  check.status(second.status, CACHECHAIN_OK, text("set that expects the version that is stored ", second.message));
  check.status(chain.set("k", "third", &options).status, CACHECHAIN_CONFLICT, "set that expects an older version");
  chain.finds("k", "second", "get after conflicts");
}

void stats_add_up(Check &check) {
  Chain chain(check);
  for (int i = 0; i < 5; ++i) chain.sets(text("key ", i), "value");
  for (int i = 0; i < 12; ++i) chain.get(text("key ", i));
  chain.remove("key 0");
  const Json stats = parsed(check, chain.stats(), "stats");
  const auto number = [&](const Json &of, const char *name) {
    const auto found = of.find(name);
    const bool there = found != of.end() && found->is_number();
    check.holds(there, text("stats have the number \"", name, "\""));
    return there ? found->get<int64_t>() : 0;
  };
  if (!check.going()) return;
  check.equal(number(stats, "requests"), 12, "\"requests\" after 12 gets");
  check.equal(number(stats, "hits"), 5, "\"hits\" after 5 gets of keys that were set");
  const char *others = chain.versioned() ? "misses" : "not_found";
  check.equal(number(stats, others), 7, text(quoted(others), " after 7 gets of others"));
  const Json layers = stats.value("layers", Json::array());
  if (!check.holds(layers.is_array() && layers.size() == 1, "stats have one layer")) return;
  check.equal(number(layers[0], "hits"), 5, "\"hits\" of the layer");
  check.equal(number(layers[0], "misses"), 7, "\"misses\" of the layer");
}

void explain_is_json(Check &check) {
  Chain chain(check);
  chain.sets("there", "value");
  for (const char *key : {"there", "not there", ""}) {
    const std::string explained = chain.explain(key);
    parsed(check, explained, text("explain of ", quoted(key)));
    check.holds(explained.find("\"layer\"") != std::string::npos, text("explain of ", quoted(key), " names the layer"));
  }
  const std::string odd("\xff\xfe\"\n\0", 5);
  chain.sets(odd, "value");
  parsed(check, chain.explain(odd), "explain of a key that is no text");
}

void closed_answers_closed(Check &check) {
  Chain chain(check);
  chain.sets("k", "v");
  chain.close();
  if (!check.going()) return;
  check.status(chain.get("k").status, CACHECHAIN_CLOSED, "get after close");
  check.status(chain.set("k", "w").status, CACHECHAIN_CLOSED, "set after close");
  check.status(chain.remove("k").status, CACHECHAIN_CLOSED, "delete after close");
  check.status(chain.exists("k"), CACHECHAIN_CLOSED, "exists after close");
  chain.close();
}

void reopens(Check &check) {
  if (!subject_needs(check, CACHECHAIN_CAP_PERSISTENT)) return;
  std::vector<const char *> sources = {"application"};
  if (subject_can(check, CACHECHAIN_CAP_BUMP)) sources.push_back("last_layer");
  for (const char *source : sources) {
    uint64_t version = 0;
    {
      Chain chain(check, Above::kNothing, source);
      for (int i = 0; i < 20; ++i) chain.sets(text("key ", i), text("value ", i));
      chain.remove("key 3");
      version = chain.get("key 4").value.version;
    }
    Chain chain(check, Above::kNothing, source);
    for (int i = 0; i < 20 && check.going(); ++i) {
      if (i == 3) continue;
      chain.finds(text("key ", i), text("value ", i), text("get from a chain that was opened again, source ", source));
    }
    chain.lacks("key 3", "get of a deleted key from a chain that was opened again");
    if (!check.going() || !chain.versioned()) continue;
    check.equal(chain.get("key 4").value.version, version, "its version in the chain opened again");
  }
}

void last_layer_is_the_truth(Check &check) {
  const bool plain = subject_can(check, CACHECHAIN_CAP_PLAIN);
  if (!subject_needs(check, plain ? CACHECHAIN_CAP_PLAIN : CACHECHAIN_CAP_PERSISTENT | CACHECHAIN_CAP_BUMP)) return;
  Chain chain(check, Above::kNothing, "last_layer");
  check.status(chain.get("k").status, CACHECHAIN_NOT_FOUND, "get of nothing, when the layer's word is the truth");
  chain.sets("k", "v");
  chain.finds("k", "v", "get, when the layer's word is the truth");
  chain.remove("k");
  check.status(chain.get("k").status, CACHECHAIN_NOT_FOUND, "get after delete, when the layer's word is the truth");
}

void warms_a_memory_above(Check &check) {
  if (!subject_needs(check, CACHECHAIN_CAP_PERSISTENT)) return;
  {
    Chain chain(check, Above::kMemory);
    if (!chain) return;
    for (int i = 0; i < 20; ++i) chain.sets(text("key ", i), text("value ", i));
    // What a layer without versions was told has no known place among the writes of others: a reader makes the copy.
    if (check.going() && chain.versioned()) {
      check.equal(chain.get("key 1").value.layer, 0, "the layer that answers after a set");
    }
  }
  Chain chain(check, Above::kMemory);
  for (int i = 0; i < 20 && check.going(); ++i) {
    const std::string key = text("key ", i);
    const Found cold = chain.get(key);
    check.status(cold.status, CACHECHAIN_OK, text("the first get after opening ", cold.message));
    check.bytes(cold.data(), text("value ", i), "what the first get found");
    check.equal(cold.value.layer, 1, "the layer that answers the first get");
    const Found warm = chain.get(key);
    check.bytes(warm.data(), text("value ", i), "what the second get found");
    check.equal(warm.value.layer, 0, "the layer that answers the second get");
    check.equal(warm.value.version, cold.value.version, "the version in the memory that was warmed");
  }
  chain.remove("key 5");
  chain.lacks("key 5", "get after delete through both layers");
  chain.sets("key 6", "changed");
  chain.finds("key 6", "changed", "get after set through both layers");
}

void threads_see_whole_values(Check &check) {
  for (const Above above : {Above::kNothing, Above::kMemory}) {
    Chain chain(check, above);
    if (!chain) return;
    std::vector<std::thread> threads;
    std::atomic<uint64_t> sequence{0};
    const int steps = check.repeat(500);
    for (uint32_t self = 0; self < 4; ++self) {
      threads.emplace_back([&, self] {
        std::minstd_rand random(self + 1);
        for (int step = 0; step < steps && check.going(); ++step) {
          const std::string key = text("key ", random() % 5);
          const uint32_t dice = random() % 10;
          if (dice < 3) {
            chain.sets(key, make_witness(key, ++sequence, random() % 3000));
          } else if (dice == 3) {
            const Written removed = chain.remove(key);
            check.status(removed.status, CACHECHAIN_OK, text("delete while others write ", removed.message));
          } else {
            const Found found = chain.get(key, dice % 2 == 0 ? 0 : 2000);
            if (!found.hit()) {
              check.status(found.status, chain.versioned() ? CACHECHAIN_MISS : CACHECHAIN_NOT_FOUND,
                           text("get while others write ", found.message));
            } else {
              check.holds(read_witness(key, found.data()).has_value(),
                          text("a get finds a whole value of ", key, "; found ", quoted(found.data())));
            }
          }
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
  }
}

constexpr Listed kChecks[] = {
    {"chain.set_get_delete", set_get_delete},
    {"chain.values_come_copied_and_pinned", values_come_copied_and_pinned},
    {"chain.views_outlive_the_chain", views_outlive_the_chain},
    {"chain.exists_tells_without_the_value", exists_tells_without_the_value},
    {"chain.versions_grow", versions_grow},
    {"chain.lives_are_kept", lives_are_kept},
    {"chain.a_life_ends", a_life_ends},
    {"chain.keys_are_apart", keys_are_apart},
    {"chain.expectations_conflict", expectations_conflict},
    {"chain.stats_add_up", stats_add_up},
    {"chain.explain_is_json", explain_is_json},
    {"chain.closed_answers_closed", closed_answers_closed},
    {"chain.reopens", reopens},
    {"chain.last_layer_is_the_truth", last_layer_is_the_truth},
    {"chain.warms_a_memory_above", warms_a_memory_above},
    {"chain.threads_see_whole_values", threads_see_whole_values},
};

}  // namespace

std::span<const Listed> chain_checks() { return kChecks; }

}  // namespace cachechain::conformance
