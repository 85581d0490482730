// Database: one file as an instance sees it: the readers, the writer with its queue, and whether they are connected.
//
// A file that cannot be opened now is tried again by later calls, at most four times a second and within 50 ms each, so
// that an outage costs a call next to nothing; meanwhile calls are told why. A file that was removed or replaced while
// it was open counts as an outage too: every connection to the old one is closed before the new one is opened, because
// SQLite's files beside the database carry its name. Thread-safe.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_DATABASE_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_DATABASE_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "sql/common/write_queue.h"
#include "sql/sqlite/reader_pool.h"
#include "sql/sqlite/writer.h"

namespace cachechain::sqlite {

class Database {
 public:
  explicit Database(Settings settings);

  // The first connection. A failure leaves an instance that tries again by itself.
  Failure open(plugin::Host host);

  // A reader for one call, or why there is none.
  Failure borrow(const plugin::Call &call, ReaderPool::Loan &reader);
  // Runs a job on the writer by the write queue.
  Failure write(sql::WriteQueue::Job &job, const plugin::Call &call);
  // The writer, for jobs to use while they run.
  Writer &writer() { return writer_; }
  // What a call ran into; some failures mean that the file is not the one that was opened.
  void heard_of(const Failure &failure);
  void lose() { connected_.store(false, std::memory_order_release); }

  const Settings &settings() const { return settings_; }
  // The instance's own numbers, as JSON.
  std::string stats() const;

 private:
  Failure ready(const plugin::Call &call);
  Failure reconnect(const plugin::Call &call);
  Failure connect(plugin::Host host, int64_t deadline_ns);

  const Settings settings_;
  Counters counters_;
  Writer writer_;  // closed last: it empties the log
  ReaderPool readers_;
  sql::WriteQueue queue_;
  std::atomic<bool> connected_{false};
  std::atomic<bool> connecting_{false};
  std::atomic<int64_t> next_try_ns_{0};
  mutable std::mutex mutex_;
  Failure last_failure_;  // under mutex_
};

// A job made of a function that returns a Failure. The queue needs a promise that nothing is thrown.
template <class Body>
class Task final : public sql::WriteQueue::Job {
 public:
  Task(Company company, uint64_t bytes, Body body) : Job(company, bytes), body_(std::move(body)) {}
  Failure run() override {
    try {
      return body_();
    } catch (const std::exception &thrown) {
      return Failure(CACHECHAIN_INTERNAL, 0, false, "%s", thrown.what());
    }
  }

 private:
  Body body_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_DATABASE_H_
