// Memory over the user's own table, as a user sees it: sqlite in query mode as the truth, and a stranger who changes
// rows behind the cache's back.
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>

#include "chain_harness.h"

namespace cachechain {
namespace {

class QueryChainTest : public ApiTest {
 protected:
  QueryChainTest() {
    char name[] = "/tmp/cachechain-query-XXXXXX";
    folder_ = mkdtemp(name);
    EXPECT_EQ(sqlite3_open((folder_ + "/shop.db").c_str(), &database_), SQLITE_OK);
    run("CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)");
    run("INSERT INTO users VALUES(7, 'Grace')");
    EXPECT_EQ(open(R"({"chain": "shop", "source": "last_layer", "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "8MiB"}, "ttl_ms": "1h"},
      {"name": "DB", "plugin": "sqlite", "options": {"path": ")" +
                   folder_ + R"(/shop.db", "key": "user:{id:int}",
        "select": "SELECT name AS value FROM users WHERE id = :id",
        "upsert": "INSERT INTO users VALUES(:id, CAST(:value AS TEXT)) ON CONFLICT(id) DO UPDATE SET name = excluded.name",
        "delete": "DELETE FROM users WHERE id = :id"}}]})"),
              CACHECHAIN_OK)
        << error_.message();
  }
  ~QueryChainTest() override {
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    sqlite3_close(database_);
    std::filesystem::remove_all(folder_);
  }
  void run(const char *sql) {
    char *problem = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, &problem), SQLITE_OK) << problem;
    sqlite3_free(problem);
  }

  std::string folder_;
  sqlite3 *database_ = nullptr;
};

TEST_F(QueryChainTest, RowsAreReadWrittenAndDeletedThroughTheCache) {
  EXPECT_EQ(get("user:7"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "Grace");
  EXPECT_EQ(get("user:8"), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get("order:8"), CACHECHAIN_NOT_FOUND);
  ASSERT_EQ(set("user:8", "Ada"), CACHECHAIN_OK) << error_.message();
  EXPECT_NE(write_.version, 0u);
  EXPECT_EQ(get("user:8"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "Ada");
  ASSERT_EQ(remove("user:8"), CACHECHAIN_OK);
  EXPECT_EQ(get("user:8"), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(set("order:8", "x"), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(QueryChainTest, WhoChangesTheTableInvalidates) {
  EXPECT_EQ(get("user:7"), CACHECHAIN_OK);
  run("UPDATE users SET name = 'Hopper' WHERE id = 7");
  EXPECT_EQ(get("user:7"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "Grace");  // nobody told the cache
  ASSERT_EQ(cachechain_invalidate(chain_, nullptr, data_of("user:7"), 6, &write_, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(get("user:7"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "Hopper");
}

TEST_F(QueryChainTest, ToFulfilALeaseIsToSet) {
  cachechain_value value;
  cachechain_lease lease;
  ASSERT_EQ(cachechain_get_load(chain_, nullptr, data_of("user:9"), 6, nullptr, 0, &value, &lease, error_.out()),
            CACHECHAIN_NOT_FOUND);
  ASSERT_NE(lease.id, 0u);
  ASSERT_EQ(cachechain_lease_fulfil(chain_, &lease, nullptr, data_of("Barbara"), 7, &write_, error_.out()),
            CACHECHAIN_OK)
      << error_.message();
  EXPECT_EQ(get("user:9"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "Barbara");
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  EXPECT_EQ(cachechain_touch(chain_, &options, data_of("user:9"), 6, &write_, error_.out()), CACHECHAIN_UNSUPPORTED);
  options.must_flags = CACHECHAIN_PUT_EXPECT;
  EXPECT_EQ(set("user:9", "x", &options), CACHECHAIN_UNSUPPORTED);
}

}  // namespace
}  // namespace cachechain
