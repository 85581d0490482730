// Threads: nothing torn, nothing of another key, nothing older than what was acknowledged, and nothing kept for threads
// that ended. A layer without CAP_CONCURRENT is called by one thread after the other.
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "checks/checks.h"
#include "driver/layer.h"
#include "driver/witness.h"

namespace cachechain::conformance {
namespace {

constexpr uint32_t kThreads = 4;
constexpr uint32_t kKeys = 6;

std::string key_of(uint32_t number) { return text("shared ", number); }

void in_threads(uint32_t count, const std::function<void(uint32_t)> &body) {
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < count; ++i) threads.emplace_back(body, i);
  for (std::thread &thread : threads) thread.join();
}

// A hit must be a whole value of this key. Its sequence, 0 for a miss.
uint64_t look(Check &check, Caller &caller, const std::string &key, uint64_t cap) {
  const Got got = caller.get(key, cap);
  if (!got.hit()) {
    check.status(got.status, CACHECHAIN_MISS, text("get of ", key, " while others write"));
    return 0;
  }
  const auto sequence = read_witness(key, got.data());
  if (sequence) return *sequence;
  check.fail(text("expected a whole value of ", key, ", found ", quoted(got.data())));
  return 0;
}

void nothing_torn(Check &check) {
  Layer layer(check);
  if (!layer) return;
  std::atomic<uint64_t> clock{1};
  in_threads(kThreads, [&](uint32_t self) {
    Caller caller(layer);
    std::minstd_rand random(self + 1);
    const int steps = layer.repeat(10'000);
    for (int step = 0; step < steps && check.going(); ++step) {
      const std::string key = key_of(random() % kKeys);
      const uint32_t dice = random() % 10;
      if (dice < 4) {
        const uint64_t version = clock.fetch_add(2) + 2;
        const Done done =
            caller.put({.key = key, .data = make_witness(key, version, random() % 3000), .version = version});
        check.holds(done.status >= 0,
                    text("a put while others write succeeds, not ", status_text(done.status), ": ", caller.report()));
      } else if (dice == 4) {
        const int32_t status = caller.erase(key);
        check.holds(status >= 0 || status == CACHECHAIN_UNSUPPORTED,
                    text("an erase while others write succeeds, not ", status_text(status), ": ", caller.report()));
      } else {
        look(check, caller, key, dice % 2 == 0 ? 4096 : 0);
      }
    }
  });
}

void nothing_older_than_acknowledged(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_NEWER) || !layer.needs_metadata()) return;
  std::atomic<uint64_t> clock{1};
  std::array<std::atomic<uint64_t>, kKeys> acknowledged{};
  const auto acknowledge = [&](uint32_t which, uint64_t version) {
    uint64_t known = acknowledged[which].load();
    while (known < version && !acknowledged[which].compare_exchange_weak(known, version)) continue;
  };
  in_threads(kThreads, [&](uint32_t self) {
    Caller caller(layer);
    std::minstd_rand random(self + 100);
    const int steps = layer.repeat(10'000);
    for (int step = 0; step < steps && check.going(); ++step) {
      const uint32_t which = random() % kKeys;
      const std::string key = key_of(which);
      if (random() % 2 == 0) {
        const uint64_t version = clock.fetch_add(2) + 2;
        const Done done = caller.put({.key = key,
                                      .data = make_witness(key, version, random() % 300),
                                      .version = version,
                                      .condition = CACHECHAIN_PUT_NEWER});
        if (done.status == CACHECHAIN_OK) {
          check.equal(done.version, version, "the version in the result of a put that was applied");
        } else {
          check.status(done.status, CACHECHAIN_SUPERSEDED, text("a NEWER put while others write: ", caller.report()));
          check.holds(done.version >= version, text("the winner's version ", done.version, " is not below ", version));
        }
        acknowledge(which, done.version);
      } else {
        const uint64_t least = acknowledged[which].load();
        const uint64_t found = look(check, caller, key, 0);
        check.holds(found >= least, text("get of ", key, " finds nothing older than version ", least,
                                         ", which was acknowledged; found ", found));
      }
    }
  });
}

void one_exact_put_wins(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_EXACT) || !layer.needs_metadata()) return;
  const int rounds = layer.repeat(500);
  std::vector<std::atomic<int>> winners(static_cast<size_t>(rounds));
  in_threads(kThreads, [&](uint32_t self) {
    Caller caller(layer);
    for (size_t round = 0; round < winners.size() && check.going(); ++round) {
      const Done done = caller.put({.key = Key(text("round ", round)),
                                    .data = text(self),
                                    .version = 101 + 2 * uint64_t{self},
                                    .condition = CACHECHAIN_PUT_EXACT});
      if (done.status == CACHECHAIN_OK) {
        ++winners[round];
      } else {
        check.status(done.status, CACHECHAIN_CONFLICT, text("an EXACT put for absent that lost: ", caller.report()));
      }
    }
  });
  for (const std::atomic<int> &count : winners) check.equal(count.load(), 1, "how many EXACT puts for absent won");
}

