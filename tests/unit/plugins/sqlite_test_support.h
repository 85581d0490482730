// What the tests of the SQLite plugin share: a host with memory that can fail, a folder that goes away, and the
// plugin's slots called as the core calls them.
#ifndef CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_TEST_SUPPORT_H_
#define CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_TEST_SUPPORT_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cachechain/plugin.hpp"
#include "sql/sqlite/sqlite_layer.h"

namespace cachechain::sqlite {

// The machine's clocks and memory. Counts what was allocated and not freed; fails when told to.
class TestHost {
 public:
  TestHost() {
    table_.struct_size = sizeof(table_);
    table_.self = this;
    table_.log_enabled = [](const cachechain_host *, int32_t) -> int32_t { return 1; };
    table_.log = [](const cachechain_host *host, int32_t level, const char *text, uint64_t size) {
      TestHost &self = *static_cast<TestHost *>(host->self);
      const std::lock_guard<std::mutex> guard(self.log_mutex_);
      if (level >= CACHECHAIN_LOG_WARN) self.warnings_.emplace_back(text, size);
    };
    table_.report = [](const cachechain_host *, cachechain_report *report, int64_t native_code, uint32_t retryable,
                       const char *text, uint64_t size) {
      if (report == nullptr) return;
      report->native_code = native_code;
      report->retryable = retryable;
      report->size = static_cast<uint32_t>(std::min<uint64_t>(size, sizeof(report->text)));
      std::memcpy(report->text, text, report->size);
    };
    table_.now_mono_ns = [](const cachechain_host *host) -> int64_t {
      const int64_t still = static_cast<TestHost *>(host->self)->still_ns;
      return still != 0 ? still : std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
    };
    table_.now_unix_ms = [](const cachechain_host *host) -> int64_t {
      return std::chrono::system_clock::now().time_since_epoch() / std::chrono::milliseconds(1) +
             static_cast<TestHost *>(host->self)->shift_ms;
    };
    table_.alloc = [](const cachechain_host *host, uint64_t size, uint64_t) -> void * {
      TestHost &self = *static_cast<TestHost *>(host->self);
      if (self.no_memory) return nullptr;
      self.live += static_cast<int64_t>(size);
      return std::malloc(size);
    };
    table_.free = [](const cachechain_host *host, void *memory, uint64_t size, uint64_t) {
      static_cast<TestHost *>(host->self)->live -= static_cast<int64_t>(size);
      std::free(memory);
    };
    table_.cancelled = [](const cachechain_host *, const cachechain_cancel *) -> int32_t { return 0; };
    table_.cancel_fd = [](const cachechain_host *, cachechain_cancel *) -> int32_t { return -1; };
    table_.service = [](const cachechain_host *, const char *) -> const void * { return nullptr; };
  }

  const cachechain_host *raw() const { return &table_; }
  int64_t now_ns() const { return table_.now_mono_ns(&table_); }
  int64_t now_ms() const { return table_.now_unix_ms(&table_); }
  std::vector<std::string> warnings() const {
    const std::lock_guard<std::mutex> guard(log_mutex_);
    return warnings_;
  }

  std::atomic<bool> no_memory{false};
  std::atomic<int64_t> live{0};      // bytes that are allocated
  std::atomic<int64_t> shift_ms{0};  // of the wall clock
  std::atomic<int64_t> still_ns{0};  // what the monotonic clock stands at; 0: it runs

 private:
  cachechain_host table_{};
  mutable std::mutex log_mutex_;
  std::vector<std::string> warnings_;
};

class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cachechain_sqlite_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

// One call's surroundings, with room for the text of a failure.
class TestCall {
 public:
  explicit TestCall(int64_t deadline_ns = 0) {
    call_.struct_size = sizeof(call_);
    call_.deadline_ns = deadline_ns;
    call_.report = &report_;
    call_.thread_word = &word_;
  }
  const cachechain_call *raw() const { return &call_; }
  cachechain_call *raw() { return &call_; }
  std::string text() const { return {reinterpret_cast<const char *>(report_.text), report_.size}; }
  int64_t native_code() const { return report_.native_code; }

 private:
  cachechain_call call_{};
  cachechain_report report_{};
  uintptr_t word_ = 0;
};

class TestSpace {
 public:
  explicit TestSpace(std::string name) : name_(std::move(name)) {
    space_.name = reinterpret_cast<const uint8_t *>(name_.data());
    space_.name_size = static_cast<uint32_t>(name_.size());
  }
  const cachechain_space *raw() const { return &space_; }

