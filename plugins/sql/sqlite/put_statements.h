// PutStatements: the three put conditions in SQL, the same verdicts as plugin::judge() gives.
//
// Run them inside a write transaction. An entry whose version is above the horizon, or whose `created` is not above
// `cleared`, counts as absent: a horizon of 0 becomes the largest number and a `cleared` of 0 becomes -1, so that the
// SQL needs no case for "none". No RETURNING: inside a transaction it costs more than the look-up that replaces it.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_PUT_STATEMENTS_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_PUT_STATEMENTS_H_

#include "sql/common/failure.h"
#include "sql/sqlite/connection.h"

namespace cachechain::sqlite {

class PutStatements {
 public:
  // The connection outlives this.
  Failure prepare(const Connection &writer);

  // Applies one put and fills in the result. On a failure the result holds its status; look at the connection to learn
  // whether the transaction survived.
  Failure apply(const cachechain_put &put, cachechain_put_result &result);

 private:
  Failure run(Statement &statement, const cachechain_put &put, bool &applied);
  Failure read_version(const cachechain_put &put, uint64_t &version);

  const Connection *writer_ = nullptr;
  Statement newer_;
  Statement bump_;           // with a version that is above the next one already
  Statement raise_;          // where bump_ did nothing
  Statement exact_absent_;   // expects 0 and 0: inserts, or replaces what counts as absent
  Statement exact_present_;  // expects an entry: only updates
  Statement version_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_PUT_STATEMENTS_H_
