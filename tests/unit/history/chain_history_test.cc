// The promise of the whole: in the process that changed a key nobody is answered anything older, whatever its layers
// do. Sixteen threads, few keys, a memory so small that it forgets all the time, layers that fail, answer late, and
// forget; then all is quiet, and every level agrees with the truth. And a check that the check bites.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "chain/chain.h"
#include "history/history.h"
#include "history/judge.h"
#include "support/unsteady_layer.h"

namespace cachechain {
namespace {

using conformance::Act;
using conformance::Fate;
using conformance::History;
using conformance::Operation;
using conformance::Recorder;
using conformance::Rules;

constexpr uint32_t kThreads = 16;
constexpr uint32_t kKeys = 6;
constexpr uint32_t kBatch = 4;
constexpr uint32_t kClearOnceIn = 256;
constexpr uint64_t kShared = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_NEWER |
                             CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_SHARED;
constexpr uint64_t kTable = kShared | CACHECHAIN_CAP_PERSISTENT;
constexpr uint64_t kPlain = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_PLAIN |
                            CACHECHAIN_CAP_SHARED | CACHECHAIN_CAP_PERSISTENT;
// One history is judged at a time, so that its size stays bounded.
constexpr uint64_t kStepsPerRound = 400'000;

class Silent final : public Logger {
 public:
  bool enabled(int32_t) const override { return false; }
  void log(int32_t, std::string_view) override {}
};

// A memory that never looks at a fence.
class Fenceless final : public Layer {
 public:
  explicit Fenceless(std::unique_ptr<Layer> inner) : inner_(std::move(inner)) {}
  const LayerTraits &traits() const override { return inner_->traits(); }
  int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override {
    return inner_->get(call, key, buffer, value);
  }
  int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) override {
    cachechain_put without = put;
    without.fence = nullptr;
    return inner_->put(call, without, result);
  }
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override {
    return inner_->get_many(call, keys, values, statuses);
  }
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override {
    std::vector<cachechain_put> without(puts.begin(), puts.end());
    for (cachechain_put &put : without) put.fence = nullptr;
    return inner_->put_many(call, without, results);
  }
  int32_t erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) override {
    return inner_->erase_many(call, keys);
  }
  int32_t ping(const cachechain_call &call) override { return inner_->ping(call); }
  int32_t maintain(const cachechain_call &call) override { return inner_->maintain(call); }
  int32_t sweep(const cachechain_call &call) override { return inner_->sweep(call); }
  std::string stats() override { return inner_->stats(); }
  void thread_exit(uintptr_t word) override { inner_->thread_exit(word); }
  Status close(const cachechain_call &call) override { return inner_->close(call); }

 private:
  std::unique_ptr<Layer> inner_;
};

// The application's own database: a number per key that only grows.
class Database {
 public:
  uint64_t write(uint32_t key) { return rows_[key].fetch_add(1) + 1; }
  uint64_t read(uint32_t key) { return rows_[key].load(); }

 private:
  std::array<std::atomic<uint64_t>, kKeys> rows_{};
};

class ChainHistoryTest : public testing::Test {
 protected:
  // Whether the memory keeps to the fence.
  bool fenced_ = true;

  void add_memory() {
    const std::string path = CACHECHAIN_PLUGIN_DIR;
    Result<const LoadedPlugin *> plugin = Registry::instance().load("memory", {path}, {}, *log_);
    ASSERT_TRUE(plugin.ok()) << plugin.status().message();
    LayerOpening opening;
    opening.name = "L1";
    opening.chain = "history";
    opening.options = R"({"max_entries": 3, "max_bytes": "64KiB"})";
    opening.log = log_;
    Result<OpenedLayer> opened = open_layer(*plugin.value(), opening);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    memory_ = opened->layer.get();
    if (!fenced_) opened->layer = std::make_unique<Fenceless>(std::move(opened->layer));
    layers_.push_back(opened.take());
    name("L1");
  }
  UnsteadyLayer *add(const std::string &layer, uint64_t caps, UnsteadyLayer::Trouble trouble) {
    auto *made = new UnsteadyLayer(layer, caps, trouble);
    layers_.push_back(made->opened());
    name(layer);
    return made;
  }
  void name(const std::string &layer) {
    LayerSettings settings;
    settings.name = layer;
    settings.plugin = "any";
    settings.ttl_ms = 3'600'000;
    settings_.layers.push_back(settings);
  }
  void open(Source source) {
    settings_.chain = "history";
    settings_.source = source;
    settings_.lease_ms = 5;
    settings_.lease_wait_ms = 2;
    ChainParts parts;
    parts.clock = &Clock::system();
    parts.random = &Random::system();
    parts.log = log_;
    auto opened = Chain::open(settings_, std::move(parts), {}, std::move(layers_));
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    chain_ = opened.take();
  }

