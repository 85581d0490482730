// What a clear costs where 64 namespaces hold a million entries together: in memory alone, and in memory over SQLite.
// Each clear is timed beside a set into the next namespace, in one interleaved run. Ends with 1 if a clear leaves an
// entry of its namespace, or takes one of another.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "temp_folder.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

constexpr size_t kSpaces = 64;
constexpr size_t kEach = 1'000'000 / kSpaces;
constexpr size_t kBatch = 625;  // a 25th of them
constexpr size_t kSample = 100;
static_assert(kEach % kBatch == 0);

[[noreturn]] void die(const char *what, const cachechain_error *error = nullptr) {
  std::fprintf(stderr, "%s: %s\n", what, error == nullptr ? "" : cachechain_error_message(error, nullptr));
  std::exit(1);
}

class Spaces {
 public:
  explicit Spaces(const std::string &json) : chain_(json) {
    for (size_t s = 0; s < kSpaces; ++s) {
      const std::string name = "n" + std::to_string(s);
      cachechain_error *error = nullptr;
      if (cachechain_chain_namespace(chain_.get(), reinterpret_cast<const uint8_t *>(name.data()), name.size(),
                                     &spaces_[s], &error) != CACHECHAIN_OK) {
        die("namespace", error);
      }
    }
  }
  ~Spaces() {
    for (cachechain_chain *space : spaces_) cachechain_chain_free(space);
  }
  Spaces(const Spaces &) = delete;
  Spaces &operator=(const Spaces &) = delete;

  void fill(size_t s) {
    for (size_t from = 0; from < kEach; from += kBatch) {
      std::array<cachechain_slice, kBatch> keys;
      std::array<cachechain_slice, kBatch> values;
      for (size_t i = 0; i < kBatch; ++i) {
        keys[i] = {keys_[from + i].bytes, kKeySize};
        values[i] = {value_.data(), value_.size()};
      }
      cachechain_batch *batch = nullptr;
      cachechain_error *error = nullptr;
      if (cachechain_set_many(spaces_[s], nullptr, keys.data(), values.data(), kBatch, &batch, &error) !=
          CACHECHAIN_OK) {
        die("set_many", error);
      }
      cachechain_batch_free(batch);
    }
  }
  void set(size_t s, size_t i) {
    cachechain_error *error = nullptr;
    if (cachechain_set(spaces_[s], nullptr, keys_[i].bytes, kKeySize, value_.data(), value_.size(), nullptr, &error) !=
        CACHECHAIN_OK) {
      die("set", error);
    }
  }
  void clear(size_t s) {
    cachechain_error *error = nullptr;
    if (cachechain_clear(spaces_[s], nullptr, nullptr, &error) != CACHECHAIN_OK) die("clear", error);
  }
  // Of so many of its keys, evenly spread, how many are found.
  size_t found(size_t s, size_t many) {
    size_t hits = 0;
    for (size_t i = 0; i < many; ++i) {
      uint8_t buffer[128];
      cachechain_value value{};
      hits += cachechain_get(spaces_[s], nullptr, keys_[i * (kEach / many)].bytes, kKeySize, buffer, sizeof(buffer),
                             &value, nullptr) == CACHECHAIN_OK;
    }
    return hits;
  }

 private:
  OpenChain chain_;
  std::array<cachechain_chain *, kSpaces> spaces_{};
  const std::vector<Key> keys_ = make_keys(kEach);
  const std::array<uint8_t, kValueSize> value_{};
};

template <class Body>
double micros(Body &&body) {
  const auto begin = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

void print(const char *what, std::vector<double> &taken) {
  std::sort(taken.begin(), taken.end());
  std::printf("   %s: median %8.1f us, worst %8.1f us", what, taken[taken.size() / 2], taken.back());
}

void run(const char *name, const std::string &json, const char *bar) {
  Spaces spaces(json);
  for (size_t s = 0; s < kSpaces; ++s) spaces.fill(s);
  std::vector<double> clears;
  std::vector<double> sets;
  for (size_t s = 0; s < kSpaces; ++s) {
    clears.push_back(micros([&] { spaces.clear(s); }));
    // All of them after the first clear, then some.
    const size_t many = s == 0 ? kEach : kSample;
    for (size_t other = 0; other < kSpaces; ++other) {
      if (spaces.found(other, many) != (other <= s ? 0 : many)) die("a clear left too much or took too much");
    }
    if (s + 1 < kSpaces) sets.push_back(micros([&] { spaces.set(s + 1, kEach / 2); }));
  }
  std::printf("%-27s", name);
  print("clear", clears);
  print("set", sets);
  std::printf("   ratio %.2f (bar: %s)\n", clears[clears.size() / 2] / sets[sets.size() / 2], bar);
}

void run_all() {
  const std::string memory =
      R"({"name": "L1", "plugin": "memory", "ttl_ms": "1h", "options": {"max_bytes": "512MiB"}})";
  run("memory", R"({"chain": "bench", "layers": [)" + memory + "]}", "a clear in 1000 us");
  for (const char *synchronous : {"normal", "full"}) {
    const tool::TempFolder folder;
    const std::string name = std::string("memory, sqlite ") + synchronous;
    run(name.c_str(),
        R"({"chain": "bench", "source": "last_layer", "layers": [)" + memory +
            R"(, {"name": "L2", "plugin": "sqlite", "options": {"path": ")" + folder.path() +
            R"(/clear.db", "synchronous": ")" + synchronous + R"("}}]})",
        synchronous == std::string("normal") ? "a clear in 1000 us" : "a set, which waits for the disk as well");
  }
}

}  // namespace
}  // namespace cachechain::bench

int main() {
  cachechain::bench::run_all();
  return 0;
}
