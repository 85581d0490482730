// Connection: one open SQLite handle of ours, and Statement, a prepared statement on it.
//
// A connection is used by one thread at a time; who that is, is the business of the reader pool and of the write queue.
// Nothing here waits longer than the call that the connection works for: a Guard names that call, and locks of other
// processes are then waited for, and long statements run, until its deadline and no further. Failures carry the file,
// what was tried, SQLite's own text and number, and how long was waited.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_CONNECTION_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "cachechain/plugin.hpp"
#include "sql/common/failure.h"
#include "sql/sqlite/settings.h"

namespace cachechain::sqlite {

using sql::Failure;

// What all connections of an instance count together.
struct Counters {
  std::atomic<uint64_t> busy_waits{0};     // times that a lock of another process was waited for
  std::atomic<uint64_t> busy_failures{0};  // times that it did not come
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> expired{0};  // entries removed by the clean-up
};

class Connection {
 public:
  enum class Role {
    kWriter,  // in table mode makes the file and chooses the journal
    kReader   // cannot write
  };

  // Opens and configures a handle within the call's deadline. `settings` and `counters` outlive it.
  static Failure open(const Settings &settings, Role role, Counters &counters, const plugin::Call &call,
                      std::unique_ptr<Connection> &connection);
  ~Connection();
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  // While it lives the connection works for `call`.
  class Guard {
   public:
    enum class Interrupt {
      kNo,  // an interrupted write takes its transaction with it, so single puts are not interrupted
      kYes
    };
    Guard(Connection &connection, const plugin::Call &call, Interrupt interrupt) : connection_(connection) {
      connection_.call_ = &call;
      connection_.interruptible_ = interrupt == Interrupt::kYes;
      connection_.busy_for_ns_ = 0;
    }
    ~Guard() { connection_.call_ = nullptr; }
    Guard(const Guard &) = delete;
    Guard &operator=(const Guard &) = delete;

   private:
    Connection &connection_;
  };

  // Runs SQL that answers nothing. `what` names it in a failure.
  Failure execute(const char *what, const char *sql);
  // Why `what` ended with `code`.
  Failure failure(const char *what, int code) const;
  // True if the file was removed or replaced since it was opened.
  bool has_moved() const;
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // "wal" or, where that cannot work, "truncate"; in query mode whatever the file has.
  const std::string &journal() const { return journal_; }
  // From now on a lock of another process is waited for as long as `busy_ms` allows. Before, a writer that opens waits
  // for a moment only: the chain opens one layer after the other, and what is locked now is tried again by later calls.
  void be_patient() { patience_ns_ = settings_.busy_ms * 1'000'000; }
  sqlite3 *handle() const { return handle_; }
  const Settings &settings() const { return settings_; }

 private:
  Connection(const Settings &settings, Counters &counters, plugin::Host host)
      : settings_(settings), counters_(counters), host_(host) {}
  Failure configure(Role role);
  Failure configure_writer();
  Failure choose_journal();
  Failure ask_journal(const char *sql);
  static int on_busy(void *self, int attempts);
  static int on_progress(void *self);

  const Settings &settings_;
  Counters &counters_;
  const plugin::Host host_;
  sqlite3 *handle_ = nullptr;
  std::string journal_ = "not known yet";
  const plugin::Call *call_ = nullptr;
  bool interruptible_ = false;
  int64_t patience_ns_ = 10'000'000;
  int64_t busy_since_ns_ = 0;
  int64_t busy_for_ns_ = 0;
};

// True if what failed may heal without anybody changing the file or the options.
bool may_heal(const Failure &failure);

class Statement {
 public:
  Statement() = default;
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement &) = delete;
  Statement &operator=(const Statement &) = delete;

  // The text is copied. The connection outlives the statement.
  Failure prepare(const Connection &connection, const std::string &sql);
  // The same for a text that is not ours: SQLite's code, and what lies behind the first statement in it.
  int prepare(const Connection &connection, const std::string &sql, const char *&rest);
  // Runs it to its end, ignoring rows, and resets it. Returns SQLite's code, SQLITE_DONE if all is well.
  int run();
  sqlite3_stmt *get() const { return statement_; }

 private:
  sqlite3_stmt *statement_ = nullptr;
};

// Resets a statement at the end of its use: one that is not holds its snapshot, and the log grows.
class Resetting {
 public:
  explicit Resetting(const Statement &statement) : statement_(statement.get()) {}
  ~Resetting() { sqlite3_reset(statement_); }
  Resetting(const Resetting &) = delete;
  Resetting &operator=(const Resetting &) = delete;

 private:
  sqlite3_stmt *statement_;
};

// Binds the columns ns and k, which every statement has as ?1 and ?2. The bytes are borrowed until the next binding.
int bind_space(const Statement &statement, const cachechain_space *space);
int bind_key(const Statement &statement, const cachechain_key &key);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_CONNECTION_H_
