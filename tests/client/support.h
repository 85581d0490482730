// What the tests of the C++ face share: chains of memory alone and of memory over SQLite.
#ifndef CACHECHAIN_TESTS_CLIENT_SUPPORT_H_
#define CACHECHAIN_TESTS_CLIENT_SUPPORT_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cachechain/cachechain.hpp"

namespace cachechain::client {

// `more` are further keys of the configuration, each with a comma before it.
inline Chain open_memory(std::string_view more = "") {
  auto chain = Chain::open(
      R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bytes": "16MiB"}}])" +
      std::string(more) + "}");
  EXPECT_TRUE(chain) << chain.error().message();
  return std::move(chain).value();
}

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cachechain-client-XXXXXX").string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path &path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Chain open_sqlite(const Folder &folder, std::string_view more = "") {
  auto chain = Chain::open(
      R"({"chain": "shop", "source": "application", "layers": [{"name": "L1", "plugin": "memory", "ttl_ms": "24h", )"
      R"("options": {"max_bytes": "16MiB"}}, {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
      (folder.path() / "shop.db").string() + R"("}}])" + std::string(more) + "}");
  EXPECT_TRUE(chain) << chain.error().message();
  return std::move(chain).value();
}

// Another program that holds the lock of open_sqlite()'s table.
class Locked {
 public:
  explicit Locked(const Folder &folder) {
    sqlite3 *other = nullptr;
    EXPECT_EQ(sqlite3_open((folder.path() / "shop.db").c_str(), &other), SQLITE_OK);
    other_.reset(other);
    EXPECT_EQ(sqlite3_busy_timeout(other, 10'000), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  }

 private:
  struct Close {
    void operator()(sqlite3 *other) const { sqlite3_close(other); }
  };
  std::unique_ptr<sqlite3, Close> other_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_TESTS_CLIENT_SUPPORT_H_
