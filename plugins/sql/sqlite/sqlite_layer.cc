#include "sql/sqlite/sqlite_layer.h"

#include <algorithm>
#include <utility>

#include "sql/sqlite/query_write.h"

namespace cachechain::sqlite {

namespace {

using Company = sql::WriteQueue::Job::Company;

constexpr uint64_t kCommonCaps =
    CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_DEADLINE | CACHECHAIN_CAP_PERSISTENT | CACHECHAIN_CAP_SHARED;
constexpr uint64_t kTableCaps = kCommonCaps | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_EXACT |
                                CACHECHAIN_CAP_KINDS | CACHECHAIN_CAP_SWEEP;
constexpr uint64_t kQueryCaps = kCommonCaps | CACHECHAIN_CAP_PLAIN;
// RETURNING-free upserts, STRICT tables and extended codes at open.
constexpr int kOldestLibrary = 3'037'000;
// Of a sweep or a clean-up, in one transaction; puts go between two of them.
constexpr int64_t kRowsAtOnce = 512;
// What one maintain() removes at most.
constexpr int kSlicesOfMaintain = 32;
// A row's overhead, for the bound of a transaction's size.
constexpr uint64_t kRowBytes = 256;

constexpr char kNotSwept[] = "a table that is not ours is neither swept nor maintained";

void warn_of_what_is_missing(plugin::Host host, const Query &query) {
  if (query.upsert.empty()) host.log(CACHECHAIN_LOG_WARN, "no \"upsert\": set answers UNSUPPORTED");
  if (query.remove.empty()) host.log(CACHECHAIN_LOG_WARN, "no \"delete\": delete answers UNSUPPORTED");
}

// The text and status of the first failure of a batch.
void keep_first(Failure &first, const Failure &failure) {
  if (failure && !first) first = failure;
}

}  // namespace

int32_t SqliteLayer::open(const plugin::Opening &opening, cachechain_layer_info &info,
                          std::unique_ptr<SqliteLayer> &layer) {
  if (sqlite3_libversion_number() < kOldestLibrary || sqlite3_threadsafe() == 0) {
    return opening.fail(CACHECHAIN_CONFIG, 0, false,
                        std::string("SQLite ") + sqlite3_libversion() +
                            " is too old or was built without threads: 3.37 with threads is needed");
  }
  Settings settings;
  if (const std::string problems = read_settings(opening.options(), opening.chain(), settings); !problems.empty()) {
    return opening.fail(CACHECHAIN_CONFIG, 0, false, problems);
  }
  auto opened = std::make_unique<SqliteLayer>(std::move(settings));
  const Failure failure = opened->database_.open(opening.host());
  if (failure && !may_heal(failure)) {
    return opening.fail(failure.status(), failure.native_code(), failure.retryable(), failure.text());
  }
  const Settings &kept = opened->database_.settings();
  if (kept.query) warn_of_what_is_missing(opening.host(), *kept.query);
  info.caps = kept.query ? kQueryCaps : kTableCaps;
  info.max_key_size = CACHECHAIN_MAX_KEY_SIZE;
  info.max_value_size = static_cast<uint64_t>(kept.max_value_bytes);
  info.endpoint = reinterpret_cast<const uint8_t *>(kept.path.data());
  info.endpoint_size = kept.path.size();
  layer = std::move(opened);
  return failure ? opening.fail(CACHECHAIN_DEGRADED, failure.native_code(), true, failure.text()) : CACHECHAIN_OK;
}

Failure SqliteLayer::check(const plugin::Call &call) const {
  if (call.must_flags() == 0) return Failure();
  return Failure(CACHECHAIN_UNSUPPORTED, 0, false, "must_flags 0x%x are not known", call.must_flags());
}

Failure SqliteLayer::check(const cachechain_key &key) const {
  if (key.size == 0) return Failure(CACHECHAIN_INVALID_ARGUMENT, 0, false, "an empty key");
  if (key.size <= CACHECHAIN_MAX_KEY_SIZE) return Failure();
  return Failure(CACHECHAIN_KEY_TOO_LONG, 0, false, "a key of %llu bytes, at most %d are possible",
                 static_cast<unsigned long long>(key.size), CACHECHAIN_MAX_KEY_SIZE);
}

Failure SqliteLayer::check(const cachechain_put &put) const {
  if (Failure failure = check(*put.key)) return failure;
  const Settings &settings = database_.settings();
  if (put.size > static_cast<uint64_t>(settings.max_value_bytes)) {
    return Failure(CACHECHAIN_VALUE_TOO_LARGE, 0, false, "a value of %llu bytes, \"max_value_bytes\" is %lld",
                   static_cast<unsigned long long>(put.size), static_cast<long long>(settings.max_value_bytes));
  }
  return settings.query ? problem_of_put(*settings.query, put) : Failure();
}

int32_t SqliteLayer::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer,
                         cachechain_value &value) {
  if (Failure failure = check(call)) return failure.report(call);
  if (Failure failure = check(key)) return failure.report(call);
  ReaderPool::Loan reader;
  if (Failure failure = database_.borrow(call, reader)) return failure.report(call);
  int32_t status = CACHECHAIN_MISS;
  if (Failure failure = reader->get(call, key, buffer, value, status)) {
    database_.heard_of(failure);
    return failure.report(call);
  }
  return status;
}

