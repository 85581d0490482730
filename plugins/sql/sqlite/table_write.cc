#include "sql/sqlite/table_write.h"

#include <string>

#include "sql/sqlite/schema.h"

namespace cachechain::sqlite {

Failure TableWrite::prepare(Connection &writer) {
  writer_ = &writer;
  const std::string &name = writer.settings().table;
  const std::string table = "\"" + name + "\"";
  const std::string remove = "DELETE FROM " + table + " WHERE id IN (SELECT id FROM " + table;
  Failure failure = prepare_schema(writer);
  if (!failure) failure = puts_.prepare(writer);
  if (!failure) failure = erase_.prepare(writer, "DELETE FROM " + table + " WHERE ns = ?1 AND k = ?2");
  if (!failure) {
    failure = remove_expired_.prepare(
        writer,
        remove + " INDEXED BY \"" + name + "_expires\" WHERE expires > 0 AND expires <= ?1 ORDER BY expires LIMIT ?2)");
  }
  if (!failure) failure = remove_space_.prepare(writer, remove + " WHERE ns = ?1 LIMIT ?2)");
  if (!failure) failure = remove_all_.prepare(writer, remove + " LIMIT ?2)");
  return failure;
}

Failure TableWrite::put(const plugin::Call &, const cachechain_put &put, cachechain_put_result &result) {
  return puts_.apply(put, result);
}

Failure TableWrite::erase(const plugin::Call &, const cachechain_key &key) {
  bind_space(erase_, key.space);
  bind_key(erase_, key);
  const int code = erase_.run();
  return code == SQLITE_DONE ? Failure() : writer_->failure("erase", code);
}

Failure TableWrite::remove_expired(int64_t now_ms, int64_t most, int64_t &removed) {
  sqlite3_bind_int64(remove_expired_.get(), 1, now_ms);
  sqlite3_bind_int64(remove_expired_.get(), 2, most);
  return remove(remove_expired_, "remove what expired", removed);
}

Failure TableWrite::remove_space(const cachechain_space *space, int64_t most, int64_t &removed) {
  Statement &statement = space == nullptr ? remove_all_ : remove_space_;
  if (space != nullptr) bind_space(statement, space);
  sqlite3_bind_int64(statement.get(), 2, most);
  return remove(statement, "sweep", removed);
}

Failure TableWrite::remove(Statement &statement, const char *what, int64_t &removed) {
  removed = 0;
  const int code = statement.run();
  if (code != SQLITE_DONE) return writer_->failure(what, code);
  removed = sqlite3_changes(writer_->handle());
  return Failure();
}

}  // namespace cachechain::sqlite
