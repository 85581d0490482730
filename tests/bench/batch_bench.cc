// What a key costs in a batch whose keys are all in memory, beside the same keys by single gets: over a million keys,
// each asked for as often as any other, so that most of them are in no processor's cache.
#include <cstring>
#include <memory>

#include "ratios.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

constexpr size_t kCount = 1'000'000;

struct World {
  World()
      : keys(make_keys(kCount)), memory(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory",
                   "options": {"max_bytes": "1GiB"}, "ttl_ms": "1d"}]})") {
    const std::vector<uint8_t> value(kValueSize, 'v');
    for (const Key &key : keys) memory.set(key, value.data(), value.size());
    // A full period over the keys, far steps apart.
    for (size_t i = 0; i < kCount; ++i) order.push_back(static_cast<uint32_t>(i * 611'953 % kCount));
  }
  static World &one() {
    static World world;
    return world;
  }

  std::vector<Key> keys;
  std::vector<uint32_t> order;
  OpenChain memory;
};

// Batches of `size` keys. body(keys, size) answers whether all were found.
template <class Body>
void loop(benchmark::State &state, size_t size, Body &&body) {
  World &world = World::one();
  std::vector<Key> batch(size);
  size_t next = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) {
    for (Key &key : batch) {
      key = world.keys[world.order[next]];
      next = next + 1 == kCount ? 0 : next + 1;
    }
    if (!body(world.memory.get(), batch)) {
      state.SkipWithError("a key was missing");
      break;
    }
  }
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  const double keys = static_cast<double>(state.iterations()) * static_cast<double>(size);
  state.counters["ns"] = benchmark::Counter(taken.count() / keys, benchmark::Counter::kAvgThreads);
}

void singles(benchmark::State &state, size_t size) {
  loop(state, size, [](cachechain_chain *chain, const std::vector<Key> &keys) {
    bool found = true;
    for (const Key &key : keys) {
      cachechain_value value;
      found &= cachechain_get(chain, nullptr, key.bytes, kKeySize, nullptr, 0, &value, nullptr) == CACHECHAIN_OK;
      benchmark::DoNotOptimize(value.data);
      cachechain_value_release(&value);
    }
    return found;
  });
}

void slices(benchmark::State &state, size_t size) {
  std::vector<cachechain_slice> slices(size);
  loop(state, size, [&](cachechain_chain *chain, const std::vector<Key> &keys) {
    for (size_t i = 0; i < keys.size(); ++i) slices[i] = {keys[i].bytes, kKeySize};
    cachechain_batch *batch;
    const int32_t status = cachechain_get_many(chain, nullptr, slices.data(), keys.size(), &batch, nullptr);
    benchmark::DoNotOptimize(batch);
    cachechain_batch_free(batch);
    return status == CACHECHAIN_OK;
  });
}

// The same, and the values are taken out, as packed() does.
void slices_copied(benchmark::State &state, size_t size) {
  std::vector<cachechain_slice> slices(size);
  std::vector<uint8_t> bytes(size * kValueSize);
  loop(state, size, [&](cachechain_chain *chain, const std::vector<Key> &keys) {
    for (size_t i = 0; i < keys.size(); ++i) slices[i] = {keys[i].bytes, kKeySize};
    cachechain_batch *batch;
    const int32_t status = cachechain_get_many(chain, nullptr, slices.data(), keys.size(), &batch, nullptr);
    size_t taken = 0;
    for (size_t i = 0; i < keys.size(); ++i) {
      cachechain_value value;
      if (cachechain_batch_item(batch, i, &value, nullptr) != CACHECHAIN_OK) break;
      std::memcpy(bytes.data() + taken, value.data, value.size);
      taken += value.size;
    }
    benchmark::DoNotOptimize(bytes.data());
    cachechain_batch_free(batch);
    return status == CACHECHAIN_OK && taken == bytes.size();
  });
}

// The whole way of a binding: keys packed, and all values copied out in one crossing.
void packed(benchmark::State &state, size_t size) {
  std::vector<uint64_t> offsets(size + 1);
  for (size_t i = 0; i < offsets.size(); ++i) offsets[i] = i * kKeySize;
  std::vector<int32_t> statuses(size);
  std::vector<uint64_t> ends(size + 1);
  std::vector<uint8_t> bytes(size * kValueSize);
  loop(state, size, [&](cachechain_chain *chain, const std::vector<Key> &keys) {
    cachechain_batch *batch;
    int32_t status =
        cachechain_get_many_packed(chain, nullptr, keys.front().bytes, offsets.data(), keys.size(), &batch, nullptr);
    uint64_t needed = 0;
    if (status == CACHECHAIN_OK) {
      status = cachechain_batch_copy(batch, statuses.data(), ends.data(), bytes.data(), bytes.size(), &needed);
    }
    benchmark::DoNotOptimize(bytes.data());
    cachechain_batch_free(batch);
    return status == CACHECHAIN_OK && needed == bytes.size();
  });
}

void register_all() {
  World::one();  // on one thread, before any benchmark runs
  for (const size_t size : {size_t{16}, size_t{100}}) {
    const std::string n = "/" + std::to_string(size);
    const auto add = [&](const char *name, auto function) {
      benchmark::RegisterBenchmark((name + n).c_str(), function, size)->UseRealTime();
      return name + n + "/real_time";
    };
    const std::string single = add("single_gets", singles);
    const std::string many = add("get_many", slices);
    const std::string copied = add("get_many_copy", slices_copied);
    const std::string packed_too = add("get_many_packed_copy", packed);
    compare({many, single, "<= 0.70x", false});
    compare({packed_too, copied, "<= 5 ns more", false});
  }
}

}  // namespace
}  // namespace cachechain::bench

int main(int argc, char **argv) {
  cachechain::bench::register_all();
  return cachechain::bench::run(argc, argv);
}
