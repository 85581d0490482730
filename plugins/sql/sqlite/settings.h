// Settings: the options of an SQLite layer, checked.
//
//   path             the file; made if it is missing, its folder is not
//   table            "cachechain"; several chains may share a file by tables of their own
//   synchronous      "normal": survives a crash of the process; "full": each acknowledged write survives power loss
//   cache_bytes      page cache of each connection
//   mmap_bytes       0: off. A memory-mapped file turns an I/O error into a signal, and is slower beside a writer
//   readers          most reading connections
//   busy_ms          longest wait for a lock that another process holds, if the call's deadline allows that
//   max_value_bytes  largest value
//   cleanup_ms       how often writers look for expired entries; 0: only maintain() does
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace cachechain::sqlite {

struct Settings {
  std::string path;  // absolute
  std::string table;
  std::string chain;
  bool full_sync = false;
  int64_t cache_bytes = 0;
  int64_t mmap_bytes = 0;
  int64_t readers = 0;
  int64_t busy_ms = 0;
  int64_t max_value_bytes = 0;
  int64_t cleanup_ms = 0;
};

// Reads the options of a layer of `chain`. Returns every problem that they have, "" for none.
std::string read_settings(std::string_view options, std::string_view chain, Settings &settings);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_SETTINGS_H_
