// Loads through the public C functions, over the real plugins: memory alone, and memory over SQLite.
#ifndef CACHECHAIN_TESTS_UNIT_API_LOAD_HARNESS_H_
#define CACHECHAIN_TESTS_UNIT_API_LOAD_HARNESS_H_

#include <stdlib.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include "chain_harness.h"

namespace cachechain {

inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kHourMs = 3'600'000;

class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "cachechain_load_XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

inline int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <class T>
bool is_zero(const T &output) {
  const T zero{};
  return std::memcmp(&output, &zero, sizeof(zero)) == 0;
}

inline cachechain_put_options lives(int64_t ttl_ms, int64_t fresh_ms = 0) {
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  options.ttl_ms = ttl_ms;
  options.fresh_ms = fresh_ms;
  return options;
}

inline cachechain_get_options within(int64_t timeout_ns) {
  cachechain_get_options options{};
  options.struct_size = sizeof(options);
  options.timeout_ns = timeout_ns;
  return options;
}

class LoadApiTest : public ApiTest {
 protected:
  // `settings` stand in the chain's object and end with a comma.
  int32_t open_memory(const std::string &settings = "") {
    return open(R"({"chain": "test", )" + settings + R"("layers": [{"name": "L1", "plugin": "memory"}]})");
  }
  int32_t open_over_sqlite(const std::string &source, const std::string &settings = "") {
    return open(R"({"chain": "test", "source": ")" + source + R"(", )" + settings +
                R"("layers": [{"name": "L1", "plugin": "memory", "ttl_ms": "7d"},
                    {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
                folder_.path() + R"(/values.db"}}]})");
  }

  int32_t load(std::string_view key, const cachechain_get_options *options = nullptr) {
    cachechain_value value;
    const int32_t status =
        cachechain_get_load(chain_, options, data_of(key), key.size(), nullptr, 0, &value, &lease_, error_.out());
    found_.assign(reinterpret_cast<const char *>(value.data), value.size);
    cachechain_value_release(&value);
    return status;
  }
  // With little time, until it was enough: a call that the machine kept waiting past its time learns only that.
  int32_t load_while_pending(std::string_view key) {
    // So much that the layers are asked in time on a busy machine.
    const cachechain_get_options hurried = within(5'000 * kNsPerMs);
    int32_t status;
    do {
      status = load(key, &hurried);
    } while (status == CACHECHAIN_LOAD_PENDING);
    return status;
  }
  bool granted() const { return lease_.id != 0 && lease_.flags == 0; }
  int32_t fulfil(const cachechain_lease &lease, std::string_view value,
                 const cachechain_put_options *options = nullptr) {
    return cachechain_lease_fulfil(chain_, &lease, options, data_of(value), value.size(), &write_, error_.out());
  }
  int32_t absent(const cachechain_lease &lease, int64_t ttl_ms = 0) {
    return cachechain_lease_absent(chain_, &lease, ttl_ms, error_.out());
  }
  int32_t unchanged(const cachechain_lease &lease, int64_t ttl_ms = 0) {
    return cachechain_lease_unchanged(chain_, &lease, ttl_ms, error_.out());
  }
  int32_t fail(const cachechain_lease &lease, std::string_view message, int64_t hold_off_ms = 0) {
    return cachechain_lease_fail(chain_, &lease, data_of(message), message.size(), hold_off_ms, error_.out());
  }
  int32_t abandon(const cachechain_lease &lease) { return cachechain_lease_abandon(chain_, &lease, error_.out()); }
  int32_t renew(cachechain_lease &lease, int64_t lease_ms = 0) {
    return cachechain_lease_renew(chain_, &lease, lease_ms, error_.out());
  }
  int32_t invalidate(std::string_view key) {
    return cachechain_invalidate(chain_, nullptr, data_of(key), key.size(), &write_, error_.out());
  }
  int32_t touch(std::string_view key, const cachechain_put_options *options = nullptr) {
    return cachechain_touch(chain_, options, data_of(key), key.size(), &write_, error_.out());
  }
  int32_t reject(std::string_view key, uint64_t version) {
    return cachechain_reject(chain_, nullptr, data_of(key), key.size(), version, error_.out());
  }
  cachechain_value described(std::string_view key) {
    cachechain_value value{};
    EXPECT_GE(cachechain_exists(chain_, nullptr, data_of(key), key.size(), &value, error_.out()), 0);
    return value;
  }
  int32_t get_at_least(std::string_view key, uint64_t version) {
    cachechain_get_options options = within(0);
    options.min_version = version;
    return get(key, &options);
  }
  // Stores a value and waits until it is past its fresh time.
  void set_stale(std::string_view key, std::string_view value) {
    const cachechain_put_options short_fresh = lives(0, 1);
    ASSERT_EQ(set(key, value, &short_fresh), CACHECHAIN_OK) << error_.message();
    while (described(key).fresh_until_ms == 0 || get(key) == CACHECHAIN_OK) std::this_thread::yield();
  }

  TempFolder folder_;
  cachechain_lease lease_{};
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_API_LOAD_HARNESS_H_
