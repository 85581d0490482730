#include "sql/sqlite/put_statements.h"

#include <algorithm>
#include <string>

namespace cachechain::sqlite {

namespace {

enum Parameter {
  kNs = 1,
  kKey = 2,
  kKind = 3,
  kCodec = 4,
  kVersion = 5,
  kCreated = 6,
  kToken = 7,
  kFresh = 8,
  kExpires = 9,
  kValue = 10,
  kHorizon = 11,
  kCleared = 12,
  kExpectVersion = 13,
  kExpectToken = 14
};

constexpr uint64_t kLargestVersion = (uint64_t{1} << 63) - 1;

constexpr char kUnseen[] = "(ver > ?11 OR created <= ?12)";
// One tick above the stored version. The min() keeps the sum an integer that SQLite can hold.
constexpr char kNext[] = "((min(ver, 9223372036854775804) | 1) + 2)";
constexpr char kOthers[] =
    "kind = excluded.kind, codec = excluded.codec, created = excluded.created, token = excluded.token, "
    "fresh = excluded.fresh, expires = excluded.expires, v = excluded.v";

int64_t to_sql(uint64_t stamp) { return static_cast<int64_t>(std::min(stamp, kLargestVersion)); }

}  // namespace

Failure PutStatements::prepare(const Connection &writer) {
  writer_ = &writer;
  const std::string table = "\"" + writer.settings().table + "\"";
  const std::string unseen = kUnseen;
  const std::string upsert = "INSERT INTO " + table +
                             "(ns, k, kind, codec, ver, created, token, fresh, expires, v) "
                             "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT(ns, k) DO UPDATE SET " +
                             kOthers + ", ver = ";
  const std::string update =
      "UPDATE " + table + " SET kind = ?3, codec = ?4, token = ?7, fresh = ?8, expires = ?9, v = ?10, ";
  const std::string raised = std::string("max(?5, ") + kNext + ")";
  Failure failure = newer_.prepare(writer, upsert + "excluded.ver WHERE excluded.ver > ver OR ver = 0 OR " + unseen);
  // Nearly every BUMP carries a stamp that is high enough; then nothing has to be read back.
  if (!failure) {
    failure =
        bump_.prepare(writer, upsert + "excluded.ver WHERE excluded.ver >= " + kNext + " OR ver = 0 OR " + unseen);
  }
  if (!failure) {
    failure =
        raise_.prepare(writer, update + "created = CASE WHEN ?6 = ?5 THEN " + raised + " ELSE ?6 END, ver = " + raised +
                                   " WHERE ns = ?1 AND k = ?2 AND NOT " + unseen);
  }
  if (!failure) {
    failure = exact_absent_.prepare(writer, upsert + "excluded.ver WHERE (ver = 0 AND token = 0) OR " + unseen);
  }
  if (!failure) {
    failure = exact_present_.prepare(
        writer,
        update + "created = ?6, ver = ?5 WHERE ns = ?1 AND k = ?2 AND ver = ?13 AND token = ?14 AND NOT " + unseen);
  }
  if (!failure) {
    failure = version_.prepare(
        writer, "SELECT CASE WHEN " + unseen + " THEN 0 ELSE ver END FROM " + table + " WHERE ns = ?1 AND k = ?2");
  }
  return failure;
}

Failure PutStatements::apply(const cachechain_put &put, cachechain_put_result &result) {
  result = {};
  if (std::max({put.version, put.created, put.expect_version}) > kLargestVersion) {
    result.status = CACHECHAIN_INVALID_ARGUMENT;
    return Failure(result.status, 0, false, "a version or `created` of 2^63 or above");
  }
  Failure failure;
  bool applied = false;
  bool read_back = false;
  switch (put.condition) {
    case CACHECHAIN_PUT_NEWER:
      failure = run(newer_, put, applied);
      break;
    case CACHECHAIN_PUT_BUMP:
      failure = run(bump_, put, applied);
      read_back = !applied;
      if (read_back && !failure) failure = run(raise_, put, applied);
      break;
    case CACHECHAIN_PUT_EXACT:
      failure = run(put.expect_version == 0 && put.expect_token == 0 ? exact_absent_ : exact_present_, put, applied);
      break;
    default:
      failure = Failure(CACHECHAIN_UNSUPPORTED, 0, false, "put condition %u is not known", put.condition);
  }
  result.version = put.version;
  if (!failure && (!applied || read_back)) failure = read_version(put, result.version);
  if (failure) {
    result = {failure.status(), 0, 0};
  } else if (!applied) {
    result.status = put.condition == CACHECHAIN_PUT_EXACT ? CACHECHAIN_CONFLICT : CACHECHAIN_SUPERSEDED;
  }
  return failure;
}

Failure PutStatements::run(Statement &statement, const cachechain_put &put, bool &applied) {
  sqlite3_stmt *raw = statement.get();
  bind_space(statement, put.key->space);
  bind_key(statement, *put.key);
  sqlite3_bind_int(raw, kKind, static_cast<int>(put.flags & CACHECHAIN_FLAG_KIND_MASK));
  sqlite3_bind_int(raw, kCodec, static_cast<int>((put.flags & CACHECHAIN_FLAG_CODEC_MASK) >> 8));
  sqlite3_bind_int64(raw, kVersion, to_sql(put.version));
  sqlite3_bind_int64(raw, kCreated, to_sql(put.created));
  sqlite3_bind_int64(raw, kToken, static_cast<int64_t>(put.token));
  sqlite3_bind_int64(raw, kFresh, put.fresh_until_ms);
  sqlite3_bind_int64(raw, kExpires, put.expires_ms);
  // A null pointer would bind NULL, and an empty value is none.
  const int bound = put.size == 0 ? sqlite3_bind_zeroblob(raw, kValue, 0)
                                  : sqlite3_bind_blob64(raw, kValue, put.data, put.size, SQLITE_STATIC);
  if (bound != SQLITE_OK) return writer_->failure("bind the value", bound);
  sqlite3_bind_int64(raw, kHorizon, put.horizon == 0 ? INT64_MAX : to_sql(put.horizon));
  sqlite3_bind_int64(raw, kCleared, put.cleared == 0 ? -1 : to_sql(put.cleared));
  if (&statement == &exact_present_) {
    sqlite3_bind_int64(raw, kExpectVersion, to_sql(put.expect_version));
    sqlite3_bind_int64(raw, kExpectToken, static_cast<int64_t>(put.expect_token));
  }
  const int code = statement.run();
  if (code != SQLITE_DONE) return writer_->failure("put", code);
  applied = sqlite3_changes(writer_->handle()) != 0;
  return Failure();
}

Failure PutStatements::read_version(const cachechain_put &put, uint64_t &version) {
  // After a BUMP the entry is the put's own, whatever the horizon says of its version.
  const bool all = put.condition == CACHECHAIN_PUT_BUMP;
  bind_space(version_, put.key->space);
  bind_key(version_, *put.key);
  sqlite3_bind_int64(version_.get(), kHorizon, all || put.horizon == 0 ? INT64_MAX : to_sql(put.horizon));
  sqlite3_bind_int64(version_.get(), kCleared, all || put.cleared == 0 ? -1 : to_sql(put.cleared));
  const Resetting resetting(version_);
  const int code = sqlite3_step(version_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) return writer_->failure("read the version", code);
  version = code == SQLITE_ROW ? static_cast<uint64_t>(sqlite3_column_int64(version_.get(), 0)) : 0;
  return Failure();
}

}  // namespace cachechain::sqlite
