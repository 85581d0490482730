#include "life.h"

#include <charconv>
#include <cstdint>

namespace cachechain::tool {

std::optional<std::chrono::milliseconds> parse_life(std::string_view text) {
  using std::chrono::milliseconds;
  if (text == "none") return milliseconds::max();
  static constexpr struct {
    std::string_view name;
    int64_t ms;
  } kUnits[] = {{"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0) return std::nullopt;
  std::string_view name(end, static_cast<size_t>(text.data() + text.size() - end));
  for (const auto &unit : kUnits) {
    if (unit.name == name && number <= INT64_MAX / 2 / unit.ms) return milliseconds(number * unit.ms);
  }
  return std::nullopt;
}

std::string check_life(const std::string &text) {
  if (parse_life(text).has_value()) return "";
  return "'" + text + "' is no life; write a whole number above zero and its unit (500ms, 30s, 10min, 2h, 7d), or none";
}

}  // namespace cachechain::tool
