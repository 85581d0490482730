// A layer's own table, opened through the checked loader: what a plugin costs without the chain above it. Ends the
// program with the reason if it cannot be opened.
#ifndef CACHECHAIN_TESTS_BENCH_TABLE_H_
#define CACHECHAIN_TESTS_BENCH_TABLE_H_

#include <span>
#include <string>
#include <vector>

#include "cachechain/plugin.h"
#include "workload.h"

namespace cachechain::bench {

// Keys as the core hands them to a layer, in the order that they are asked for. The object owns their bytes, which lie
// in that order too: what is measured is the layer's own memory.
class Asked {
 public:
  Asked(const std::vector<Key> &keys, const std::vector<uint32_t> &sequence);
  Asked(const Asked &) = delete;
  Asked &operator=(const Asked &) = delete;

  // The keys from `next` on, after which it moves on and begins anew at the end.
  std::span<const cachechain_key> take(size_t &next, size_t count) const {
    if (next + count > keys_.size()) next = 0;
    const size_t from = next;
    next += count;
    return {keys_.data() + from, count};
  }

 private:
  std::vector<Key> bytes_;
  std::vector<cachechain_key> keys_;
};

class OpenTable {
 public:
  OpenTable(const char *plugin, const std::string &options);
  ~OpenTable();
  OpenTable(const OpenTable &) = delete;
  OpenTable &operator=(const OpenTable &) = delete;

  int32_t get(const cachechain_key &key, std::span<uint8_t> buffer, cachechain_value &value) const {
    return api_->get(instance_, &call_, &key, buffer.data(), buffer.size(), &value);
  }
  int32_t get_many(std::span<const cachechain_key> keys, cachechain_value *values, int32_t *statuses) const {
    return api_->get_many(instance_, &call_, keys.data(), keys.size(), values, statuses);
  }
  int32_t put(const cachechain_put &put, cachechain_put_result &result) const {
    return api_->put(instance_, &call_, &put, &result);
  }
  int32_t put_many(std::span<const cachechain_put> puts, cachechain_put_result *results) const {
    return api_->put_many(instance_, &call_, puts.data(), puts.size(), results);
  }
  // Stores `value` under each of the keys.
  void fill(const std::vector<Key> &keys, std::span<const uint8_t> value) const;

 private:
  const cachechain_layer_api *api_ = nullptr;
  void *instance_ = nullptr;
  cachechain_call call_{};
};

// A put of a value that always applies.
cachechain_put make_put(const cachechain_key &key, std::span<const uint8_t> value);

}  // namespace cachechain::bench

#endif  // CACHECHAIN_TESTS_BENCH_TABLE_H_
