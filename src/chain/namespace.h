// Namespace: the part of a chain that one handle sees: its keys, how long its entries live, what was cleared, and what
// its calls counted. All namespaces of a chain share its layers. Thread-safe; lives as long as the chain.
//
// An entry is void, as if it were not there, unless its `created` is above cleared(). That only ever grows.
#ifndef CACHECHAIN_CHAIN_NAMESPACE_H_
#define CACHECHAIN_CHAIN_NAMESPACE_H_

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/thread_blocks.h"
#include "cachechain/plugin.h"
#include "chain/lives.h"
#include "metrics/counters.h"

namespace cachechain {

class Namespace {
 public:
  struct Terms {
    uint32_t id = 0;
    std::string chain;
    NamespaceSettings settings;
    bool serve_stale = true;
    std::vector<LifeRule> lives;  // one for each level of the chain
    uint32_t layers = 0;          // of the configuration
  };

  // `words_end` is given the words of a thread that ends, one for each of the layers.
  Namespace(Terms terms, ThreadBlocks::ExitFn words_end);
  Namespace(const Namespace &) = delete;
  Namespace &operator=(const Namespace &) = delete;

  // A call: `Inside inside(space.threads().mine())`.
  ThreadBlocks &threads() { return threads_; }
  const ThreadBlocks &threads() const { return threads_; }

  std::string_view name() const { return terms_.settings.name; }
  uint32_t schema() const { return terms_.settings.schema; }
  bool serve_stale() const { return terms_.serve_stale; }
  const LifeRule &life(size_t level) const { return terms_.lives[level]; }

  const cachechain_space &raw() const { return raw_; }
  // The bytes are borrowed.
  cachechain_key key(std::span<const uint8_t> bytes) const {
    return {bytes.data(), bytes.size(), hash_key(bytes, seed_), &raw_};
  }

  // The stamp of the newest clear that this process knows of, 0 for none.
  uint64_t cleared() const { return cleared_.load(std::memory_order_relaxed); }
  bool voids(uint64_t created) const {
    const uint64_t stamp = cleared();
    return stamp != 0 && created <= stamp;
  }
  // True if it was not known.
  bool learn_cleared(uint64_t stamp);

  // The record of clears, which a layer keeps under this key in a space of the chain's own that no caller's key is in.
  cachechain_key record_key() const;
  bool record_known() const { return record_known_.load(std::memory_order_acquire); }
  void record_was_read() { record_known_.store(true, std::memory_order_release); }
  // True for one caller in each second: it is his turn to read the record.
  bool take_turn(int64_t now_ms);

 private:
  const Terms terms_;
  const std::string prefix_;
  const std::string shown_;  // the name, with the schema if there is one
  const std::string record_prefix_;
  const uint64_t seed_;
  cachechain_space raw_{};
  cachechain_space record_space_{};
  std::atomic<uint64_t> cleared_{0};
  std::atomic<bool> record_known_{false};
  std::atomic<int64_t> read_at_ms_{0};
  ThreadBlocks threads_;
};

// The space of the records of clears. Its name is empty, which no namespace's is.
inline constexpr uint32_t kRecordSpace = UINT32_MAX;

// The calling thread at work in a namespace, for the length of a call.
struct Caller {
  Namespace &space;
  ThreadBlocks::Block &block;

  explicit Caller(Namespace &its_space) : Caller(its_space, its_space.threads().mine()) {}
  Caller(Namespace &its_space, ThreadBlocks::Block &its_block) : space(its_space), block(its_block) {}

  void add(ChainCounter counter) const { block.add(counter_index(counter)); }
  void add(uint32_t layer, LayerCounter counter, uint64_t by = 1) const {
    block.add(counter_index(layer, counter), by);
  }
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_NAMESPACE_H_
