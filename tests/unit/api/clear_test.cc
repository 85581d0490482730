// Clears as a user sees them, over the real plugins: what they void, what they leave alone, and what comes too late.
#include <sqlite3.h>

#include <nlohmann/json.hpp>

#include "spaces_harness.h"

namespace cachechain {
namespace {

class ClearApiTest : public SpacesTest {
 protected:
  // Memory over the user's own table, which is the truth.
  std::string over_own_table() const {
    return R"({"chain": "shop", "source": "last_layer", "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "8MiB"}, "ttl_ms": "1h"},
      {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
           folder_ + R"(/own.db", "key": "{k}", "select": "SELECT v AS value FROM t WHERE k = :k",
        "upsert": "INSERT INTO t VALUES(:k, :value) ON CONFLICT(k) DO UPDATE SET v = excluded.v",
        "delete": "DELETE FROM t WHERE k = :k"}}]})";
  }
  void make_own_table() { run_sql("/own.db", "CREATE TABLE t(k TEXT PRIMARY KEY, v BLOB)"); }
  // By a stranger's connection, as a restored backup or a hand would.
  void run_sql(const std::string &file, const std::string &sql) {
    sqlite3 *database = nullptr;
    ASSERT_EQ(sqlite3_open((folder_ + file).c_str(), &database), SQLITE_OK);
    (void)sqlite3_busy_timeout(database, 10'000);
    char *problem = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK) << problem;
    sqlite3_free(problem);
    sqlite3_close(database);
  }
  void close_all() {
    for (cachechain_chain *one : spaces_) cachechain_chain_free(one);
    spaces_.clear();
    cachechain_chain_free(chain_);
    chain_ = nullptr;
  }
  int32_t load(std::string_view key, cachechain_lease &lease) {
    cachechain_value value{};
    const int32_t status =
        cachechain_get_load(chain_, nullptr, data_of(key), key.size(), nullptr, 0, &value, &lease, error_.out());
    cachechain_value_release(&value);
    return status;
  }
  // Of each key its value, or the name of another status.
  std::vector<std::string> get_many(cachechain_chain *where, const std::vector<std::string> &keys) {
    cachechain_batch *batch = nullptr;
    const std::vector<cachechain_slice> slices = slices_of(keys);
    EXPECT_GE(cachechain_get_many(where, nullptr, slices.data(), slices.size(), &batch, error_.out()), 0);
    std::vector<std::string> found;
    for (uint64_t i = 0; i < cachechain_batch_size(batch); ++i) {
      cachechain_value value;
      const int32_t status = cachechain_batch_item(batch, i, &value, nullptr);
      found.push_back(status == CACHECHAIN_OK ? std::string(reinterpret_cast<const char *>(value.data), value.size)
                                              : cachechain_status_name(status));
    }
    cachechain_batch_free(batch);
    return found;
  }
  int32_t set_many(cachechain_chain *where, const std::vector<std::string> &keys,
                   const std::vector<std::string> &values, const cachechain_put_options *options = nullptr) {
    cachechain_batch *batch = nullptr;
    const std::vector<cachechain_slice> k = slices_of(keys);
    const std::vector<cachechain_slice> v = slices_of(values);
    const int32_t status = cachechain_set_many(where, options, k.data(), v.data(), k.size(), &batch, error_.out());
    cachechain_batch_free(batch);
    return status;
  }
  static std::vector<cachechain_slice> slices_of(const std::vector<std::string> &texts) {
    std::vector<cachechain_slice> slices;
    for (const std::string &text : texts) slices.push_back({data_of(text), text.size()});
    return slices;
  }
  std::string application() const { return over_sqlite(R"("source": "application")"); }
  static std::vector<std::string> of_each(const std::string &text) { return {text, text, text}; }

  const std::vector<std::string> keys_{"a", "b", "c"};
};

TEST_F(ClearApiTest, AClearVoidsOneOfManyAndSurvivesTheProcess) {
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  constexpr int kSpaces = 64;
  constexpr int kKeysEach = 50;
  for (int s = 0; s < kSpaces; ++s) {
    cachechain_chain *one = space("n" + std::to_string(s));
    for (int k = 0; k < kKeysEach; ++k) {
      ASSERT_EQ(set_in(one, "k" + std::to_string(k), "v" + std::to_string(s)), CACHECHAIN_OK);
    }
  }
  ASSERT_EQ(clear(spaces_[7]), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 2u);
  EXPECT_EQ(write_.owed, 0u);
  EXPECT_NE(write_.version, 0u);
  const auto look = [&] {
    for (int s = 0; s < kSpaces; ++s) {
      for (int k = 0; k < kKeysEach; ++k) {
        ASSERT_EQ(get_in(spaces_[s], "k" + std::to_string(k)), s == 7 ? "NOT_FOUND" : "v" + std::to_string(s)) << s;
      }
    }
  };
  look();
  for (cachechain_chain *&one : spaces_) {
    cachechain_chain_free(one);
    one = nullptr;
  }
  spaces_.clear();
  cachechain_chain_free(chain_);
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  for (int s = 0; s < kSpaces; ++s) (void)space("n" + std::to_string(s));
  look();
}

