#include "sql/sqlite/connection.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

namespace cachechain::sqlite {

namespace {

// Steps of SQLite's machine between two looks at the deadline: some 50 microseconds. A get by key takes about 30.
constexpr int kStepsPerLook = 1000;
constexpr int64_t kFirstPauseNs = 50'000;
constexpr int64_t kLongestPauseNs = 20'000'000;
// The log is cut back to this after a checkpoint has emptied it.
constexpr int64_t kLogBytes = 16 << 20;

int32_t status_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
      return CACHECHAIN_OVERLOADED;
    case SQLITE_IOERR:
      return code == SQLITE_IOERR_NOMEM ? CACHECHAIN_NO_MEMORY : CACHECHAIN_UNAVAILABLE;
    case SQLITE_NOMEM:
      return CACHECHAIN_NO_MEMORY;
    case SQLITE_INTERRUPT:
      return CACHECHAIN_TIMEOUT;
    case SQLITE_TOOBIG:
      return CACHECHAIN_VALUE_TOO_LARGE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return CACHECHAIN_CORRUPT;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return CACHECHAIN_AUTH;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return CACHECHAIN_INVALID_ARGUMENT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
      return CACHECHAIN_INTERNAL;
    default:
      return CACHECHAIN_UNAVAILABLE;
  }
}

bool retryable(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
      return true;
    default:
      return false;
  }
}

// What the operator has to change before this file can be opened; SQLite itself only says that it cannot.
Failure problem_of_file(const Settings &settings) {
  const std::string &path = settings.path;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  struct stat status;
  if (stat(folder.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return Failure(CACHECHAIN_CONFIG, errno, false, "%s: the folder %s does not exist; make it, or correct \"path\"",
                   path.c_str(), folder.c_str());
  }
  const bool there = stat(path.c_str(), &status) == 0;
  if (!there && errno == ENOENT && settings.query) {
    return Failure(CACHECHAIN_CONFIG, errno, false,
                   "%s: does not exist, and with \"select\" it is your database, which is not made here; make it, or "
                   "correct \"path\"",
                   path.c_str());
  }
  if (there && !S_ISREG(status.st_mode)) {
    return Failure(CACHECHAIN_CONFIG, 0, false, "%s: is %s, not a file; correct \"path\"", path.c_str(),
                   S_ISDIR(status.st_mode) ? "a folder" : "a device or socket");
  }
  return Failure();
}

}  // namespace

bool may_heal(const Failure &failure) {
  switch (failure.status()) {
    case CACHECHAIN_CONFIG:
    case CACHECHAIN_AUTH:
    case CACHECHAIN_CORRUPT:
    case CACHECHAIN_INTERNAL:
    case CACHECHAIN_NO_MEMORY:
      return false;
    default:
      return true;
  }
}

Failure Connection::open(const Settings &settings, Role role, Counters &counters, const plugin::Call &call,
                         std::unique_ptr<Connection> &connection) {
  if (Failure failure = problem_of_file(settings)) return failure;
  std::unique_ptr<Connection> opened(new Connection(settings, counters, call.host()));
  if (role == Role::kReader) opened->be_patient();
  // Private cache, whatever the program chose for itself; no mutex, because one thread at a time uses the handle.
  const bool creates = role == Role::kWriter && !settings.query;
  const int flags = SQLITE_OPEN_READWRITE | (creates ? SQLITE_OPEN_CREATE : 0) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(settings.path.c_str(), &opened->handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const int system_errno = opened->handle_ == nullptr ? 0 : sqlite3_system_errno(opened->handle_);
    if (system_errno == EACCES || system_errno == EPERM || system_errno == EROFS) {
      return Failure(CACHECHAIN_CONFIG, code, false,
                     "%s: cannot be opened: %s (%d); give this process the right to read and write the file and its "
                     "folder",
                     settings.path.c_str(), std::strerror(system_errno), code);
    }
    return opened->failure("open", code);
  }
  const Guard guard(*opened, call, Guard::Interrupt::kYes);
  if (Failure failure = opened->configure(role)) return failure;
  connection = std::move(opened);
  return Failure();
}

