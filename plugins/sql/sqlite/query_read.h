// QueryRead: the reading statements of query mode.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_READ_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_READ_H_

#include <string>

#include "sql/sqlite/query_statement.h"
#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class QueryRead final : public ReadStatements {
 public:
  // `query` outlives it.
  QueryRead(const Query &query, int64_t max_value_bytes) : query_(query), max_value_bytes_(max_value_bytes) {}

  Failure prepare(Connection &reader) override;
  // MISS for a key that does not fit the template.
  Failure get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
              int32_t &status) override;
  // By select_many if there is one.
  Failure get_many(const plugin::Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses) override;
  std::string ping() const override { return "SELECT 1 FROM sqlite_schema LIMIT 1"; }

 private:
  const Query &query_;
  const int64_t max_value_bytes_;
  QueryStatement select_{QueryStatement::Use::kSelect};
  QueryStatement select_many_{QueryStatement::Use::kSelectMany};
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_READ_H_
