// Runs the conformance suite over the layers of this tree: one test per plugin and check. The C plugin of the examples
// is among them: it is the tree's one store of bytes, and its one layer without conditions.
#include "conformance.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <tuple>

namespace cachechain::conformance {
namespace {

struct Plugin {
  const char *name;  // of the subject
  const char *plugin;
  const char *options;
  void (*furnish)(const std::string &folder) = nullptr;
};

// The table of some program, for query mode.
void make_documents(const std::string &folder) {
  sqlite3 *handle = nullptr;
  EXPECT_EQ(sqlite3_open((folder + "/shop.db").c_str(), &handle), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(handle,
                         "PRAGMA journal_mode = wal;"
                         "CREATE TABLE document(id BLOB PRIMARY KEY, body BLOB NOT NULL)",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(handle);
}

constexpr Plugin kPlugins[] = {
    {"memory", "memory", R"({"max_bytes": "64MiB"})"},
    {"sqlite", "sqlite", R"({"path": "{scratch}/store.db", "max_value_bytes": "4MiB"})"},
    {"sqlite_query", "sqlite", R"({
      "path": "{scratch}/shop.db", "max_value_bytes": "4MiB", "synchronous": "normal", "key": "{id:blob}",
      "select": "SELECT body AS value FROM document WHERE id = :id",
      "upsert": "INSERT INTO document VALUES(:id, :value) ON CONFLICT(id) DO UPDATE SET body = excluded.body",
      "delete": "DELETE FROM document WHERE id = :id"})",
     &make_documents},
    {"dirstore", "dirstore", R"({"folder": "{scratch}"})"},
};

void PrintTo(const Plugin &plugin, std::ostream *out) { *out << plugin.name; }

class Conformance : public testing::TestWithParam<std::tuple<Plugin, std::string>> {};

TEST_P(Conformance, Holds) {
  const auto &[plugin, check] = GetParam();
  Subject subject;
  subject.plugin = plugin.plugin;
  subject.options = plugin.options;
  if (plugin.furnish != nullptr) subject.furnish = plugin.furnish;
  const Verdict verdict = run(subject, check);
  if (verdict.outcome == Outcome::kSkipped) GTEST_SKIP() << verdict.message;
  EXPECT_TRUE(verdict.outcome == Outcome::kPassed) << verdict.message;
}

std::string name_of(const testing::TestParamInfo<Conformance::ParamType> &tested) {
  std::string name = std::get<0>(tested.param).name;
  name += "_" + std::get<1>(tested.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Plugins, Conformance,
                         testing::Combine(testing::ValuesIn(kPlugins), testing::ValuesIn(names())), name_of);

}  // namespace
}  // namespace cachechain::conformance
