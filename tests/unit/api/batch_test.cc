// Batches as a user calls them, in slices and packed: over memory alone, and over memory and sqlite.
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "chain_harness.h"

namespace cachechain {
namespace {

using Texts = std::vector<std::string>;

class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "cachechain_batch_XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

std::vector<cachechain_slice> slices_of(const Texts &texts) {
  std::vector<cachechain_slice> slices;
  for (const std::string &text : texts) slices.push_back({data_of(text), text.size()});
  return slices;
}

// Texts in one run of bytes, without a pointer inside.
struct Packed {
  explicit Packed(const Texts &texts) {
    for (const std::string &text : texts) {
      bytes += text;
      offsets.push_back(bytes.size());
    }
  }
  std::string bytes;
  std::vector<uint64_t> offsets{0};
};

// What a batch answered; frees it.
class Answers {
 public:
  Answers() = default;
  ~Answers() { cachechain_batch_free(batch_); }
  Answers(const Answers &) = delete;
  Answers &operator=(const Answers &) = delete;

  cachechain_batch **out() {
    cachechain_batch_free(std::exchange(batch_, nullptr));
    return &batch_;
  }
  cachechain_batch *get() const { return batch_; }
  size_t size() const { return cachechain_batch_size(batch_); }
  int32_t status(size_t i) const { return cachechain_batch_item(batch_, i, nullptr, nullptr); }
  cachechain_value value(size_t i) const {
    cachechain_value value;
    (void)cachechain_batch_item(batch_, i, &value, nullptr);
    return value;
  }
  cachechain_lease lease(size_t i) const {
    cachechain_lease lease;
    (void)cachechain_batch_item(batch_, i, nullptr, &lease);
    return lease;
  }
  std::string data(size_t i) const {
    const cachechain_value found = value(i);
    return std::string(reinterpret_cast<const char *>(found.data), found.size);
  }
  std::string message(size_t i) const { return cachechain_batch_message(batch_, i, nullptr); }

 private:
  cachechain_batch *batch_ = nullptr;
};

class BatchApiTest : public ApiTest {
 protected:
  // Memory over a table of ours.
  int32_t open_table() {
    return open(
        R"({"chain": "test", "source": "last_layer", "deadline_ms": 600000, "layers": [{"name": "L1", "plugin": "memory"},
                    {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
        folder_.path() + R"(/t.db"}}]})");
  }
  int32_t get_many(const Texts &keys, Answers &answers, const cachechain_get_options *options = nullptr) {
    const auto slices = slices_of(keys);
    return cachechain_get_many(chain_, options, slices.data(), slices.size(), answers.out(), error_.out());
  }
  int32_t load_many(const Texts &keys, Answers &answers) {
    const auto slices = slices_of(keys);
    return cachechain_load_many(chain_, nullptr, slices.data(), slices.size(), answers.out(), error_.out());
  }

  TempFolder folder_;
};

