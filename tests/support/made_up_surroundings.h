// MadeUpSurroundings: environment variables, files and memory that a test thought up, in place of the machine's.
#ifndef CACHECHAIN_TESTS_SUPPORT_MADE_UP_SURROUNDINGS_H_
#define CACHECHAIN_TESTS_SUPPORT_MADE_UP_SURROUNDINGS_H_

#include <map>
#include <optional>
#include <string>

#include "config/surroundings.h"

namespace cachechain {

class MadeUpSurroundings final : public Surroundings {
 public:
  std::map<std::string, std::string> variables;
  std::map<std::string, std::string> files;
  uint64_t memory = 0;

  std::optional<std::string> environment(const std::string &name) override {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  }
  Result<std::string> file(const std::string &path) override {
    const auto found = files.find(path);
    if (found == files.end()) return Status(CACHECHAIN_CONFIG, "No such file or directory");
    return found->second;
  }
  uint64_t memory_bytes() override { return memory; }
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_SUPPORT_MADE_UP_SURROUNDINGS_H_
