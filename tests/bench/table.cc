#include "table.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace cachechain::bench {
namespace {

const uint8_t *data_of(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

[[noreturn]] void give_up(const char *what, const cachechain_report &report) {
  std::fprintf(stderr, "%s: %.*s\n", what, static_cast<int>(report.size), reinterpret_cast<const char *>(report.text));
  std::exit(1);
}

cachechain_key key_of(const Key &key) {
  static constexpr std::string_view kPrefix = "bench/bench/0:";
  static constexpr std::string_view kName = "bench";
  static const cachechain_space space = {data_of(kPrefix),
                                         data_of(kName),
                                         static_cast<uint32_t>(kPrefix.size()),
                                         static_cast<uint32_t>(kName.size()),
                                         1,
                                         0};
  return {key.bytes, kKeySize, XXH3_64bits_withSeed(key.bytes, kKeySize, 42), &space};
}

const cachechain_layers_service &loader() {
  return *static_cast<const cachechain_layers_service *>(cachechain_service(CACHECHAIN_SERVICE_LAYERS));
}

}  // namespace

Asked::Asked(const std::vector<Key> &keys, const std::vector<uint32_t> &sequence) {
  for (const uint32_t index : sequence) bytes_.push_back(keys[index]);
  for (const Key &key : bytes_) keys_.push_back(key_of(key));
}

OpenTable::OpenTable(const char *plugin, const std::string &options) {
  cachechain_layer_config config{};
  config.struct_size = sizeof(config);
  config.options = data_of(options);
  config.options_size = options.size();
  cachechain_layer_info info{};
  info.struct_size = sizeof(info);
  cachechain_report report{};
  const cachechain_layers_service &service = loader();
  if (service.open(service.self, plugin, CACHECHAIN_PLUGIN_DIR, &config, &api_, &instance_, &info, &report) !=
      CACHECHAIN_OK) {
    give_up(plugin, report);
  }
  call_.struct_size = sizeof(call_);
}

OpenTable::~OpenTable() { (void)loader().close(loader().self, api_, instance_, &call_); }

void OpenTable::fill(const std::vector<Key> &keys, std::span<const uint8_t> value) const {
  constexpr size_t kAtOnce = 4096;
  for (size_t from = 0; from < keys.size(); from += kAtOnce) {
    const size_t count = std::min(kAtOnce, keys.size() - from);
    std::vector<cachechain_key> raw;
    for (size_t i = 0; i < count; ++i) raw.push_back(key_of(keys[from + i]));
    std::vector<cachechain_put> puts;
    for (const cachechain_key &key : raw) puts.push_back(make_put(key, value));
    std::vector<cachechain_put_result> results(count);
    (void)put_many(puts, results.data());
    for (const cachechain_put_result &result : results) {
      if (result.status != CACHECHAIN_OK) give_up("a put failed", {});
    }
  }
}

cachechain_put make_put(const cachechain_key &key, std::span<const uint8_t> value) {
  cachechain_put put{};
  put.key = &key;
  put.data = value.data();
  put.size = value.size();
  put.version = 1;
  put.created = 1;
  put.condition = CACHECHAIN_PUT_BUMP;
  return put;
}

}  // namespace cachechain::bench
