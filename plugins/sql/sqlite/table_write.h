// TableWrite: the writing statements of table mode, over a schema that it makes or checks first.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_WRITE_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_WRITE_H_

#include "sql/sqlite/put_statements.h"
#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class TableWrite final : public WriteStatements {
 public:
  Failure prepare(Connection &writer) override;
  // A put of ours is short, and interrupting it would cost its neighbours their transaction: no Guard.
  Failure put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) override;
  Failure erase(const plugin::Call &call, const cachechain_key &key) override;
  Failure remove_expired(int64_t now_ms, int64_t most, int64_t &removed) override;
  Failure remove_space(const cachechain_space *space, int64_t most, int64_t &removed) override;

 private:
  Failure remove(Statement &statement, const char *what, int64_t &removed);

  const Connection *writer_ = nullptr;
  PutStatements puts_;
  Statement erase_;
  Statement remove_expired_;
  Statement remove_space_;
  Statement remove_all_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_TABLE_WRITE_H_