Connection::~Connection() { sqlite3_close(handle_); }

Failure Connection::configure(Role role) {
  sqlite3_busy_handler(handle_, &Connection::on_busy, this);
  sqlite3_progress_handler(handle_, kStepsPerLook, &Connection::on_progress, this);
  // What a stranger wrote into the schema of this file must not run with our rights.
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  if (settings_.writes() && sqlite3_db_readonly(handle_, "main") == 1) {
    return Failure(CACHECHAIN_CONFIG, SQLITE_READONLY, false,
                   "%s: is read-only for this process; give it the right to write the file and its folder",
                   settings_.path.c_str());
  }
  const std::string sizes = "PRAGMA mmap_size=" + std::to_string(settings_.mmap_bytes) + "; PRAGMA cache_size=-" +
                            std::to_string(settings_.cache_bytes >> 10) + "; PRAGMA temp_store=MEMORY";
  if (Failure failure = execute("configure", sizes.c_str())) return failure;
  if (role == Role::kWriter) return configure_writer();
  Failure failure = ask_journal("PRAGMA journal_mode");
  return failure ? failure : execute("configure", "PRAGMA query_only=ON");
}

Failure Connection::configure_writer() {
  std::string pragmas;
  if (!settings_.synchronous.empty()) pragmas = "PRAGMA synchronous=" + settings_.synchronous + ";";
  // What a foreign key promises to the user's program must hold for what is written here too; SQLite's default is off.
  pragmas += settings_.query ? "PRAGMA foreign_keys=ON" : "PRAGMA journal_size_limit=" + std::to_string(kLogBytes);
  if (Failure failure = execute("configure", pragmas.c_str())) return failure;
  // The journal of somebody else's file is none of our business.
  if (Failure failure = settings_.query ? ask_journal("PRAGMA journal_mode") : choose_journal()) return failure;
  // Without the log, a commit that is not synchronous can break the file.
  const bool raise = journal_ != "wal" && !settings_.synchronous.empty();
  return raise ? execute("configure", "PRAGMA synchronous=FULL") : Failure();
}

Failure Connection::choose_journal() {
  for (const char *mode : {"wal", "truncate"}) {
    if (Failure failure = ask_journal((std::string("PRAGMA journal_mode=") + mode).c_str())) return failure;
    if (journal_ == mode) return Failure();
  }
  return Failure(CACHECHAIN_CONFIG, 0, false, "%s: the journal mode stays \"%s\"; \"wal\" or \"truncate\" is needed",
                 settings_.path.c_str(), journal_.c_str());
}

Failure Connection::ask_journal(const char *sql) {
  Statement statement;
  if (Failure failure = statement.prepare(*this, sql)) return failure;
  // A change of the journal does not wait for locks by itself.
  int code = SQLITE_BUSY;
  for (int attempts = 0; (code & 0xff) == SQLITE_BUSY && (attempts == 0 || on_busy(this, attempts - 1)); ++attempts) {
    sqlite3_reset(statement.get());
    code = sqlite3_step(statement.get());
  }
  if (code != SQLITE_ROW) return failure("choose the journal", code);
  journal_ = reinterpret_cast<const char *>(sqlite3_column_text(statement.get(), 0));
  return Failure();
}

Failure Connection::execute(const char *what, const char *sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Failure() : failure(what, code);
}

