// get_many in query mode, by "select_many" and without it, and put_many.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite_query_support.h"

namespace cachechain::sqlite {
namespace {

class SqliteQueryManyTest : public SqliteQueryTest, public testing::WithParamInterface<bool> {
 protected:
  Json options() const {
    Json all = SqliteQueryTest::options();
    if (GetParam()) {
      all["select_many"] =
          "SELECT id, body AS value, fresh_ms FROM users WHERE id IN (SELECT value FROM json_each(:keys))";
    }
    return all;
  }
};

INSTANTIATE_TEST_SUITE_P(SelectMany, SqliteQueryManyTest, testing::Bool(),
                         [](const auto &tested) { return tested.param ? "WithSelectMany" : "WithoutSelectMany"; });

TEST_P(SqliteQueryManyTest, AnswersEachKeyInItsPlace) {
  stranger.run(
      "INSERT INTO users(id, body) VALUES(1, 'one'), (-9223372036854775807 - 1, 'least'), "
      "(9223372036854775807, 'most'), (4, '')");
  TestLayer layer(host, options());
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(ask_many(layer, {"user:9223372036854775807", "user:2", "user:1", "nobody", "user:01", "user:1", "user:4",
                             "user:-9223372036854775808"}),
            (std::vector<std::string>{"most", "-", "one", "-", "-", "one", "", "least"}));
  EXPECT_EQ(ask_many(layer, {}), std::vector<std::string>{});
  EXPECT_EQ(ask_many(layer, {"nobody"}), std::vector<std::string>{"-"});
}

TEST_P(SqliteQueryManyTest, AFaultInOneRowFailsTheBatchAndGivesEverythingBack) {
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'one'), (2, NULL), (3, 'three')");
  TestLayer layer(host, options());
  const std::vector<std::string> answer = ask_many(layer, {"user:1", "user:2", "user:3"});
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_NE(answer[0].find("answered a value that is NULL"), std::string::npos) << answer[0];
}

TEST_F(SqliteQueryTest, SelectManyOfTextsKeepsThemApart) {
  stranger.run(
      "CREATE TABLE names(name TEXT PRIMARY KEY, body); "
      "INSERT INTO names VALUES('O''Brien \"x\" \\', 1), ('Z\xc3\xbcrich', 2), ('1', 3), ('a\nb', 4)");
  TestLayer layer(host, {{"path", path},
                         {"key", "{name}"},
                         {"select", "SELECT body AS value FROM names WHERE name = :name"},
                         {"select_many",
                          "SELECT name, body AS value FROM names WHERE name IN (SELECT value FROM json_each(:keys))"}});
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  EXPECT_EQ(ask_many(layer, {"1", "O'Brien \"x\" \\", "01", "Z\xc3\xbcrich", "a\nb"}),
            (std::vector<std::string>{"3", "1", "-", "2", "4"}));
}

TEST_F(SqliteQueryTest, SelectManyMustAnswerWhatItWasAsked) {
  stranger.run("INSERT INTO users(id, body) VALUES(1, 'one'), (2, 'two')");
  Json options = with("select_many", "SELECT id, body AS value FROM users WHERE json_valid(:keys)");
  TestLayer stray(host, options);
  EXPECT_EQ(ask_many(stray, {"user:1"}),
            std::vector<std::string>{path + ": \"select_many\" answered a row for a key that it was not asked for"});
  options["select_many"] =
      "SELECT users.id, body AS value FROM users, (SELECT 1 UNION SELECT 2) WHERE id IN (SELECT value FROM "
      "json_each(:keys))";
  TestLayer twice(host, options);
  EXPECT_EQ(ask_many(twice, {"user:1"}),
            std::vector<std::string>{path + ": \"select_many\" answered more than one row for a key"});
}

TEST_F(SqliteQueryTest, PutManyHasAnOutcomeForEachPut) {
  stranger.run("INSERT INTO users(id, body) VALUES(3, 'old')");
  TestLayer layer(host, options());
  const std::array keys = {key_of("user:1"), key_of("user:01"), key_of("user:3"), key_of("user:1")};
  std::array<cachechain_put, 4> puts;
  for (size_t i = 0; i < puts.size(); ++i)
    puts[i] = put_of(keys[i], std::string_view("abcd").substr(i, 1), 101, CACHECHAIN_PUT_BUMP);
  puts[2].flags = CACHECHAIN_KIND_TOMBSTONE;
  std::array<cachechain_put_result, 4> results{};
  TestCall call;
  EXPECT_EQ(layer.api.put_many(layer.instance, call.raw(), puts.data(), puts.size(), results.data()),
            CACHECHAIN_PARTIAL);
  EXPECT_EQ(call.text(), "the key does not fit \"key\": \"user:{id:int}\", so it cannot be a row");
  EXPECT_EQ(results[0].status, CACHECHAIN_OK);
  EXPECT_EQ(results[1].status, CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(results[2].status, CACHECHAIN_OK);
  EXPECT_EQ(results[3].status, CACHECHAIN_OK);
  for (const cachechain_put_result &result : results) EXPECT_EQ(result.version, 0u);
  EXPECT_EQ(ask_many(layer, {"user:1", "user:3"}), (std::vector<std::string>{"d", "-"}));
}

TEST_F(SqliteQueryTest, PutManyOfWhatCannotBeWrittenTouchesNothing) {
  Json reading = options();
  reading.erase("upsert");
  TestLayer layer(host, reading);
  const std::array keys = {key_of("user:1"), key_of("user:01")};
  std::array puts = {put_of(keys[0], "a", 101), put_of(keys[1], "", 101)};
  puts[1].flags = CACHECHAIN_KIND_TOMBSTONE;
  std::array<cachechain_put_result, 2> results{};
  EXPECT_EQ(layer.api.put_many(layer.instance, TestCall().raw(), puts.data(), puts.size(), results.data()),
            CACHECHAIN_PARTIAL);
  EXPECT_EQ(results[0].status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(results[1].status, CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(layer.stats()["commits"], 0);
}

}  // namespace
}  // namespace cachechain::sqlite