  Caller caller() { return Caller(chain_->home()); }
  static std::string key_of(uint32_t key) { return "key-" + std::to_string(key); }
  static std::span<const uint8_t> bytes(const std::string &text) {
    return {reinterpret_cast<const uint8_t *>(text.data()), text.size()};
  }

  // What a get answered goes into its record.
  void note(Operation &op, int32_t status, cachechain_value &value, bool by_version) {
    op.fate = status < 0 ? Fate::kRefused : Fate::kAcknowledged;
    op.value = conformance::kAbsent;
    if (status == CACHECHAIN_OK || status == CACHECHAIN_STALE) {
      const std::string text(reinterpret_cast<const char *>(value.data), value.size);
      op.value = std::strtoull(text.c_str(), nullptr, 10);
      op.rank = by_version ? value.version : op.value;
      op.stale = status == CACHECHAIN_STALE;
    }
    op.claims_nothing = status == CACHECHAIN_MISS;
    if (value.release != nullptr) value.release(value.owner);
  }
  void get(Recorder &recorder, uint32_t which, bool by_version) {
    const std::string key = key_of(which);
    Operation op = recorder.begin(Act::kGet, which);
    std::array<uint8_t, 32> buffer;
    cachechain_value value{};
    const int32_t status = chain_->reads().get(caller(), bytes(key), {}, buffer, value, nullptr);
    note(op, status, value, by_version);
    recorder.end(op);
  }
  // A set or a delete through the cache alone. True if it was acknowledged.
  bool mutate(Recorder &recorder, uint32_t which, bool deletes, bool by_version) {
    const std::string key = key_of(which);
    const uint64_t number = ++numbers_;
    const std::string data = std::to_string(number);
    Operation op = recorder.begin(deletes ? Act::kDelete : Act::kWrite, which);
    Mutation mutation;
    if (deletes) {
      mutation.kind = CACHECHAIN_KIND_TOMBSTONE;
    } else {
      mutation.data = bytes(data);
    }
    cachechain_write write{};
    const Status done = chain_->writes().mutate(caller(), bytes(key), mutation, write);
    op.value = deletes ? conformance::kAbsent : number;
    op.fate = fate_of(done.code());
    op.rank = by_version && done.code() == CACHECHAIN_OK ? write.version : 0;
    recorder.end(op);
    return op.fate == Fate::kAcknowledged;
  }
  // Some keys in one call, some of them twice. Each is an operation that lasts as long as the call: begin(i, key) makes
  // it, end(i, status, version) ends it.
  template <class Begin, class End>
  void mutate_many(uint32_t dice, bool deletes, Begin &&begin, End &&end) {
    std::array<std::string, kBatch> keys;
    std::array<std::string, kBatch> data;
    std::array<cachechain_slice, kBatch> key_slices;
    std::array<cachechain_slice, kBatch> data_slices;
    for (uint32_t i = 0; i < kBatch; ++i) {
      const uint32_t which = (dice + i * (1 + dice / kKeys % (kKeys - 1))) % kKeys;
      keys[i] = key_of(which);
      data[i] = std::to_string(begin(i, which));
      key_slices[i] = {bytes(keys[i]).data(), keys[i].size()};
      data_slices[i] = {bytes(data[i]).data(), data[i].size()};
    }
    Mutation common;
    if (deletes) common.kind = CACHECHAIN_KIND_TOMBSTONE;
    const Slices values = deletes ? Slices() : Slices(data_slices.data(), kBatch);
    const Batch::Ptr answers = Batch::create(Allocator::system(), kBatch, false);
    const Status whole = chain_->writes().mutate_many(caller(), {key_slices.data(), kBatch}, values, common, *answers);
    for (uint32_t i = 0; i < kBatch; ++i) {
      end(i, whole.ok() ? answers->statuses()[i] : whole.code(), answers->values()[i].version);
    }
  }
  void mutate_many(Recorder &recorder, uint32_t dice, bool deletes, bool by_version) {
    std::array<Operation, kBatch> ops;
    mutate_many(
        dice, deletes,
        [&](uint32_t i, uint32_t which) {
          ops[i] = recorder.begin(deletes ? Act::kDelete : Act::kWrite, which);
          const uint64_t number = ++numbers_;
          ops[i].value = deletes ? conformance::kAbsent : number;
          return number;
        },
        [&](uint32_t i, int32_t status, uint64_t version) {
          ops[i].fate = fate_of(status);
          ops[i].rank = by_version && status == CACHECHAIN_OK ? version : 0;
          recorder.end(ops[i]);
        });
  }
  void write_then_delete_many(Recorder &recorder, uint32_t dice) {
    std::array<Operation, kBatch> ops;
    mutate_many(
        dice, true,
        [&](uint32_t i, uint32_t which) {
          ops[i] = recorder.begin(Act::kWrite, which);
          return ops[i].value = ops[i].rank = database_.write(which);
        },
        [&](uint32_t i, int32_t status, uint64_t) {
          ops[i].fate = status == CACHECHAIN_OK ? Fate::kAcknowledged : Fate::kUnknown;
          recorder.end(ops[i]);
        });
  }
  static Fate fate_of(int32_t status) {
    return status == CACHECHAIN_OK                ? Fate::kAcknowledged
           : status == CACHECHAIN_UNKNOWN_OUTCOME ? Fate::kUnknown
                                                  : Fate::kRefused;
  }
  // Makes all that the namespace holds void.
  void clear(Recorder &recorder) {
    Operation op = recorder.begin(Act::kClear, 0);
    cachechain_write write{};
    const Status done = chain_->clears().clear(caller(), {}, write);
    op.fate = fate_of(done.code());
    recorder.end(op);
  }
  // The same keys in another namespace, which is no business of the history.
  void meddle(uint32_t which, uint32_t dice) {
    const Caller other(*chain_->space("other").value());
    const std::string key = key_of(which);
    cachechain_write write{};
    if (dice % 8 == 0) {
      (void)chain_->clears().clear(other, {}, write);
    } else if (dice % 8 == 1) {
      Mutation mutation;
      mutation.data = bytes(key);
      (void)chain_->writes().mutate(other, bytes(key), mutation, write);
    } else {
      std::array<uint8_t, 32> buffer;
      cachechain_value value{};
      (void)chain_->reads().get(other, bytes(key), {}, buffer, value, nullptr);
      if (value.release != nullptr) value.release(value.owner);
    }
  }
  // Writes the database, then deletes.
  void write_then_delete(Recorder &recorder, uint32_t which) {
    const std::string key = key_of(which);
    Operation op = recorder.begin(Act::kWrite, which);
    op.value = op.rank = database_.write(which);
    Mutation mutation;
    mutation.kind = CACHECHAIN_KIND_TOMBSTONE;
    cachechain_write write{};
    const Status done = chain_->writes().mutate(caller(), bytes(key), mutation, write);
    op.fate = done.code() == CACHECHAIN_OK ? Fate::kAcknowledged : Fate::kUnknown;
    recorder.end(op);
  }
  // All that a cache without a database is asked for.
  void mix_with_clears(Recorder &recorder, uint32_t which, uint32_t dice) {
    const uint32_t rest = dice / kClearOnceIn;
    if (dice % kClearOnceIn == 0) return clear(recorder);
    switch (rest % 16) {
      case 0:
      case 1:
      case 2:
        return void(mutate(recorder, which, rest / 16 % kClearOnceIn == 0, true));
      case 3:
        return mutate_many(recorder, rest / 16, rest / 16 % kClearOnceIn == 0, true);
      case 4:
        return meddle(which, rest / 16);
      case 5:
      case 6:
        return get_many(recorder, which, rest / 16, true);
      default:
        return get(recorder, which, true);
    }
  }
  // Writes all rows of the database, then clears.
  void write_all_then_clear(Recorder &recorder) {
    std::array<Operation, kKeys> ops;
    for (uint32_t which = 0; which < kKeys; ++which) {
      ops[which] = recorder.begin(Act::kWrite, which);
      ops[which].value = ops[which].rank = database_.write(which);
    }
    cachechain_write write{};
    const Status done = chain_->clears().clear(caller(), {}, write);
    for (Operation &op : ops) {
      op.fate = done.code() == CACHECHAIN_OK ? Fate::kAcknowledged : Fate::kUnknown;
      recorder.end(op);
    }
  }
  void get_or_load(Recorder &recorder, uint32_t which, uint32_t dice) {
    const std::string key = key_of(which);
    Operation op = recorder.begin(Act::kGet, which);
    std::array<uint8_t, 32> buffer;
    cachechain_value value{};
    cachechain_lease lease{};
    ReadOptions options;
    options.timeout_ns = 20'000'000;
    const int32_t status = chain_->loads().get(caller(), bytes(key), options, buffer, value, lease, nullptr);
    note(op, status, value, false);
    recorder.end(op);
    if (lease.id == 0) return;
    const std::string loaded = std::to_string(database_.read(which));
    std::this_thread::sleep_for(std::chrono::microseconds(dice % 16));
    Mutation mutation;
    mutation.data = bytes(loaded);
    cachechain_write write{};
    switch (dice % 32) {
      case 0:
        (void)chain_->loads().abandon(caller(), lease);
        break;
      case 1:
        (void)chain_->loads().fail(caller(), lease, "no", 1);
        break;
      case 2:
        break;  // it is gone
      default:
        (void)chain_->loads().fulfilment().one(caller(), lease, mutation, write);
    }
  }