 private:
  std::string name_;
  cachechain_space space_{};
};

inline const TestSpace &default_space() {
  static const TestSpace space("default");
  return space;
}

inline cachechain_key key_of(std::string_view text, const TestSpace &space = default_space()) {
  return {reinterpret_cast<const uint8_t *>(text.data()), text.size(), 0, space.raw()};
}

inline cachechain_put put_of(const cachechain_key &key, std::string_view data, uint64_t version,
                             uint32_t condition = CACHECHAIN_PUT_NEWER) {
  cachechain_put put{};
  put.key = &key;
  put.data = reinterpret_cast<const uint8_t *>(data.data());
  put.size = data.size();
  put.version = version;
  put.created = version;
  put.condition = condition;
  return put;
}

// An instance of the layer, by the slots that the plugin exports.
class TestLayer {
 public:
  TestLayer(TestHost &host, const nlohmann::json &options, std::string_view chain = "shop") {
    const std::string text = options.dump();
    cachechain_layer_config config{};
    config.struct_size = sizeof(config);
    config.name = reinterpret_cast<const uint8_t *>("L2");
    config.name_size = 2;
    config.chain = reinterpret_cast<const uint8_t *>(chain.data());
    config.chain_size = chain.size();
    config.options = reinterpret_cast<const uint8_t *>(text.data());
    config.options_size = text.size();
    info.struct_size = sizeof(info);
    cachechain_report report{};
    opened = api.open(host.raw(), &config, &info, &report, &instance);
    message.assign(reinterpret_cast<const char *>(report.text), report.size);
  }
  ~TestLayer() { close(); }
  TestLayer(const TestLayer &) = delete;
  TestLayer &operator=(const TestLayer &) = delete;

  void close() {
    if (instance == nullptr) return;
    EXPECT_EQ(api.close(std::exchange(instance, nullptr), nullptr), CACHECHAIN_OK);
  }

  int32_t put(std::string_view key, std::string_view data, uint64_t version, uint32_t condition = CACHECHAIN_PUT_NEWER,
              int64_t expires_ms = 0) {
    TestCall call;
    const cachechain_key bytes = key_of(key);
    cachechain_put put = put_of(bytes, data, version, condition);
    put.expires_ms = expires_ms;
    cachechain_put_result result{};
    return api.put(instance, call.raw(), &put, &result);
  }
  // The value, or "<STATUS>".
  std::string get(std::string_view key, const TestSpace &space = default_space()) {
    TestCall call;
    const cachechain_key bytes = key_of(key, space);
    cachechain_value value{};
    const int32_t status = api.get(instance, call.raw(), &bytes, nullptr, 0, &value);
    if (status != CACHECHAIN_OK) return "<" + std::to_string(status) + ">";
    std::string data(reinterpret_cast<const char *>(value.data), value.size);
    if (value.release != nullptr) value.release(value.owner);
    return data;
  }
  nlohmann::json stats() {
    uint64_t needed = 0;
    EXPECT_EQ(api.stats(instance, nullptr, 0, &needed), CACHECHAIN_BUFFER_TOO_SMALL);
    std::string text(needed + 64, ' ');
    EXPECT_EQ(api.stats(instance, reinterpret_cast<uint8_t *>(text.data()), text.size(), &needed), CACHECHAIN_OK);
    return nlohmann::json::parse(text.substr(0, needed));
  }

  const cachechain_layer_api api = plugin::layer_api<SqliteLayer>();
  void *instance = nullptr;
  cachechain_layer_info info{};
  int32_t opened = 0;
  std::string message;
};

inline const std::string kMiss = "<1>";

// A connection of somebody else's.
class Stranger {
 public:
  explicit Stranger(const std::string &path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error(sqlite3_errmsg(handle_));
  }
  ~Stranger() { sqlite3_close(handle_); }
  Stranger(const Stranger &) = delete;
  Stranger &operator=(const Stranger &) = delete;

  void run(const std::string &sql) {
    char *error = nullptr;
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, &error) == SQLITE_OK) return;
    const std::string text = sql + ": " + (error == nullptr ? "" : error);
    sqlite3_free(error);
    throw std::runtime_error(text);
  }
  int64_t number(const std::string &sql) {
    sqlite3_stmt *statement = nullptr;
    sqlite3_prepare_v2(handle_, sql.c_str(), -1, &statement, nullptr);
    const int64_t value = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : -1;
    sqlite3_finalize(statement);
    return value;
  }

 private:
  sqlite3 *handle_ = nullptr;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_TESTS_UNIT_PLUGINS_SQLITE_TEST_SUPPORT_H_
