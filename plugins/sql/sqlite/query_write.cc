#include "sql/sqlite/query_write.h"

#include "sql/sqlite/query_read.h"

namespace cachechain::sqlite {

namespace {

bool match(const Query &query, const cachechain_key &key, KeyTemplate::Parts &parts) {
  return query.key.match({reinterpret_cast<const char *>(key.data), static_cast<size_t>(key.size)}, parts);
}

Failure not_here() { return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "a table that is not ours is not swept"); }

}  // namespace

Failure problem_of_put(const Query &query, const cachechain_put &put) {
  const uint32_t kind = put.flags & CACHECHAIN_FLAG_KIND_MASK;
  if (kind != CACHECHAIN_KIND_VALUE && kind != CACHECHAIN_KIND_TOMBSTONE) {
    return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "an entry of kind %u cannot be kept in a table that is not ours",
                   kind);
  }
  if ((put.flags & CACHECHAIN_FLAG_CODEC_MASK) != 0) {
    return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "a value with a codec cannot be kept in a table that is not ours");
  }
  if (kind == CACHECHAIN_KIND_VALUE && query.upsert.empty()) {
    return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "the layer has no \"upsert\", so nothing can be set in it");
  }
  if (kind == CACHECHAIN_KIND_TOMBSTONE && query.remove.empty()) {
    return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "the layer has no \"delete\", so nothing can be deleted from it");
  }
  KeyTemplate::Parts parts;
  if (match(query, *put.key, parts)) return Failure();
  return Failure(CACHECHAIN_INVALID_ARGUMENT, 0, false, "the key does not fit \"key\": \"%s\", so it cannot be a row",
                 query.key.text().c_str());
}

Failure QueryWrite::prepare(Connection &writer) {
  writer_ = &writer;
  QueryStatement select(QueryStatement::Use::kSelect);
  QueryStatement select_many(QueryStatement::Use::kSelectMany);
  Failure failure = select.prepare(writer, query_.key, query_.select);
  if (!failure && !query_.select_many.empty()) failure = select_many.prepare(writer, query_.key, query_.select_many);
  if (!failure && !query_.upsert.empty()) failure = upsert_.prepare(writer, query_.key, query_.upsert);
  if (!failure && !query_.remove.empty()) failure = delete_.prepare(writer, query_.key, query_.remove);
  return failure ? failure : rollback_.prepare(writer, "ROLLBACK");
}

Failure QueryWrite::put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) {
  result = {};
  Failure failure = problem_of_put(query_, put);
  KeyTemplate::Parts parts;
  const bool sets = (put.flags & CACHECHAIN_FLAG_KIND_MASK) == CACHECHAIN_KIND_VALUE;
  QueryStatement &statement = sets ? upsert_ : delete_;
  if (!failure) {
    (void)match(query_, *put.key, parts);
    failure = statement.bind(parts);
  }
  if (!failure && sets) failure = statement.bind_value(put.data, put.size);
  if (!failure) failure = run(call, statement, sets);
  if (failure) result.status = failure.status();
  return failure;
}

Failure QueryWrite::erase(const plugin::Call &call, const cachechain_key &key) {
  KeyTemplate::Parts parts;
  if (!match(query_, key, parts)) return Failure();
  Failure failure = delete_.bind(parts);
  return failure ? failure : run(call, delete_, false);
}

Failure QueryWrite::run(const plugin::Call &call, QueryStatement &statement, bool must_change) {
  const Connection::Guard guard(*writer_, call, Connection::Guard::Interrupt::kYes);
  const int64_t before = sqlite3_total_changes64(writer_->handle());
  const Resetting resetting(statement.statement());
  int code = SQLITE_ROW;
  Failure failure;
  while (!failure && code == SQLITE_ROW) failure = statement.step(code);  // rows of a RETURNING
  if (failure) return failure;
  if (must_change && sqlite3_changes(writer_->handle()) == 0) {
    failure = statement.broken("changed no row of a table, so the value is not stored");
    return sqlite3_total_changes64(writer_->handle()) == before ? failure : undo(failure);
  }
  // A deferred foreign key would fail the commit, and with it everybody who shares it.
  int open_keys = 0;
  int highest = 0;
  sqlite3_db_status(writer_->handle(), SQLITE_DBSTATUS_DEFERRED_FKS, &open_keys, &highest, 0);
  if (open_keys == 0) return Failure();
  return undo(Failure(CACHECHAIN_INVALID_ARGUMENT, SQLITE_CONSTRAINT_FOREIGNKEY, false,
                      "%s: a foreign key of the row is not there", writer_->settings().path.c_str()));
}

// Takes the whole transaction back: the write queue runs the others again.
Failure QueryWrite::undo(const Failure &failure) {
  rollback_.run();
  return failure;
}

Failure QueryWrite::remove_expired(int64_t, int64_t, int64_t &removed) {
  removed = 0;
  return not_here();
}

Failure QueryWrite::remove_space(const cachechain_space *, int64_t, int64_t &removed) {
  removed = 0;
  return not_here();
}

}  // namespace cachechain::sqlite
