// An SQLite layer over the user's own table: what is read, written and refused.
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "sqlite_query_support.h"

namespace cachechain::sqlite {
namespace {

TEST_F(SqliteQueryTest, SetsGetsAndDeletesRows) {
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(ask(layer, "user:42").status, CACHECHAIN_MISS);
  const Written written = write(layer, "user:42", "Ada");
  EXPECT_EQ(written.status, CACHECHAIN_OK) << written.text;
  EXPECT_EQ(written.version, 0u);
  const Answer found = ask(layer, "user:42");
  EXPECT_EQ(found.data, "Ada");
  EXPECT_EQ(found.value.version, 0u);
  EXPECT_EQ(found.value.created, 0u);
  EXPECT_EQ(found.value.flags, 0u);
  EXPECT_EQ(found.value.expires_ms, 0);
  EXPECT_EQ(found.value.fresh_until_ms, 0);
  EXPECT_EQ(stranger.number("SELECT count(*) FROM users WHERE id = 42 AND body = x'416461'"), 1);
  EXPECT_EQ(remove(layer, "user:42").status, CACHECHAIN_OK);
  EXPECT_EQ(ask(layer, "user:42").status, CACHECHAIN_MISS);
  EXPECT_EQ(remove(layer, "user:42").status, CACHECHAIN_OK) << "deleting what is not there";
}

TEST_F(SqliteQueryTest, CarriesAPutOutUnderAnyCondition) {
  TestLayer layer(host, options());
  for (uint32_t condition : {CACHECHAIN_PUT_NEWER, CACHECHAIN_PUT_BUMP, CACHECHAIN_PUT_EXACT}) {
    for (uint64_t version : {9u, 3u}) {
      EXPECT_EQ(layer.put("user:1", std::to_string(version), version, condition), CACHECHAIN_OK);
      EXPECT_EQ(layer.get("user:1"), std::to_string(version));
    }
  }
}

TEST_F(SqliteQueryTest, TextsAndBlobsAreBoundAsWhatTheyAre) {
  stranger.run("CREATE TABLE parts(shop TEXT, code BLOB, body BLOB, PRIMARY KEY(shop, code))");
  TestLayer layer(host, {{"path", path},
                         {"key", "part/{shop:text}/{code:blob}"},
                         {"select", "SELECT body AS value FROM parts WHERE shop = :shop AND code = :code"},
                         {"upsert", "INSERT INTO parts VALUES(:shop, :code, :value)"},
                         {"delete", "DELETE FROM parts WHERE shop = :shop AND code = :code"}});
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  const std::string odd("part/Z\xc3\xbcrich/\0\xff/'; DROP", 24);
  EXPECT_EQ(write(layer, odd, "screw").status, CACHECHAIN_OK);
  EXPECT_EQ(write(layer, "part/Bern/7", "nut").status, CACHECHAIN_OK);
  EXPECT_EQ(ask(layer, odd).data, "screw");
  EXPECT_EQ(ask(layer, "part/Bern/7").data, "nut");
  EXPECT_EQ(stranger.number("SELECT count(*) FROM parts WHERE typeof(shop) = 'text' AND typeof(code) = 'blob'"), 2);
  EXPECT_EQ(ask(layer, "part/\xff/7").status, CACHECHAIN_MISS) << "no text";
  EXPECT_EQ(remove(layer, odd).status, CACHECHAIN_OK);
  EXPECT_EQ(ask(layer, odd).status, CACHECHAIN_MISS);
  EXPECT_EQ(ask(layer, "part/Bern/7").data, "nut");
}

TEST_F(SqliteQueryTest, WithoutATemplateTheWholeKeyIsOneBlob) {
  stranger.run("CREATE TABLE entries(k BLOB PRIMARY KEY, v BLOB)");
  TestLayer layer(host, {{"path", path},
                         {"select", "SELECT v AS value FROM entries WHERE k = :key"},
                         {"upsert", "REPLACE INTO entries VALUES(:key, :value)"}});
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  const std::string key("\0any\xff", 5);
  EXPECT_EQ(write(layer, key, "").status, CACHECHAIN_OK);
  const Answer empty = ask(layer, key);
  EXPECT_EQ(empty.status, CACHECHAIN_OK) << "an empty value is none";
  EXPECT_EQ(empty.data, "");
  const Written refused = remove(layer, key);
  EXPECT_EQ(refused.status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(refused.text, "the layer has no \"delete\", so nothing can be deleted from it");
}

TEST_F(SqliteQueryTest, KeysThatLookAlikeAreNotOneRow) {
  TestLayer layer(host, options());
  ASSERT_EQ(write(layer, "user:7", "seven").status, CACHECHAIN_OK);
  for (const char *key :
       {"user:07", "user:+7", "user: 7", "user:7 ", "user:7.0", "user:18446744073709551623", "User:7"}) {
    EXPECT_EQ(ask(layer, key).status, CACHECHAIN_MISS) << key;
    for (const Written &refused : {write(layer, key, "x"), remove(layer, key)}) {
      EXPECT_EQ(refused.status, CACHECHAIN_INVALID_ARGUMENT) << key;
      EXPECT_EQ(refused.text, "the key does not fit \"key\": \"user:{id:int}\", so it cannot be a row");
    }
    const cachechain_key bytes = key_of(key);
    EXPECT_EQ(layer.api.erase_many(layer.instance, TestCall().raw(), &bytes, 1), CACHECHAIN_OK) << key;
  }
  EXPECT_EQ(ask(layer, "user:7").data, "seven");
  EXPECT_EQ(stranger.number("SELECT count(*) FROM users"), 1);
}

TEST_F(SqliteQueryTest, HandsOutAnyTypeAsItsBytes) {
  stranger.run(
      "INSERT INTO users(id, body) VALUES(1, 'Z\xc3\xbcrich'), (2, x'00ff'), (3, -17), (4, 2.5), (5, ''), (6, x'')");
  TestLayer layer(host, options());
  EXPECT_EQ(ask(layer, "user:1").data, "Z\xc3\xbcrich");
  EXPECT_EQ(ask(layer, "user:2").data, std::string("\0\xff", 2));
  EXPECT_EQ(ask(layer, "user:3").data, "-17");
  EXPECT_EQ(ask(layer, "user:4").data, "2.5");
  EXPECT_EQ(ask(layer, "user:5").status, CACHECHAIN_OK);
  EXPECT_EQ(ask(layer, "user:6").status, CACHECHAIN_OK);
}

TEST_F(SqliteQueryTest, TextOfAFileInUtf16IsHandedOutInUtf8) {
  const std::string wide = folder.file("wide.db");
  Stranger other(wide);
  other.run(
      "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT); INSERT INTO t VALUES('\xc3\xa9', "
      "'\xe2\x82\xac')");
  TestLayer layer(host, {{"path", wide}, {"key", "{k}"}, {"select", "SELECT v AS value FROM t WHERE k = :k"}});
  EXPECT_EQ(ask(layer, "\xc3\xa9").data, "\xe2\x82\xac");
}

TEST_F(SqliteQueryTest, AnOutageIsNotTakenForAbsence) {
  stranger.run("INSERT INTO users(id, body) VALUES(1, NULL)");
  TestLayer layer(host, options());
  const Answer answer = ask(layer, "user:1");
  EXPECT_EQ(answer.status, CACHECHAIN_PROTOCOL);
  EXPECT_EQ(answer.text, path + ": \"select\" answered a value that is NULL; leave such rows out, or use coalesce()");
}

TEST_F(SqliteQueryTest, TwoRowsForAKeyAreAFault) {
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'a'), (2, 'b')");
  TestLayer layer(host, with("select", "SELECT body AS value FROM users WHERE id >= :id"));
  EXPECT_EQ(ask(layer, "user:2").data, "b");
  const Answer answer = ask(layer, "user:1");
  EXPECT_EQ(answer.status, CACHECHAIN_PROTOCOL);
  EXPECT_EQ(answer.text, path + ": \"select\" answered more than one row for a key");
}

TEST_F(SqliteQueryTest, FreshMsCountsFromNow) {
  stranger.run(
      "INSERT INTO users VALUES(1, 'a', 60000), (2, 'b', NULL), (3, 'c', 0), (4, 'd', 9223372036854775807), "
      "(5, 'e', -9223372036854775807), (6, 'f', 'soon')");
  TestLayer layer(host, options());
  const int64_t before = host.now_ms();
  const int64_t fresh = ask(layer, "user:1").value.fresh_until_ms;
  EXPECT_GE(fresh, before + 60'000);
  EXPECT_LE(fresh, host.now_ms() + 60'000);
  EXPECT_EQ(ask(layer, "user:2").value.fresh_until_ms, 0);
  EXPECT_GE(ask(layer, "user:3").value.fresh_until_ms, before);
  EXPECT_EQ(ask(layer, "user:4").value.fresh_until_ms, INT64_MAX);
  EXPECT_EQ(ask(layer, "user:5").value.fresh_until_ms, 1);
  EXPECT_EQ(ask(layer, "user:6").text, path + ": \"select\" answered a fresh_ms that is no integer");
}

TEST_F(SqliteQueryTest, AValueThatIsTooLargeIsNeitherReadNorWritten) {
  stranger.run("INSERT INTO users(id, body) VALUES(1, zeroblob(101))");
  TestLayer layer(host, with("max_value_bytes", 100));
  EXPECT_EQ(ask(layer, "user:1").status, CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(write(layer, "user:2", std::string(101, 'x')).status, CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(write(layer, "user:2", std::string(100, 'x')).status, CACHECHAIN_OK);
}

TEST_F(SqliteQueryTest, WhatATableCannotKeepIsRefused) {
  TestLayer layer(host, options());
  ASSERT_EQ(write(layer, "user:1", "Ada").status, CACHECHAIN_OK);
  for (uint32_t kind : {CACHECHAIN_KIND_ABSENT, CACHECHAIN_KIND_INVALIDATED, CACHECHAIN_KIND_LEASE}) {
    EXPECT_EQ(write(layer, "user:1", "", kind).status, CACHECHAIN_UNSUPPORTED);
  }
  EXPECT_EQ(write(layer, "user:1", "zipped", UINT32_C(1) << 8).status, CACHECHAIN_UNSUPPORTED);
  uint64_t removed = 9;
  EXPECT_EQ(layer.api.sweep(layer.instance, TestCall().raw(), nullptr, &removed), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(removed, 0u);
  EXPECT_EQ(layer.api.maintain(layer.instance, TestCall().raw()), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer.api.ping(layer.instance, TestCall().raw()), CACHECHAIN_OK);
  EXPECT_EQ(ask(layer, "user:1").data, "Ada");
}

TEST_F(SqliteQueryTest, WithoutAnUpsertSetIsUnsupported) {
  Json reading = options();
  reading.erase("upsert");
  TestLayer layer(host, reading);
  const Written refused = write(layer, "user:1", "Ada");
  EXPECT_EQ(refused.status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(refused.text, "the layer has no \"upsert\", so nothing can be set in it");
  EXPECT_EQ(layer.stats()["commits"], 0) << "a refusal begins no transaction";
}

TEST_F(SqliteQueryTest, SeesWhatAStrangerWrites) {
  TestLayer layer(host, options());
  EXPECT_EQ(ask(layer, "user:1").status, CACHECHAIN_MISS);
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'Ada')");
  EXPECT_EQ(ask(layer, "user:1").data, "Ada");
  stranger.run("UPDATE users SET body = 'Grace'");
  EXPECT_EQ(ask(layer, "user:1").data, "Grace");
  stranger.run("DELETE FROM users");
  EXPECT_EQ(ask(layer, "user:1").status, CACHECHAIN_MISS);
}

TEST_F(SqliteQueryTest, AnUpsertThatChangesNothingIsAFault) {
  TestLayer layer(host, with("upsert",
                             "INSERT INTO users(id, body) VALUES(:id, :value) ON CONFLICT(id) DO UPDATE SET "
                             "body = excluded.body WHERE fresh_ms IS NULL"));
  stranger.run("INSERT INTO users VALUES(1, 'kept', 5)");
  const Written refused = write(layer, "user:1", "lost");
  EXPECT_EQ(refused.status, CACHECHAIN_PROTOCOL);
  EXPECT_EQ(refused.text, path + ": \"upsert\" changed no row of a table, so the value is not stored");
  EXPECT_EQ(ask(layer, "user:1").data, "kept");
  EXPECT_EQ(write(layer, "user:2", "new").status, CACHECHAIN_OK);
}

// What its trigger wrote must go as well: a put that failed has stored nothing.
TEST_F(SqliteQueryTest, AnUpsertThatChangesNothingLeavesNothingBehind) {
  stranger.run(
      "CREATE TABLE audit(id); CREATE TRIGGER log BEFORE INSERT ON users BEGIN INSERT INTO audit VALUES(new.id); END");
  TestLayer layer(host, with("upsert", "INSERT INTO users(id, body) VALUES(:id, :value) ON CONFLICT DO NOTHING"));
  ASSERT_EQ(write(layer, "user:1", "first").status, CACHECHAIN_OK);
  EXPECT_EQ(write(layer, "user:1", "second").status, CACHECHAIN_PROTOCOL);
  EXPECT_EQ(stranger.number("SELECT count(*) FROM audit"), 1);
}

TEST_F(SqliteQueryTest, ConstraintsAreTheCallersFaultAndTellWhich) {
  stranger.run("CREATE TABLE strict_users(id INTEGER PRIMARY KEY, body TEXT CHECK(length(body) < 5))");
  TestLayer layer(host, {{"path", path},
                         {"key", "{id:int}"},
                         {"select", "SELECT body AS value FROM strict_users WHERE id = :id"},
                         {"upsert", "REPLACE INTO strict_users VALUES(:id, CAST(:value AS TEXT))"}});
  EXPECT_EQ(write(layer, "1", "Ada").status, CACHECHAIN_OK);
  const Written refused = write(layer, "1", "Augusta");
  EXPECT_EQ(refused.status, CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_NE(refused.text.find("CHECK constraint failed"), std::string::npos) << refused.text;
  EXPECT_EQ(ask(layer, "1").data, "Ada");
  EXPECT_EQ(stranger.number("SELECT count(*) FROM strict_users WHERE typeof(body) = 'text'"), 1);
}

// Such a key is looked at when the transaction commits, and would fail all who share it.
TEST_F(SqliteQueryTest, ADeferredForeignKeyFailsTheOneWhoBrokeIt) {
  stranger.run("CREATE TABLE pets(id INTEGER PRIMARY KEY, owner REFERENCES users DEFERRABLE INITIALLY DEFERRED)");
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'Ada')");
  TestLayer layer(host, {{"path", path},
                         {"key", "{id:int}"},
                         {"select", "SELECT owner AS value FROM pets WHERE id = :id"},
                         {"upsert", "REPLACE INTO pets VALUES(:id, CAST(CAST(:value AS TEXT) AS INTEGER))"}});
  std::array<Written, 8> outcomes;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    threads.emplace_back([&, i] { outcomes[i] = write(layer, std::to_string(i), i % 4 == 3 ? "2" : "1"); });
  }
  for (std::thread &thread : threads) thread.join();
  for (size_t i = 0; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].status, i % 4 == 3 ? CACHECHAIN_INVALID_ARGUMENT : CACHECHAIN_OK) << outcomes[i].text;
  }
  EXPECT_EQ(stranger.number("SELECT count(*) FROM pets"), 6);
}

TEST_F(SqliteQueryTest, ErasesRowsByDelete) {
  TestLayer layer(host, options());
  for (const char *key : {"user:1", "user:2", "user:3"}) ASSERT_EQ(write(layer, key, key).status, CACHECHAIN_OK);
  const std::array keys = {key_of("user:1"), key_of("user:9"), key_of("nobody"), key_of("user:3")};
  EXPECT_EQ(layer.api.erase_many(layer.instance, TestCall().raw(), keys.data(), keys.size()), CACHECHAIN_OK);
  EXPECT_EQ(ask_many(layer, {"user:1", "user:2", "user:3"}), (std::vector<std::string>{"-", "user:2", "-"}));
}

TEST_F(SqliteQueryTest, AChangeOfTheTableIsNoticed) {
  stranger.run(
      "CREATE TABLE docs(value, id INTEGER PRIMARY KEY); CREATE VIEW bodies AS SELECT value, id FROM docs;"
      "INSERT INTO docs VALUES('right', 1)");
  TestLayer layer(
      host, {{"path", path}, {"key", "{n:int}"}, {"select", "SELECT * FROM (SELECT * FROM onlyvalue WHERE :n = 1)"}});
  EXPECT_EQ(layer.opened, CACHECHAIN_CONFIG);
  stranger.run("CREATE VIEW onlyvalue AS SELECT value FROM docs");
  TestLayer works(
      host, {{"path", path}, {"key", "{n:int}"}, {"select", "SELECT * FROM (SELECT * FROM onlyvalue WHERE :n = 1)"}});
  ASSERT_EQ(works.opened, CACHECHAIN_OK) << works.message;
  EXPECT_EQ(ask(works, "1").data, "right");
  stranger.run("DROP VIEW onlyvalue; CREATE VIEW onlyvalue AS SELECT 5 AS fresh_ms, value FROM docs");
  const Answer moved = ask(works, "1");
  EXPECT_EQ(moved.data, "right") << "the columns are found by their names again";
  EXPECT_NE(moved.value.fresh_until_ms, 0);
  stranger.run("DROP VIEW onlyvalue; CREATE VIEW onlyvalue AS SELECT id, value FROM docs");
  EXPECT_EQ(ask(works, "1").text, path + ": \"select\" nobody reads the column \"id\"");
  stranger.run("DROP VIEW onlyvalue");
  EXPECT_NE(ask(works, "1").text.find("no such table: onlyvalue"), std::string::npos);
  stranger.run("CREATE VIEW onlyvalue AS SELECT value FROM docs");
  EXPECT_EQ(ask(works, "1").data, "right") << "at once: one statement's error is not an outage of the file";
}

}  // namespace
}  // namespace cachechain::sqlite
