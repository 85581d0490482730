// What the SQLite layer keeps and hands out, and how many threads at once fare with it.
#include <algorithm>
#include <latch>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sqlite_test_support.h"

namespace cachechain::sqlite {
namespace {

std::string every_byte() {
  std::string bytes(256, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

class SqliteLayerTest : public testing::Test {
 protected:
  nlohmann::json options() const { return {{"path", folder.file("a.db")}}; }

  TestHost host;
  TestFolder folder;
};

TEST_F(SqliteLayerTest, SaysWhatItCanDo) {
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  const uint64_t expected = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_NEWER |
                            CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT | CACHECHAIN_CAP_KINDS |
                            CACHECHAIN_CAP_PERSISTENT | CACHECHAIN_CAP_SHARED | CACHECHAIN_CAP_SWEEP;
  EXPECT_EQ(layer.info.caps, expected);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(layer.info.endpoint), layer.info.endpoint_size),
            folder.file("a.db"));
}

TEST_F(SqliteLayerTest, KeepsKeysOfAnyBytes) {
  TestLayer layer(host, options());
  const std::string bytes = every_byte();
  std::vector<std::string> keys = {std::string(1, '\0'),         std::string(2, '\0'), std::string("a\0b", 3), "a", "A",
                                   bytes + bytes + bytes + bytes};
  for (size_t size = 1; size <= CACHECHAIN_MAX_KEY_SIZE; size += 31) keys.push_back(std::string(size, 'k'));
  for (char c : bytes) keys.push_back(std::string("b") + c);
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(layer.put(keys[i], std::to_string(i), 3), CACHECHAIN_OK);
  for (size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(layer.get(keys[i]), std::to_string(i));
  EXPECT_EQ(layer.put("", "v", 3), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(layer.put(std::string(1025, 'k'), "v", 3), CACHECHAIN_KEY_TOO_LONG);
}

TEST_F(SqliteLayerTest, KeepsValuesOfAnySize) {
  nlohmann::json small = options();
  small["max_value_bytes"] = "1MiB";
  TestLayer layer(host, small);
  uint64_t version = 1;
  for (size_t size : {0, 1, 2, 100, 1000, 4000, 4096, 5000, 65'536, 1 << 20}) {
    std::string data;
    while (data.size() < size) data += every_byte();
    data.resize(size);
    ASSERT_EQ(layer.put("k", data, version += 2), CACHECHAIN_OK);
    ASSERT_EQ(layer.get("k"), data) << size;
  }
  EXPECT_EQ(layer.put("k", std::string((1 << 20) + 1, 'x'), version + 2), CACHECHAIN_VALUE_TOO_LARGE);
}

TEST_F(SqliteLayerTest, CopiesWhatFitsAndPinsWhatDoesNot) {
  auto layer = std::make_unique<TestLayer>(host, options());
  layer->put("k", "0123456789", 3);
  const cachechain_key key = key_of("k");
  TestCall call;
  uint8_t buffer[10];
  cachechain_value value{};
  ASSERT_EQ(layer->api.get(layer->instance, call.raw(), &key, buffer, 10, &value), CACHECHAIN_OK);
  EXPECT_EQ(value.data, buffer);
  EXPECT_EQ(value.release, nullptr);
  EXPECT_EQ(host.live, 0);
  value = {};
  ASSERT_EQ(layer->api.get(layer->instance, call.raw(), &key, buffer, 9, &value), CACHECHAIN_OK);
  EXPECT_NE(value.data, buffer);
  ASSERT_NE(value.release, nullptr);
  layer.reset();
  // Values outlive the instance.
  EXPECT_EQ(std::string(value.data, value.data + value.size), "0123456789");
  std::thread([&] { value.release(value.owner); }).join();
  EXPECT_EQ(host.live, 0);
}

TEST_F(SqliteLayerTest, KeepsKindsAndTimes) {
  TestLayer layer(host, options());
  TestCall call;
  for (uint32_t kind = CACHECHAIN_KIND_VALUE; kind <= CACHECHAIN_KIND_LEASE; ++kind) {
    const std::string name = "kind" + std::to_string(kind);
    const cachechain_key key = key_of(name);
    cachechain_put put = put_of(key, "", 11);
    put.data = nullptr;
    put.flags = kind | 7u << 8;
    put.created = 9;
    put.fresh_until_ms = -5;
    put.expires_ms = INT64_MAX;
    cachechain_put_result result{};
    ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OK);
    cachechain_value value{};
    ASSERT_EQ(layer.api.get(layer.instance, call.raw(), &key, nullptr, 0, &value), CACHECHAIN_OK);
    EXPECT_EQ(value.flags, put.flags);
    EXPECT_EQ(value.size, 0u);
    EXPECT_EQ(value.version, 11u);
    EXPECT_EQ(value.created, 9u);
    EXPECT_EQ(value.fresh_until_ms, -5);
    EXPECT_EQ(value.expires_ms, INT64_MAX);
    if (value.release != nullptr) value.release(value.owner);
  }
}

TEST_F(SqliteLayerTest, BatchesAnswerPerKey) {
  TestLayer layer(host, options());
  const std::string names[] = {"a", "b", "c"};
  std::vector<cachechain_key> keys;
  for (const std::string &name : names) keys.push_back(key_of(name));
  layer.put("b", "newer", 9);
  const std::string large(CACHECHAIN_MAX_KEY_SIZE + 1, 'k');
  const cachechain_key too_long = key_of(large);
  std::vector<cachechain_put> puts;
  for (const cachechain_key &key : keys) puts.push_back(put_of(key, "value", 5));
  puts.push_back(put_of(too_long, "value", 5));
  std::vector<cachechain_put_result> results(4);
  TestCall call;
  EXPECT_EQ(layer.api.put_many(layer.instance, call.raw(), puts.data(), 4, results.data()), CACHECHAIN_PARTIAL);
  EXPECT_EQ(results[0].status, CACHECHAIN_OK);
  EXPECT_EQ(results[1].status, CACHECHAIN_SUPERSEDED);
  EXPECT_EQ(results[1].version, 9u);
  EXPECT_EQ(results[2].status, CACHECHAIN_OK);
  EXPECT_EQ(results[3].status, CACHECHAIN_KEY_TOO_LONG);

  keys.push_back(key_of("absent"));
  std::vector<cachechain_value> values(4);
  std::vector<int32_t> statuses(4, -1);
  ASSERT_EQ(layer.api.get_many(layer.instance, call.raw(), keys.data(), 4, values.data(), statuses.data()),
            CACHECHAIN_OK);
  EXPECT_EQ(statuses, (std::vector<int32_t>{CACHECHAIN_OK, CACHECHAIN_OK, CACHECHAIN_OK, CACHECHAIN_MISS}));
  EXPECT_EQ(std::string(values[1].data, values[1].data + values[1].size), "newer");
  for (cachechain_value &value : values) {
    if (value.release != nullptr) value.release(value.owner);
  }
  EXPECT_EQ(host.live, 0);

  EXPECT_EQ(layer.api.erase_many(layer.instance, call.raw(), keys.data(), 2), CACHECHAIN_OK);
  EXPECT_EQ(layer.get("a"), kMiss);
  EXPECT_EQ(layer.get("c"), "value");
}

// Whichever statements a batch is cut into, and wherever its spaces change.
TEST_F(SqliteLayerTest, ABatchOfAnyLengthAnswersAsSingleGets) {
  TestLayer layer(host, options());
  const TestSpace other("other");
  constexpr size_t kNames = 50;
  std::vector<std::string> names;
  for (size_t i = 0; i < kNames; ++i) {
    names.push_back("key" + std::to_string(i) + std::string(1, '\0') + static_cast<char>(5 * i));
    if (i % 4 != 0) {
      ASSERT_EQ(layer.put(names.back(), "value " + std::to_string(i), 5), CACHECHAIN_OK);
    }
  }
  std::mt19937 random(1);
  for (const size_t count : {0, 1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 100, 300}) {
    for (const bool spaces : {false, true}) {
      std::vector<size_t> picks;
      std::vector<cachechain_key> keys;
      for (size_t i = 0; i < count; ++i) {
        picks.push_back(random() % kNames);
        keys.push_back(key_of(names[picks.back()], spaces && random() % 8 == 0 ? other : default_space()));
      }
      std::vector<cachechain_value> values(count);
      std::vector<int32_t> statuses(count, CACHECHAIN_INTERNAL);
      TestCall call;
      ASSERT_EQ(layer.api.get_many(layer.instance, call.raw(), keys.data(), count, values.data(), statuses.data()),
                CACHECHAIN_OK);
      for (size_t i = 0; i < count; ++i) {
        const bool held = picks[i] % 4 != 0 && keys[i].space == default_space().raw();
        ASSERT_EQ(statuses[i], held ? CACHECHAIN_OK : CACHECHAIN_MISS) << i << " of " << count;
        if (!held) continue;
        EXPECT_EQ(std::string(values[i].data, values[i].data + values[i].size), "value " + std::to_string(picks[i]));
        EXPECT_EQ(values[i].version, 5u);
        values[i].release(values[i].owner);
      }
      EXPECT_EQ(host.live, 0);
    }
  }
}

TEST_F(SqliteLayerTest, ABatchOfPutsIsOneTransaction) {
  TestLayer layer(host, options());
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("key" + std::to_string(i));
  std::vector<cachechain_key> keys;
  for (const std::string &name : names) keys.push_back(key_of(name));
  std::vector<cachechain_put> puts;
  for (const cachechain_key &key : keys) puts.push_back(put_of(key, "v", 5));
  std::vector<cachechain_put_result> results(puts.size());
  const int before = layer.stats()["commits"];
  TestCall call;
  ASSERT_EQ(layer.api.put_many(layer.instance, call.raw(), puts.data(), puts.size(), results.data()), CACHECHAIN_OK);
  EXPECT_EQ(layer.stats()["commits"], before + 1);
}

TEST_F(SqliteLayerTest, WithoutMemoryAGetFailsAndLeaksNothing) {
  TestLayer layer(host, options());
  layer.put("a", "value", 5);
  host.no_memory = true;
  const cachechain_key keys[] = {key_of("absent"), key_of("a")};
  cachechain_value values[2] = {};
  int32_t statuses[2];
  TestCall call;
  EXPECT_EQ(layer.api.get_many(layer.instance, call.raw(), keys, 2, values, statuses), CACHECHAIN_NO_MEMORY);
  host.no_memory = false;
  EXPECT_EQ(layer.get("a"), "value");
  EXPECT_EQ(host.live, 0);
}

TEST_F(SqliteLayerTest, EverythingIsThereAfterReopening) {
  {
    TestLayer layer(host, options());
    for (int i = 0; i < 500; ++i) ASSERT_EQ(layer.put("key" + std::to_string(i), std::to_string(i), 5), CACHECHAIN_OK);
  }
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  for (int i = 0; i < 500; ++i) ASSERT_EQ(layer.get("key" + std::to_string(i)), std::to_string(i));
  EXPECT_FALSE(std::filesystem::exists(folder.file("b.db")));
}

TEST_F(SqliteLayerTest, NamespacesAndTablesAreApart) {
  TestLayer layer(host, options());
  nlohmann::json other_options = options();
  other_options["table"] = "Other_1";
  TestLayer other(host, other_options, "another chain");
  ASSERT_EQ(other.opened, CACHECHAIN_OK) << other.message;
  const TestSpace users("users"), nameless("");
  TestCall call;
  cachechain_put_result result{};
  for (const TestSpace *space : {&users, &nameless}) {
    const cachechain_key key = key_of("k", *space);
    const cachechain_put put = put_of(key, space == &users ? "users" : "nameless", 3);
    ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OK);
  }
  other.put("k", "other", 3);
  EXPECT_EQ(layer.get("k"), kMiss);
  EXPECT_EQ(layer.get("k", users), "users");
  EXPECT_EQ(layer.get("k", nameless), "nameless");

  uint64_t removed = 0;
  ASSERT_EQ(layer.api.sweep(layer.instance, call.raw(), users.raw(), &removed), CACHECHAIN_OK);
  EXPECT_EQ(removed, 1u);
  EXPECT_EQ(layer.get("k", users), kMiss);
  EXPECT_EQ(layer.get("k", nameless), "nameless");
  ASSERT_EQ(layer.api.sweep(layer.instance, call.raw(), nullptr, &removed), CACHECHAIN_OK);
  EXPECT_EQ(removed, 1u);
  EXPECT_EQ(other.get("k"), "other");
}

TEST_F(SqliteLayerTest, ASweepIsBoundedByItsDeadline) {
  TestLayer layer(host, options());
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("key" + std::to_string(i));
  std::vector<cachechain_key> keys;
  for (const std::string &name : names) keys.push_back(key_of(name));
  std::vector<cachechain_put> puts;
  for (const cachechain_key &key : keys) puts.push_back(put_of(key, "v", 5));
  std::vector<cachechain_put_result> results(puts.size());
  TestCall call;
  ASSERT_EQ(layer.api.put_many(layer.instance, call.raw(), puts.data(), puts.size(), results.data()), CACHECHAIN_OK);
  Stranger eye(folder.file("a.db"));
  uint64_t removed = 0;
  TestCall late(1);
  EXPECT_EQ(layer.api.sweep(layer.instance, late.raw(), nullptr, &removed), CACHECHAIN_DEADLINE);
  EXPECT_EQ(removed, 0u);
  EXPECT_EQ(eye.number("SELECT count(*) FROM cachechain"), 3000);
  ASSERT_EQ(layer.api.sweep(layer.instance, call.raw(), default_space().raw(), &removed), CACHECHAIN_OK);
  EXPECT_EQ(removed, 3000u);
}

TEST_F(SqliteLayerTest, WritersRemoveWhatExpired) {
  nlohmann::json eager = options();
  eager["cleanup_ms"] = 1;
  TestLayer layer(host, eager);
  const int64_t past = host.now_ms() - 1000;
  for (int i = 0; i < 400; ++i) {
    ASSERT_EQ(layer.put("old" + std::to_string(i), "v", 5, CACHECHAIN_PUT_NEWER, past), CACHECHAIN_OK);
  }
  layer.put("alive", "v", 5, CACHECHAIN_PUT_NEWER, host.now_ms() + 3'600'000);
  layer.put("for ever", "v", 5);
  // Two rows go for each put, so as many puts as there are old rows must be enough.
  Stranger eye(folder.file("a.db"));
  const std::string expired = "SELECT count(*) FROM cachechain WHERE expires = " + std::to_string(past);
  int puts = 0;
  while (eye.number(expired) > 0 && puts < 1000) layer.put("new" + std::to_string(puts++), "v", 5);
  EXPECT_EQ(eye.number(expired), 0);
  EXPECT_EQ(layer.stats()["expired_removed"], 400);
  EXPECT_EQ(layer.get("alive"), "v");
  EXPECT_EQ(layer.get("for ever"), "v");
}

TEST_F(SqliteLayerTest, MaintainRemovesWhatExpiredInBoundedSteps) {
  nlohmann::json lazy = options();
  lazy["cleanup_ms"] = 0;
  TestLayer layer(host, lazy);
  const int64_t past = host.now_ms() - 1000;
  {
    Stranger other(folder.file("a.db"));
    other.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO "
        "cachechain(ns, k, v, kind, codec, ver, created, token, fresh, expires) SELECT 'default', CAST(i AS BLOB), "
        "x'00', 0, 0, 5, 5, 0, 0, " +
        std::to_string(past) + " FROM n");
  }
  layer.put("alive", "v", 5, CACHECHAIN_PUT_NEWER, host.now_ms() + 3'600'000);
  TestCall call;
  EXPECT_EQ(layer.api.maintain(layer.instance, call.raw()), CACHECHAIN_PARTIAL);
  Stranger eye(folder.file("a.db"));
  EXPECT_GT(eye.number("SELECT count(*) FROM cachechain"), 1);
  EXPECT_EQ(layer.api.maintain(layer.instance, call.raw()), CACHECHAIN_OK);
  EXPECT_EQ(eye.number("SELECT count(*) FROM cachechain"), 1);
  EXPECT_EQ(layer.get("alive"), "v");
}

// While somebody else holds the lock the leader waits for it and the others queue up behind: one commit is enough then.
TEST_F(SqliteLayerTest, WritesThatComeTogetherShareACommit) {
  constexpr int kThreads = 12;
  nlohmann::json patient = options();
  patient["busy_ms"] = "60s";
  TestLayer layer(host, patient);
  Stranger other(folder.file("a.db"));
  other.run("BEGIN IMMEDIATE");
  const int64_t before = layer.stats()["commits"];
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] { EXPECT_EQ(layer.put("key" + std::to_string(i), "v", 5), CACHECHAIN_OK); });
  }
  while (layer.stats()["writes_waiting"] < kThreads) std::this_thread::yield();
  other.run("COMMIT");
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(layer.stats()["commits"], before + 1);
  EXPECT_EQ(layer.stats()["largest_commit"], kThreads);
  for (int i = 0; i < kThreads; ++i) EXPECT_EQ(layer.get("key" + std::to_string(i)), "v");
}

