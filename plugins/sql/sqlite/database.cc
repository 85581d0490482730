#include "sql/sqlite/database.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cachechain::sqlite {

namespace {

using Company = sql::WriteQueue::Job::Company;

constexpr int64_t kConnectNs = 50'000'000;
constexpr int64_t kRetryNs = 250'000'000;

int64_t bytes_of(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? static_cast<int64_t>(status.st_size) : 0;
}

}  // namespace

Database::Database(Settings settings)
    : settings_(std::move(settings)), writer_(settings_, counters_), readers_(settings_, counters_), queue_(writer_) {}

Failure Database::open(plugin::Host host) { return connect(host, host.now_mono_ns() + kConnectNs); }

Failure Database::borrow(const plugin::Call &call, ReaderPool::Loan &reader) {
  if (Failure failure = ready(call)) return failure;
  Failure failure = readers_.borrow(call, reader);
  if (failure) heard_of(failure);
  return failure;
}

Failure Database::write(sql::WriteQueue::Job &job, const plugin::Call &call) {
  if (Failure failure = ready(call)) return failure;
  Failure failure = queue_.submit(job, call);
  if (failure && writer_.lost()) lose();
  if (failure) heard_of(failure);
  return failure;
}

// A table that is gone answers SQLITE_ERROR; a file that was written over is no database any more; a reader finds no
// file where one was removed (but "cannot open" may also mean that this process is out of descriptors).
void Database::heard_of(const Failure &failure) {
  const auto code = static_cast<int>(failure.native_code());
  const bool gone = (code & 0xff) == SQLITE_CANTOPEN && access(settings_.path.c_str(), F_OK) != 0;
  // In query mode SQLITE_ERROR may be about one row, and a statement finds its table again by itself.
  const bool no_table = code == SQLITE_ERROR && !settings_.query;
  if (gone || no_table || code == SQLITE_NOTADB || code == SQLITE_READONLY_DBMOVED) lose();
}

Failure Database::ready(const plugin::Call &call) {
  if (call.deadline_ns() != 0 && call.left_ns(1) == 0) {
    return Failure(CACHECHAIN_DEADLINE, 0, true, "the deadline came before %s was asked", settings_.path.c_str());
  }
  return connected_.load(std::memory_order_acquire) ? Failure() : reconnect(call);
}

Failure Database::reconnect(const plugin::Call &call) {
  const int64_t now = call.host().now_mono_ns();
  if (now >= next_try_ns_.load(std::memory_order_relaxed) && !connecting_.exchange(true)) {
    const int64_t deadline = now + call.left_ns(kConnectNs);
    Failure failure = connected_.load(std::memory_order_acquire) ? Failure() : connect(call.host(), deadline);
    connecting_.store(false);
    if (!failure) return failure;
  }
  const std::lock_guard<std::mutex> guard(mutex_);
  if (!last_failure_) {
    return Failure(CACHECHAIN_UNAVAILABLE, 0, true, "%s: is being opened again", settings_.path.c_str());
  }
  return Failure(CACHECHAIN_UNAVAILABLE, last_failure_.native_code(), true, "%s", last_failure_.text());
}

Failure Database::connect(plugin::Host host, int64_t deadline_ns) {
  cachechain_call limits{};
  limits.struct_size = sizeof(limits);
  limits.deadline_ns = deadline_ns;
  const plugin::Call call(host, &limits);
  Task task(Company::kAlone, 0, [&] {
    writer_.disconnect();
    if (!readers_.close_all(call)) {
      return Failure(CACHECHAIN_UNAVAILABLE, 0, true, "%s: the connections to the file that was there are still in use",
                     settings_.path.c_str());
    }
    return writer_.connect(call);
  });
  const Failure failure = queue_.submit(task, call);
  // Also after a success: what is lost at once again must not keep every call busy with opening.
  next_try_ns_.store(host.now_mono_ns() + kRetryNs, std::memory_order_relaxed);
  if (!failure) connected_.store(true, std::memory_order_release);
  const std::lock_guard<std::mutex> guard(mutex_);
  const bool repaired = !failure && last_failure_;
  const bool worse = failure && std::strcmp(failure.text(), last_failure_.text()) != 0;
  last_failure_ = failure;
  if (repaired) host.log(CACHECHAIN_LOG_INFO, settings_.path + ": open again");
  if (worse) host.log(CACHECHAIN_LOG_WARN, failure.text());
  return failure;
}

std::string Database::stats() const {
  const sql::WriteQueue::Counts writes = queue_.counts();
  nlohmann::json json = {
      {"path", settings_.path},
      {"mode", settings_.query ? "query" : "table"},
      {"connected", connected_.load()},
      {"journal", writer_.uses_log() ? "wal"
                  : settings_.query  ? "rollback"
                                     : "truncate"},
      {"synchronous", settings_.synchronous.empty() ? "default" : settings_.synchronous},
      {"file_bytes", bytes_of(settings_.path)},
      {"wal_bytes", bytes_of(settings_.path + "-wal")},
      {"readers", readers_.open_readers()},
      {"readers_most", settings_.readers},
      {"commits", writes.commits},
      {"writes", writes.jobs},
      {"largest_commit", writes.largest},
      {"writes_waiting", writes.waiting},
      {"left_while_waiting", writes.left_waiting},
      {"left_before_commit", writes.left_unknown},
      {"lock_waits", counters_.busy_waits.load()},
      {"lock_failures", counters_.busy_failures.load()},
      {"connects", counters_.connects.load()},
      {"expired_removed", counters_.expired.load()},
  };
  if (settings_.query) {
    json["key"] = settings_.query->key.text();
  } else {
    json["table"] = settings_.table;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace cachechain::sqlite
