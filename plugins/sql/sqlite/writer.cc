#include "sql/sqlite/writer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace cachechain::sqlite {

namespace {

constexpr int64_t kLookNs = 1'000'000'000;
// A slice of the clean-up takes about half a millisecond. Two rows go for each put that was made, so the clean-up
// overtakes any writer; only full slices run while there is more, because each one costs a commit.
constexpr int64_t kSlice = 64;
constexpr int64_t kRowsPerPut = 2;
// Above it a checkpoint tries to cut the log, for which it must wait until no reader needs it.
constexpr int kLargeLogPages = 16'384;

// True if a failed commit left nothing behind. An error of anything but writing (of an fsync above all) may come after
// the commit's last frame had reached the file.
bool surely_undone(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_NOMEM:
    case SQLITE_CONSTRAINT:
      return true;
    case SQLITE_IOERR:
      return code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_NOMEM;
    default:
      return false;
  }
}

}  // namespace

Failure Writer::connect(const plugin::Call &call) {
  auto parts = std::make_unique<Parts>();
  Failure failure = Connection::open(settings_, Connection::Role::kWriter, counters_, call, parts->connection);
  if (failure) return failure;
  const Connection::Guard guard(*parts->connection, call, Connection::Guard::Interrupt::kYes);
  if ((failure = prepare(*parts))) return failure;
  parts->connection->be_patient();
  uses_log_.store(parts->connection->journal() == "wal", std::memory_order_relaxed);
  counters_.connects.fetch_add(1, std::memory_order_relaxed);
  parts_ = std::move(parts);
  lost_.store(false, std::memory_order_release);
  return Failure();
}

Failure Writer::prepare(Parts &parts) {
  parts.statements = make_write_statements(settings_);
  Failure failure = parts.statements->prepare(*parts.connection);
  if (!failure) failure = parts.begin.prepare(*parts.connection, "BEGIN IMMEDIATE");
  if (!failure) failure = parts.commit.prepare(*parts.connection, "COMMIT");
  if (!failure) failure = parts.rollback.prepare(*parts.connection, "ROLLBACK");
  return failure;
}

Failure Writer::not_connected() const {
  return Failure(CACHECHAIN_UNAVAILABLE, 0, true, "%s: %s", settings_.path.c_str(),
                 lost() ? "was removed or replaced while it was open; it is opened again" : "is not open");
}

Failure Writer::begin(const plugin::Call &leader) {
  if (parts_ == nullptr || lost()) return not_connected();
  Connection &connection = *parts_->connection;
  const int64_t now = leader.host().now_mono_ns();
  if (now >= next_look_ns_) {
    // What is written to a file that has no name any more is lost with the process.
    if (connection.has_moved()) {
      lost_.store(true, std::memory_order_release);
      return not_connected();
    }
    next_look_ns_ = now + kLookNs;
  }
  const Connection::Guard guard(connection, leader, Connection::Guard::Interrupt::kNo);
  const int code = parts_->begin.run();
  return code == SQLITE_DONE ? Failure() : connection.failure("begin to write", code);
}

Failure Writer::commit(const plugin::Call &leader) {
  Connection &connection = *parts_->connection;
  const Connection::Guard guard(connection, leader, Connection::Guard::Interrupt::kNo);
  const int code = parts_->commit.run();
  if (code == SQLITE_DONE) return Failure();
  const Failure failure = connection.failure("commit", code);
  roll_back();
  if (surely_undone(code)) return failure;
  return Failure(CACHECHAIN_UNKNOWN_OUTCOME, failure.native_code(), true, "%s", failure.text());
}

void Writer::roll_back() {
  if (parts_->connection->in_transaction()) parts_->rollback.run();
}

void Writer::tidy(const plugin::Call &leader) {
  if (settings_.cleanup_ms == 0 || parts_ == nullptr || lost() || owed_ < kSlice) return;
  const int64_t now = leader.host().now_mono_ns();
  if (now < next_clean_ns_) return;
  owed_ = 0;
  int64_t removed = 0;
  const Failure failure = remove_expired(leader, kSlice, removed);
  const bool more = !failure && removed == kSlice;
  next_clean_ns_ = more ? 0 : now + settings_.cleanup_ms * 1'000'000;
}

Failure Writer::put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) {
  owed_ += kRowsPerPut;
  return parts_->statements->put(call, put, result);
}

Failure Writer::erase(const plugin::Call &call, const cachechain_key &key) {
  return parts_->statements->erase(call, key);
}

Failure Writer::remove_expired(const plugin::Call &call, int64_t most, int64_t &removed) {
  removed = 0;
  if (parts_ == nullptr || lost()) return not_connected();
  const Connection::Guard guard(*parts_->connection, call, Connection::Guard::Interrupt::kYes);
  Failure failure = parts_->statements->remove_expired(call.host().now_unix_ms(), most, removed);
  counters_.expired.fetch_add(static_cast<uint64_t>(removed), std::memory_order_relaxed);
  return failure;
}

Failure Writer::remove_space(const plugin::Call &call, const cachechain_space *space, int64_t most, int64_t &removed) {
  removed = 0;
  if (parts_ == nullptr || lost()) return not_connected();
  const Connection::Guard guard(*parts_->connection, call, Connection::Guard::Interrupt::kYes);
  return parts_->statements->remove_space(space, most, removed);
}

Failure Writer::checkpoint(const plugin::Call &call) {
  if (parts_ == nullptr || lost()) return not_connected();
  Connection &connection = *parts_->connection;
  const Connection::Guard guard(connection, call, Connection::Guard::Interrupt::kYes);
  int log_pages = 0;
  int copied_pages = 0;
  int code =
      sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_PASSIVE, &log_pages, &copied_pages);
  if (code == SQLITE_OK && log_pages > kLargeLogPages) {
    code =
        sqlite3_wal_checkpoint_v2(connection.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, &log_pages, &copied_pages);
  }
  // Readers, or another process that does the same, are no failure: the next one goes further.
  return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ? Failure() : connection.failure("checkpoint", code);
}

}  // namespace cachechain::sqlite
