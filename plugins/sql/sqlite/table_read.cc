#include "sql/sqlite/table_read.h"

#include <algorithm>
#include <iterator>

#include "sql/sqlite/hand_out.h"

namespace cachechain::sqlite {

namespace {

constexpr char kColumns[] = "kind, codec, ver, created, fresh, expires, v";
enum Column { kKind, kCodec, kVersion, kCreated, kFresh, kExpires, kValue, kPlace };

// Of the first key's parameter in a statement for many; ?1 is the space.
constexpr int kFirstKey = 2;

}  // namespace

Failure TableRead::prepare(Connection &reader) {
  reader_ = &reader;
  return get_.prepare(
      reader, std::string("SELECT ") + kColumns + " FROM \"" + reader.settings().table + "\" WHERE ns = ?1 AND k = ?2");
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
  return read_row(call.host(), get_.get(), buffer, value);
}

// A join with the list of keys answers each with its place in the list, also one that is there twice. It took less time
// than `k IN (...)` and a search for the places of what came back.
Failure TableRead::prepare(Many &many) const {
  std::string list;
  for (size_t i = 0; i < many.size; ++i) {
    list += (i == 0 ? "(" : ", (") + std::to_string(i) + ", ?" + std::to_string(i + kFirstKey) + ")";
  }
  return many.statement.prepare(*reader_, "WITH asked(place, k) AS (VALUES " + list + ") SELECT " + kColumns +
                                              ", place FROM asked CROSS JOIN \"" + reader_->settings().table +
                                              "\" AS held WHERE held.ns = ?1 AND held.k = asked.k");
}

Failure TableRead::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                            std::span<cachechain_value> values, std::span<int32_t> statuses) {
  Failure failure;
  for (size_t first = 0; !failure && first < keys.size();) {
    size_t left = 1;
    while (left < many_[0].size && first + left < keys.size() && keys[first + left].space == keys[first].space) ++left;
    size_t count = left;
    if (left == 1) {
      failure = get(call, keys[first], {}, values[first], statuses[first]);
    } else {
      const auto many =
          std::find_if(many_.begin(), std::prev(many_.end()), [left](const Many &one) { return one.size <= left; });
      count = std::min(left, many->size);
      failure = get_together(call, *many, keys.subspan(first, count), values.subspan(first, count),
                             statuses.subspan(first, count));
    }
    if (count == 1 && failure.status() == CACHECHAIN_CORRUPT && failure.native_code() == 0) {
      statuses[first] = failure.report(call);
      failure = Failure();
    }
    first += count;
  }
  return failure;
}

Failure TableRead::get_together(const plugin::Call &call, Many &many, std::span<const cachechain_key> keys,
                                std::span<cachechain_value> values, std::span<int32_t> statuses) {
  if (many.statement.get() == nullptr) {
    if (Failure failure = prepare(many)) return failure;
  }
  sqlite3_stmt *row = many.statement.get();
  const Resetting resetting(many.statement);
  bind_space(many.statement, keys[0].space);
  for (size_t i = 0; i < many.size; ++i) {
    const int parameter = static_cast<int>(i) + kFirstKey;
    if (i < keys.size()) {
      sqlite3_bind_blob(row, parameter, keys[i].data, static_cast<int>(keys[i].size), SQLITE_STATIC);
    } else {
      sqlite3_bind_null(row, parameter);  // equals nothing
    }
  }
  int code = SQLITE_ROW;
  while ((code = sqlite3_step(row)) == SQLITE_ROW) {
    const auto place = static_cast<size_t>(sqlite3_column_int64(row, kPlace));
    statuses[place] = CACHECHAIN_OK;
    Failure failure = read_row(call.host(), row, {}, values[place]);
    if (!failure) continue;
    if (failure.status() != CACHECHAIN_CORRUPT) return failure;
    statuses[place] = failure.report(call);
  }
  return code == SQLITE_DONE ? Failure() : reader_->failure("get", code);
}

Failure TableRead::read_row(plugin::Host host, sqlite3_stmt *row, plugin::Buffer buffer,
                            cachechain_value &value) const {
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
