#include "workload.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "zipf.h"

namespace cachechain::bench {

std::vector<Key> make_keys(size_t count) {
  std::vector<Key> keys(count);
  for (size_t i = 0; i < count; ++i) {
    char text[kKeySize + 1];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(i * 0x9e3779b97f4a7c15));
    std::memcpy(keys[i].bytes, text, kKeySize);
  }
  return keys;
}

std::vector<uint32_t> make_sequence(size_t count, uint64_t seed) {
  const tool::Zipf zipf(count, 0.99);
  std::mt19937_64 random(seed);
  // Popular keys lie anywhere, as in life, not side by side.
  std::vector<uint32_t> place(count);
  for (size_t i = 0; i < count; ++i) place[i] = static_cast<uint32_t>(i);
  std::shuffle(place.begin(), place.end(), std::mt19937_64(7));
  std::vector<uint32_t> sequence(kSequence);
  for (uint32_t &index : sequence) index = place[zipf(random) - 1];
  return sequence;
}

OpenChain::OpenChain(const std::string &json) {
  static const std::string path = std::string(CACHECHAIN_BENCH_PLUGIN_DIR) + ":" + CACHECHAIN_PLUGIN_DIR;
  cachechain_open_options options{};
  options.struct_size = sizeof(options);
  options.plugin_path = reinterpret_cast<const uint8_t *>(path.data());
  options.plugin_path_size = path.size();
  options.log = [](void *, int32_t, const uint8_t *, uint64_t) {};
  options.log_level = CACHECHAIN_LOG_OFF;
  cachechain_error *error = nullptr;
  if (cachechain_chain_open(reinterpret_cast<const uint8_t *>(json.data()), json.size(), &options, &chain_, &error) <
      0) {
    std::fprintf(stderr, "%s\n", cachechain_error_message(error, nullptr));
    std::exit(1);
  }
}

OpenChain::~OpenChain() { cachechain_chain_free(chain_); }

void OpenChain::set(const Key &key, const uint8_t *data, size_t size) {
  if (cachechain_set(chain_, nullptr, key.bytes, kKeySize, data, size, nullptr, nullptr) != CACHECHAIN_OK) {
    std::fprintf(stderr, "set failed\n");
    std::exit(1);
  }
}

}  // namespace cachechain::bench
