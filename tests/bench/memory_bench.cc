// What a hit and a set in memory cost, through app, core and plugin, beside the cheapest possible plugin (the boundary
// alone) and beside a bare lookup and memcpy over the same entries in the same program.
#include <xxhash.h>

#include <cstring>
#include <map>
#include <memory>

#include "ratios.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

constexpr size_t kSmall = 10'922;
constexpr size_t kLarge = 1'000'000;

struct Entry {
  Key key;
  uint8_t value[kValueSize];
};

// A table that does nothing but find: open addressing, hash beside the pointer, no locks, no bound, no eviction.
class BareTable {
 public:
  explicit BareTable(const std::vector<Key> &keys) {
    size_t size = 1;
    while (size < keys.size() * 2) size *= 2;
    slots_.resize(size);
    mask_ = size - 1;
    for (const Key &key : keys) {
      auto entry = std::make_unique<Entry>();
      entry->key = key;
      std::memset(entry->value, 'v', kValueSize);
      size_t at = hash(key) & mask_;
      while (slots_[at].entry != nullptr) at = (at + 1) & mask_;
      slots_[at] = {hash(key), entry.get()};
      entries_.push_back(std::move(entry));
    }
  }
  const Entry *find(const Key &key) const {
    const uint64_t wanted = hash(key);
    for (size_t at = wanted & mask_; slots_[at].entry != nullptr; at = (at + 1) & mask_) {
      if (slots_[at].hash == wanted && std::memcmp(slots_[at].entry->key.bytes, key.bytes, kKeySize) == 0) {
        return slots_[at].entry;
      }
    }
    return nullptr;
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    const Entry *entry = nullptr;
  };
  static uint64_t hash(const Key &key) { return XXH3_64bits_withSeed(key.bytes, kKeySize, 42); }
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<Entry>> entries_;
  size_t mask_ = 0;
};

// Everything over one number of keys, made once.
struct World {
  explicit World(size_t count)
      : keys(make_keys(count)),
        sequences{make_sequence(count, 1), make_sequence(count, 2)},
        bare(keys),
        memory(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory",
                   "options": {"max_bytes": "1GiB"}, "ttl_ms": "1d"}]})"),
        untimed(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory",
                    "options": {"max_bytes": "1GiB"}}]})"),
        fixed(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "fixed"}]})"),
        empty(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory"}]})"),
        missing(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory", "write": "none"},
                    {"name": "L2", "plugin": "fixed"}]})") {
    uint8_t value[kValueSize];
    std::memset(value, 'v', sizeof(value));
    for (const Key &key : keys) {
      memory.set(key, value, sizeof(value));
      untimed.set(key, value, sizeof(value));
    }
  }
  static World &of(size_t count) {
    static std::map<size_t, std::unique_ptr<World>> worlds;
    std::unique_ptr<World> &world = worlds[count];
    if (world == nullptr) world = std::make_unique<World>(count);
    return *world;
  }

  std::vector<Key> keys;
  std::vector<uint32_t> sequences[2];  // one for each thread
  BareTable bare;
  OpenChain memory;   // entries with a life: each hit reads the coarse clock
  OpenChain untimed;  // entries without
  OpenChain fixed;
  OpenChain empty;    // a miss in memory alone
  OpenChain missing;  // and with a level below it, so through the record of the key
};

template <class Body>
void loop(benchmark::State &state, World &world, Body &&body) {
  const std::vector<uint32_t> &sequence = world.sequences[state.thread_index() % 2];
  size_t next = 0;
  Lap lap(state);
  for (auto _ : state) {
    if (!body(world.keys[sequence[next++ & (kSequence - 1)]])) {
      state.SkipWithError("a key was missing");
      break;
    }
  }
  lap.done();
}

void bare_copy(benchmark::State &state, size_t count) {
  World &world = World::of(count);
  uint8_t buffer[128];
  loop(state, world, [&](const Key &key) {
    const Entry *entry = world.bare.find(key);
    if (entry == nullptr) return false;
    std::memcpy(buffer, entry->value, kValueSize);
    benchmark::DoNotOptimize(buffer);
    return true;
  });
}

void chain_copy(benchmark::State &state, size_t count, OpenChain World::*which) {
  World &world = World::of(count);
  cachechain_chain *chain = (world.*which).get();
  uint8_t buffer[128];
  loop(state, world, [&](const Key &key) {
    cachechain_value value;
    const int32_t status = cachechain_get(chain, nullptr, key.bytes, kKeySize, buffer, sizeof(buffer), &value, nullptr);
    benchmark::DoNotOptimize(buffer);
    return status == CACHECHAIN_OK && value.size == kValueSize;
  });
}

