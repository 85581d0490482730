// An SQLite layer in query mode when time runs out and when many write at once.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "sqlite_query_support.h"

namespace cachechain::sqlite {
namespace {

TEST_F(SqliteQueryTest, ALongStatementEndsAtTheDeadline) {
  const std::string forever = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n)";
  Json slow = options();
  slow["select"] = "SELECT " + forever + " AS value WHERE :id = 1";
  slow["upsert"] =
      "INSERT INTO users(id, body, fresh_ms) VALUES(:id, :value, CASE :id WHEN 1 THEN " + forever + " END)";
  TestLayer layer(host, slow);
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(ask(layer, "user:1", host.now_ns() + 20'000'000).status, CACHECHAIN_TIMEOUT);
  Written patient;
  std::thread other([&] { patient = write(layer, "user:2", "Ada"); });
  EXPECT_EQ(write(layer, "user:1", "x", CACHECHAIN_KIND_VALUE, host.now_ns() + 20'000'000).status, CACHECHAIN_TIMEOUT);
  other.join();
  EXPECT_EQ(patient.status, CACHECHAIN_OK) << "whether or not it shared the transaction: " << patient.text;
  EXPECT_EQ(stranger.number("SELECT group_concat(id) FROM users"), 2);
}

TEST_F(SqliteQueryTest, ALockIsWaitedForUntilTheDeadline) {
  TestLayer layer(host, with("busy_ms", "10min"));
  stranger.run("BEGIN IMMEDIATE");
  const Written late = write(layer, "user:1", "x", CACHECHAIN_KIND_VALUE, host.now_ns() + 20'000'000);
  EXPECT_EQ(late.status, CACHECHAIN_TIMEOUT) << late.text;
  EXPECT_NE(late.text.find("holds the lock"), std::string::npos) << late.text;
  EXPECT_EQ(ask(layer, "user:1").status, CACHECHAIN_MISS) << "readers of a log wait for nobody";
  stranger.run("COMMIT");
  EXPECT_EQ(write(layer, "user:1", "x").status, CACHECHAIN_OK);
}

// Each thread counts in rows of its own; nobody may lose a write or see half of one.
void hammer(TestLayer &layer, int rounds) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int self = 0; self < 8; ++self) {
    threads.emplace_back([&, self] {
      const std::string key = "user:" + std::to_string(self);
      for (int round = 1; round <= rounds; ++round) {
        const std::string data = std::to_string(round) + std::string(static_cast<size_t>(round) * 50, 'x');
        if (write(layer, key, data).status != CACHECHAIN_OK || ask(layer, key).data != data) ++wrong;
      }
    });
  }
  for (int reader = 0; reader < 4; ++reader) {
    threads.emplace_back([&, reader] {
      int last = 0;
      for (int round = 0; round < rounds; ++round) {
        const Answer seen = ask(layer, "user:" + std::to_string(reader));
        if (seen.status == CACHECHAIN_MISS) continue;
        const int number = seen.data.empty() ? 0 : std::atoi(seen.data.c_str());
        const std::string whole = std::to_string(number) + std::string(static_cast<size_t>(number) * 50, 'x');
        if (seen.status != CACHECHAIN_OK || number < last || seen.data != whole) ++wrong;
        last = number;
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SqliteQueryTest, ManyThreadsWriteAndRead) {
  Json patient = with("synchronous", "normal");
  patient["busy_ms"] = "1min";
  TestLayer layer(host, patient);
  hammer(layer, 40);
  EXPECT_EQ(layer.stats()["journal"], "wal");
  EXPECT_EQ(layer.stats()["synchronous"], "normal");
}

TEST_F(SqliteQueryTest, ManyThreadsWriteAndReadAFileWithoutALog) {
  stranger.run("PRAGMA journal_mode = delete");
  TestLayer layer(host, with("busy_ms", "1min"));
  hammer(layer, 8);
  EXPECT_EQ(layer.stats()["journal"], "rollback");
}

}  // namespace
}  // namespace cachechain::sqlite
