// The fence: once a mutation has raised it to v and put v, nobody finds anything older, whoever else puts meanwhile and
// even if what the mutation put is forgotten again.
#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "checks/checks.h"
#include "driver/layer.h"

namespace cachechain::conformance {
namespace {

void truth_table(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_NEWER)) return;
  Caller caller(layer);
  const uint64_t fence = 101;
  const auto put = [&](const char *key, uint64_t version, uint32_t condition = CACHECHAIN_PUT_NEWER) {
    return caller.put({.key = key, .data = "new", .version = version, .condition = condition, .fence = &fence});
  };
  check.status(put("absent", 99).status, CACHECHAIN_FENCED, "put below the fence over nothing");
  caller.misses("absent", "get after that");
  check.status(put("absent", 101).status, CACHECHAIN_OK, "put at the fence over nothing");
  caller.finds("absent", "new", "get after that");
  check.status(put("absent", 103).status, CACHECHAIN_OK, "put above the fence");

  caller.stores({.key = "older", .data = "old", .version = 51});
  const Done done = put("older", 99);
  check.status(done.status, CACHECHAIN_FENCED, "put below the fence over an older entry");
  check.equal(done.version, 0u, "the version in the result of a FENCED put");
  caller.misses("older", "get of the older entry, which a FENCED put removes");

  caller.stores({.key = "newer", .data = "newest", .version = 201});
  check.status(put("newer", 103).status, CACHECHAIN_SUPERSEDED, "put above the fence over a newer entry");
  caller.finds("newer", "newest", "get after that");

  if (!layer.can(CACHECHAIN_CAP_BUMP)) return;
  check.status(put("bumped", 99, CACHECHAIN_PUT_BUMP).status, CACHECHAIN_FENCED, "BUMP to below the fence");
  caller.stores({.key = "bumped", .data = "old", .version = 99});
  check.status(put("bumped", 51, CACHECHAIN_PUT_BUMP).status, CACHECHAIN_OK, "BUMP of version 99, which becomes 101");
  caller.finds("bumped", "new", "get after that");
}

void race(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_FENCE | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_CONCURRENT)) return;
  if (!layer.needs_metadata()) return;
  const Key key("fenced");
  uint64_t fence = 1;
  std::atomic<uint64_t> done{1};    // the mutation of this version has finished
  std::atomic<uint64_t> raised{1};  // what the fillers know of
  std::atomic<bool> running{true};
  std::atomic<int> fills{0};
  std::atomic<int> reads{0};

  const auto look = [&](Caller &caller, uint64_t least) {
    const Got got = caller.get(key, 64);
    if (!got.hit()) return;
    check.holds(got.version >= least,
                text("nobody finds version ", got.version, " after the mutation ", least, " has finished"));
    check.bytes(got.data(), text("version ", got.version), "the value of the version that was found");
  };
  const auto filler = [&](uint32_t seed) {
    Caller caller(layer);
    std::minstd_rand random(seed);
    while (running.load(std::memory_order_relaxed)) {
      const uint64_t least = done.load(std::memory_order_acquire);
      if (random() % 4 == 0) caller.erase(key);  // as an eviction would
      // Older than the mutation under way, which may not have raised the fence yet.
      const uint64_t top = raised.load(std::memory_order_relaxed);
      const uint64_t version = top - std::min<uint64_t>(top - 1, 2 + 2 * (random() % 3));
      const Done put = caller.put({.key = key,
                                   .data = text("version ", version),
                                   .version = version,
                                   .condition = CACHECHAIN_PUT_NEWER,
                                   .fence = &fence});
      check.holds(put.status >= 0, text("a put under a fence succeeds, not ", status_text(put.status)));
      look(caller, least);
      ++fills;
    }
  };
  const auto reader = [&] {
    Caller caller(layer);
    while (running.load(std::memory_order_relaxed)) {
      look(caller, done.load(std::memory_order_acquire));
      ++reads;
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back(filler, 1);
  threads.emplace_back(filler, 2);
  threads.emplace_back(reader);
  {
    Caller caller(layer);
    const int rounds = layer.repeat(20'000);
    // Until the others have had their share, however the threads are scheduled.
    for (int round = 1; check.going() && (round <= rounds || fills < rounds || reads < rounds); ++round) {
      if (round > rounds) std::this_thread::yield();
      const uint64_t version = 1 + 2 * static_cast<uint64_t>(round);
      raised.store(version, std::memory_order_relaxed);
      __atomic_store_n(&fence, version, __ATOMIC_RELEASE);
      const Done put = caller.put({.key = key,
                                   .data = text("version ", version),
                                   .version = version,
                                   .condition = CACHECHAIN_PUT_NEWER,
                                   .fence = &fence});
      check.holds(put.status >= 0, text("the mutation's put succeeds, not ", status_text(put.status)));
      done.store(version, std::memory_order_release);
    }
  }
  running.store(false);
  for (std::thread &thread : threads) thread.join();
}

constexpr Listed kChecks[] = {
    {"slots.fence", truth_table},
    {"slots.fence_under_a_race", race},
};

}  // namespace

std::span<const Listed> fence_checks() { return kChecks; }

}  // namespace cachechain::conformance
