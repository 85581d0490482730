// What the tests of query mode share: whole answers of the slots, and a file with a table of users.
#ifndef CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_QUERY_SUPPORT_H_
#define CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_QUERY_SUPPORT_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sqlite_test_support.h"

namespace cachechain::sqlite {

using Json = nlohmann::json;

// One get's whole answer. Gives back what was handed out.
struct Answer {
  int32_t status = 0;
  std::string data;
  std::string text;  // of a failure
  cachechain_value value{};
};

inline Answer ask(TestLayer &layer, std::string_view key, int64_t deadline_ns = 0) {
  TestCall call(deadline_ns);
  const cachechain_key bytes = key_of(key);
  Answer answer;
  answer.status = layer.api.get(layer.instance, call.raw(), &bytes, nullptr, 0, &answer.value);
  answer.text = call.text();
  if (answer.status == CACHECHAIN_OK) {
    answer.data.assign(reinterpret_cast<const char *>(answer.value.data), answer.value.size);
  }
  if (answer.value.release != nullptr) answer.value.release(answer.value.owner);
  return answer;
}

struct Written {
  int32_t status = 0;
  uint64_t version = 0;
  std::string text;
};

inline Written write(TestLayer &layer, std::string_view key, std::string_view data,
                     uint32_t flags = CACHECHAIN_KIND_VALUE, int64_t deadline_ns = 0) {
  TestCall call(deadline_ns);
  const cachechain_key bytes = key_of(key);
  cachechain_put put = put_of(bytes, data, 101, CACHECHAIN_PUT_BUMP);
  put.flags = flags;
  cachechain_put_result result{};
  const int32_t status = layer.api.put(layer.instance, call.raw(), &put, &result);
  EXPECT_EQ(result.status, status);
  return {status, result.version, call.text()};
}

inline Written remove(TestLayer &layer, std::string_view key) {
  return write(layer, key, "", CACHECHAIN_KIND_TOMBSTONE);
}

// get_many's answers: values, "-" for a miss; or the failure's text alone.
inline std::vector<std::string> ask_many(TestLayer &layer, const std::vector<std::string> &keys) {
  TestCall call;
  std::vector<cachechain_key> bytes;
  for (const std::string &key : keys) bytes.push_back(key_of(key));
  std::vector<cachechain_value> values(keys.size());
  std::vector<int32_t> statuses(keys.size());
  const int32_t status =
      layer.api.get_many(layer.instance, call.raw(), bytes.data(), bytes.size(), values.data(), statuses.data());
  if (status != CACHECHAIN_OK) return {call.text()};
  std::vector<std::string> answers;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i] == CACHECHAIN_OK) {
      answers.emplace_back(reinterpret_cast<const char *>(values[i].data), values[i].size);
    } else {
      answers.push_back(statuses[i] == CACHECHAIN_MISS ? "-" : std::to_string(statuses[i]));
    }
    if (values[i].release != nullptr) values[i].release(values[i].owner);
  }
  return answers;
}

// A layer over the table users(id, body, fresh_ms) of a file that a stranger has open too.
class SqliteQueryTest : public testing::Test {
 protected:
  SqliteQueryTest() : stranger(path) {
    stranger.run("PRAGMA journal_mode = wal");
    stranger.run("CREATE TABLE users(id INTEGER PRIMARY KEY, body, fresh_ms)");
  }
  ~SqliteQueryTest() override { EXPECT_EQ(host.live.load(), 0) << "every value was given back"; }

  Json options() const {
    return {{"path", path},
            {"key", "user:{id:int}"},
            {"select", "SELECT body AS value, fresh_ms FROM users WHERE id = :id"},
            {"upsert",
             "INSERT INTO users(id, body) VALUES(:id, :value) ON CONFLICT(id) DO UPDATE SET body = excluded.body"},
            {"delete", "DELETE FROM users WHERE id = :id"}};
  }
  Json with(const char *name, const Json &value) const {
    Json changed = options();
    changed[name] = value;
    return changed;
  }

  TestHost host;
  TestFolder folder;
  const std::string path = folder.file("shop.db");
  Stranger stranger;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_QUERY_SUPPORT_H_
