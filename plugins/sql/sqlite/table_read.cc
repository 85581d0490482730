#include "sql/sqlite/table_read.h"

#include "sql/sqlite/hand_out.h"

namespace cachechain::sqlite {

namespace {

enum Column { kKind, kCodec, kVersion, kCreated, kFresh, kExpires, kValue };

}  // namespace

Failure TableRead::prepare(Connection &reader) {
  reader_ = &reader;
  return get_.prepare(reader, "SELECT kind, codec, ver, created, fresh, expires, v FROM \"" + reader.settings().table +
                                  "\" WHERE ns = ?1 AND k = ?2");
}

std::string TableRead::ping() const { return "SELECT 1 FROM \"" + reader_->settings().table + "\" LIMIT 1"; }

Failure TableRead::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer,
                       cachechain_value &value, int32_t &status) {
  const Resetting resetting(get_);
  bind_space(get_, key.space);
  bind_key(get_, key);
  const int code = sqlite3_step(get_.get());
  if (code == SQLITE_DONE) {
    status = CACHECHAIN_MISS;
    return Failure();
  }
  if (code != SQLITE_ROW) return reader_->failure("get", code);
  status = CACHECHAIN_OK;
  return read_row(call.host(), buffer, value);
}

Failure TableRead::read_row(plugin::Host host, plugin::Buffer buffer, cachechain_value &value) {
  sqlite3_stmt *row = get_.get();
  const int64_t kind = sqlite3_column_int64(row, kKind);
  const int64_t codec = sqlite3_column_int64(row, kCodec);
  const int64_t version = sqlite3_column_int64(row, kVersion);
  const int64_t created = sqlite3_column_int64(row, kCreated);
  if (kind < 0 || kind > CACHECHAIN_KIND_LEASE || codec < 0 || codec > 0xff || version < 0 || created < 0) {
    return Failure(CACHECHAIN_CORRUPT, 0, false,
                   "%s: a row of table \"%s\" is no entry: kind %lld, codec %lld, ver %lld, created %lld",
                   reader_->settings().path.c_str(), reader_->settings().table.c_str(), static_cast<long long>(kind),
                   static_cast<long long>(codec), static_cast<long long>(version), static_cast<long long>(created));
  }
  const void *data = sqlite3_column_blob(row, kValue);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(row, kValue));
  if (data == nullptr && sqlite3_errcode(reader_->handle()) == SQLITE_NOMEM) {
    return reader_->failure("get", SQLITE_NOMEM);
  }
  if (Failure failure = hand_out(host, data, size, buffer, value)) return failure;
  value.version = static_cast<uint64_t>(version);
  value.created = static_cast<uint64_t>(created);
  value.fresh_until_ms = sqlite3_column_int64(row, kFresh);
  value.expires_ms = sqlite3_column_int64(row, kExpires);
  value.flags = static_cast<uint32_t>(kind | codec << 8);
  return Failure();
}

}  // namespace cachechain::sqlite
