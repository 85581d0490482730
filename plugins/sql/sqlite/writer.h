// Writer: the one writing connection of an instance, driven by whoever leads its write queue.
//
// All functions but the two that say otherwise need the lead. It has no thread: expired entries are removed in small
// slices behind the commits of those who write, in step with their number, and by maintain().
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_WRITER_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_WRITER_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "sql/common/write_queue.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class Writer final : public sql::WriteQueue::Transaction {
 public:
  // `settings` and `counters` outlive it.
  Writer(const Settings &settings, Counters &counters) : settings_(settings), counters_(counters) {}

  // Opens the connection and prepares the statements of the layer's mode.
  Failure connect(const plugin::Call &call);
  void disconnect() { parts_.reset(); }
  // From any thread: true once the file under the connection was found to be another, until it is connected again.
  bool lost() const { return lost_.load(std::memory_order_acquire); }
  // From any thread.
  bool uses_log() const { return uses_log_.load(std::memory_order_relaxed); }

  Failure begin(const plugin::Call &leader) override;
  Failure commit(const plugin::Call &leader) override;
  bool alive() const override { return parts_ != nullptr && parts_->connection->in_transaction(); }
  void tidy(const plugin::Call &leader) override;

  // Inside a transaction, for the call that asked.
  Failure put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result);
  Failure erase(const plugin::Call &call, const cachechain_key &key);

  // Outside of one: at most `most` rows in a transaction of their own, until the call's deadline.
  Failure remove_expired(const plugin::Call &call, int64_t most, int64_t &removed);
  Failure remove_space(const plugin::Call &call, const cachechain_space *space, int64_t most, int64_t &removed);
  // Copies the log into the file, as far as readers let it; cuts it if it has grown large.
  Failure checkpoint(const plugin::Call &call);

 private:
  struct Parts {
    std::unique_ptr<Connection> connection;
    Statement begin;
    Statement commit;
    Statement rollback;
    std::unique_ptr<WriteStatements> statements;
  };

  Failure prepare(Parts &parts);
  Failure not_connected() const;
  void roll_back();

  const Settings &settings_;
  Counters &counters_;
  std::unique_ptr<Parts> parts_;
  std::atomic<bool> lost_{false};
  std::atomic<bool> uses_log_{true};
  int64_t next_look_ns_ = 0;   // at whether the file is still the same
  int64_t next_clean_ns_ = 0;  // when expired entries are looked for again
  int64_t owed_ = 0;           // rows that the clean-up may remove for the puts that were made
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_WRITER_H_
