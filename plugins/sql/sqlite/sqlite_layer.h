// SqliteLayer: the slots of the SQLite plugin over one Database, persistent and shared by processes. In table mode a
// table of ours is the layer, with all three put conditions; in query mode (CAP_PLAIN) the user's tables are, by the
// user's statements. Writes that come together share a commit.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_SQLITE_LAYER_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_SQLITE_LAYER_H_

#include <memory>
#include <span>
#include <string>

#include "cachechain/plugin.hpp"
#include "sql/sqlite/database.h"

namespace cachechain::sqlite {

class SqliteLayer {
 public:
  static int32_t open(const plugin::Opening &opening, cachechain_layer_info &info, std::unique_ptr<SqliteLayer> &layer);
  explicit SqliteLayer(Settings settings) : database_(std::move(settings)) {}

  int32_t get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value);
  int32_t get_many(const plugin::Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses);
  int32_t put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result);
  // One transaction. A failure that all puts share is the whole's.
  int32_t put_many(const plugin::Call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results);
  int32_t erase_many(const plugin::Call &call, std::span<const cachechain_key> keys);
  int32_t ping(const plugin::Call &call);
  int32_t sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed);
  int32_t maintain(const plugin::Call &call);
  std::string stats() { return database_.stats(); }

 private:
  Failure check(const plugin::Call &call) const;
  Failure check(const cachechain_key &key) const;
  Failure check(const cachechain_put &put) const;
  Failure write_puts(const plugin::Call &call, std::span<const cachechain_put> puts,
                     std::span<cachechain_put_result> results);

  Database database_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_SQLITE_LAYER_H_
