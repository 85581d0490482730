#include "sql/sqlite/settings.h"

#include <strings.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

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

// A statement, "" if it is missing or wrong.
std::string read_statement(plugin::Options &reader, const char *name) {
  std::string sql = reader.text(name, "");
  const bool nul = sql.find('\0') != std::string::npos;
  if (nul) reader.problem(std::string("\"") + name + "\" has a NUL in it");
  if (sql.empty() && reader.has(name)) reader.problem(std::string("\"") + name + "\" must be a statement");
  return sql;
}

void read_mode(plugin::Options &reader, Settings &settings) {
  const bool queries = reader.has("select");
  // Each mode's options are asked for in both, so that a misspelt one finds the name that was meant.
  for (const char *name : {"table", "cleanup_ms"}) {
    if (!queries || !reader.has(name)) continue;
    reader.problem(std::string("\"") + name + "\" is about a table of the layer's own, and \"select\" about yours");
  }
  for (const char *name : {"key", "upsert", "delete", "select_many"}) {
    if (queries || !reader.has(name)) continue;
    reader.problem(std::string("\"") + name + "\" needs \"select\" beside it");
  }
  settings.table = reader.text("table", "cachechain");
  settings.cleanup_ms = reader.duration_ms("cleanup_ms", 1000, 0, 86'400'000);
  Query query;
  query.select = read_statement(reader, "select");
  query.upsert = read_statement(reader, "upsert");
  query.remove = read_statement(reader, "delete");
  query.select_many = read_statement(reader, "select_many");
  const std::string problem = query.key.parse(reader.text("key", "{key:blob}"));
  if (!queries) {
    if (const std::string taken = problem_of_table(settings.table); !taken.empty()) reader.problem(taken);
    return;
  }
  settings.cleanup_ms = 0;
  if (!problem.empty()) reader.problem("\"key\": " + problem);
  if (problem.empty() && reader.has("select_many")) {
    const std::vector<KeyTemplate::Capture> &captures = query.key.captures();
    if (captures.size() != 1) reader.problem("\"select_many\" needs a \"key\" with one capture");
    if (captures.front().type == KeyTemplate::Type::kBlob) {
      reader.problem("\"select_many\" cannot be used with a capture of type blob, which JSON has not");
    }
  }
  settings.query = std::move(query);
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
  read_mode(reader, settings);
  static constexpr std::string_view kSynchronous[] = {"normal", "full"};
  settings.synchronous = reader.choice("synchronous", settings.query ? "" : "normal", kSynchronous);
  settings.cache_bytes = reader.size_bytes("cache_bytes", 8 * kMiB, 64 << 10, 16 * kGiB);
  settings.mmap_bytes = reader.size_bytes("mmap_bytes", 0, 0, 1024 * kGiB);
  settings.readers = reader.integer("readers", 16, 1, 256);
  settings.busy_ms = reader.duration_ms("busy_ms", 1000, 0, 600'000);
  settings.max_value_bytes = reader.size_bytes("max_value_bytes", 64 * kMiB, 0, kLargestValue);
  return reader.problems();
}

}  // namespace cachechain::sqlite
