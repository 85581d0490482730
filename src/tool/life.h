// Spans of time as people write them: "500ms", "30s", "10min", "2h", "7d".
#ifndef CACHECHAIN_TOOL_LIFE_H_
#define CACHECHAIN_TOOL_LIFE_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace cachechain::tool {

// None for what is no span of time, or is zero, or lacks its unit: a bare number would be seconds to one reader and
// milliseconds to the next. "none" is a life without an end, std::chrono::milliseconds::max().
std::optional<std::chrono::milliseconds> parse_life(std::string_view text);

// For CLI11: "" if `text` is a life, else what is wrong with it.
std::string check_life(const std::string &text);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_LIFE_H_