int32_t SqliteLayer::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                              std::span<cachechain_value> values, std::span<int32_t> statuses) {
  if (Failure failure = check(call)) return failure.report(call);
  for (const cachechain_key &key : keys) {
    if (Failure failure = check(key)) return failure.report(call);
  }
  ReaderPool::Loan reader;
  if (Failure failure = database_.borrow(call, reader)) return failure.report(call);
  if (Failure failure = reader->get_many(call, keys, values, statuses)) {
    database_.heard_of(failure);
    return failure.report(call);
  }
  return CACHECHAIN_OK;
}

int32_t SqliteLayer::put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) {
  const Failure failure = write_puts(call, std::span(&put, 1), std::span(&result, 1));
  return failure ? failure.report(call) : result.status;
}

int32_t SqliteLayer::put_many(const plugin::Call &call, std::span<const cachechain_put> puts,
                              std::span<cachechain_put_result> results) {
  if (puts.empty()) return CACHECHAIN_OK;
  const Failure failure = write_puts(call, puts, results);
  if (failure) (void)failure.report(call);
  const int32_t first = results.front().status;
  const bool same = std::all_of(results.begin(), results.end(), [&](const auto &r) { return r.status == first; });
  if (!same) return CACHECHAIN_PARTIAL;
  return first < 0 && first != CACHECHAIN_UNKNOWN_OUTCOME ? first : int32_t{CACHECHAIN_OK};
}

Failure SqliteLayer::write_puts(const plugin::Call &call, std::span<const cachechain_put> puts,
                                std::span<cachechain_put_result> results) {
  Failure first = check(call);
  // What can store nothing needs no transaction.
  if (!first && std::all_of(puts.begin(), puts.end(), [this](const auto &put) { return bool(check(put)); })) {
    for (size_t i = 0; i < puts.size(); ++i) {
      const Failure failure = check(puts[i]);
      results[i] = {failure.status(), 0, 0};
      keep_first(first, failure);
    }
    return first;
  }
  uint64_t bytes = 0;
  for (const cachechain_put &put : puts) bytes += put.key->size + put.size + kRowBytes;
  Task task(Company::kShared, bytes, [&]() -> Failure {
    first = Failure();
    for (size_t i = 0; i < puts.size(); ++i) {
      Failure failure = check(puts[i]);
      // Clocks are not free: a large batch looks at its deadline now and then.
      if (!failure && i % 16 == 15 && call.left_ns(1) == 0) {
        failure = Failure(CACHECHAIN_DEADLINE, 0, true, "the deadline came after %zu of %zu puts", i, puts.size());
      }
      results[i] = {failure.status(), 0, 0};
      if (!failure) failure = database_.writer().put(call, puts[i], results[i]);
      if (failure && !database_.writer().alive()) return failure;
      keep_first(first, failure);
    }
    return Failure();
  });
  const Failure lost = first ? first : database_.write(task, call);
  if (!lost) {
    if (first) database_.heard_of(first);
    return first;
  }
  for (cachechain_put_result &result : results) result = {lost.status(), 0, 0};
  return lost;
}

