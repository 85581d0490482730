// Settings: the options of an SQLite layer, checked. The presence of "select" chooses query mode.
//
//   path             the file; in table mode made if it is missing, its folder is not
//   synchronous      "normal": survives a crash of the process; "full": each acknowledged write survives power loss;
//                    in query mode SQLite's own default if it is not given
//   cache_bytes      page cache of each connection
//   mmap_bytes       0: off. A memory-mapped file turns an I/O error into a signal, and is slower beside a writer
//   readers          most reading connections
//   busy_ms          longest wait for a lock that another process holds, if the call's deadline allows that
//   max_value_bytes  largest value
// Table mode:
//   table            "cachechain"; several chains may share a file by tables of their own
//   cleanup_ms       how often writers look for expired entries; 0: only maintain() does
// Query mode, see query_statement.h for what each statement must look like:
//   key              how keys are made up, "{key:blob}" if not given
//   select, upsert, delete, select_many    the statements; all but select may be missing
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sql/sqlite/query_key.h"

namespace cachechain::sqlite {

// The user's statements; "" for one that is missing.
struct Query {
  KeyTemplate key;
  std::string select;
  std::string upsert;
  std::string remove;
  std::string select_many;
};

struct Settings {
  std::string path;  // absolute
  std::string chain;
  std::string table;
  std::optional<Query> query;  // in query mode
  std::string synchronous;     // "" leaves it alone
  int64_t cache_bytes = 0;
  int64_t mmap_bytes = 0;
  int64_t readers = 0;
  int64_t busy_ms = 0;
  int64_t max_value_bytes = 0;
  int64_t cleanup_ms = 0;

  bool writes() const { return !query || !query->upsert.empty() || !query->remove.empty(); }
};

// Reads the options of a layer of `chain`. Returns every problem that they have, "" for none.
std::string read_settings(std::string_view options, std::string_view chain, Settings &settings);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_
