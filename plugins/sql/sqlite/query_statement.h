// QueryStatement: one statement of the user's, prepared, checked and bound.
//
//   select       one SELECT for a key: the parameters are the captures (:id), all of them; the columns are `value` and,
//                if wanted, `fresh_ms`, milliseconds from now
//   select_many  one SELECT for many keys: its parameter is :keys, a JSON array of the captured values; the columns
//                are named as the capture, `value` and, if wanted, `fresh_ms`
//   upsert       one statement that writes: the captures and :value, a BLOB
//   delete       one statement that writes: the captures
//
// What does not fit is CONFIG, with the option, SQLite's own text and what was expected. A statement may read and write
// tables and nothing else: no PRAGMA, no ATTACH, no transactions, no change of the schema. Used as its connection is.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_STATEMENT_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_STATEMENT_H_

#include <string>
#include <string_view>

#include "sql/common/failure.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/query_key.h"

namespace cachechain::sqlite {

class QueryStatement {
 public:
  enum class Use { kSelect, kSelectMany, kUpsert, kDelete };

  explicit QueryStatement(Use use) : use_(use) {}

  // The connection and the template outlive this.
  Failure prepare(Connection &connection, const KeyTemplate &key, const std::string &sql);

  // The parameters are borrowed until the next binding.
  Failure bind(const KeyTemplate::Parts &parts);
  Failure bind_value(const void *data, size_t size);
  Failure bind_keys(std::string_view json);

  // A step. SQLITE_ROW or SQLITE_DONE in `code`, else a failure.
  Failure step(int &code);
  // What the row says: a value as the get slot hands it out.
  Failure read(const plugin::Call &call, int64_t max_value_bytes, plugin::Buffer buffer, cachechain_value &value);
  // The row's capture, for select_many: as text, until the next step.
  std::string_view captured();

  // That what was answered breaks the statement's contract.
  Failure broken(const char *what) const;
  bool is_prepared() const { return statement_.get() != nullptr; }
  const Statement &statement() const { return statement_; }

 private:
  Failure check_parameters();
  // Why the columns do not fit, "" if they do. Notes where they are.
  std::string learn_columns();
  Failure refuse(const std::string &why) const;
  std::string expected() const;
  const char *option() const;
  bool reads() const { return use_ == Use::kSelect || use_ == Use::kSelectMany; }
  Failure bound(int code) const;

  const Use use_;
  Connection *connection_ = nullptr;
  const KeyTemplate *key_ = nullptr;
  Statement statement_;
  int capture_at_[KeyTemplate::kMostCaptures] = {};  // parameters
  int extra_at_ = 0;                                 // :value or :keys
  int value_at_ = -1;                                // columns
  int fresh_at_ = -1;
  int name_at_ = -1;
  int prepared_again_ = 0;  // times that SQLite did so by itself, when the columns were learnt
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_QUERY_STATEMENT_H_
