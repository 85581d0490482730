// Compressed values as a user sees them: processes whose configurations differ share one table of sqlite's, and what
// lies in it is looked at from beside.
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "chain_harness.h"

namespace cachechain {
namespace {

constexpr std::string_view kCompress = R"(, "compress_above_bytes": "1KiB", "compress_level": 9)";

class CompressionTest : public ApiTest {
 protected:
  CompressionTest() {
    char name[] = "/tmp/cachechain-compression-XXXXXX";
    folder_ = mkdtemp(name);
    for (int i = 0; value_text_.size() < 20'000; ++i) value_text_ += "line " + std::to_string(i) + "\n";
  }
  ~CompressionTest() override {
    close();
    std::filesystem::remove_all(folder_);
  }

  std::string layer(std::string_view name, std::string_view more) const {
    return R"({"name": ")" + std::string(name) + R"(", "plugin": "sqlite", "options": {"path": ")" + folder_ + "/" +
           std::string(name) + R"(.db", "max_value_bytes": "1MiB"})" + std::string(more) + "}";
  }
  // Another process, or the same after a restart.
  int32_t reopen(const std::string &layers, std::string_view more = "") {
    close();
    return open(R"({"chain": "shop", "source": "application")" + std::string(more) + R"(, "layers": [)" + layers +
                "]}");
  }
  void close() {
    cachechain_chain_free(chain_);
    chain_ = nullptr;
  }
  // The first column of a statement on the table of a layer.
  int64_t ask(const std::string &layer, const char *sql) {
    sqlite3 *database = nullptr;
    sqlite3_stmt *statement = nullptr;
    EXPECT_EQ(sqlite3_open((folder_ + "/" + layer + ".db").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_busy_timeout(database, 10'000), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(database, sql, -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(database);
    const int step = sqlite3_step(statement);
    EXPECT_TRUE(step == SQLITE_ROW || step == SQLITE_DONE) << sqlite3_errmsg(database);
    const int64_t answer = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
  }
  int64_t stored_size(const std::string &layer = "L2") { return ask(layer, "SELECT LENGTH(v) FROM cachechain"); }
  int64_t stored_codec(const std::string &layer = "L2") { return ask(layer, "SELECT codec FROM cachechain"); }

  std::string folder_;
  std::string value_text_;
};

TEST_F(CompressionTest, ConfigurationsThatDifferReadEachOther) {
  ASSERT_EQ(reopen(layer("L2", kCompress)), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", value_text_), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, value_text_);
  EXPECT_NE(text_of(cachechain_chain_stats, chain_).find("\"compressed\":1"), std::string::npos);
  EXPECT_NE(text_of(cachechain_chain_explain, chain_, nullptr, 0).find("\"compress_above_bytes\":1024"),
            std::string::npos);

  ASSERT_EQ(reopen(layer("L2", "")), CACHECHAIN_OK) << error_.message();
  EXPECT_LT(stored_size(), static_cast<int64_t>(value_text_.size()) / 2);
  EXPECT_EQ(stored_codec(), CACHECHAIN_CODEC_ZSTD);
  EXPECT_EQ(get("k"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(found_, value_text_);
  std::string buffer(value_text_.size(), '\0');
  cachechain_value value;
  ASSERT_EQ(cachechain_get(chain_, nullptr, data_of("k"), 1, reinterpret_cast<uint8_t *>(buffer.data()), buffer.size(),
                           &value, error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(buffer, value_text_);
  EXPECT_EQ(value.flags, 0u) << "who reads sees no codec";
  EXPECT_EQ(value.release, nullptr);
  ASSERT_EQ(set("k", value_text_), CACHECHAIN_OK);

  ASSERT_EQ(reopen(layer("L2", kCompress)), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(stored_size(), static_cast<int64_t>(value_text_.size()));
  EXPECT_EQ(stored_codec(), CACHECHAIN_CODEC_NONE);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, value_text_);
  ASSERT_EQ(set("k", std::string(1024, 'a')), CACHECHAIN_OK);
  EXPECT_EQ(stored_size(), 1024) << "no larger than the rule";
  ASSERT_EQ(remove("k"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
}

TEST_F(CompressionTest, TheLimitOfALayerIsOneOfStoredBytes) {
  const std::string large(2 << 20, 'a');
  ASSERT_EQ(reopen(layer("L2", "")), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(set("k", large), CACHECHAIN_VALUE_TOO_LARGE);
  ASSERT_EQ(reopen(layer("L2", kCompress)), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", large), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, large);
}

TEST_F(CompressionTest, AValueThatCannotBeReadSendsTheChainToTheNextLayer) {
  const std::string upper = layer("L1", std::string(kCompress) + R"(, "warm": "never")");
  ASSERT_EQ(reopen(upper + "," + layer("L2", "")), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", value_text_), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(stored_codec("L1"), CACHECHAIN_CODEC_ZSTD);
  EXPECT_EQ(stored_codec("L2"), CACHECHAIN_CODEC_NONE);
  for (const char *damage :
       {"UPDATE cachechain SET v = substr(v, 1, length(v) - 1)",
        "UPDATE cachechain SET v = x'28b52ffde00000000001000000030010'", "UPDATE cachechain SET codec = 7"}) {
    ask("L1", damage);
    EXPECT_EQ(get("k"), CACHECHAIN_OK) << damage << ": " << error_.message();
    EXPECT_EQ(found_, value_text_) << damage;
    EXPECT_NE(text_of(cachechain_chain_explain, chain_, data_of("k"), 1).find("CORRUPT"), std::string::npos) << damage;
  }
  EXPECT_NE(log_.find("a compressed value cannot be read"), std::string::npos) << log_;
  ASSERT_EQ(set("k", "mended"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "mended");
}

TEST_F(CompressionTest, ALargerValueThanThisChainTakesIsNotRead) {
  ASSERT_EQ(reopen(layer("L2", kCompress)), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", value_text_), CACHECHAIN_OK);
  ASSERT_EQ(reopen(layer("L2", ""), R"(, "max_value_bytes": 19999)"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
  EXPECT_NE(log_.find("max_value_bytes 19999"), std::string::npos) << log_;
}

TEST_F(CompressionTest, LayersThatCannotCompressRefuseAtOpen) {
  EXPECT_EQ(reopen(R"({"name": "L1", "plugin": "memory", "compress_above_bytes": 1})"), CACHECHAIN_CONFIG);
  EXPECT_NE(error_.message().find("shop/L1 memory: compress_above_bytes is not for this layer"), std::string::npos)
      << error_.message();
  sqlite3 *database = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/own.db").c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(database);
  EXPECT_EQ(open(R"({"chain": "shop", "source": "last_layer", "layers": [{"name": "DB", "plugin": "sqlite",
                     "compress_above_bytes": 1, "options": {"path": ")" +
                 folder_ + R"(/own.db", "key": "user:{id:int}",
                     "select": "SELECT name AS value FROM users WHERE id = :id"}}]})"),
            CACHECHAIN_CONFIG);
  EXPECT_NE(error_.message().find("shop/DB sqlite: compress_above_bytes is not for this layer: it keeps values as they "
                                  "are, in a table of the user's own"),
            std::string::npos)
      << error_.message();
}

}  // namespace
}  // namespace cachechain
