// Whatever a caller hands in: a clear error or a miss, nothing lost, nothing crashed. One test a row.
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <thread>
#include <vector>

#include "chain_harness.h"

namespace cachechain {
namespace {

class BadInputTest : public ApiTest {
 protected:
  void SetUp() override { ASSERT_EQ(open(kMemory), CACHECHAIN_OK) << error_.message(); }
};

TEST_F(BadInputTest, KeySizes) {
  const std::string most(CACHECHAIN_MAX_KEY_SIZE, 'k');
  const std::string more(CACHECHAIN_MAX_KEY_SIZE + 1, 'k');
  EXPECT_EQ(set("", "v"), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(set("k", "v"), CACHECHAIN_OK);
  EXPECT_EQ(set(most, "v"), CACHECHAIN_OK);
  EXPECT_EQ(get(most), CACHECHAIN_OK);
  EXPECT_EQ(set(more, "v"), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(get(more), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(remove(more), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_FALSE(error_.message().empty());
  const uint8_t byte = 'k';
  EXPECT_EQ(cachechain_get(chain_, nullptr, nullptr, 0, nullptr, 0, &value_, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_get(chain_, nullptr, nullptr, 5, nullptr, 0, &value_, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_get(chain_, nullptr, &byte, SIZE_MAX, nullptr, 0, &value_, nullptr), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(cachechain_set(chain_, nullptr, &byte, SIZE_MAX, nullptr, 0, nullptr, nullptr), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(cachechain_exists(chain_, nullptr, &byte, 0, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(BadInputTest, KeysAreBytes) {
  std::vector<std::string> keys = {std::string("a\0b", 3),
                                   std::string("a\0c", 3),
                                   "a",
                                   "a b",
                                   "a\r\nset x",
                                   "{tag}:1",
                                   "caf\xc3\xa9",
                                   "\xff\xfe",
                                   ":",
                                   std::string(1024, '\xff')};
  for (int byte = 0; byte < 256; ++byte) keys.push_back(std::string("all ") + static_cast<char>(byte));
  for (const std::string &key : keys) ASSERT_EQ(set(key, "value of " + key), CACHECHAIN_OK);
  for (const std::string &key : keys) {
    ASSERT_EQ(get(key), CACHECHAIN_OK);
    EXPECT_EQ(found_, "value of " + key);
  }
}

TEST_F(BadInputTest, LongKeysWithACommonPrefixAreDistinct) {
  const std::string prefix(1023, 'p');
  ASSERT_EQ(set(prefix + "1", "one"), CACHECHAIN_OK);
  ASSERT_EQ(set(prefix + "2", "two"), CACHECHAIN_OK);
  ASSERT_EQ(set(prefix, "none"), CACHECHAIN_OK);
  EXPECT_EQ(get(prefix + "1"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "one");
  EXPECT_EQ(get(prefix), CACHECHAIN_OK);
  EXPECT_EQ(found_, "none");
}

TEST_F(BadInputTest, Values) {
  EXPECT_EQ(set("empty", ""), CACHECHAIN_OK);
  EXPECT_EQ(get("empty"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "");
  EXPECT_EQ(get("absent"), CACHECHAIN_MISS);
  const auto set_raw = [&](const uint8_t *data, uint64_t size) {
    return cachechain_set(chain_, nullptr, data_of("k"), 1, data, size, &write_, error_.out());
  };
  ASSERT_EQ(set("k", "before"), CACHECHAIN_OK);
  EXPECT_EQ(set_raw(nullptr, 5), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(set_raw(data_of("x"), SIZE_MAX), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(set_raw(data_of("x"), UINT64_C(16) * 1024 * 1024 + 1), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(write_.version, 0u);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "before");
  EXPECT_EQ(set_raw(nullptr, 0), CACHECHAIN_OK);
}

TEST_F(BadInputTest, ValueLargerThanTheLayerIsRefusedAndLeavesNoOlderOne) {
  ASSERT_EQ(set("k", "before"), CACHECHAIN_OK);
  const std::string large(9 << 20, 'x');
  EXPECT_EQ(set("k", large), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
  EXPECT_EQ(set("k", "after"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
}

TEST_F(BadInputTest, SetMayReadFromTheBufferOfAGet) {
  uint8_t buffer[64];
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  ASSERT_EQ(cachechain_get(chain_, nullptr, data_of("k"), 1, buffer, sizeof(buffer), &value_, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(cachechain_set(chain_, nullptr, data_of("copy"), 4, buffer, value_.size, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(get("copy"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

TEST_F(BadInputTest, BufferThatOverlapsTheKeyIsRefused) {
  uint8_t both[16] = "k";
  EXPECT_EQ(cachechain_get(chain_, nullptr, both, 1, both, sizeof(both), &value_, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(error_.message(), "buf overlaps the key");
}

TEST_F(BadInputTest, Lives) {
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  for (const int64_t good : {INT64_C(0), INT64_C(-1), INT64_C(1000), INT64_C(31) * 86'400'000, INT64_MAX}) {
    options.ttl_ms = good;
    EXPECT_EQ(set("k", "v", &options), CACHECHAIN_OK) << good;
    EXPECT_EQ(get("k"), CACHECHAIN_OK) << good;
  }
  for (const int64_t bad : {INT64_C(-2), INT64_MIN}) {
    options.ttl_ms = bad;
    EXPECT_EQ(set("k", "v", &options), CACHECHAIN_INVALID_ARGUMENT) << bad;
    options.ttl_ms = 0;
    options.fresh_ms = bad;
    EXPECT_EQ(set("k", "v", &options), CACHECHAIN_INVALID_ARGUMENT) << bad;
    options.fresh_ms = 0;
  }
  options.fresh_ms = INT64_MAX;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_OK);
}

TEST_F(BadInputTest, Deadlines) {
  cachechain_get_options options{};
  options.struct_size = sizeof(options);
  ASSERT_EQ(set("k", "v"), CACHECHAIN_OK);
  for (const int64_t good : {INT64_C(0), INT64_C(1), INT64_MAX, INT64_MAX - 1}) {
    options.timeout_ns = good;
    EXPECT_EQ(get("k", &options), CACHECHAIN_OK) << good;
  }
  for (const int64_t past : {INT64_C(-1), INT64_MIN}) {
    options.timeout_ns = past;
    EXPECT_EQ(get("k", &options), CACHECHAIN_DEADLINE) << past;
  }
}

TEST_F(BadInputTest, Versions) {
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  options.expect_version = 7;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_INVALID_ARGUMENT);  // without the flag
  options.must_flags = CACHECHAIN_PUT_EXPECT;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_CONFLICT);
  options.expect_version = UINT64_C(1) << 63;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_INVALID_ARGUMENT);
  options.expect_version = (UINT64_C(1) << 63) - 1;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_FUTURE_VERSION);
  options.expect_version = 0;
  options.created = UINT64_C(1) << 63;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_INVALID_ARGUMENT);
  options.created = 0;
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_OK);
  EXPECT_EQ(set("k", "v", &options), CACHECHAIN_CONFLICT);
}

TEST_F(BadInputTest, OptionsOfEveryAge) {
  ASSERT_EQ(set("k", "v"), CACHECHAIN_OK);
  struct Future {
    cachechain_get_options known;
    uint64_t unknown;
  } future{};
  const auto ask = [&](uint32_t size) {
    future.known.struct_size = size;
    return get("k", &future.known);
  };
  EXPECT_EQ(ask(sizeof(future)), CACHECHAIN_OK);
  future.unknown = 1;
  EXPECT_EQ(ask(sizeof(future)), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_OK);
  EXPECT_EQ(ask(24), CACHECHAIN_OK);  // from before the fields after timeout_ns
  EXPECT_EQ(ask(0), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(15), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(UINT32_MAX), CACHECHAIN_INVALID_ARGUMENT);
  future.known.must_flags = 0x80000000u;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_UNSUPPORTED);
  future.known.must_flags = 0;
  future.known.hint_flags = ~UINT64_C(0);
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_OK);
  future.known.min_version = write_.version;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_OK);
  future.known.min_version = write_.version + 1;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_MISS);
  EXPECT_EQ(ask(24), CACHECHAIN_OK);  // too short to ask for a version
  future.known.min_version = (UINT64_C(1) << 63) - 1;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_MISS);
  future.known.min_version = UINT64_C(1) << 63;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_INVALID_ARGUMENT);
  future.known.min_version = 0;
  ASSERT_EQ(cachechain_cancel_create(&future.known.cancel, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_OK);
  cachechain_cancel_fire(future.known.cancel);
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_OK);  // a hit in memory waits for nothing
  cachechain_cancel_free(future.known.cancel);
  future.known.cancel = nullptr;
  future.known.trace_size = 5;
  EXPECT_EQ(ask(sizeof(future.known)), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(BadInputTest, OutputBuffers) {
  ASSERT_EQ(set("k", "four"), CACHECHAIN_OK);
  uint8_t buffer[8] = "unasked";
  const auto ask = [&](uint8_t *buf, uint64_t cap) {
    return cachechain_get(chain_, nullptr, data_of("k"), 1, buf, cap, &value_, error_.out());
  };
  EXPECT_EQ(cachechain_get(chain_, nullptr, data_of("k"), 1, buffer, 8, nullptr, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(nullptr, 1), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(buffer, 3), CACHECHAIN_OK);  // a view, and the buffer is untouched
  EXPECT_STREQ(reinterpret_cast<const char *>(buffer), "unasked");
  EXPECT_NE(value_.release, nullptr);
  EXPECT_EQ(std::memcmp(value_.data, "four", 4), 0);
  cachechain_value_release(&value_);
  EXPECT_EQ(value_.data, nullptr);
  cachechain_value_release(&value_);
  EXPECT_EQ(ask(buffer, 4), CACHECHAIN_OK);
  EXPECT_EQ(value_.data, buffer);
  EXPECT_EQ(value_.release, nullptr);
  // Outputs are zeroed on a failure.
  std::memset(&value_, 0xab, sizeof(value_));
  EXPECT_EQ(cachechain_get(chain_, nullptr, data_of("k"), 0, nullptr, 0, &value_, nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  const cachechain_value zero{};
  EXPECT_EQ(std::memcmp(&value_, &zero, sizeof(zero)), 0);
}

TEST_F(BadInputTest, SizeQueries) {
  uint64_t needed = 99;
  EXPECT_EQ(cachechain_chain_stats(chain_, nullptr, 0, nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_stats(chain_, nullptr, 10, &needed, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  uint8_t small[4] = {1, 2, 3, 4};
  EXPECT_EQ(cachechain_chain_stats(chain_, small, 4, &needed, error_.out()), CACHECHAIN_BUFFER_TOO_SMALL);
  EXPECT_GT(needed, 4u);
  EXPECT_EQ(small[0], 1);
  std::vector<uint8_t> exact(needed);
  EXPECT_EQ(cachechain_chain_stats(chain_, exact.data(), exact.size(), &needed, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(cachechain_chain_explain(chain_, data_of("k"), 0, nullptr, 0, &needed, nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_explain(chain_, nullptr, 3, nullptr, 0, &needed, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_explain(chain_, data_of("k"), 1025, nullptr, 0, &needed, nullptr),
            CACHECHAIN_KEY_TOO_LONG);
}

TEST_F(BadInputTest, Handles) {
  uint64_t other[64] = {0};
  auto *foreign = reinterpret_cast<cachechain_chain *>(other);
  for (cachechain_chain *bad : {static_cast<cachechain_chain *>(nullptr), foreign}) {
    EXPECT_EQ(cachechain_get(bad, nullptr, data_of("k"), 1, nullptr, 0, &value_, error_.out()),
              CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(cachechain_set(bad, nullptr, data_of("k"), 1, nullptr, 0, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(cachechain_chain_close(bad, 0, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
    uint64_t needed = 0;
    EXPECT_EQ(cachechain_chain_stats(bad, nullptr, 0, &needed, nullptr), CACHECHAIN_INVALID_ARGUMENT);
    cachechain_chain_free(bad);
  }
  EXPECT_EQ(cachechain_chain_close(chain_, -1, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  cachechain_error_free(nullptr);
  EXPECT_EQ(cachechain_error_status(nullptr), CACHECHAIN_OK);
  EXPECT_STREQ(cachechain_error_message(nullptr, nullptr), "");
}

TEST_F(BadInputTest, ClosedChainAnswersClosedAndItsValuesStayValid) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  cachechain_value view{};
  ASSERT_EQ(cachechain_get(chain_, nullptr, data_of("k"), 1, nullptr, 0, &view, nullptr), CACHECHAIN_OK);
  uint64_t unwritten = 99;
  EXPECT_EQ(cachechain_chain_close(chain_, 1'000'000'000, &unwritten, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(unwritten, 0u);
  EXPECT_EQ(cachechain_chain_close(chain_, 0, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_CLOSED);
  EXPECT_EQ(set("k", "v"), CACHECHAIN_CLOSED);
  EXPECT_EQ(remove("k"), CACHECHAIN_CLOSED);
  EXPECT_EQ(error_.message(), "the chain is closed");
  uint64_t needed = 0;
  EXPECT_EQ(cachechain_chain_stats(chain_, nullptr, 0, &needed, nullptr), CACHECHAIN_CLOSED);
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  EXPECT_EQ(std::memcmp(view.data, "value", 5), 0);
  cachechain_value_release(&view);
}

TEST_F(BadInputTest, CloseWhileManyThreadsCall) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      cachechain_value value;
      for (;;) {
        const int32_t status = cachechain_get(chain_, nullptr, data_of("k"), 1, nullptr, 0, &value, nullptr);
        if (status == CACHECHAIN_CLOSED) return;
        ASSERT_EQ(status, CACHECHAIN_OK);
        ASSERT_EQ(std::memcmp(value.data, "value", 5), 0);
        cachechain_value_release(&value);
      }
    });
  }
  EXPECT_EQ(cachechain_chain_close(chain_, CACHECHAIN_TIMEOUT_NONE, nullptr, error_.out()), CACHECHAIN_OK);
  for (std::thread &thread : threads) thread.join();
}

TEST_F(BadInputTest, ForkedChildIsRefusedAndMayOpenItsOwn) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    cachechain_chain *inherited = chain_;
    int failed = 0;
    if (get("k") != CACHECHAIN_FORKED) failed |= 1;
    if (set("k", "v") != CACHECHAIN_FORKED) failed |= 2;
    if (cachechain_chain_close(inherited, 0, nullptr, nullptr) != CACHECHAIN_FORKED) failed |= 4;
    cachechain_chain_free(inherited);
    chain_ = nullptr;
    if (open(kMemory) != CACHECHAIN_OK) failed |= 8;
    if (set("k", "mine") != CACHECHAIN_OK) failed |= 16;
    if (get("k") != CACHECHAIN_OK || found_ != "mine") failed |= 32;
    cachechain_chain_free(chain_);
    _exit(failed);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

class BadOpenTest : public ApiTest {};

TEST_F(BadOpenTest, ArgumentsOfOpen) {
  EXPECT_EQ(cachechain_chain_open(data_of(kMemory), kMemory.size(), nullptr, nullptr, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_open(nullptr, 0, nullptr, &chain_, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(chain_, nullptr);
  EXPECT_EQ(cachechain_chain_open(data_of(kMemory), 0, nullptr, &chain_, error_.out()), CACHECHAIN_CONFIG);
  cachechain_open_options options{};
  EXPECT_EQ(cachechain_chain_open(data_of(kMemory), kMemory.size(), &options, &chain_, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  options.struct_size = sizeof(options);
  options.log_level = 77;
  EXPECT_EQ(cachechain_chain_open(data_of(kMemory), kMemory.size(), &options, &chain_, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(BadOpenTest, UnknownPluginListsWhereItLooked) {
  EXPECT_EQ(open(R"({"chain": "c", "layers": [{"name": "L1", "plugin": "memry"}]})"), CACHECHAIN_PLUGIN_REFUSED);
  EXPECT_NE(error_.message().find("c/L1"), std::string::npos) << error_.message();
  EXPECT_NE(error_.message().find(std::string(kPluginDir)), std::string::npos) << error_.message();
  EXPECT_STREQ(cachechain_error_layer(error_.get(), nullptr), "L1");
}

TEST_F(BadOpenTest, OptionsOfAPluginAreCheckedWhenOpening) {
  EXPECT_EQ(open(R"({"chain": "c", "layers": [{"name": "L1", "plugin": "memory", "options": {"max_byte": 1}}]})"),
            CACHECHAIN_CONFIG);
  EXPECT_NE(error_.message().find("max_byte"), std::string::npos) << error_.message();
  EXPECT_EQ(chain_, nullptr);
}

TEST_F(BadOpenTest, ErrorAsJson) {
  EXPECT_EQ(open("{"), CACHECHAIN_CONFIG);
  uint64_t needed = 0;
  EXPECT_EQ(cachechain_error_json(error_.get(), nullptr, 0, &needed), CACHECHAIN_BUFFER_TOO_SMALL);
  std::string json(needed, '\0');
  EXPECT_EQ(cachechain_error_json(error_.get(), reinterpret_cast<uint8_t *>(json.data()), needed, &needed),
            CACHECHAIN_OK);
  EXPECT_NE(json.find("\"name\":\"CONFIG\""), std::string::npos) << json;
}

}  // namespace
}  // namespace cachechain