TEST_F(BatchApiTest, BothFormsAnswerTheSame) {
  ASSERT_EQ(open_table(), CACHECHAIN_OK);
  ASSERT_EQ(set("a", "one"), CACHECHAIN_OK);
  ASSERT_EQ(set("c", ""), CACHECHAIN_OK);
  const Texts keys{"c", "x", "a", "c"};
  Answers answers;
  EXPECT_EQ(get_many(keys, answers), CACHECHAIN_PARTIAL);
  const Packed packed(keys);
  Answers other;
  EXPECT_EQ(cachechain_get_many_packed(chain_, nullptr, data_of(packed.bytes), packed.offsets.data(), keys.size(),
                                       other.out(), error_.out()),
            CACHECHAIN_PARTIAL);
  for (const Answers *one : {&answers, &other}) {
    ASSERT_EQ(one->size(), 4u);
    EXPECT_EQ(one->status(0), CACHECHAIN_OK);
    EXPECT_EQ(one->data(0), "");
    EXPECT_EQ(one->status(1), CACHECHAIN_NOT_FOUND);
    EXPECT_EQ(one->data(2), "one");
    EXPECT_EQ(one->value(2).version, answers.value(2).version);
    EXPECT_EQ(one->value(2).release, nullptr);
    EXPECT_EQ(one->status(3), CACHECHAIN_OK);
    uint64_t needed = 0;
    std::vector<int32_t> statuses(4);
    std::vector<uint64_t> offsets(5);
    std::string bytes(3, '\0');
    EXPECT_EQ(cachechain_batch_copy(one->get(), statuses.data(), offsets.data(),
                                    reinterpret_cast<uint8_t *>(bytes.data()), bytes.size(), &needed),
              CACHECHAIN_OK);
    EXPECT_EQ(needed, 3u);
    EXPECT_EQ(bytes, "one");
    EXPECT_EQ(statuses, (std::vector<int32_t>{0, CACHECHAIN_NOT_FOUND, 0, 0}));
    EXPECT_EQ(offsets, (std::vector<uint64_t>{0, 0, 0, 3, 3}));
  }
  EXPECT_EQ(get_many({"a", "c"}, answers), CACHECHAIN_OK);
}

TEST_F(BatchApiTest, ValuesOutliveTheChain) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  ASSERT_EQ(set("a", "one"), CACHECHAIN_OK);
  Answers answers;
  ASSERT_EQ(get_many({"a", "a"}, answers), CACHECHAIN_OK);
  ASSERT_EQ(set("a", "two"), CACHECHAIN_OK);
  cachechain_chain_free(std::exchange(chain_, nullptr));
  EXPECT_EQ(answers.data(0), "one");
  EXPECT_EQ(answers.data(1), "one");
}

TEST_F(BatchApiTest, AsManyKeysAsABatchMayHave) {
  ASSERT_EQ(open_table(), CACHECHAIN_OK);
  Texts keys;
  for (int i = 0; i < CACHECHAIN_MAX_BATCH; ++i) keys.push_back("key-" + std::to_string(i));
  for (size_t i = 0; i < keys.size(); i += 7) ASSERT_EQ(set(keys[i], keys[i]), CACHECHAIN_OK);
  cachechain_chain_free(std::exchange(chain_, nullptr));
  ASSERT_EQ(open_table(), CACHECHAIN_OK);
  for (int round = 0; round < 2; ++round) {
    Answers answers;
    ASSERT_EQ(get_many(keys, answers), CACHECHAIN_PARTIAL);
    for (size_t i = 0; i < keys.size(); ++i) {
      ASSERT_EQ(answers.status(i), i % 7 == 0 ? CACHECHAIN_OK : CACHECHAIN_NOT_FOUND) << i;
      ASSERT_EQ(answers.data(i), i % 7 == 0 ? keys[i] : "");
      if (i % 7 == 0) {
        ASSERT_EQ(answers.value(i).layer, round == 0 ? 1 : 0);
      }
    }
  }
}