  // Some of the keys, from this one on; one of them is asked for twice.
  struct Asked {
    std::vector<std::string> keys;
    std::vector<cachechain_slice> slices;
    std::vector<Operation> ops;
    Slices list() const { return Slices(slices.data(), slices.size()); }
  };
  Asked ask_many(Recorder &recorder, uint32_t which, uint32_t dice) {
    Asked asked;
    const uint32_t number = 2 + dice % (kKeys - 1);
    for (uint32_t i = 0; i < number; ++i) {
      const uint32_t key = i + 1 == number    ? which
                           : (dice & 64) != 0 ? (which + i) % kKeys
                                              : (which + kKeys - i) % kKeys;
      asked.keys.push_back(key_of(key));
      asked.ops.push_back(recorder.begin(Act::kGet, key));
    }
    for (const std::string &key : asked.keys) asked.slices.push_back({bytes(key).data(), key.size()});
    return asked;
  }
  void note_many(Recorder &recorder, Asked &asked, const Batch &answers, bool by_version) {
    for (size_t i = 0; i < asked.ops.size(); ++i) {
      cachechain_value value = answers.values()[i];
      value.release = nullptr;  // the batch's
      note(asked.ops[i], answers.statuses()[i], value, by_version);
      recorder.end(asked.ops[i]);
    }
  }
  void get_many(Recorder &recorder, uint32_t which, uint32_t dice, bool by_version) {
    Asked asked = ask_many(recorder, which, dice);
    Batch::Ptr answers;
    if (!chain_->read_many().get(caller(), asked.list(), {}, answers).ok()) return;
    note_many(recorder, asked, *answers, by_version);
  }
  void get_or_load_many(Recorder &recorder, uint32_t which, uint32_t dice) {
    Asked asked = ask_many(recorder, which, dice);
    ReadOptions options;
    options.timeout_ns = 20'000'000;
    Batch::Ptr answers;
    if (!chain_->load_many().get(caller(), asked.list(), options, answers).ok()) return;
    note_many(recorder, asked, *answers, false);
    std::vector<cachechain_lease> leases;
    std::vector<std::string> loaded;
    for (size_t i = 0; i < asked.ops.size(); ++i) {
      if (answers->leases()[i].id == 0) continue;
      leases.push_back(answers->leases()[i]);
      loaded.push_back(std::to_string(database_.read(asked.ops[i].key)));
    }
    std::this_thread::sleep_for(std::chrono::microseconds(dice % 16));
    if (dice % 32 == 2) return;  // it is gone
    std::vector<cachechain_slice> values;
    for (const std::string &value : loaded) values.push_back({bytes(value).data(), value.size()});
    (void)chain_->load_many().fulfil(caller(), leases, Slices(values.data(), values.size()), {}, answers);
  }