// A value holds its key and version, so a reader sees a mixed-up or torn one; versions of a key never go back.
TEST_F(SqliteLayerTest, ReadersAndWritersTogether) {
  constexpr int kWriters = 4, kReaders = 4, kKeys = 7, kRounds = 150;
  nlohmann::json few = options();
  few["readers"] = 2;
  TestLayer layer(host, few);
  std::atomic<int> writing{kWriters};
  std::latch start(kWriters + kReaders);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      start.arrive_and_wait();
      for (int i = 0; i < kRounds; ++i) {
        const std::string name = "key" + std::to_string((i + writer) % kKeys);
        const cachechain_key key = key_of(name);
        const auto version = static_cast<uint64_t>(2 * (i * kWriters + writer) + 1);
        std::string data = name + ":" + std::to_string(version) + ":";
        data.resize(200 + version % 5000, 'x');
        const cachechain_put put = put_of(key, data, version);
        cachechain_put_result result{};
        TestCall call;
        const int32_t status = layer.api.put(layer.instance, call.raw(), &put, &result);
        EXPECT_TRUE(status == CACHECHAIN_OK || status == CACHECHAIN_SUPERSEDED) << call.text();
        EXPECT_GE(result.version, version);
      }
      --writing;
    });
  }
  for (int reader = 0; reader < kReaders; ++reader) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      uint64_t last[kKeys] = {};
      uint8_t buffer[1024];
      TestCall call;
      while (writing > 0) {
        for (int i = 0; i < kKeys; ++i) {
          const std::string name = "key" + std::to_string(i);
          const cachechain_key key = key_of(name);
          cachechain_value value{};
          const int32_t status = layer.api.get(layer.instance, call.raw(), &key, buffer, sizeof(buffer), &value);
          if (status == CACHECHAIN_MISS) continue;
          ASSERT_EQ(status, CACHECHAIN_OK) << call.text();
          const std::string data(value.data, value.data + value.size);
          if (value.release != nullptr) value.release(value.owner);
          EXPECT_EQ(data.rfind(name + ":" + std::to_string(value.version) + ":", 0), 0u);
          EXPECT_EQ(data.size(), 200 + value.version % 5000);
          EXPECT_GE(value.version, last[i]);
          last[i] = value.version;
        }
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_LE(layer.stats()["readers"], 2);
  EXPECT_EQ(host.live, 0);
}

TEST_F(SqliteLayerTest, AnUnknownMustIsRefused) {
  TestLayer layer(host, options());
  TestCall call;
  call.raw()->must_flags = 4;
  EXPECT_EQ(layer.api.ping(layer.instance, call.raw()), CACHECHAIN_UNSUPPORTED);
  const cachechain_key key = key_of("k");
  cachechain_value value{};
  EXPECT_EQ(layer.api.get(layer.instance, call.raw(), &key, nullptr, 0, &value), CACHECHAIN_UNSUPPORTED);
  const cachechain_put put = put_of(key, "v", 5);
  cachechain_put_result result{};
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer.get("k"), kMiss);
}

}  // namespace
}  // namespace cachechain::sqlite
