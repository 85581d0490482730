#include "output.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>

namespace cachechain::tool {
namespace {

constexpr char kEraseLine[] = "\r\x1b[K";

struct StatusLine {
  std::mutex mutex;
  std::string text;
};

StatusLine &status_line() {
  static StatusLine line;
  return line;
}

size_t width_of(std::string_view text) {
  // Code points are near enough: what we print in columns is names and numbers.
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

void complain(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    if (end > 0) lines.append("cachechain: ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  StatusLine &status = status_line();
  std::lock_guard lock(status.mutex);
  if (!status.text.empty()) lines = kEraseLine + lines + status.text;
  fwrite(lines.data(), 1, lines.size(), stderr);
}

void show_status(std::string_view text) {
  StatusLine &status = status_line();
  std::lock_guard lock(status.mutex);
  if (text.empty() && status.text.empty()) return;
  status.text = text;
  std::string line = kEraseLine + status.text;
  fwrite(line.data(), 1, line.size(), stderr);
}

bool on_terminal(FILE *stream) {
  const char *term = getenv("TERM");
  return isatty(fileno(stream)) == 1 && term != nullptr && strcmp(term, "dumb") != 0;
}

void print(std::string_view text) { fwrite(text.data(), 1, text.size(), stdout); }

void print_json(const Json &json) { print(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"); }

bool finish_output() {
  if (fflush(stdout) == 0 && ferror(stdout) == 0) return true;
  complain(std::string("standard output: ") + strerror(errno));
  return false;
}

std::string Table::text(size_t indent) const {
  std::vector<size_t> widths;
  bool has_head = false;
  for (const Column &column : columns_) {
    widths.push_back(width_of(column.title));
    has_head = has_head || !column.title.empty();
  }
  for (const auto &row : rows_) {
    for (size_t i = 0; i < std::min(row.size(), widths.size()); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  auto add_line = [&](auto cell_of) {
    std::string line(indent, ' ');
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::string_view cell = cell_of(i);
      std::string padding(widths[i] - width_of(cell), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].align == Align::kRight ? padding.append(cell) : std::string(cell).append(padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  if (has_head) add_line([&](size_t i) -> std::string_view { return columns_[i].title; });
  for (const auto &row : rows_) {
    add_line([&](size_t i) -> std::string_view { return i < row.size() ? std::string_view(row[i]) : ""; });
  }
  return text;
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3;) digits.insert(i -= 3, ",");
  return digits;
}

std::string decimal(double number, int decimals) {
  char text[64];
  int size = snprintf(text, sizeof text, "%.*f", decimals, number);
  return {text, static_cast<size_t>(std::clamp(size, 0, static_cast<int>(sizeof text) - 1))};
}

std::string printable(std::string_view text) {
  // JSON's escapes are what people know; its quotes and their escapes are not wanted here.
  std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string plain;
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    if (quoted[i] == '\\' && (quoted[i + 1] == '"' || quoted[i + 1] == '\\')) ++i;
    plain += quoted[i];
  }
  return plain;
}

bool is_utf8(std::string_view text) {
  try {
    (void)Json(text).dump();
    return true;
  } catch (const Json::type_error &) {
    return false;
  }
}

void put_bytes(Json &object, const std::string &name, std::string_view bytes) {
  if (is_utf8(bytes)) {
    object[name] = bytes;
  } else {
    object[name + "_base64"] = base64(bytes);
  }
}

std::string base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) text += i + j <= bytes.size() ? kDigits[group >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

}  // namespace cachechain::tool