  // body(recorder, random key, random number), so many times in all, and the judgement of each round.
  template <class Body>
  void run(const Rules &rules, uint64_t steps, Body &&body) {
    while (steps != 0 && violations_.empty()) {
      const uint64_t round = std::min(steps, kStepsPerRound);
      steps -= round;
      History history;
      start(history);
      std::vector<std::thread> threads;
      for (uint32_t i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i, seed = seeds_ + i] {
          (void)i;
          Recorder &recorder = history.recorder();
          std::minstd_rand random(seed + 1);
          for (uint64_t step = 0; step < round / kThreads; ++step) {
            const uint32_t which = (random() >> 4) % kKeys;
            body(recorder, which, random() >> 4);
          }
        });
      }
      seeds_ += kThreads;
      for (std::thread &thread : threads) thread.join();
      for (const auto &violation : judge(history, rules)) violations_.push_back(violation.text);
    }
  }
  // What a round begins with is what the one before has left; asked once all is quiet.
  virtual void start(History &history) {
    Recorder &recorder = history.recorder();
    for (uint32_t which = 0; which < kKeys; ++which) {
      if (by_database_) {
        history.starts_with(which, database_.read(which), database_.read(which));
      } else {
        // What an earlier round has left is unknown to this one's judge, so it must be overwritten.
        while (!mutate(recorder, which, false, true)) {
        }
      }
    }
  }
  std::string first_violation() const { return violations_.empty() ? "" : violations_.front(); }

  static uint64_t steps() {
    const char *wanted = std::getenv("CACHECHAIN_HISTORY_STEPS");
    return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : CACHECHAIN_HISTORY_STEPS;
  }

  std::shared_ptr<Logger> log_ = std::make_shared<Silent>();
  ChainSettings settings_;
  std::vector<OpenedLayer> layers_;
  Layer *memory_ = nullptr;
  std::unique_ptr<Chain> chain_;
  Database database_;
  bool by_database_ = false;
  std::atomic<uint64_t> numbers_{0};
  uint32_t seeds_ = 0;
  std::vector<std::string> violations_;
};