int32_t SqliteLayer::erase_many(const plugin::Call &call, std::span<const cachechain_key> keys) {
  if (Failure failure = check(call)) return failure.report(call);
  for (const cachechain_key &key : keys) {
    if (Failure failure = check(key)) return failure.report(call);
  }
  if (const auto &query = database_.settings().query; query && query->remove.empty()) {
    return call.fail(CACHECHAIN_UNSUPPORTED, 0, false,
                     "the layer has no \"delete\", so nothing can be deleted from it");
  }
  Task task(Company::kShared, keys.size() * kRowBytes, [&] {
    Failure failure;
    for (const cachechain_key &key : keys) {
      if (!failure) failure = database_.writer().erase(call, key);
    }
    return failure;
  });
  return database_.write(task, call).report(call);
}

int32_t SqliteLayer::ping(const plugin::Call &call) {
  if (Failure failure = check(call)) return failure.report(call);
  ReaderPool::Loan reader;
  if (Failure failure = database_.borrow(call, reader)) return failure.report(call);
  if (reader->has_moved()) {
    database_.lose();
    return call.fail(CACHECHAIN_UNAVAILABLE, 0, true,
                     database_.settings().path + ": was removed or replaced while it was open");
  }
  const Failure failure = reader->ping(call);
  if (failure) database_.heard_of(failure);
  return failure.report(call);
}

int32_t SqliteLayer::sweep(const plugin::Call &call, const cachechain_space *space, uint64_t &removed) {
  removed = 0;
  if (Failure failure = check(call)) return failure.report(call);
  if (database_.settings().query) return call.fail(CACHECHAIN_UNSUPPORTED, 0, false, kNotSwept);
  while (true) {
    int64_t slice = 0;
    Task task(Company::kAlone, 0, [&] { return database_.writer().remove_space(call, space, kRowsAtOnce, slice); });
    const Failure failure = database_.write(task, call);
    // A deadline in the middle is what a bounded sweep expects; one at the start did nothing.
    const bool late = failure.status() == CACHECHAIN_TIMEOUT || failure.status() == CACHECHAIN_DEADLINE;
    if (failure) return late && removed != 0 ? CACHECHAIN_PARTIAL : failure.report(call);
    removed += static_cast<uint64_t>(slice);
    if (slice < kRowsAtOnce) return CACHECHAIN_OK;
    if (call.left_ns(1) == 0) return CACHECHAIN_PARTIAL;
  }
}

int32_t SqliteLayer::maintain(const plugin::Call &call) {
  if (Failure failure = check(call)) return failure.report(call);
  if (database_.settings().query) return call.fail(CACHECHAIN_UNSUPPORTED, 0, false, kNotSwept);
  int64_t removed = kRowsAtOnce;
  for (int i = 0; i < kSlicesOfMaintain && removed == kRowsAtOnce; ++i) {
    Task task(Company::kAlone, 0, [&] { return database_.writer().remove_expired(call, kRowsAtOnce, removed); });
    if (Failure failure = database_.write(task, call)) return failure.report(call);
  }
  Task task(Company::kAlone, 0, [&] { return database_.writer().checkpoint(call); });
  if (Failure failure = database_.write(task, call)) return failure.report(call);
  return removed == kRowsAtOnce ? CACHECHAIN_PARTIAL : CACHECHAIN_OK;
}

}  // namespace cachechain::sqlite