TEST_F(BatchApiTest, ArgumentsAreCheckedAsAWhole) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  Answers answers;
  const auto refused = [&](const Texts &keys, int32_t status, const char *why) {
    EXPECT_EQ(get_many(keys, answers), status);
    EXPECT_EQ(answers.get(), nullptr);
    EXPECT_NE(error_.message().find(why), std::string::npos) << error_.message();
    EXPECT_EQ(load_many(keys, answers), status);
    EXPECT_EQ(answers.get(), nullptr);
  };
  refused({"a", ""}, CACHECHAIN_INVALID_ARGUMENT, "key 1");
  refused({"a", "b", std::string(1025, 'k')}, CACHECHAIN_KEY_TOO_LONG, "key 2");
  refused(Texts(CACHECHAIN_MAX_BATCH + 1, "k"), CACHECHAIN_INVALID_ARGUMENT, "4096");
  const cachechain_slice slice{data_of("k"), 1};
  EXPECT_EQ(cachechain_get_many(chain_, nullptr, nullptr, 1, answers.out(), nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_get_many(chain_, nullptr, &slice, UINT64_MAX, answers.out(), nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_get_many(chain_, nullptr, &slice, 1, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_get_many(nullptr, nullptr, &slice, 1, answers.out(), nullptr), CACHECHAIN_INVALID_ARGUMENT);

  const auto packed = [&](const uint8_t *keys, const std::vector<uint64_t> &offsets) {
    return cachechain_get_many_packed(chain_, nullptr, keys, offsets.data(), offsets.size() - 1, answers.out(),
                                      error_.out());
  };
  EXPECT_EQ(packed(data_of("abc"), {0, 2, 1, 3}), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_NE(error_.message().find("key 1 ends before it begins"), std::string::npos) << error_.message();
  EXPECT_EQ(packed(data_of("abc"), {0, 1, 1}), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(packed(data_of("abc"), {0, UINT64_MAX}), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(packed(nullptr, {0, 1}), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(packed(data_of("abc"), {1, 3}), CACHECHAIN_PARTIAL) << "they need not begin at 0";
  EXPECT_EQ(cachechain_get_many_packed(chain_, nullptr, nullptr, nullptr, 0, answers.out(), error_.out()),
            CACHECHAIN_OK);
  ASSERT_NE(answers.get(), nullptr);
  EXPECT_EQ(answers.size(), 0u);
  EXPECT_EQ(cachechain_get_many_packed(chain_, nullptr, data_of("abc"), nullptr, 1, answers.out(), error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);

  EXPECT_EQ(cachechain_fulfil_many(chain_, nullptr, &slice, 1, nullptr, answers.out(), error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_fulfil_many(chain_, nullptr, nullptr, 0, nullptr, answers.out(), error_.out()), CACHECHAIN_OK);
  cachechain_lease lease{};
  cachechain_put_options expecting{};
  expecting.struct_size = sizeof(expecting);
  expecting.must_flags = CACHECHAIN_PUT_EXPECT;
  EXPECT_EQ(cachechain_fulfil_many(chain_, &lease, &slice, 1, &expecting, answers.out(), error_.out()),
            CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(cachechain_fulfil_many(chain_, &lease, &slice, 1, nullptr, answers.out(), error_.out()),
            CACHECHAIN_PARTIAL);
  EXPECT_EQ(answers.status(0), CACHECHAIN_VOID);

  ASSERT_EQ(cachechain_chain_close(chain_, CACHECHAIN_TIMEOUT_NONE, nullptr, nullptr), CACHECHAIN_OK);
  refused({"a"}, CACHECHAIN_CLOSED, "closed");
}

TEST_F(BatchApiTest, LoadsInBothFormsAndTheirFulfilment) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  ASSERT_EQ(set("b", "two"), CACHECHAIN_OK);
  const Texts keys{"a", "b", "c"};
  Answers answers;
  EXPECT_EQ(load_many(keys, answers), CACHECHAIN_PARTIAL);
  EXPECT_EQ(answers.status(0), CACHECHAIN_MISS);
  EXPECT_EQ(answers.lease(1).id, 0u);
  const std::vector<cachechain_lease> leases{answers.lease(0), answers.lease(2)};
  const Packed values(Texts{"one", ""});
  Answers ended;
  EXPECT_EQ(cachechain_fulfil_many_packed(chain_, leases.data(), data_of(values.bytes), values.offsets.data(), 2,
                                          nullptr, ended.out(), error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(ended.value(1).version, leases[1].version);
  const Packed packed(keys);
  EXPECT_EQ(cachechain_load_many_packed(chain_, nullptr, data_of(packed.bytes), packed.offsets.data(), keys.size(),
                                        answers.out(), error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(answers.data(0), "one");
  EXPECT_EQ(answers.data(1), "two");
  EXPECT_EQ(answers.data(2), "");
}

// Batches of the same thousand keys from both ends, while keys are deleted and set. Nobody hangs, and every answer is
// the key's value or that there is none. CACHECHAIN_BATCH_ROUNDS: how many.
TEST_F(BatchApiTest, BatchesInOppositeOrdersNeverHang) {
  ASSERT_EQ(open_table(), CACHECHAIN_OK);
  const char *wanted = std::getenv("CACHECHAIN_BATCH_ROUNDS");
  const uint64_t rounds = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 30;
  Texts forwards;
  for (int i = 0; i < 1'000; ++i) forwards.push_back("key-" + std::to_string(i));
  for (const std::string &key : forwards) ASSERT_EQ(set(key, key), CACHECHAIN_OK);
  const Texts backwards(forwards.rbegin(), forwards.rend());
  std::atomic<int> readers{2};
  const auto read = [&](const Texts &keys) {
    const auto slices = slices_of(keys);
    for (uint64_t round = 0; round < rounds; ++round) {
      Answers answers;
      const int32_t status = cachechain_get_many(chain_, nullptr, slices.data(), slices.size(), answers.out(), nullptr);
      EXPECT_GE(status, 0);
      for (size_t i = 0; i < keys.size() && status >= 0; ++i) {
        const int32_t found = answers.status(i);
        if (found == CACHECHAIN_OK) {
          EXPECT_EQ(answers.data(i), keys[i]);
        } else {
          EXPECT_EQ(found, CACHECHAIN_NOT_FOUND) << answers.message(i);
        }
      }
    }
    --readers;
  };
  std::thread one([&] { read(forwards); });
  std::thread two([&] { read(backwards); });
  for (size_t i = 0; readers != 0; i = (i + 1) % forwards.size()) {
    EXPECT_EQ(remove(forwards[i]), CACHECHAIN_OK);
    if (i % 2 == 0) {
      EXPECT_EQ(set(forwards[i], forwards[i]), CACHECHAIN_OK);
    }
  }
  one.join();
  two.join();
}

TEST_F(BatchApiTest, SixtyFourThreadsLoadEachKeyOnce) {
  ASSERT_EQ(open(R"({"chain": "test", "source": "application", "max_loads": 1000, "lease_wait_ms": 60000,
                     "deadline_ms": 120000, "layers": [{"name": "L1", "plugin": "memory"},
                    {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
                 folder_.path() + R"(/c.db"}}]})"),
            CACHECHAIN_OK);
  Texts keys;
  for (int i = 0; i < 16; ++i) keys.push_back("key-" + std::to_string(i));
  std::mutex mutex;
  std::map<std::string, int> loads;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < 64; ++i) {
    threads.emplace_back([&, i] {
      Texts mine = keys;
      std::rotate(mine.begin(), mine.begin() + static_cast<ptrdiff_t>(i % mine.size()), mine.end());
      const auto slices = slices_of(mine);
      for (bool all = false; !all;) {
        Answers answers;
        ASSERT_GE(cachechain_load_many(chain_, nullptr, slices.data(), slices.size(), answers.out(), nullptr), 0);
        std::vector<cachechain_lease> leases;
        Texts values;
        all = true;
        for (size_t k = 0; k < mine.size(); ++k) {
          if (answers.lease(k).id != 0) {
            leases.push_back(answers.lease(k));
            values.push_back("of " + mine[k]);
            std::lock_guard<std::mutex> lock(mutex);
            ++loads[mine[k]];
          } else if (answers.status(k) == CACHECHAIN_LOAD_PENDING) {
            all = false;
          } else {
            ASSERT_EQ(answers.status(k), CACHECHAIN_OK) << answers.message(k);
            ASSERT_EQ(answers.data(k), "of " + mine[k]);
          }
        }
        if (leases.empty()) continue;
        const auto loaded = slices_of(values);
        EXPECT_EQ(cachechain_fulfil_many(chain_, leases.data(), loaded.data(), leases.size(), nullptr, answers.out(),
                                         nullptr),
                  CACHECHAIN_OK);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  ASSERT_EQ(loads.size(), keys.size());
  for (const auto &[key, number] : loads) EXPECT_EQ(number, 1) << key;
}

}  // namespace
}  // namespace cachechain
