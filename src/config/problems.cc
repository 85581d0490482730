#include "config/problems.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cachechain {
namespace {

bool is_plain_key(std::string_view key) {
  return !key.empty() && key.size() <= 64 && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '$';
  });
}

}  // namespace

void Problems::add(std::string_view where, std::string_view what) {
  if (lines_.size() == kMaxLines) {
    ++more_;
    return;
  }
  std::string line(where);
  if (!line.empty()) line += ": ";
  lines_.emplace_back(line += what);
}

std::string Problems::text() const {
  std::string all;
  for (const std::string &line : lines_) {
    if (!all.empty()) all += '\n';
    all += line;
  }
  if (more_ != 0) all += "\nand " + std::to_string(more_) + " more";
  return all;
}

std::string in_quotes(std::string_view text, size_t most) {
  const bool cut = text.size() > most;
  // `replace` also mends a character that the cut went through.
  const nlohmann::json string = std::string(text.substr(0, most));
  std::string shown = string.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
  if (cut) shown.insert(shown.size() - 1, "...");
  return shown;
}

std::string member_path(std::string_view path, std::string_view key) {
  std::string whole(path);
  if (!whole.empty()) whole += '.';
  return whole += is_plain_key(key) ? std::string(key) : in_quotes(key);
}

std::string item_path(std::string_view path, size_t index) {
  return std::string(path) + '[' + std::to_string(index) + ']';
}

std::string suggestion(std::string_view name) {
  return name.empty() ? std::string() : " (did you mean \"" + std::string(name) + "\"?)";
}

}  // namespace cachechain
