#include "sql/sqlite/settings.h"

#include <strings.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/options.h"
#include "sql/sqlite/schema.h"

namespace cachechain::sqlite {

namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kGiB = 1 << 30;
// SQLite's own limit of a row is 10^9 bytes by default; a row is its key, its times and the value.
constexpr int64_t kLargestValue = 999'000'000;
constexpr size_t kLongestTable = 63;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string problem_of_table(const std::string &table) {
  const bool name = !table.empty() && table.size() <= kLongestTable && is_letter(table.front()) &&
                    std::all_of(table.begin(), table.end(), [](char c) { return is_letter(c) || is_digit(c); });
  if (!name) return "\"table\" must be 1 to 63 letters, digits or _, and not begin with a digit";
  if (strncasecmp(table.c_str(), "sqlite_", 7) == 0 || strcasecmp(table.c_str(), kMetaTable) == 0) {
    return "\"table\" is a name that is taken; choose another";
  }
  return "";
}

std::string problem_of_path(const std::string &path) {
  if (path.empty()) return "\"path\" is missing: the file that holds the table";
  if (path.find('\0') != std::string::npos) return "\"path\" has a NUL in it";
  if (path == ":memory:") return "\"path\" must be a file: a table in memory could not be shared by connections";
  if (path.starts_with("file:")) return "\"path\" must be a plain path, not a URI";
  return "";
}

}  // namespace

std::string read_settings(std::string_view options, std::string_view chain, Settings &settings) {
  plugin::Options reader(options);
  settings.chain = chain;
  settings.path = reader.text("path", "");
  if (const std::string problem = problem_of_path(settings.path); !problem.empty()) {
    reader.problem(problem);
  } else {
    // A relative path must mean the same file when the connection is made again.
    std::error_code error;
    const std::filesystem::path absolute = std::filesystem::absolute(settings.path, error);
    if (error) {
      reader.problem("\"path\" cannot be made absolute: " + error.message());
    } else {
      settings.path = absolute.lexically_normal().string();
    }
  }
  settings.table = reader.text("table", "cachechain");
  if (const std::string problem = problem_of_table(settings.table); !problem.empty()) reader.problem(problem);
  static constexpr std::string_view kSynchronous[] = {"normal", "full"};
  settings.full_sync = reader.choice("synchronous", "normal", kSynchronous) == "full";
  settings.cache_bytes = reader.size_bytes("cache_bytes", 8 * kMiB, 64 << 10, 16 * kGiB);
  settings.mmap_bytes = reader.size_bytes("mmap_bytes", 0, 0, 1024 * kGiB);
  settings.readers = reader.integer("readers", 16, 1, 256);
  settings.busy_ms = reader.duration_ms("busy_ms", 1000, 0, 600'000);
  settings.max_value_bytes = reader.size_bytes("max_value_bytes", 64 * kMiB, 0, kLargestValue);
  settings.cleanup_ms = reader.duration_ms("cleanup_ms", 1000, 0, 86'400'000);
  return reader.problems();
}

}  // namespace cachechain::sqlite
