#include "sql/sqlite/query_key.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace cachechain::sqlite {

namespace {

constexpr size_t kLongestName = 63;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::optional<KeyTemplate::Type> type_of(std::string_view name) {
  if (name == "int") return KeyTemplate::Type::kInt;
  if (name == "text") return KeyTemplate::Type::kText;
  if (name == "blob") return KeyTemplate::Type::kBlob;
  return std::nullopt;
}

// Without a NUL, behind which an expression of SQL may not look.
bool is_text(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size();) {
    const auto lead = static_cast<uint8_t>(bytes[i++]);
    if (lead == 0 || lead > 0xf4) return false;
    if (lead < 0x80) continue;
    if (lead < 0xc2) return false;
    const size_t more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if (bytes.size() - i < more) return false;
    const auto second = static_cast<uint8_t>(bytes[i]);
    // Longer than needed, a surrogate, beyond the last character.
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f)) {
      return false;
    }
    for (size_t end = i + more; i < end; ++i) {
      if ((static_cast<uint8_t>(bytes[i]) & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

bool is_int(std::string_view bytes, int64_t &number) {
  const std::string_view digits = bytes.substr(bytes.starts_with('-') ? 1 : 0);
  if (digits.empty() || (digits.front() == '0' && bytes.size() != 1)) return false;
  const char *end = bytes.data() + bytes.size();
  const auto [rest, error] = std::from_chars(bytes.data(), end, number);
  return error == std::errc() && rest == end;
}

bool fits(KeyTemplate::Type type, KeyTemplate::Part &part) {
  switch (type) {
    case KeyTemplate::Type::kInt:
      return is_int(part.bytes, part.number);
    case KeyTemplate::Type::kText:
      return is_text(part.bytes);
    default:
      return true;
  }
}

}  // namespace

std::string KeyTemplate::parse(std::string_view text) {
  text_ = text;
  captures_.clear();
  after_.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool brace = text[i] == '{' || text[i] == '}';
    if (!brace || (i + 1 < text.size() && text[i + 1] == text[i])) {
      after_ += text[i];
      i += brace ? 1 : 0;
      continue;
    }
    const size_t end = text.find('}', i);
    if (text[i] == '}' || end == std::string_view::npos)
      return "a brace without its other one; write {{ or }} for text";
    const std::string_view inside = text.substr(i + 1, end - i - 1);
    const size_t colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    const auto type = colon == std::string_view::npos ? Type::kText : type_of(inside.substr(colon + 1));
    const std::string shown = "{" + std::string(inside) + "}";
    if (!is_name(name)) return shown + ": a capture is {name:type}, its name letters, digits and _";
    if (!type) return shown + ": the type of a capture is int, text or blob";
    if (name == "value" || name == "keys" || name == "fresh_ms") return shown + ": the name has another meaning";
    const auto same = [&](const Capture &other) { return other.name == name; };
    if (std::any_of(captures_.begin(), captures_.end(), same)) return shown + ": the name is there twice";
    if (!captures_.empty() && after_.empty()) return shown + ": there must be text between two captures";
    if (captures_.size() == kMostCaptures) return shown + ": there are at most 8 captures";
    captures_.push_back({std::string(name), *type, after_});
    after_.clear();
    i = end;
  }
  return captures_.empty() ? "there is no capture such as {id:int}: every key would be the same row" : "";
}

bool KeyTemplate::match(std::string_view key, Parts &parts) const {
  if (!key.starts_with(captures_.front().before)) return false;
  key.remove_prefix(captures_.front().before.size());
  for (size_t i = 0; i < captures_.size(); ++i) {
    const bool last = i + 1 == captures_.size();
    const std::string &behind = last ? after_ : captures_[i + 1].before;
    if (last && !key.ends_with(behind)) return false;
    const size_t end = last ? key.size() - behind.size() : key.find(behind, 1);
    if (end == 0 || end == std::string_view::npos) return false;
    parts[i].bytes = key.substr(0, end);
    if (!fits(captures_[i].type, parts[i])) return false;
    key.remove_prefix(end + behind.size());
  }
  return true;
}

}  // namespace cachechain::sqlite
