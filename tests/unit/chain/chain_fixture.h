// A chain over fakes, with a clock that the test turns.
#ifndef CACHECHAIN_TESTS_UNIT_CHAIN_CHAIN_FIXTURE_H_
#define CACHECHAIN_TESTS_UNIT_CHAIN_CHAIN_FIXTURE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "abi/error.h"
#include "chain/chain.h"
#include "support/fake_layer.h"
#include "support/virtual_clock.h"

namespace cachechain {

class SeededRandom final : public Random {
 public:
  // The counter of SplitMix64, mixed.
  uint64_t next() override {
    uint64_t mixed = state_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed);
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
  }

 private:
  std::atomic<uint64_t> state_{42};
};

class ChainTest : public ::testing::Test {
 protected:
  struct Got {
    int32_t status = 0;
    std::string data;
    cachechain_value value{};
    Status failure;
  };

  // The layers are named L1, L2, ... and must be as many as there are fakes.
  FakeLayer *fake(uint64_t caps) {
    auto *layer = new FakeLayer("L" + std::to_string(fakes_.size() + 1), caps);
    layer->traits_.version = "1";
    fakes_.push_back(layer);
    LayerSettings settings;
    settings.name = layer->traits_.name;
    settings.plugin = "fake";
    settings.ttl_ms = 60'000;
    settings.ttl_jitter = 0;
    settings.warm.on = (caps & CACHECHAIN_CAP_INLINE) != 0;  // nothing happens behind a test that does not ask for it
    settings_.layers.push_back(settings);
    return layer;
  }

  Status open(std::optional<Source> source) {
    settings_.chain = "test";
    settings_.source = source;
    ChainParts parts;
    parts.clock = &clock_;
    parts.random = &random_;
    parts.allocator = allocator_;
    parts.threads = threads_;
    parts.make_error = &fail;
    parts.log = Logger::to_sink(
        [](void *test, int32_t, const uint8_t *text, uint64_t size) {
          ChainTest &self = *static_cast<ChainTest *>(test);
          const std::lock_guard<std::mutex> lock(self.log_mutex_);
          self.log_.emplace_back(reinterpret_cast<const char *>(text), size);
        },
        this, CACHECHAIN_LOG_INFO);
    std::vector<OpenedLayer> layers;
    for (FakeLayer *layer : fakes_) layers.push_back(layer->opened());
    auto opened = Chain::open(settings_, std::move(parts), {}, std::move(layers));
    if (!opened.ok()) return opened.status();
    chain_ = opened.take();
    return CACHECHAIN_OK;
  }

  Caller caller() { return Caller(chain_->home()); }

  Got get(const std::string &key, size_t cap = 64, const ReadOptions &options = {}) {
    Got got;
    std::vector<uint8_t> buffer(cap);
    got.status = chain_->reads().get(caller(), bytes(key), options, buffer, got.value, &got.failure);
    got.data.assign(reinterpret_cast<const char *>(got.value.data), got.value.size);
    if (got.value.release != nullptr) got.value.release(got.value.owner);
    return got;
  }
  Status set(const std::string &key, const std::string &data, Mutation mutation = {}) {
    mutation.data = bytes(data);
    write_ = {};
    return chain_->writes().mutate(caller(), bytes(key), mutation, write_);
  }
  Status remove(const std::string &key) {
    Mutation mutation;
    mutation.kind = CACHECHAIN_KIND_TOMBSTONE;
    write_ = {};
    return chain_->writes().mutate(caller(), bytes(key), mutation, write_);
  }
  uint64_t count(uint32_t layer, LayerCounter counter) {
    return chain_->home().threads().total(counter_index(layer, counter));
  }
  uint64_t count(ChainCounter counter) { return chain_->home().threads().total(counter_index(counter)); }

  static std::span<const uint8_t> bytes(const std::string &text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
  }

  VirtualClock clock_;
  Allocator *allocator_ = &Allocator::system();
  Threads *threads_ = &Threads::system();
  SeededRandom random_;
  ChainSettings settings_;
  std::vector<FakeLayer *> fakes_;  // owned by the chain once it is open
  std::mutex log_mutex_;  // while the chain is called on several threads
  std::vector<std::string> log_;
  cachechain_write write_{};
  std::unique_ptr<Chain> chain_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_CHAIN_CHAIN_FIXTURE_H_