Failure Connection::failure(const char *what, int code) const {
  const char *path = settings_.path.c_str();
  const int system_errno = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  const int32_t status = status_of(code);
  const char *text = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  const bool deadline = call_ != nullptr && call_->deadline_ns() != 0 && call_->left_ns(1) == 0;
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      return Failure(deadline ? CACHECHAIN_TIMEOUT : CACHECHAIN_CANCELLED, code, true, "%s: %s: %s (%d)", path, what,
                     deadline ? "the deadline came" : "cancelled", code);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure(deadline ? CACHECHAIN_TIMEOUT : status, code, true,
                     "%s: %s: %s (%d), waited %lld ms%s, journal %s; another process or connection holds the lock: "
                     "`fuser -v` on the file names it",
                     path, what, text, code, static_cast<long long>(busy_for_ns_ / 1'000'000),
                     deadline ? " until the deadline" : "", journal_.c_str());
    default:
      break;
  }
  const char *cure = "";
  if ((code & 0xff) == SQLITE_FULL) cure = "; make room on the disk";
  if (code == SQLITE_IOERR_WRITE) cure = "; look for a full disk, a quota or a failing device";
  if ((code & 0xff) == SQLITE_NOTADB) cure = "; this is no SQLite file: correct \"path\", or move it away";
  if ((code & 0xff) == SQLITE_CORRUPT) cure = "; check the file with PRAGMA integrity_check, or move it away";
  return Failure(status, code, retryable(code), "%s: %s: %s (%d%s%s), journal %s%s", path, what, text, code,
                 system_errno == 0 ? "" : ", ", system_errno == 0 ? "" : std::strerror(system_errno), journal_.c_str(),
                 cure);
}

bool Connection::has_moved() const {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved != 0;
}

// Pauses grow from 50 microseconds to 20 milliseconds and are spread, so that waiters do not come in step.
int Connection::on_busy(void *self, int attempts) {
  Connection &connection = *static_cast<Connection *>(self);
  connection.busy_for_ns_ = 0;
  if (connection.call_ == nullptr) return 0;
  const plugin::Call &call = *connection.call_;
  const int64_t now = connection.host_.now_mono_ns();
  if (attempts == 0) {
    connection.busy_since_ns_ = now;
    connection.counters_.busy_waits.fetch_add(1, std::memory_order_relaxed);
  }
  connection.busy_for_ns_ = now - connection.busy_since_ns_;
  const int64_t left = call.left_ns(connection.patience_ns_ - connection.busy_for_ns_);
  if (left <= 0 || call.cancelled()) {
    connection.counters_.busy_failures.fetch_add(1, std::memory_order_relaxed);
    return 0;
  }
  int64_t pause = std::min(kFirstPauseNs << std::min(attempts, 16), kLongestPauseNs);
  pause = pause / 2 + now % (pause / 2);
  std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(pause, left)));
  return 1;
}

int Connection::on_progress(void *self) {
  const Connection &connection = *static_cast<Connection *>(self);
  if (connection.call_ == nullptr || !connection.interruptible_) return 0;
  return connection.call_->left_ns(1) == 0 || connection.call_->cancelled() ? 1 : 0;
}

Failure Statement::prepare(const Connection &connection, const std::string &sql) {
  const char *rest = nullptr;
  const int code = prepare(connection, sql, rest);
  return code == SQLITE_OK ? Failure() : connection.failure("prepare", code);
}

int Statement::prepare(const Connection &connection, const std::string &sql, const char *&rest) {
  return sqlite3_prepare_v3(connection.handle(), sql.c_str(), static_cast<int>(sql.size()) + 1,
                            SQLITE_PREPARE_PERSISTENT, &statement_, &rest);
}

int Statement::run() {
  int code = sqlite3_step(statement_);
  while (code == SQLITE_ROW) code = sqlite3_step(statement_);
  sqlite3_reset(statement_);
  return code;
}

int bind_space(const Statement &statement, const cachechain_space *space) {
  // A null pointer would bind NULL, which equals nothing.
  const bool named = space != nullptr && space->name_size != 0;
  return sqlite3_bind_text(statement.get(), 1, named ? reinterpret_cast<const char *>(space->name) : "",
                           named ? static_cast<int>(space->name_size) : 0, SQLITE_STATIC);
}

int bind_key(const Statement &statement, const cachechain_key &key) {
  return sqlite3_bind_blob(statement.get(), 2, key.data, static_cast<int>(key.size), SQLITE_STATIC);
}

}  // namespace cachechain::sqlite
