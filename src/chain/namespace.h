// Namespace: the part of a chain that one handle sees: its keys, and what its calls counted. All namespaces of a chain
// share its layers. Thread-safe; lives as long as the chain.
#ifndef CACHECHAIN_CHAIN_NAMESPACE_H_
#define CACHECHAIN_CHAIN_NAMESPACE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/hash.h"
#include "base/thread_blocks.h"
#include "cachechain/plugin.h"
#include "metrics/counters.h"

namespace cachechain {

class Namespace {
 public:
  // `words_end` is given the words of a thread that ends, one for each of the `layers` of the configuration.
  Namespace(uint32_t id, std::string_view chain, std::string_view name, uint32_t layers,
            ThreadBlocks::ExitFn words_end);
  Namespace(const Namespace &) = delete;
  Namespace &operator=(const Namespace &) = delete;

  // A call: `Inside inside(space.threads().mine())`.
  ThreadBlocks &threads() { return threads_; }
  const ThreadBlocks &threads() const { return threads_; }

  const cachechain_space &raw() const { return raw_; }
  // The bytes are borrowed.
  cachechain_key key(std::span<const uint8_t> bytes) const {
    return {bytes.data(), bytes.size(), hash_key(bytes, seed_), &raw_};
  }

 private:
  const std::string prefix_;
  const std::string name_;
  const uint64_t seed_;
  cachechain_space raw_{};
  ThreadBlocks threads_;
};

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
