// What every command prints with. Answers go to standard output; whatever else is said goes to standard error, each
// line behind "cachechain: ", so that a pipe carries answers only. Any thread may call complain() and show_status().
#ifndef CACHECHAIN_TOOL_OUTPUT_H_
#define CACHECHAIN_TOOL_OUTPUT_H_

#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cachechain::tool {

// Members stand in the order in which they were put.
using Json = nlohmann::ordered_json;

// Exit statuses, part of the command's contract.
enum Exit : int {
  kDone = 0,
  kFailure = 1,
  kUsage = 2,
  kNotFound = 3,     // not found, or a miss
  kDegradedMiss = 4  // a miss, but some layer could not be asked
};

// One "cachechain: ..." line per line of `text`.
void complain(std::string_view text);
inline int fail(std::string_view text) {
  complain(text);
  return kFailure;
}
inline int misuse(std::string_view text) {
  complain(text);
  return kUsage;
}

// A line at the bottom of the terminal that the next one replaces; "" takes it away. complain() goes above it.
void show_status(std::string_view text);

bool on_terminal(FILE *stream);

void print(std::string_view text);
// Indented, with bytes that are not UTF-8 replaced.
void print_json(const Json &json);
// False, with a complaint, if standard output did not take everything (a full disk).
bool finish_output();

// Columns as wide as their widest cell, two blanks between them.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  // Without titles the table has no head.
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  // Missing cells are empty.
  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  std::string text(size_t indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "1,234,567"
std::string grouped(uint64_t number);
// "3.14" with the given number of decimals.
std::string decimal(double number, int decimals);
// Text that may go to a terminal: control characters are escaped, bytes that are not UTF-8 replaced.
std::string printable(std::string_view text);
bool is_utf8(std::string_view text);
// Bytes in JSON: `name` if they are text, else `name`_base64.
void put_bytes(Json &object, const std::string &name, std::string_view bytes);
std::string base64(std::string_view bytes);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_OUTPUT_H_