TEST_F(ClearApiTest, AnotherChainOverTheSameFileSeesTheClear) {
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", "v"), CACHECHAIN_OK);
  cachechain_chain *first = chain_;
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(clear(first), CACHECHAIN_OK);
  EXPECT_EQ(get_in(chain_, "k"), "NOT_FOUND");
  EXPECT_EQ(get_in(first, "k"), "NOT_FOUND");
  ASSERT_EQ(set("k", "w"), CACHECHAIN_OK);
  EXPECT_EQ(get_in(first, "k"), "w");
  cachechain_chain_free(first);
}

// A layer that lost the record of the clear, and has the entries of before again, is a backup that was restored.
TEST_F(ClearApiTest, WhatALayerBringsBackFromBeforeIsNotServed) {
  for (const std::string &chain : {over_sqlite(), application()}) {
    SCOPED_TRACE(chain);
    const std::string nothing = chain == application() ? "MISS" : "NOT_FOUND";
    ASSERT_EQ(open(chain), CACHECHAIN_OK) << error_.message();
    cachechain_chain *users = space("users");
    cachechain_chain *orders = space("orders");
    ASSERT_EQ(set_many(users, keys_, of_each("user")), CACHECHAIN_OK);
    ASSERT_EQ(set_many(orders, keys_, of_each("order")), CACHECHAIN_OK);
    run_sql("/shop.db", "DROP TABLE IF EXISTS backup; CREATE TABLE backup AS SELECT * FROM cachechain");
    ASSERT_EQ(clear(users), CACHECHAIN_OK);
    ASSERT_EQ(write_.done, 2u);
    const auto look = [&] {
      EXPECT_EQ(get_many(users, keys_), of_each(nothing));
      EXPECT_EQ(get_in(users, "a"), nothing);
      EXPECT_EQ(get_in(space("users"), "b"), nothing);
      EXPECT_EQ(get_many(orders, keys_), of_each("order"));
    };
    look();
    run_sql("/shop.db", "DELETE FROM cachechain; INSERT INTO cachechain SELECT * FROM backup");
    look();
    // What is set now is above it all.
    ASSERT_EQ(set_many(users, keys_, of_each("new")), CACHECHAIN_OK);
    EXPECT_EQ(get_many(users, keys_), of_each("new"));
    ASSERT_EQ(clear(users), CACHECHAIN_OK);
    EXPECT_EQ(get_many(users, keys_), of_each(nothing));
    EXPECT_EQ(get_many(orders, keys_), of_each("order"));
    close_all();
    std::filesystem::remove(folder_ + "/shop.db");
  }
}

TEST_F(ClearApiTest, BatchesOfBeforeAndAfter) {
  for (const std::string &chain : {std::string(kMemory), over_sqlite(), application()}) {
    SCOPED_TRACE(chain);
    const std::string nothing = chain == over_sqlite() ? "NOT_FOUND" : "MISS";
    ASSERT_EQ(open(chain), CACHECHAIN_OK) << error_.message();
    ASSERT_EQ(set_many(chain_, keys_, of_each("old")), CACHECHAIN_OK);
    cachechain_put_options made{};
    made.struct_size = sizeof(made);
    ASSERT_EQ(set("d", "old"), CACHECHAIN_OK);
    made.created = write_.version;
    ASSERT_EQ(clear(chain_), CACHECHAIN_OK);
    EXPECT_EQ(get_many(chain_, keys_), of_each(nothing));
    EXPECT_EQ(set_many(chain_, keys_, of_each("made before"), &made), CACHECHAIN_PARTIAL);
    EXPECT_EQ(get_many(chain_, keys_), of_each(nothing));
    EXPECT_EQ(set("a", "made before", &made), CACHECHAIN_VOID);
    EXPECT_EQ(set_many(chain_, keys_, of_each("new")), CACHECHAIN_OK);
    EXPECT_EQ(get_many(chain_, keys_), of_each("new"));
    EXPECT_EQ(get_in(chain_, "d"), nothing);
    close_all();
    std::filesystem::remove(folder_ + "/shop.db");
  }
}