constexpr UnsteadyLayer::Trouble kTroubled{30, 15, 0, 100};
constexpr UnsteadyLayer::Trouble kForgetful{30, 15, 10, 100};
constexpr UnsteadyLayer::Trouble kLate{5, 5, 0, 100};

TEST_F(ChainHistoryTest, TheLastLayerIsTheTruth) {
  add_memory();
  UnsteadyLayer *shared = add("L2", kShared, kTroubled);
  UnsteadyLayer *table = add("L3", kTable, kLate);
  open(Source::kLastLayer);
  Rules rules;
  rules.ranked = true;
  run(rules, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
    switch (dice % 8) {
      case 0:
        return void(mutate(recorder, which, false, true));
      case 1:
        return void(mutate(recorder, which, true, true));
      case 2:
        return mutate_many(recorder, dice >> 4, (dice >> 3 & 1) != 0, true);
      case 3:
        return get_many(recorder, which, dice >> 3, true);
      default:
        return get(recorder, which, true);
    }
  });
  EXPECT_EQ(first_violation(), "");
  shared->get_well();
  table->get_well();
  for (uint32_t which = 0; which < kKeys; ++which) {
    History quiet;
    get(quiet.recorder(), which, true);
    const auto truth = table->held(key_of(which));
    const auto copy = shared->held(key_of(which));
    const bool live = copy && (copy->flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE;
    if (live) {
      ASSERT_TRUE(truth.has_value());
      EXPECT_EQ(copy->data, truth->data) << which;
    }
    const Operation &found = quiet.recorders().front().operations().front();
    const bool alive = truth && (truth->flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE;
    EXPECT_EQ(found.value, alive ? std::strtoull(truth->data.c_str(), nullptr, 10) : conformance::kAbsent) << which;
  }
}

// Versions do not order a clear among the writes that overlap it, so only the order of real time is judged.
// A mutation that took its stamp before a clear may reach the truth after one that came after the clear: it replaces
// that one, so it must not be void itself.
// Clears and deletes are rare, so that few answers of "not there" have an excuse.
TEST_F(ChainHistoryTest, ClearsVoidWhatIsOlderInEveryLayer) {
  add_memory();
  UnsteadyLayer *shared = add("L2", kShared, kTroubled);
  UnsteadyLayer *table = add("L3", kTable, kLate);
  open(Source::kLastLayer);
  run(Rules{}, steps(),
      [&](Recorder &recorder, uint32_t which, uint32_t dice) { mix_with_clears(recorder, which, dice); });
  EXPECT_EQ(first_violation(), "");
  shared->get_well();
  table->get_well();
  cachechain_write write{};
  ASSERT_EQ(chain_->clears().clear(caller(), {}, write).code(), CACHECHAIN_OK);
  for (uint32_t which = 0; which < kKeys; ++which) {
    History quiet;
    get(quiet.recorder(), which, true);
    EXPECT_EQ(quiet.recorders().front().operations().front().value, conformance::kAbsent) << which;
  }
}

TEST_F(ChainHistoryTest, ClearsOfMemoryAlone) {
  add_memory();
  open(Source::kApplication);
  run(Rules{}, steps(),
      [&](Recorder &recorder, uint32_t which, uint32_t dice) { mix_with_clears(recorder, which, dice); });
  EXPECT_EQ(first_violation(), "");
}

// Who changed many rows may clear instead of deleting each: what was loaded before is no answer afterwards.
TEST_F(ChainHistoryTest, AClearStandsForManyDeletes) {
  by_database_ = true;
  for (const bool with_shared : {false, true}) {
    SCOPED_TRACE(with_shared);
    settings_ = {};
    layers_.clear();
    add_memory();
    UnsteadyLayer *shared = with_shared ? add("L2", kShared, kForgetful) : nullptr;
    open(Source::kApplication);
    run(Rules{.ranked = true}, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
      switch (dice % 16) {
        case 0:
          return write_all_then_clear(recorder);
        case 1:
          return write_then_delete(recorder, which);
        case 2:
          return get(recorder, which, false);
        case 3:
          return get_many(recorder, which, dice >> 4, false);
        case 4:
        case 5:
        case 6:
          return get_or_load_many(recorder, which, dice >> 4);
        default:
          return get_or_load(recorder, which, dice >> 4);
      }
    });
    EXPECT_EQ(first_violation(), "");
    if (shared != nullptr) shared->get_well();
    for (uint32_t which = 0; which < kKeys; ++which) {
      History quiet;
      get(quiet.recorder(), which, false);
      const Operation &found = quiet.recorders().front().operations().front();
      if (found.value != conformance::kAbsent) {
        EXPECT_EQ(found.value, database_.read(which)) << which;
      }
    }
  }
}

