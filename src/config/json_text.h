// From text to a JSON tree, strictly: at most 1 MiB, 32 levels and keys of 256 bytes, UTF-8 without a byte order mark,
// no key twice, no number that would lose digits. `//` and `/* */` comments are allowed. Any bytes are answered at
// once; nothing recurses on the input's depth.
#ifndef CACHECHAIN_CONFIG_JSON_TEXT_H_
#define CACHECHAIN_CONFIG_JSON_TEXT_H_

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "config/problems.h"

namespace cachechain {

inline constexpr size_t kMaxConfigBytes = 1 << 20;
inline constexpr size_t kMaxConfigDepth = 32;
inline constexpr size_t kMaxConfigKeyBytes = 256;

// False if the text is no JSON; then, and also where a tree was made that breaks a rule, the problems say why.
bool read_json(std::string_view text, Problems &problems, nlohmann::json &root);

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_JSON_TEXT_H_
