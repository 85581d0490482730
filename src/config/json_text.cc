#include "config/json_text.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace cachechain {
namespace {

using nlohmann::json;

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kSpaces = " \t\r\n";

// The library's texts begin with "[json.exception.x.101] parse error at line 1, column 2: "; we count lines ourselves.
std::string_view without_preamble(std::string_view text) {
  if (const size_t end = text.find("] "); text.starts_with('[') && end != text.npos) text.remove_prefix(end + 2);
  if (const size_t end = text.find(": "); text.starts_with("parse error") && end != text.npos) {
    text.remove_prefix(end + 2);
  }
  return text;
}

// The library quotes what it read last, which may be anything of any length.
std::string printable(std::string_view text) {
  constexpr size_t kMost = 200;
  std::string shown(text.substr(0, kMost));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.size() > kMost) shown += "...";
  return shown;
}

// "line 3, column 7" of the byte at `offset`; columns count characters.
std::string place_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const size_t line_start = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const auto is_newline = [](char c) { return c == '\n'; };
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; };
  const std::string_view line = before.substr(line_start);
  return "line " + std::to_string(1 + std::count_if(before.begin(), before.end(), is_newline)) + ", column " +
         std::to_string(1 + std::count_if(line.begin(), line.end(), begins_character));
}

class TreeBuilder final : public nlohmann::json_sax<json> {
 public:
  TreeBuilder(std::string_view text, Problems &problems) : text_(text), problems_(problems) {}

  json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t &digits) override {
    add(value);
    if (digits.find_first_of(".eE") == digits.npos) {
      problems_.add(path(), "the whole number " + in_quotes(digits) + " does not fit in 64 bits");
    }
    return true;
  }
  bool string(string_t &value) override { return add(std::move(value)); }
  bool binary(binary_t &) override { return false; }  // not in a text

  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t &name) override {
    Level &level = open_.back();
    level.key = std::move(name);
    if (level.key.size() > kMaxConfigKeyBytes) {
      problems_.add(path(), "a key of " + std::to_string(level.key.size()) + " bytes; at most " +
                                std::to_string(kMaxConfigKeyBytes) + " are allowed");
    }
    // The later value replaces the earlier one in the tree; the problem stands anyway.
    if (level.node->contains(level.key)) problems_.add(path(), "is given twice");
    return true;
  }

  bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &error) override {
    // `position` counts the bytes read, the offending one included.
    const size_t offset = std::min(position == 0 ? 0 : position - 1, text_.size());
    std::string what = printable(without_preamble(error.what()));
    if (offset < text_.size() && (text_[offset] == '}' || text_[offset] == ']')) {
      const size_t before = text_.substr(0, offset).find_last_not_of(kSpaces);
      if (before != text_.npos && text_[before] == ',') what = "a comma before the closing bracket (trailing comma)";
    }
    problems_.add(place_of(text_, offset), what);
    return false;
  }

 private:
  // An object or array that is not yet closed, and the key in it that is being read. Its parent gets no further
  // children meanwhile, so the pointer stays good.
  struct Level {
    json *node;
    std::string key;
  };

  json *place(json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Level &level = open_.back();
    if (level.node->is_array()) {
      level.node->push_back(std::move(value));
      return &level.node->back();
    }
    return &((*level.node)[level.key] = std::move(value));
  }

  bool add(json value) {
    place(std::move(value));
    return true;
  }

  bool open(json empty) {
    json *const node = place(std::move(empty));
    if (open_.size() == kMaxConfigDepth) {
      problems_.add(path(), "is nested deeper than " + std::to_string(kMaxConfigDepth) + " levels");
      return false;
    }
    open_.push_back({node, {}});
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  // Of the value that is being read or was read last.
  std::string path() const {
    std::string whole;
    for (const Level &level : open_) {
      whole = level.node->is_object() ? member_path(whole, level.key)
                                      : item_path(whole, level.node->empty() ? 0 : level.node->size() - 1);
    }
    return whole;
  }

  std::string_view text_;
  Problems &problems_;
  json root_;
  std::vector<Level> open_;
};

}  // namespace

bool read_json(std::string_view text, Problems &problems, json &root) {
  if (text.size() > kMaxConfigBytes) {
    problems.add("", "the configuration has " + std::to_string(text.size()) + " bytes; at most " +
                         std::to_string(kMaxConfigBytes) + " are allowed");
    return false;
  }
  if (text.starts_with(kByteOrderMark)) {
    problems.add("line 1, column 1", "begins with a byte order mark; save the file as UTF-8 without one");
    return false;
  }
  if (text.find_first_not_of(kSpaces) == text.npos) {
    problems.add("", "the configuration is empty; it must be one JSON object");
    return false;
  }
  TreeBuilder builder(text, problems);
  const bool whole = json::sax_parse(text.begin(), text.end(), &builder, json::input_format_t::json, /*strict=*/true,
                                     /*ignore_comments=*/true);
  if (whole) root = builder.take();
  return whole;
}

}  // namespace cachechain