// Every increment by EXACT must count: a lost update shows in the sum.
void exact_puts_lose_no_update(Check &check) {
  Layer layer(check);
  if (!layer.needs(CACHECHAIN_CAP_EXACT) || !layer.needs_metadata()) return;
  const int each = layer.repeat(300);
  std::atomic<uint64_t> clock{1001};
  in_threads(kThreads, [&](uint32_t) {
    Caller caller(layer);
    for (int added = 0; added < each && check.going();) {
      const Got got = caller.get("counter");
      if (got.status < 0) return check.fail(text("get: found ", status_text(got.status), ": ", caller.report()));
      uint64_t next = 0;
      std::from_chars(got.data().data(), got.data().data() + got.data().size(), next);
      ++next;
      const Done done = caller.put({.key = "counter",
                                    .data = std::to_string(next),
                                    .version = clock.fetch_add(2),
                                    .condition = CACHECHAIN_PUT_EXACT,
                                    .expect_version = got.version});
      if (done.status == CACHECHAIN_OK) {
        ++added;
      } else if (!check.status(done.status, CACHECHAIN_CONFLICT, text("an EXACT put: ", caller.report()))) {
        return;
      }
    }
  });
  Caller caller(layer);
  caller.finds("counter", std::to_string(each * static_cast<int>(kThreads)), "the sum of increments by EXACT");
}

void batches_while_others_write(Check &check) {
  Layer layer(check);
  Caller probe(layer);
  if (!probe.get_many({})) return check.skip("the layer has no get_many");
  std::atomic<uint64_t> clock{1};
  in_threads(kThreads, [&](uint32_t self) {
    Caller caller(layer);
    std::minstd_rand random(self + 7);
    const int steps = layer.repeat(2000);
    std::vector<Key> keys;
    for (uint32_t i = 0; i < kKeys; ++i) keys.emplace_back(key_of(i));
    for (int step = 0; step < steps && check.going(); ++step) {
      if (self % 2 == 0) {
        const uint64_t version = clock.fetch_add(2) + 2;
        const std::string key = key_of(random() % kKeys);
        const Done done =
            caller.put({.key = key, .data = make_witness(key, version, random() % 500), .version = version});
        check.holds(done.status >= 0, text("a put while others read succeeds, not ", status_text(done.status)));
        continue;
      }
      const auto answers = caller.get_many(keys);
      for (size_t i = 0; answers && i < keys.size(); ++i) {
        const Got &got = (*answers)[i];
        if (!got.hit()) continue;
        check.holds(read_witness(keys[i].bytes, got.data()).has_value(),
                    text("get_many finds a whole value of ", keys[i].bytes, "; found ", quoted(got.data())));
      }
    }
  });
}

void threads_come_and_go(Check &check) {
  Layer layer(check);
  if (!layer) return;
  const int waves = check.repeat(50);
  for (int wave = 0; wave < waves && check.going(); ++wave) {
    in_threads(4, [&](uint32_t self) {
      Caller caller(layer);
      const std::string key = text("thread ", self);
      caller.put({.key = key, .data = make_witness(key, static_cast<uint64_t>(wave), 10), .version = 1001});
      look(check, caller, key, 256);
    });
  }
  Caller caller(layer);
  caller.stores({.key = "after", .data = "all", .version = 1003});
  caller.finds("after", "all", "get after many threads have come and gone");
}

constexpr Listed kChecks[] = {
    {"slots.nothing_torn_by_threads", nothing_torn},
    {"slots.nothing_older_than_acknowledged", nothing_older_than_acknowledged},
    {"slots.one_exact_put_wins", one_exact_put_wins},
    {"slots.exact_puts_lose_no_update", exact_puts_lose_no_update},
    {"slots.batches_while_others_write", batches_while_others_write},
    {"slots.threads_come_and_go", threads_come_and_go},
};

}  // namespace

std::span<const Listed> thread_checks() { return kChecks; }

}  // namespace cachechain::conformance
