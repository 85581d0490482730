// What a key costs in a batch beside the same key alone, at the layers' own tables: get_many of memory where the
// entries lie far from the processor, get_many and put_many of SQLite.
#include <array>
#include <cstring>
#include <memory>
#include <random>

#include "ratios.h"
#include "table.h"
#include "temp_folder.h"

namespace cachechain::bench {
namespace {

constexpr size_t kFar = 1'000'000;  // more than the processor's caches hold
constexpr size_t kNear = 10'922;    // less
constexpr size_t kRows = 100'000;
constexpr size_t kMost = 100;

// Each key as likely as the others: nothing is warm.
std::vector<uint32_t> any_order(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<uint32_t> sequence(kSequence);
  for (uint32_t &index : sequence) index = static_cast<uint32_t>(random() % count);
  return sequence;
}

struct World {
  World(const char *plugin, const std::string &options, size_t count)
      : keys(make_keys(count)),
        asked{std::make_unique<Asked>(keys, any_order(count, 1)), std::make_unique<Asked>(keys, any_order(count, 2))},
        table(plugin, options) {
    value.fill('v');
    table.fill(keys, value);
  }

  std::array<uint8_t, kValueSize> value;
  std::vector<Key> keys;
  std::unique_ptr<Asked> asked[2];  // one for each thread
  OpenTable table;
};

// Runs body(keys) for `batch` keys at a time; times each key.
template <class Body>
void loop(benchmark::State &state, World &world, size_t batch, Body &&body) {
  const Asked &asked = *world.asked[state.thread_index() % 2];
  size_t next = 0;
  Lap lap(state, batch);
  for (auto _ : state) {
    if (!body(asked.take(next, batch))) {
      state.SkipWithError("a key was missing");
      break;
    }
  }
  lap.done();
}

void release(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
}

void get_copy(benchmark::State &state, World *world) {
  uint8_t buffer[128];
  loop(state, *world, 1, [&](std::span<const cachechain_key> keys) {
    cachechain_value value{};
    const int32_t status = world->table.get(keys[0], buffer, value);
    benchmark::DoNotOptimize(buffer);
    return status == CACHECHAIN_OK;
  });
}

void get_view(benchmark::State &state, World *world) {
  loop(state, *world, 1, [&](std::span<const cachechain_key> keys) {
    cachechain_value value{};
    const int32_t status = world->table.get(keys[0], {}, value);
    benchmark::DoNotOptimize(value.data);
    release(value);
    return status == CACHECHAIN_OK;
  });
}

// `read`: each value is copied out of its view, as who compares with copies has to.
void get_many(benchmark::State &state, World *world, size_t batch, bool read) {
  uint8_t buffer[128];
  std::array<int32_t, kMost> statuses;
  std::array<cachechain_value, kMost> values;
  loop(state, *world, batch, [&](std::span<const cachechain_key> keys) {
    std::fill_n(values.begin(), batch, cachechain_value{});
    bool found = world->table.get_many(keys, values.data(), statuses.data()) >= 0;
    for (size_t i = 0; i < batch; ++i) {
      found = found && statuses[i] == CACHECHAIN_OK;
      if (read && found) std::memcpy(buffer, values[i].data, kValueSize);
      benchmark::DoNotOptimize(buffer);
      benchmark::DoNotOptimize(values[i].data);
      release(values[i]);
    }
    return found;
  });
}

void put_one(benchmark::State &state, World *world) {
  loop(state, *world, 1, [&](std::span<const cachechain_key> keys) {
    cachechain_put_result result{};
    return world->table.put(make_put(keys[0], world->value), result) == CACHECHAIN_OK;
  });
}

void put_many(benchmark::State &state, World *world, size_t batch) {
  std::array<cachechain_put, kMost> puts;
  std::array<cachechain_put_result, kMost> results;
  loop(state, *world, batch, [&](std::span<const cachechain_key> keys) {
    for (size_t i = 0; i < batch; ++i) puts[i] = make_put(keys[i], world->value);
    return world->table.put_many({puts.data(), batch}, results.data()) == CACHECHAIN_OK;
  });
}

void register_all() {
  using benchmark::RegisterBenchmark;
  static World far("memory", R"({"max_bytes": "1GiB"})", kFar);
  static World near("memory", R"({"max_bytes": "1GiB"})", kNear);
  static tool::TempFolder folder;
  static World rows("sqlite", R"({"path": ")" + folder.path() + R"(/many.db", "synchronous": "normal"})", kRows);
  for (const int threads : {1, 2}) {
    const std::string t = "/real_time/threads:" + std::to_string(threads);
    const auto add = [&](const std::string &name, auto function, auto... arguments) {
      RegisterBenchmark(name.c_str(), function, arguments...)->Threads(threads)->UseRealTime();
    };
    for (World *world : {&far, &near}) {
      const bool is_far = world == &far;
      const std::string n = is_far ? "_far" : "_near";
      add("memory_copy" + n, get_copy, world);
      add("memory_view" + n, get_view, world);
      for (const size_t batch : {size_t{16}, kMost}) {
        const std::string name = "memory_many" + n + "_" + std::to_string(batch);
        add(name, get_many, world, batch, false);
        add(name + "_read", get_many, world, batch, true);
        compare({name + t, "memory_view" + n + t, is_far ? "<= 0.7" : "", false});
        compare({name + "_read" + t, "memory_copy" + n + t, is_far ? "<= 0.7" : "", false});
      }
    }
    add("sqlite_get", get_view, &rows);
    for (const size_t batch : {size_t{16}, kMost}) {
      const std::string name = "sqlite_many_" + std::to_string(batch);
      add(name, get_many, &rows, batch, false);
      compare({name + t, "sqlite_get" + t, "", false});
    }
  }
  RegisterBenchmark("sqlite_put", put_one, &rows)->UseRealTime();
  for (const size_t batch : {size_t{16}, kMost}) {
    const std::string name = "sqlite_put_many_" + std::to_string(batch);
    RegisterBenchmark(name.c_str(), put_many, &rows, batch)->UseRealTime();
    compare({name, "sqlite_put", "", false});
  }
}

}  // namespace
}  // namespace cachechain::bench

int main(int argc, char **argv) {
  cachechain::bench::register_all();
  return cachechain::bench::run(argc, argv);
}
