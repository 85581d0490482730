#include "sql/sqlite/reader.h"

#include <cstddef>
#include <cstring>
#include <new>
#include <string>

#include "sql/sqlite/schema.h"

namespace cachechain::sqlite {

namespace {

enum Column { kKind, kCodec, kVersion, kCreated, kFresh, kExpires, kValue };

// Bytes that were handed out. They outlive the instance, as its host does.
struct View {
  const cachechain_host *host;
  uint64_t size;  // of all

  static constexpr uint64_t kAlign = alignof(std::max_align_t);

  static View *make(plugin::Host host, const void *data, uint64_t size) {
    void *memory = host.alloc(sizeof(View) + size, kAlign);
    if (memory == nullptr) return nullptr;
    View *view = new (memory) View{host.raw(), sizeof(View) + size};
    std::memcpy(view->bytes(), data, size);
    return view;
  }
  static void release(void *owner) {
    View *view = static_cast<View *>(owner);
    plugin::Host(view->host).free(view, view->size, kAlign);
  }
  uint8_t *bytes() { return reinterpret_cast<uint8_t *>(this + 1); }
};

void release(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
  value = {};
}

}  // namespace

Failure Reader::open(const Settings &settings, Counters &counters, const plugin::Call &call,
                     std::unique_ptr<Reader> &reader) {
  auto opened = std::make_unique<Reader>();
  Failure failure = Connection::open(settings, Connection::Role::kReader, counters, call, opened->connection_);
  if (failure) return failure;
  const Connection::Guard guard(*opened->connection_, call, Connection::Guard::Interrupt::kYes);
  failure = opened->prepare();
  if (!failure) reader = std::move(opened);
  return failure;
}

Failure Reader::prepare() {
  const std::string table = "\"" + connection_->settings().table + "\"";
  Failure failure = get_.prepare(
      *connection_, "SELECT kind, codec, ver, created, fresh, expires, v FROM " + table + " WHERE ns = ?1 AND k = ?2");
  if (!failure) failure = begin_.prepare(*connection_, "BEGIN");
  if (!failure) failure = end_.prepare(*connection_, "COMMIT");
  if (!failure) failure = ping_.prepare(*connection_, "SELECT 1 FROM " + table + " LIMIT 1");
  return failure;
}

Failure Reader::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
                    int32_t &status) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  return look_up(call.host(), key, buffer, value, status);
}

Failure Reader::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                         std::span<cachechain_value> values, std::span<int32_t> statuses) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  if (const int code = begin_.run(); code != SQLITE_DONE) return connection_->failure("begin to read", code);
  Failure failure;
  size_t done = 0;
  while (!failure && done < keys.size()) {
    failure = look_up(call.host(), keys[done], {}, values[done], statuses[done]);
    if (!failure) ++done;
  }
  end_.run();
  if (failure) {
    for (size_t i = 0; i < done; ++i) release(values[i]);
  }
  return failure;
}

Failure Reader::ping(const plugin::Call &call) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  const int code = ping_.run();
  return code == SQLITE_DONE ? Failure() : connection_->failure("ping", code);
}

Failure Reader::look_up(plugin::Host host, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
                        int32_t &status) {
  const Resetting resetting(get_);
  bind_space(get_, key.space);
  bind_key(get_, key);
  const int code = sqlite3_step(get_.get());
  if (code == SQLITE_DONE) {
    status = CACHECHAIN_MISS;
    return Failure();
  }
  if (code != SQLITE_ROW) return connection_->failure("get", code);
  status = CACHECHAIN_OK;
  return hand_out(host, buffer, value);
}

Failure Reader::hand_out(plugin::Host host, plugin::Buffer buffer, cachechain_value &value) {
  sqlite3_stmt *row = get_.get();
  const int64_t kind = sqlite3_column_int64(row, kKind);
  const int64_t codec = sqlite3_column_int64(row, kCodec);
  const int64_t version = sqlite3_column_int64(row, kVersion);
  const int64_t created = sqlite3_column_int64(row, kCreated);
  if (kind < 0 || kind > CACHECHAIN_KIND_LEASE || codec < 0 || codec > 0xff || version < 0 || created < 0) {
    return Failure(CACHECHAIN_CORRUPT, 0, false,
                   "%s: a row of table \"%s\" is no entry: kind %lld, codec %lld, ver %lld, created %lld",
                   connection_->settings().path.c_str(), connection_->settings().table.c_str(),
                   static_cast<long long>(kind), static_cast<long long>(codec), static_cast<long long>(version),
                   static_cast<long long>(created));
  }
  const void *data = sqlite3_column_blob(row, kValue);
  const auto size = static_cast<size_t>(sqlite3_column_bytes(row, kValue));
  if (data == nullptr && sqlite3_errcode(connection_->handle()) == SQLITE_NOMEM) {
    return connection_->failure("get", SQLITE_NOMEM);
  }
  if (size <= buffer.size()) {
    if (size != 0) std::memcpy(buffer.data(), data, size);
    value.data = buffer.data();
  } else {
    View *view = View::make(host, data, size);
    if (view == nullptr) return Failure(CACHECHAIN_NO_MEMORY, 0, true, "no memory for a value of %zu bytes", size);
    value.data = view->bytes();
    value.release = &View::release;
    value.owner = view;
  }
  value.size = size;
  value.version = static_cast<uint64_t>(version);
  value.created = static_cast<uint64_t>(created);
  value.fresh_until_ms = sqlite3_column_int64(row, kFresh);
  value.expires_ms = sqlite3_column_int64(row, kExpires);
  value.flags = static_cast<uint32_t>(kind | codec << 8);
  return Failure();
}

}  // namespace cachechain::sqlite
