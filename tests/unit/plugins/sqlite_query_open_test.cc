// What an SQLite layer in query mode refuses when it opens, and how it says so.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "sqlite_test_support.h"

namespace cachechain::sqlite {
namespace {

using Json = nlohmann::json;

constexpr char kSelect[] = "SELECT body AS value FROM users WHERE id = :id";
constexpr char kUpsert[] =
    "INSERT INTO users(id, body) VALUES(:id, :value) ON CONFLICT(id) DO UPDATE SET body = :value";
constexpr char kDelete[] = "DELETE FROM users WHERE id = :id";
constexpr char kSelectMany[] = "SELECT id, body AS value FROM users WHERE id IN (SELECT value FROM json_each(:keys))";

class SqliteQueryOpenTest : public testing::Test {
 protected:
  SqliteQueryOpenTest() { Stranger(path).run("CREATE TABLE users(id INTEGER PRIMARY KEY, body BLOB, fresh_ms)"); }

  Json options() const {
    return {{"path", path}, {"key", "user:{id:int}"}, {"select", kSelect}, {"upsert", kUpsert}, {"delete", kDelete}};
  }
  // The refusal of the options with one of them changed, without the path.
  std::string refused(const char *name, const Json &value) {
    Json spoilt = options();
    spoilt[name] = value;
    return refused(spoilt);
  }
  std::string refused(const Json &spoilt) {
    TestLayer layer(host, spoilt);
    EXPECT_EQ(layer.opened, CACHECHAIN_CONFIG) << layer.message;
    EXPECT_EQ(layer.instance, nullptr);
    const std::string prefix = path + ": ";
    return layer.message.starts_with(prefix) ? layer.message.substr(prefix.size()) : layer.message;
  }

