// TableRead: the reading statements of table mode.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_

#include <string>

#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class TableRead final : public ReadStatements {
 public:
  Failure prepare(Connection &reader) override;
  Failure get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
              int32_t &status) override;
  std::string ping() const override;

 private:
  Failure read_row(plugin::Host host, plugin::Buffer buffer, cachechain_value &value);

  const Connection *reader_ = nullptr;
  Statement get_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_READ_H_
