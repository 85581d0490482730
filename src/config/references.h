// References: `${env:NAME}` and `${file:PATH}` inside the strings of a configuration are replaced by what they name,
// and `$${` by a plain `${`. What came from outside the text is secret from then on: it stands in no report and in no
// message, only where it came from does.
#ifndef CACHECHAIN_CONFIG_REFERENCES_H_
#define CACHECHAIN_CONFIG_REFERENCES_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/problems.h"
#include "config/surroundings.h"

namespace cachechain {

class References {
 public:
  // A text of 1 MiB must not grow into gigabytes, nor open files all day.
  static constexpr size_t kMaxReferences = 1000;
  static constexpr size_t kMaxResolvedBytes = 1 << 20;

  References(Surroundings &surroundings, Problems &problems) : surroundings_(surroundings), problems_(problems) {}

  // Resolves every string below `tree`, which must not change afterwards.
  void resolve(nlohmann::json &tree, const std::string &path);

  // "environment NAME" or "file PATH", several joined by commas; NULL for what the text itself says.
  const std::string *origin(const nlohmann::json &node) const;
  // The same for a node and all below it, or "configuration".
  std::string origins_below(const nlohmann::json &node) const;
  // `node`, found under `key`, as a report may show it: with "***" for what is secret, or looks like a secret.
  nlohmann::json masked(std::string_view key, const nlohmann::json &node) const;

 private:
  struct Resolved {
    std::string text;
    std::string from;
  };

  void resolve_string(nlohmann::json &node, const std::string &path);
  // What `${inside}` stands for, appended; false after a problem.
  bool append(std::string_view inside, const std::string &path, Resolved &resolved);

  Surroundings &surroundings_;
  Problems &problems_;
  size_t count_ = 0;
  size_t bytes_ = 0;
  std::unordered_map<const nlohmann::json *, std::string> origins_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_REFERENCES_H_
