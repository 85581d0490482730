// A chain through the public C functions, for tests that see what a user sees.
#ifndef CACHECHAIN_TESTS_UNIT_API_CHAIN_HARNESS_H_
#define CACHECHAIN_TESTS_UNIT_API_CHAIN_HARNESS_H_

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cachechain/cachechain.h"

namespace cachechain {

inline const uint8_t *data_of(std::string_view text) { return reinterpret_cast<const uint8_t *>(text.data()); }

// Takes the error object of a call; freed with the test.
class ErrorBox {
 public:
  ~ErrorBox() { cachechain_error_free(error_); }
  cachechain_error **out() {
    cachechain_error_free(error_);
    error_ = nullptr;
    return &error_;
  }
  const cachechain_error *get() const { return error_; }
  std::string message() const { return cachechain_error_message(error_, nullptr); }

 private:
  cachechain_error *error_ = nullptr;
};

class ApiTest : public ::testing::Test {
 protected:
  static constexpr std::string_view kMemory =
      R"({"chain": "test", "layers": [{"name": "L1", "plugin": "memory", "options": {"max_bytes": "8MiB"}}]})";

  ~ApiTest() override { cachechain_chain_free(chain_); }

  int32_t open(std::string_view json) {
    cachechain_open_options options{};
    options.struct_size = sizeof(options);
    options.plugin_path = data_of(kPluginDir);
    options.plugin_path_size = kPluginDir.size();
    options.log = [](void *log, int32_t, const uint8_t *text, uint64_t size) {
      static_cast<std::string *>(log)->append(reinterpret_cast<const char *>(text), size).push_back('\n');
    };
    options.log_context = &log_;
    options.log_level = CACHECHAIN_LOG_INFO;
    return cachechain_chain_open(data_of(json), json.size(), &options, &chain_, error_.out());
  }
  int32_t set(std::string_view key, std::string_view value, const cachechain_put_options *options = nullptr) {
    return cachechain_set(chain_, options, data_of(key), key.size(), data_of(value), value.size(), &write_,
                          error_.out());
  }
  int32_t get(std::string_view key, const cachechain_get_options *options = nullptr) {
    cachechain_value_release(&value_);
    const int32_t status = cachechain_get(chain_, options, data_of(key), key.size(), nullptr, 0, &value_, error_.out());
    found_.assign(reinterpret_cast<const char *>(value_.data), value_.size);
    cachechain_value_release(&value_);
    return status;
  }
  int32_t remove(std::string_view key) {
    return cachechain_delete(chain_, nullptr, data_of(key), key.size(), &write_, error_.out());
  }
  template <class Function, class... Arguments>
  std::string text_of(Function function, Arguments... arguments) {
    uint64_t needed = 0;
    if (function(arguments..., nullptr, 0, &needed, error_.out()) != CACHECHAIN_BUFFER_TOO_SMALL) return "";
    std::string text(needed + 256, '\0');
    if (function(arguments..., reinterpret_cast<uint8_t *>(text.data()), text.size(), &needed, error_.out()) != 0) {
      return "";
    }
    text.resize(needed);
    return text;
  }

  static constexpr std::string_view kPluginDir = CACHECHAIN_PLUGIN_DIR;
  std::string log_;
  cachechain_chain *chain_ = nullptr;
  cachechain_value value_{};
  cachechain_write write_{};
  ErrorBox error_;
  std::string found_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_API_CHAIN_HARNESS_H_
