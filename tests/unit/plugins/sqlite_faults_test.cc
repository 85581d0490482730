// What the SQLite layer says and does when the file, the lock, the disk or the clock is against it: a clear failure,
// nothing lost, and well again when the cause is gone.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

#include "sqlite_test_support.h"

namespace cachechain::sqlite {
namespace {

using testing::Test;

class SqliteFaultsTest : public Test {
 protected:
  nlohmann::json options() const { return {{"path", path}}; }
  // Opens and expects a refusal whose text has each of `parts`.
  void refused(const nlohmann::json &with, std::initializer_list<const char *> parts,
               int32_t status = CACHECHAIN_CONFIG) {
    TestLayer layer(host, with);
    EXPECT_EQ(layer.opened, status) << layer.message;
    EXPECT_EQ(layer.instance, nullptr);
    for (const char *part : parts) EXPECT_NE(layer.message.find(part), std::string::npos) << layer.message;
  }
  void make_table() { TestLayer layer(host, options()); }
  void write_file(const std::string &bytes) { std::ofstream(path, std::ios::binary) << bytes; }

  TestHost host;
  TestFolder folder;
  const std::string path = folder.file("a.db");
};

TEST_F(SqliteFaultsTest, WrongOptionsAreAllReportedTogether) {
  refused({{"table", "1; DROP"}, {"synchronous", "maybe"}, {"readers", 0}, {"busy_ms", "soon"}, {"pth", "x"}},
          {"\"path\" is missing", "\"table\"", "\"synchronous\"", "\"readers\"", "\"busy_ms\"", "\"pth\""});
  refused({{"path", ":memory:"}}, {"must be a file"});
  refused({{"path", "file:a.db?mode=ro"}}, {"plain path"});
  refused({{"path", std::string("a\0b", 3)}}, {"NUL"});
  for (const char *table : {"sqlite_x", "CacheChain_Meta", "", "a b"}) {
    refused({{"path", path}, {"table", table}}, {"\"table\""});
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SqliteFaultsTest, PathsThatCannotBeAFile) {
  refused({{"path", folder.file("nowhere/a.db")}}, {"nowhere", "does not exist", "make it"});
  refused({{"path", folder.path()}}, {"is a folder"});
  refused({{"path", "/dev/null"}}, {"device"});
}

TEST_F(SqliteFaultsTest, FilesThatAreNoDatabaseAreRefusedAndLeftAlone) {
  const std::string letter = "Dear file,\n" + std::string(5000, 'x');
  write_file(letter);
  refused(options(), {"a.db", "not a database", "move it away"}, CACHECHAIN_CORRUPT);
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), letter);
}

TEST_F(SqliteFaultsTest, AnEmptyFileBecomesADatabase) {
  write_file("");
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(layer.put("k", "v", 3), CACHECHAIN_OK);
}

TEST_F(SqliteFaultsTest, TablesThatAreNotOurs) {
  {
    Stranger(path).run(
        "CREATE TABLE cachechain(id INTEGER PRIMARY KEY, total INTEGER); INSERT INTO cachechain VALUES(1, 2)");
  }
  refused(options(), {"a.db", "cachechain", "was not made by Cache-Chain", "choose another"});
  { EXPECT_EQ(Stranger(path).number("SELECT total FROM cachechain"), 2); }
  { Stranger(path).run("CREATE VIEW seen AS SELECT 1"); }
  refused({{"path", path}, {"table", "Seen"}}, {"is a view"});
}

TEST_F(SqliteFaultsTest, TheTableOfAnotherChain) {
  make_table();
  TestLayer layer(host, options(), "bank");
  EXPECT_EQ(layer.opened, CACHECHAIN_CONFIG);
  EXPECT_NE(layer.message.find("belongs to the chain \"shop\", not to \"bank\""), std::string::npos) << layer.message;
}

TEST_F(SqliteFaultsTest, TablesOfAnotherFormatOrShape) {
  struct Change {
    const char *sql;
    const char *expected;
  };
  const Change changes[] = {
      {"UPDATE cachechain_meta SET format = 7", "has format 7"},
      {"ALTER TABLE cachechain DROP COLUMN codec", "has no column \"codec\""},
      {"ALTER TABLE cachechain RENAME COLUMN ver TO version", "has no column \"ver\""},
      {"ALTER TABLE cachechain DROP COLUMN created; ALTER TABLE cachechain ADD COLUMN created TEXT",
       "\"created\" as TEXT, expected INTEGER"},
      {"CREATE TABLE copy AS SELECT * FROM cachechain; DROP TABLE cachechain; ALTER TABLE copy RENAME TO cachechain",
       "expected"},
      {"DROP INDEX cachechain_expires", "CREATE INDEX"},
      {"DROP TABLE cachechain_meta; CREATE TABLE cachechain_meta(x)", "cachechain_meta"},
  };
  for (const Change &change : changes) {
    std::filesystem::remove(path);
    make_table();
    { Stranger(path).run(change.sql); }
    SCOPED_TRACE(change.sql);
    refused(options(), {"a.db", "cachechain", change.expected});
  }
}

TEST_F(SqliteFaultsTest, ATableThatWasDroppedIsMadeAnew) {
  TestLayer layer(host, options());
  layer.put("k", "v", 3);
  { Stranger(path).run("DROP TABLE cachechain"); }
  // One call finds out, the next ones open the file again; not more than four times a second.
  while (layer.put("k", "w", 3) != CACHECHAIN_OK) std::this_thread::yield();
  EXPECT_EQ(layer.get("k"), "w");
}

// As a user without rights: root could open anything.
TEST_F(SqliteFaultsTest, AFileThatMayNotBeOpenedOrWritten) {
  make_table();
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  struct Right {
    mode_t mode;
    const char *expected;
  };
  for (const Right &right : {Right{0000, "Permission denied"}, Right{0444, "read-only"}}) {
    ASSERT_EQ(chmod(path.c_str(), right.mode), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (geteuid() == 0 && setuid(65'534) != 0) _exit(2);
      TestLayer layer(host, options());
      _exit(layer.opened == CACHECHAIN_CONFIG && layer.message.find(right.expected) != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << right.expected << " " << status;
  }
}

TEST_F(SqliteFaultsTest, AFileThatIsLockedAtOpenIsTriedAgain) {
  std::unique_ptr<TestLayer> layer;
  {
    Stranger other(path);
    other.run("CREATE TABLE theirs(x); BEGIN EXCLUSIVE");
    layer = std::make_unique<TestLayer>(host, options());
    EXPECT_EQ(layer->opened, CACHECHAIN_DEGRADED);
    ASSERT_NE(layer->instance, nullptr);
    EXPECT_NE(layer->message.find("locked"), std::string::npos) << layer->message;
    EXPECT_EQ(layer->get("k"), "<" + std::to_string(CACHECHAIN_UNAVAILABLE) + ">");
    EXPECT_EQ(layer->put("k", "v", 3), CACHECHAIN_UNAVAILABLE);
    EXPECT_EQ(layer->stats()["connected"], false);
    other.run("COMMIT");
  }
  while (layer->put("k", "v", 3) != CACHECHAIN_OK) std::this_thread::yield();
  EXPECT_EQ(layer->get("k"), "v");
}

TEST_F(SqliteFaultsTest, ALockOfAnotherHoldsWritesNotReads) {
  nlohmann::json hasty = options();
  hasty["busy_ms"] = 5;
  TestLayer layer(host, hasty);
  layer.put("k", "v", 3);
  Stranger other(path);
  other.run("BEGIN IMMEDIATE");
  const cachechain_key key = key_of("k");
  const cachechain_put put = put_of(key, "w", 5);
  cachechain_put_result result{};
  TestCall call;
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OVERLOADED);
  EXPECT_NE(call.text().find("another process"), std::string::npos) << call.text();
  EXPECT_EQ(layer.get("k"), "v");
  TestCall in_time(host.now_ns() + 2'000'000);
  const int32_t status = layer.api.put(layer.instance, in_time.raw(), &put, &result);
  EXPECT_TRUE(status == CACHECHAIN_TIMEOUT || status == CACHECHAIN_DEADLINE) << status << " " << in_time.text();
  EXPECT_EQ(layer.api.ping(layer.instance, call.raw()), CACHECHAIN_OK);
  other.run("ROLLBACK");
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OK);
  EXPECT_EQ(layer.get("k"), "w");
}

// Writers under a lock that does not come, and beside each a control that only sleeps to the same deadline: the
// writers' lateness beyond the controls' is far below the time that they were given.
TEST_F(SqliteFaultsTest, DeadlinesHoldWhileTheLockDoesNotCome) {
  constexpr int kWriters = 6;
  constexpr int64_t kBudgetNs = 150'000'000;
  nlohmann::json patient = options();
  patient["busy_ms"] = "10min";
  TestLayer layer(host, patient);
  Stranger other(path);
  other.run("BEGIN IMMEDIATE");
  const int64_t deadline = host.now_ns() + kBudgetNs;
  std::vector<int64_t> late(kWriters), control(kWriters);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) {
    threads.emplace_back([&, i] {
      const std::string name = "key" + std::to_string(i);
      const cachechain_key key = key_of(name);
      const cachechain_put put = put_of(key, "v", 5);
      cachechain_put_result result{};
      TestCall call(deadline);
      const int32_t status = layer.api.put(layer.instance, call.raw(), &put, &result);
      late[i] = host.now_ns() - deadline;
      EXPECT_TRUE(status == CACHECHAIN_TIMEOUT || status == CACHECHAIN_DEADLINE) << status << " " << call.text();
    });
    threads.emplace_back([&, i] {
      std::this_thread::sleep_for(std::chrono::nanoseconds(deadline - host.now_ns()));
      control[i] = host.now_ns() - deadline;
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_LT(*std::max_element(late.begin(), late.end()) - *std::max_element(control.begin(), control.end()), kBudgetNs);
  other.run("ROLLBACK");
  for (int i = 0; i < kWriters; ++i) EXPECT_EQ(layer.get("key" + std::to_string(i)), kMiss);
}

TEST_F(SqliteFaultsTest, ACallWithoutTimeLeftDoesNothing) {
  TestLayer layer(host, options());
  TestCall late(1);
  const cachechain_key key = key_of("k");
  const cachechain_put put = put_of(key, "v", 5);
  cachechain_put_result result{};
  EXPECT_EQ(layer.api.put(layer.instance, late.raw(), &put, &result), CACHECHAIN_DEADLINE);
  EXPECT_EQ(layer.get("k"), kMiss);
  cachechain_value value{};
  EXPECT_EQ(layer.api.get(layer.instance, late.raw(), &key, nullptr, 0, &value), CACHECHAIN_DEADLINE);
}

// While it lives, files are opened on a disk whose writes and syncs can be made to fail. For one thread that opens.
class FaultyDisk {
 public:
  FaultyDisk() : usual_(sqlite3_vfs_find(nullptr)), faulty_(*usual_) {
    faulty_.zName = "faulty";
    faulty_.xOpen = [](sqlite3_vfs *, const char *name, sqlite3_file *file, int flags, int *out_flags) {
      sqlite3_vfs *usual = sqlite3_vfs_find("unix");
      const int code = usual->xOpen(usual, name, file, flags, out_flags);
      if (code != SQLITE_OK || file->pMethods == nullptr) return code;
      // Databases and logs have tables of their own, with the same functions for writing.
      static std::map<const sqlite3_io_methods *, sqlite3_io_methods> tables;
      static const sqlite3_io_methods sound = *file->pMethods;
      sqlite3_io_methods &patched = tables.try_emplace(file->pMethods, *file->pMethods).first->second;
      patched.xWrite = [](sqlite3_file *f, const void *data, int size, sqlite3_int64 offset) {
        return full ? SQLITE_FULL : sound.xWrite(f, data, size, offset);
      };
      patched.xSync = [](sqlite3_file *f, int how) { return no_sync ? SQLITE_IOERR_FSYNC : sound.xSync(f, how); };
      file->pMethods = &patched;
      return code;
    };
    full = no_sync = false;
    sqlite3_vfs_register(&faulty_, 1);
  }
  ~FaultyDisk() {
    sqlite3_vfs_unregister(&faulty_);
    sqlite3_vfs_register(usual_, 1);
  }
  FaultyDisk(const FaultyDisk &) = delete;
  FaultyDisk &operator=(const FaultyDisk &) = delete;

  static inline std::atomic<bool> full{false};
  static inline std::atomic<bool> no_sync{false};

 private:
  sqlite3_vfs *usual_;
  sqlite3_vfs faulty_;
};

TEST_F(SqliteFaultsTest, AFullDiskFailsWritesAndKeepsWhatWasThere) {
  FaultyDisk disk;
  TestLayer layer(host, options());
  const std::string data(10'000, 'x');
  for (int i = 0; i < 20; ++i) ASSERT_EQ(layer.put("before" + std::to_string(i), data, 3), CACHECHAIN_OK);
  FaultyDisk::full = true;
  const cachechain_key key = key_of("during");
  const cachechain_put put = put_of(key, data, 3);
  cachechain_put_result result{};
  TestCall call;
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OVERLOADED) << call.text();
  EXPECT_NE(call.text().find("make room"), std::string::npos) << call.text();
  EXPECT_EQ(layer.put("before7", "overwritten", 5), CACHECHAIN_OVERLOADED);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(layer.get("before" + std::to_string(i)), data);
  EXPECT_EQ(layer.get("during"), kMiss);
  FaultyDisk::full = false;
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OK) << call.text();
  EXPECT_EQ(layer.get("during"), data);
  layer.close();
  TestLayer again(host, options());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(again.get("before" + std::to_string(i)), data);
}

// When the sync fails the commit may be in the file or not, and nobody can tell.
TEST_F(SqliteFaultsTest, ACommitThatCannotBeSyncedHasAnUnknownOutcome) {
  FaultyDisk disk;
  nlohmann::json durable = options();
  durable["synchronous"] = "full";
  TestLayer layer(host, durable);
  ASSERT_EQ(layer.put("k", "v", 3), CACHECHAIN_OK);
  FaultyDisk::no_sync = true;
  EXPECT_EQ(layer.put("k", "w", 5), CACHECHAIN_UNKNOWN_OUTCOME);
  FaultyDisk::no_sync = false;
  EXPECT_EQ(layer.put("k", "x", 7), CACHECHAIN_OK);
  EXPECT_EQ(layer.get("k"), "x");
}

TEST_F(SqliteFaultsTest, AFileThatWasReplacedIsOpenedAgain) {
  for (const bool read_before : {false, true}) {
    TestLayer layer(host, options());
    layer.put("k", "v", 3);
    if (read_before) layer.get("k");
    for (const char *suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
    TestCall call;
    EXPECT_EQ(layer.api.ping(layer.instance, call.raw()), CACHECHAIN_UNAVAILABLE);
    const char *expected = read_before ? "removed or replaced" : "No such file";
    EXPECT_NE(call.text().find(expected), std::string::npos) << call.text();
    while (layer.put("k", "w", 3) != CACHECHAIN_OK) std::this_thread::yield();
    EXPECT_EQ(layer.get("k"), "w");
    EXPECT_EQ(Stranger(path).number("SELECT count(*) FROM cachechain"), 1);
  }
}

// Nobody reads or pings: the writer itself looks now and then.
TEST_F(SqliteFaultsTest, AWriterNoticesThatItsFileIsGone) {
  TestLayer layer(host, options());
  layer.put("k", "v", 3);
  for (const char *suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix);
  for (uint64_t version = 5; !std::filesystem::exists(path); version += 2) layer.put("k", "w", version);
  EXPECT_EQ(layer.get("k"), "w");
}

TEST_F(SqliteFaultsTest, ARowThatIsNoEntryIsCorruptNotAMiss) {
  TestLayer layer(host, options());
  layer.put("good", "v", 3);
  layer.put("bad", "v", 3);
  { Stranger(path).run("UPDATE cachechain SET kind = 99 WHERE k = CAST('bad' AS BLOB)"); }
  EXPECT_EQ(layer.get("bad"), "<" + std::to_string(CACHECHAIN_CORRUPT) + ">");
  EXPECT_EQ(layer.get("good"), "v");
  const cachechain_key keys[] = {key_of("bad"), key_of("good"), key_of("absent"), key_of("good")};
  for (const size_t count : {1, 4}) {
    cachechain_value values[4] = {};
    int32_t statuses[4] = {};
    TestCall call;
    ASSERT_GE(layer.api.get_many(layer.instance, call.raw(), keys, count, values, statuses), 0);
    EXPECT_EQ(statuses[0], CACHECHAIN_CORRUPT) << "that key's status alone";
    EXPECT_NE(call.text().find("kind 99"), std::string::npos) << call.text();
    for (size_t i = 1; i < count; ++i) {
      EXPECT_EQ(statuses[i], i == 2 ? CACHECHAIN_MISS : CACHECHAIN_OK);
      if (values[i].release != nullptr) values[i].release(values[i].owner);
    }
  }
  EXPECT_EQ(host.live, 0);
  EXPECT_EQ(layer.put("bad", "healed", 5), CACHECHAIN_OK);
  EXPECT_EQ(layer.get("bad"), "healed");
}

// A file system without shared memory, as many network ones: the layer falls back to a rollback journal.
TEST_F(SqliteFaultsTest, WithoutSharedMemoryTheJournalIsARollbackJournal) {
  sqlite3_vfs *usual = sqlite3_vfs_find(nullptr);
  sqlite3_vfs *dotfile = sqlite3_vfs_find("unix-dotfile");
  ASSERT_NE(dotfile, nullptr);
  sqlite3_vfs_register(dotfile, 1);
  {
    TestLayer layer(host, options());
    sqlite3_vfs_register(usual, 1);
    sqlite3_vfs_register(dotfile, 1);
    EXPECT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
    EXPECT_EQ(layer.stats()["journal"], "truncate");
    EXPECT_EQ(layer.put("k", "v", 3), CACHECHAIN_OK);
    EXPECT_EQ(layer.get("k"), "v");
    EXPECT_EQ(layer.put("k", "w", 5), CACHECHAIN_OK);
    EXPECT_EQ(layer.get("k"), "w");
  }
  sqlite3_vfs_register(usual, 1);
}

// The child writes until it is killed and tells over a pipe what was acknowledged.
TEST_F(SqliteFaultsTest, WhatWasAcknowledgedSurvivesKill9) {
  for (int round = 0; round < 5; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(pipe(pipe_ends), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      TestLayer layer(host, options());
      if (layer.opened != CACHECHAIN_OK) _exit(1);
      for (int i = 0;; ++i) {
        const int number = round * 1'000'000 + i;
        if (layer.put("key" + std::to_string(number), std::string(500, 'v'), 3) != CACHECHAIN_OK) _exit(1);
        if (write(pipe_ends[1], &number, sizeof(number)) != sizeof(number)) _exit(1);
      }
    }
    close(pipe_ends[1]);
    std::vector<int> acknowledged;
    int number = 0;
    while (read(pipe_ends[0], &number, sizeof(number)) == sizeof(number)) {
      acknowledged.push_back(number);
      if (acknowledged.size() == static_cast<size_t>(100 + 300 * round)) kill(child, SIGKILL);
    }
    close(pipe_ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child failed by itself";
    TestLayer layer(host, options());
    ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
    for (int acked : acknowledged) ASSERT_EQ(layer.get("key" + std::to_string(acked)), std::string(500, 'v')) << acked;
  }
}

}  // namespace
}  // namespace cachechain::sqlite
