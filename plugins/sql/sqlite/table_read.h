// TableRead: the reading statements of table mode.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_

#include <array>
#include <span>
#include <string>

#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class TableRead final : public ReadStatements {
 public:
  Failure prepare(Connection &reader) override;
  Failure get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
              int32_t &status) override;
  // Some keys in one statement, as often as it takes. A row that is no entry is that key's status alone.
  Failure get_many(const plugin::Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses) override;
  std::string ping() const override;

 private:
  // For `size` keys at once; prepared when they are first needed.
  struct Many {
    size_t size;
    Statement statement;
  };

  Failure prepare(Many &many) const;
  // Keys of one space, at most many.size of them.
  Failure get_together(const plugin::Call &call, Many &many, std::span<const cachechain_key> keys,
                       std::span<cachechain_value> values, std::span<int32_t> statuses);
  Failure read_row(plugin::Host host, sqlite3_stmt *row, plugin::Buffer buffer, cachechain_value &value) const;

  const Connection *reader_ = nullptr;
  Statement get_;
  // The largest first; what is left over goes into the smallest.
  std::array<Many, 3> many_ = {Many{64, {}}, Many{16, {}}, Many{4, {}}};
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_