TEST_F(ChainHistoryTest, TheApplicationIsTheTruth) {
  by_database_ = true;
  add_memory();
  UnsteadyLayer *shared = add("L2", kShared, kForgetful);
  open(Source::kApplication);
  Rules rules;
  rules.ranked = true;
  run(rules, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
    switch (dice % 8) {
      case 0:
        return write_then_delete(recorder, which);
      case 1:
        return write_then_delete_many(recorder, dice >> 3);
      case 2:
        return get(recorder, which, false);
      case 3:
        return get_many(recorder, which, dice >> 3, false);
      case 4:
      case 5:
        return get_or_load_many(recorder, which, dice >> 3);
      default:
        return get_or_load(recorder, which, dice >> 3);
    }
  });
  EXPECT_EQ(first_violation(), "");
  shared->get_well();
  for (uint32_t which = 0; which < kKeys; ++which) {
    History quiet;
    get(quiet.recorder(), which, false);
    const auto copy = shared->held(key_of(which));
    if (copy && (copy->flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE) {
      EXPECT_EQ(copy->data, std::to_string(database_.read(which))) << which;
    }
    const Operation &found = quiet.recorders().front().operations().front();
    if (found.value != conformance::kAbsent) {
      EXPECT_EQ(found.value, database_.read(which)) << which;
    }
  }
}

