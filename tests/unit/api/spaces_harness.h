// Handles of namespaces over memory and sqlite, for tests that see what a user sees.
#ifndef CACHECHAIN_TESTS_UNIT_API_SPACES_HARNESS_H_
#define CACHECHAIN_TESTS_UNIT_API_SPACES_HARNESS_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "chain_harness.h"

namespace cachechain {

class SpacesTest : public ApiTest {
 protected:
  SpacesTest() {
    char name[] = "/tmp/cachechain-spaces-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~SpacesTest() override {
    for (cachechain_chain *one : spaces_) cachechain_chain_free(one);
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  std::string over_sqlite(const std::string &members = R"("source": "last_layer")") const {
    return R"({"chain": "shop", )" + members + R"(, "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "8MiB"}, "ttl_ms": "1h"},
      {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
           folder_ + R"(/shop.db"}}]})";
  }
  // Freed with the test.
  cachechain_chain *space(const std::string &name, cachechain_chain *of = nullptr) {
    cachechain_chain *made = nullptr;
    EXPECT_EQ(cachechain_chain_namespace(of == nullptr ? chain_ : of, data_of(name), name.size(), &made, error_.out()),
              CACHECHAIN_OK)
        << error_.message();
    spaces_.push_back(made);
    return made;
  }
  int32_t set_in(cachechain_chain *where, std::string_view key, std::string_view value) {
    return cachechain_set(where, nullptr, data_of(key), key.size(), data_of(value), value.size(), &write_,
                          error_.out());
  }
  // The value, or the name of another status.
  std::string get_in(cachechain_chain *where, std::string_view key) {
    cachechain_value value{};
    const int32_t status = cachechain_get(where, nullptr, data_of(key), key.size(), nullptr, 0, &value, error_.out());
    std::string found = status == CACHECHAIN_OK ? std::string(reinterpret_cast<const char *>(value.data), value.size)
                                                : cachechain_status_name(status);
    cachechain_value_release(&value);
    return found;
  }
  int32_t clear(cachechain_chain *where) { return cachechain_clear(where, nullptr, &write_, error_.out()); }

  std::string folder_;
  std::vector<cachechain_chain *> spaces_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_API_SPACES_HARNESS_H_