TEST_F(ClearApiTest, WhatWasLoadedBeforeIsStoredNowhere) {
  make_own_table();
  for (const std::string &chain : {std::string(kMemory), over_sqlite(), application(), over_own_table()}) {
    SCOPED_TRACE(chain);
    const bool layer_is_truth = chain == over_sqlite() || chain == over_own_table();
    const std::string nothing = layer_is_truth ? "NOT_FOUND" : "MISS";
    ASSERT_EQ(open(chain), CACHECHAIN_OK) << error_.message();
    cachechain_lease one{};
    cachechain_lease absent{};
    cachechain_lease kept{};
    ASSERT_EQ(cachechain_status_name(load("one", one)), nothing);
    (void)load("absent", absent);
    (void)load("kept", kept);
    ASSERT_TRUE(one.id != 0 && absent.id != 0 && kept.id != 0);
    cachechain_batch *batch = nullptr;
    const std::vector<cachechain_slice> slices = slices_of(keys_);
    ASSERT_GE(cachechain_load_many(chain_, nullptr, slices.data(), 3, &batch, error_.out()), 0);
    std::vector<cachechain_lease> leases(3);
    for (uint64_t i = 0; i < 3; ++i) {
      (void)cachechain_batch_item(batch, i, nullptr, &leases[i]);
      ASSERT_NE(leases[i].id, 0u);
    }
    cachechain_batch_free(batch);
    ASSERT_EQ(clear(chain_), CACHECHAIN_OK);

    write_.version = 7;
    EXPECT_EQ(cachechain_lease_fulfil(chain_, &one, nullptr, data_of("old"), 3, &write_, error_.out()),
              CACHECHAIN_VOID);
    EXPECT_EQ(write_.version, 0u);
    EXPECT_EQ(cachechain_lease_absent(chain_, &absent, 3'600'000, error_.out()), CACHECHAIN_VOID);
    EXPECT_EQ(cachechain_lease_unchanged(chain_, &kept, 0, error_.out()), CACHECHAIN_VOID);
    const std::vector<std::string> old = of_each("old");
    EXPECT_EQ(cachechain_fulfil_many(chain_, leases.data(), slices_of(old).data(), 3, nullptr, &batch, error_.out()),
              CACHECHAIN_PARTIAL);
    for (uint64_t i = 0; i < 3; ++i) EXPECT_EQ(cachechain_batch_item(batch, i, nullptr, nullptr), CACHECHAIN_VOID);
    cachechain_batch_free(batch);
    for (const std::string key : {"one", "absent", "kept"}) EXPECT_EQ(get_in(chain_, key), nothing) << key;
    EXPECT_EQ(get_many(chain_, keys_), of_each(nothing));
    const auto explained =
        nlohmann::json::parse(text_of(cachechain_chain_explain, chain_, data_of("one"), uint64_t{3}));
    for (const auto &layer : explained["layers"]) EXPECT_NE(layer.value("kind", ""), "value") << explained;

    // The next lease is of after the clear.
    cachechain_lease next{};
    (void)load("one", next);
    ASSERT_NE(next.id, 0u);
    EXPECT_EQ(cachechain_lease_fulfil(chain_, &next, nullptr, data_of("new"), 3, &write_, error_.out()), CACHECHAIN_OK);
    EXPECT_EQ(get_in(chain_, "one"), "new");
    close_all();
    std::filesystem::remove(folder_ + "/shop.db");
  }
}

TEST_F(ClearApiTest, TheUsersOwnTableStaysAndIsReadAnew) {
  make_own_table();
  ASSERT_EQ(open(over_own_table()), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", "row"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get_in(chain_, "k"), "row");
  run_sql("/own.db", "UPDATE t SET v = CAST('other' AS BLOB)");
  EXPECT_EQ(get_in(chain_, "k"), "row");  // nobody told the cache
  ASSERT_EQ(clear(chain_), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0u);  // no layer keeps the record
  EXPECT_EQ(get_in(chain_, "k"), "other");
}

TEST_F(ClearApiTest, ExplainTellsWhatWasCleared) {
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  cachechain_chain *users = space("users");
  ASSERT_EQ(set_in(users, "k", "v"), CACHECHAIN_OK);
  ASSERT_EQ(clear(users), CACHECHAIN_OK);
  const auto explain = [&](cachechain_chain *where) {
    return nlohmann::json::parse(text_of(cachechain_chain_explain, where, data_of("k"), uint64_t{1}));
  };
  const auto explained = explain(users);
  EXPECT_EQ(explained["cleared"], write_.version);
  EXPECT_EQ(explained["answer"], "NOT_FOUND");
  for (const auto &layer : explained["layers"]) {
    EXPECT_EQ(layer["verdict"], "void: the namespace was cleared since");
    EXPECT_LT(layer["created"], write_.version);
  }
  EXPECT_EQ(explain(chain_)["cleared"], 0);
}

}  // namespace
}  // namespace cachechain
