#include "sql/sqlite/statements.h"

#include "sql/sqlite/query_read.h"
#include "sql/sqlite/query_write.h"
#include "sql/sqlite/table_read.h"
#include "sql/sqlite/table_write.h"

namespace cachechain::sqlite {

std::unique_ptr<ReadStatements> make_read_statements(const Settings &settings) {
  if (settings.query) return std::make_unique<QueryRead>(*settings.query, settings.max_value_bytes);
  return std::make_unique<TableRead>();
}

std::unique_ptr<WriteStatements> make_write_statements(const Settings &settings) {
  if (settings.query) return std::make_unique<QueryWrite>(*settings.query);
  return std::make_unique<TableWrite>();
}

}  // namespace cachechain::sqlite