// The upper of two shared layers is warmed from the lower one, behind the readers.
TEST_F(ChainHistoryTest, TwoSharedLayersBeforeTheApplication) {
  by_database_ = true;
  add_memory();
  UnsteadyLayer *upper = add("L2", kShared, kForgetful);
  UnsteadyLayer *lower = add("L3", kShared, kForgetful);
  open(Source::kApplication);
  run(Rules{.ranked = true}, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
    switch (dice % 8) {
      case 0:
        return write_then_delete(recorder, which);
      case 1:
      case 2:
      case 3:
        return get(recorder, which, false);
      default:
        return get_or_load(recorder, which, dice >> 3);
    }
  });
  EXPECT_EQ(first_violation(), "");
  upper->get_well();
  lower->get_well();
  for (uint32_t which = 0; which < kKeys; ++which) {
    History quiet;
    get(quiet.recorder(), which, false);
    const Operation &found = quiet.recorders().front().operations().front();
    if (found.value != conformance::kAbsent) {
      EXPECT_EQ(found.value, database_.read(which)) << which;
    }
  }
}

TEST_F(ChainHistoryTest, MemoryAloneBeforeTheApplication) {
  by_database_ = true;
  add_memory();
  open(Source::kApplication);
  Rules rules;
  rules.ranked = true;
  run(rules, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
    if (dice % 8 == 0) return write_then_delete(recorder, which);
    if (dice % 8 == 1) return write_then_delete_many(recorder, dice >> 3);
    if (dice % 4 == 2) return get_or_load_many(recorder, which, dice >> 3);
    get_or_load(recorder, which, dice >> 2);
  });
  EXPECT_EQ(first_violation(), "");
}

// A table of the user's own has no versions, so only the order of real time can be judged.
TEST_F(ChainHistoryTest, ATableWithoutVersionsIsTheTruth) {
  for (const bool with_shared : {false, true}) {
    SCOPED_TRACE(with_shared);
    settings_ = {};
    layers_.clear();
    add_memory();
    UnsteadyLayer *shared = with_shared ? add("L2", kShared, kForgetful) : nullptr;
    UnsteadyLayer *table = add("L3", kPlain, kLate);
    open(Source::kLastLayer);
    run(Rules{}, steps(), [&](Recorder &recorder, uint32_t which, uint32_t dice) {
      switch (dice % 8) {
        case 0:
          return void(mutate(recorder, which, false, false));
        case 1:
          return void(mutate(recorder, which, true, false));
        case 2:
          return mutate_many(recorder, dice >> 4, (dice >> 3 & 1) != 0, false);
        case 3:
          return get_many(recorder, which, dice >> 3, false);
        default:
          return get(recorder, which, false);
      }
    });
    EXPECT_EQ(first_violation(), "");
    table->get_well();
    if (shared == nullptr) continue;
    shared->get_well();
    for (uint32_t which = 0; which < kKeys; ++which) {
      History quiet;
      get(quiet.recorder(), which, false);
      const auto truth = table->held(key_of(which));
      const auto copy = shared->held(key_of(which));
      if (copy && (copy->flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE) {
        ASSERT_TRUE(truth.has_value()) << which;
        EXPECT_EQ(copy->data, truth->data) << which;
      }
    }
  }
}

// What the fence is for: without it the same run does not hold.
TEST_F(ChainHistoryTest, WithoutTheFenceTheJudgeFindsOldAnswers) {
  fenced_ = false;
  add_memory();
  (void)add("L2", kTable, kLate);
  open(Source::kLastLayer);
  Rules rules;
  rules.ranked = true;
  for (const bool batches : {false, true}) {
    SCOPED_TRACE(batches);
    violations_.clear();
    for (int round = 0; round < 50 && violations_.empty(); ++round) {
      run(rules, kStepsPerRound / 10, [&](Recorder &recorder, uint32_t which, uint32_t dice) {
        switch (dice % 8) {
          case 0:
            return void(mutate(recorder, which, false, true));
          case 1:
            return void(mutate(recorder, which, true, true));
          default:
            return batches ? get_many(recorder, which, dice >> 3, true) : get(recorder, which, true);
        }
      });
    }
    EXPECT_NE(first_violation(), "");
  }
}

}  // namespace
}  // namespace cachechain