void chain_view(benchmark::State &state, size_t count, OpenChain World::*which) {
  World &world = World::of(count);
  cachechain_chain *chain = (world.*which).get();
  loop(state, world, [&](const Key &key) {
    cachechain_value value;
    const int32_t status = cachechain_get(chain, nullptr, key.bytes, kKeySize, nullptr, 0, &value, nullptr);
    benchmark::DoNotOptimize(value.data);
    cachechain_value_release(&value);
    return status == CACHECHAIN_OK;
  });
}

// A set over a key that is there, with the record of the key, the fence and the answer of one mutation.
void chain_set(benchmark::State &state, size_t count, OpenChain World::*which) {
  World &world = World::of(count);
  cachechain_chain *chain = (world.*which).get();
  uint8_t data[kValueSize];
  std::memset(data, 'v', sizeof(data));
  loop(state, world, [&](const Key &key) {
    return cachechain_set(chain, nullptr, key.bytes, kKeySize, data, kValueSize, nullptr, nullptr) == CACHECHAIN_OK;
  });
}

// The boundary with nothing behind it: one key, so that the workload's own cache misses do not count.
void boundary(benchmark::State &state) {
  World &world = World::of(kSmall);
  cachechain_chain *chain = world.fixed.get();
  const Key key = world.keys[0];
  Lap lap(state);
  for (auto _ : state) {
    cachechain_value value;
    int32_t status = cachechain_get(chain, nullptr, key.bytes, kKeySize, nullptr, 0, &value, nullptr);
    benchmark::DoNotOptimize(status);
    benchmark::DoNotOptimize(value.data);
  }
  lap.done();
}

// A miss, each thread with a key of its own.
void miss(benchmark::State &state, OpenChain World::*which, int32_t wanted) {
  World &world = World::of(kSmall);
  cachechain_chain *chain = (world.*which).get();
  const Key key = world.keys[static_cast<size_t>(state.thread_index())];
  Lap lap(state);
  for (auto _ : state) {
    cachechain_value value;
    const int32_t status = cachechain_get(chain, nullptr, key.bytes, kKeySize, nullptr, 0, &value, nullptr);
    benchmark::DoNotOptimize(value.data);
    if (status != wanted) state.SkipWithError("not a miss");
  }
  lap.done();
}

void register_all() {
  using benchmark::RegisterBenchmark;
  // Made here, on one thread, before any benchmark runs.
  World::of(kSmall);
  World::of(kLarge);
  for (const int threads : {1, 2}) {
    const std::string t = "/threads:" + std::to_string(threads);
    RegisterBenchmark("boundary", boundary)->Threads(threads)->UseRealTime();
    RegisterBenchmark("miss_alone", miss, &World::empty, CACHECHAIN_MISS)->Threads(threads)->UseRealTime();
    RegisterBenchmark("miss_record", miss, &World::missing, CACHECHAIN_OK)->Threads(threads)->UseRealTime();
    compare({"miss_record/real_time" + t, "miss_alone/real_time" + t, "<= 250 ns more", false});
    for (const size_t count : {kSmall, kLarge}) {
      const std::string n = "/" + std::to_string(count);
      const auto add = [&](const std::string &name, auto function, auto... arguments) {
        RegisterBenchmark((name + n).c_str(), function, count, arguments...)->Threads(threads)->UseRealTime();
      };
      add("bare_copy", bare_copy);
      add("memory_copy", chain_copy, &World::memory);
      add("memory_copy_no_life", chain_copy, &World::untimed);
      add("memory_view", chain_view, &World::memory);
      add("fixed_copy", chain_copy, &World::fixed);
      add("memory_set", chain_set, &World::memory);
      const bool barred = count == kSmall && threads == 1;
      const auto named = [&](const std::string &name) { return name + n + "/real_time" + t; };
      compare({named("memory_copy"), named("bare_copy"), barred ? "<= 60 ns" : "", false});
      compare({named("memory_copy_no_life"), named("bare_copy"), "", false});
      compare({named("memory_view"), named("bare_copy"), "", false});
      compare({named("memory_set"), named("bare_copy"), "", false});
    }
  }
  compare({"miss_record/real_time/threads:2", "miss_record/real_time/threads:1", "not growing", false});
  compare({"boundary/real_time/threads:2", "boundary/real_time/threads:1", "not growing; <= 12 ns", false});
}

}  // namespace
}  // namespace cachechain::bench

int main(int argc, char **argv) {
  cachechain::bench::register_all();
  return cachechain::bench::run(argc, argv);
}
