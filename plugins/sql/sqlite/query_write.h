// QueryWrite: the writing statements of query mode. It checks the reading ones too: an instance opens its writer first,
// and must refuse what cannot work before anybody reads.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_WRITE_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_WRITE_H_

#include "sql/sqlite/query_statement.h"
#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

// Why this put can never be carried out: a kind, a codec or a key that a row cannot be, or a statement that is missing.
Failure problem_of_put(const Query &query, const cachechain_put &put);

class QueryWrite final : public WriteStatements {
 public:
  // `query` outlives it.
  explicit QueryWrite(const Query &query) : query_(query) {}

  Failure prepare(Connection &writer) override;
  // A value by "upsert", a tombstone by "delete". The statement is somebody's and may be long: it is interrupted at the
  // deadline of the call, at the price of the transaction, which the write queue then begins again without it.
  Failure put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) override;
  Failure erase(const plugin::Call &call, const cachechain_key &key) override;
  Failure remove_expired(int64_t now_ms, int64_t most, int64_t &removed) override;
  Failure remove_space(const cachechain_space *space, int64_t most, int64_t &removed) override;

 private:
  Failure run(const plugin::Call &call, QueryStatement &statement, bool must_change);
  Failure undo(const Failure &failure);

  const Query &query_;
  Connection *writer_ = nullptr;
  QueryStatement upsert_{QueryStatement::Use::kUpsert};
  QueryStatement delete_{QueryStatement::Use::kDelete};
  Statement rollback_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_WRITE_H_