  TestHost host;
  TestFolder folder;
  const std::string path = folder.file("shop.db");
};

TEST_F(SqliteQueryOpenTest, SaysWhatItCanDo) {
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(layer.info.caps, CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_PLAIN |
                                 CACHECHAIN_CAP_PERSISTENT | CACHECHAIN_CAP_SHARED);
  EXPECT_EQ(layer.stats()["mode"], "query");
  EXPECT_EQ(layer.stats()["key"], "user:{id:int}");
  EXPECT_TRUE(host.warnings().empty());
}

TEST_F(SqliteQueryOpenTest, SaysWhatItWillRefuse) {
  TestLayer layer(host, {{"path", path}, {"key", "user:{id:int}"}, {"select", kSelect}});
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(host.warnings(), (std::vector<std::string>{"no \"upsert\": set answers UNSUPPORTED",
                                                       "no \"delete\": delete answers UNSUPPORTED"}));
}

TEST_F(SqliteQueryOpenTest, RefusesOptionsOfTheOtherMode) {
  EXPECT_EQ(refused("table", "users"), "\"table\" is about a table of the layer's own, and \"select\" about yours");
  EXPECT_EQ(refused("cleanup_ms", "1s"),
            "\"cleanup_ms\" is about a table of the layer's own, and \"select\" about yours");
  for (const char *name : {"key", "upsert", "delete", "select_many"}) {
    EXPECT_EQ(refused(Json{{"path", path}, {name, "{id}"}}),
              "\"" + std::string(name) + "\" needs \"select\" beside it");
  }
  EXPECT_EQ(refused(Json{{"path", path}, {"selct", kSelect}}),
            "there is no option \"selct\", did you mean \"select\"?");
}

TEST_F(SqliteQueryOpenTest, RefusesOptionsThatCannotBeRead) {
  EXPECT_EQ(refused("select", 7), "\"select\" must be a text, found a number; \"select\" must be a statement");
  EXPECT_EQ(refused("upsert", ""), "\"upsert\" must be a statement");
  EXPECT_EQ(refused("select", std::string("SELECT 1\0", 9)), "\"select\" has a NUL in it");
  EXPECT_EQ(refused("key", "user:{id:int"), "\"key\": a brace without its other one; write {{ or }} for text");
  EXPECT_EQ(refused("key", ""), "\"key\": there is no capture such as {id:int}: every key would be the same row");
}

TEST_F(SqliteQueryOpenTest, RefusesASelectThatDoesNotFit) {
  const std::string expected =
      "; expected one SELECT of a column \"value\" and, if wanted, \"fresh_ms\", with the parameters :id";
  const struct {
    const char *sql;
    const char *why;
  } kCases[] = {
      {"SELECT body AS value FROM usres WHERE id = :id", "no such table: usres"},
      {"SELECT boddy AS value FROM users WHERE id = :id", "no such column: boddy"},
      {"SELECT body AS value FRM users WHERE id = :id", "near \"FRM\": syntax error"},
      {"SELECT body FROM users WHERE id = :id", "nobody reads the column \"body\""},
      {"SELECT fresh_ms FROM users WHERE id = :id", "there is no column \"value\"; name it with AS"},
      {"SELECT body AS value, body AS value FROM users WHERE id = :id", "the column \"value\" is there twice"},
      {"SELECT body AS value, 5 AS fresh FROM users WHERE id = :id", "nobody reads the column \"fresh\""},
      {"SELECT body AS value FROM users WHERE id = :ID", "there is no parameter :ID"},
      {"SELECT body AS value FROM users WHERE id = :id AND body <> :value", "there is no parameter :value"},
      {"SELECT body AS value FROM users WHERE id = @id", "there is no parameter @id"},
      {"SELECT body AS value FROM users WHERE id = ?", "a parameter has no name"},
      {"SELECT body AS value FROM users WHERE id = ?1", "a parameter has no name"},
      {"SELECT body AS value FROM users WHERE id = :id OR id = ?7", "a parameter has no name"},
      {"SELECT body AS value FROM users LIMIT 1", "the parameter :id is not used, so different keys would be one row"},
      {"SELECT body AS value FROM users WHERE id = :id; SELECT 1", "there is more than one statement"},
      {"SELECT body AS value FROM users WHERE id = :id; nonsense", "there is more than one statement"},
      {"-- nothing", "there is no statement"},
      {"DELETE FROM users WHERE id = :id RETURNING body AS value", "the statement writes"},
      {"INSERT INTO users(id) VALUES(:id) RETURNING body AS value", "the statement writes"},
      {"PRAGMA user_version", "a PRAGMA is not possible here"},
      {"ATTACH 'other.db' AS other", "ATTACH or DETACH is not possible here"},
      {"BEGIN", "control of transactions is not possible here"},
      {"SAVEPOINT here", "control of transactions is not possible here"},
      {"SELECT body AS value FROM users WHERE id = :id; PRAGMA user_version", "a PRAGMA is not possible here"},
      {"EXPLAIN SELECT body AS value FROM users WHERE id = :id", "EXPLAIN is not possible here"},
  };
  for (const auto &bad : kCases) {
    EXPECT_EQ(refused("select", bad.sql), "\"select\": " + std::string(bad.why) + expected) << bad.sql;
  }
}

TEST_F(SqliteQueryOpenTest, RefusesWritingStatementsThatDoNotFit) {
  const struct {
    const char *option;
    const char *sql;
    const char *why;
  } kCases[] = {
      {"upsert", "INSERT INTO users(id, body) VALUES(:id, 'x')", "the parameter :value is not used"},
      {"upsert", "INSERT INTO users(body) VALUES(:value)",
       "the parameter :id is not used, so different keys would be one row"},
      {"upsert", "INSERT INTO users(id, body, more) VALUES(:id, :value, 1)", "table users has no column named more"},
      {"upsert", "SELECT :id, :value", "the statement does not write to a table"},
      {"upsert", "CREATE TABLE more AS SELECT :id, :value", "a change of the schema is not possible here"},
      {"upsert", "EXPLAIN INSERT INTO users(id, body) VALUES(:id, :value)", "EXPLAIN is not possible here"},
      {"delete", "DELETE FROM users WHERE id = :id AND body = :value", "there is no parameter :value"},
      {"delete", "DELETE FROM users", "the parameter :id is not used, so different keys would be one row"},
      {"delete", "DROP TABLE users", "a change of the schema is not possible here"},
      {"delete", "VACUUM INTO :id", "the statement does not write to a table"},
      {"delete", "DELETE FROM users WHERE id = :id; DELETE FROM users", "there is more than one statement"},
  };
  for (const auto &bad : kCases) {
    const bool sets = std::string_view(bad.option) == "upsert";
    EXPECT_EQ(refused(bad.option, bad.sql), "\"" + std::string(bad.option) + "\": " + bad.why +
                                                "; expected one statement that writes, with the parameters :id" +
                                                (sets ? " and :value" : ""))
        << bad.sql;
  }
}

TEST_F(SqliteQueryOpenTest, RefusesASelectManyThatDoesNotFit) {
  const std::string expected =
      "; expected one SELECT of the columns \"id\", \"value\" and, if wanted, \"fresh_ms\", with the parameter :keys, "
      "a JSON array";
  const struct {
    const char *sql;
    const char *why;
  } kCases[] = {
      {"SELECT body AS value FROM users WHERE id IN (SELECT value FROM json_each(:keys))",
       "there is no column \"id\"; name it with AS"},
      {"SELECT id FROM users WHERE id IN (SELECT value FROM json_each(:keys))",
       "there is no column \"value\"; name it with AS"},
      {"SELECT id, body AS value FROM users WHERE id = :id", "there is no parameter :id"},
      {"SELECT id, body AS value FROM users", "the parameter :keys is not used"},
  };
  for (const auto &bad : kCases) {
    EXPECT_EQ(refused("select_many", bad.sql), "\"select_many\": " + std::string(bad.why) + expected) << bad.sql;
  }
  Json two = options();
  two["key"] = "{a:int}:{id:int}";
  two["select_many"] = kSelectMany;
  EXPECT_EQ(refused(two), "\"select_many\" needs a \"key\" with one capture");
  Json blob = options();
  blob["key"] = "{id:blob}";
  blob["select_many"] = kSelectMany;
  EXPECT_EQ(refused(blob), "\"select_many\" cannot be used with a capture of type blob, which JSON has not");
}

TEST_F(SqliteQueryOpenTest, AStatementMayEndLikeAnyOther) {
  Json usual = options();
  usual["select"] = std::string(kSelect) + " ; -- the user\n /* as JSON */ ;";
  TestLayer layer(host, usual);
  EXPECT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
}

TEST_F(SqliteQueryOpenTest, MakesNeitherAFileNorATableOfItsOwn) {
  Json nowhere = options();
  nowhere["path"] = folder.file("other.db");
  EXPECT_EQ(refused(nowhere), folder.file("other.db") +
                                  ": does not exist, and with \"select\" it is your database, which is not made here; "
                                  "make it, or correct \"path\"");
  EXPECT_NE(access(folder.file("other.db").c_str(), F_OK), 0);

  std::ofstream(folder.file("empty.db")).close();
  nowhere["path"] = folder.file("empty.db");
  EXPECT_NE(refused(nowhere).find("no such table: users"), std::string::npos);

  {
    TestLayer layer(host, options());
    ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
    EXPECT_EQ(layer.put("user:1", "Ada", 3), CACHECHAIN_OK);
    EXPECT_EQ(layer.stats()["journal"], "rollback");
    EXPECT_EQ(layer.stats()["synchronous"], "default");
  }
  Stranger stranger(path);
  EXPECT_EQ(stranger.number("SELECT count(*) FROM sqlite_schema"), 1);
  EXPECT_EQ(access((path + "-wal").c_str(), F_OK), -1) << "the journal mode is the user's";
}

TEST_F(SqliteQueryOpenTest, ReadsAFileThatItMayNotWrite) {
  Stranger(path).run("INSERT INTO users(id, body) VALUES(1, 'Ada')");
  ASSERT_EQ(chmod(folder.path().c_str(), 0755), 0);
  ASSERT_EQ(chmod(path.c_str(), 0444), 0);
  // As a user without rights: root may write everything.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && setuid(65'534) != 0) _exit(99);
    int failed = 0;
    if (refused(options()) != "is read-only for this process; give it the right to write the file and its folder") {
      failed |= 1;
    }
    TestLayer layer(host, {{"path", path}, {"key", "user:{id:int}"}, {"select", kSelect}});
    if (layer.opened != CACHECHAIN_OK) _exit(failed | 2);
    if (layer.get("user:1") != "Ada") failed |= 4;
    if (layer.put("user:1", "Grace", 3) != CACHECHAIN_UNSUPPORTED) failed |= 8;
    _exit(failed);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteQueryOpenTest, AFileThatIsLockedIsOpenedLater) {
  Stranger stranger(path);
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'Ada')");
  stranger.run("BEGIN EXCLUSIVE");
  TestLayer layer(host, options());
  EXPECT_EQ(layer.opened, CACHECHAIN_DEGRADED);
  EXPECT_NE(layer.message.find("holds the lock"), std::string::npos) << layer.message;
  EXPECT_TRUE(layer.get("user:1").starts_with("<-"));
  stranger.run("COMMIT");
  const int64_t give_up = host.now_ns() + 10'000'000'000;
  while (layer.get("user:1") != "Ada" && host.now_ns() < give_up) std::this_thread::yield();
  EXPECT_EQ(layer.get("user:1"), "Ada");
}

}  // namespace
}  // namespace cachechain::sqlite
