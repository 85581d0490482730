#include "sql/sqlite/reader.h"

#include <algorithm>

#include "sql/sqlite/hand_out.h"

namespace cachechain::sqlite {

Failure Reader::open(const Settings &settings, Counters &counters, const plugin::Call &call,
                     std::unique_ptr<Reader> &reader) {
  auto opened = std::make_unique<Reader>();
  Failure failure = Connection::open(settings, Connection::Role::kReader, counters, call, opened->connection_);
  if (failure) return failure;
  opened->statements_ = make_read_statements(settings);
  const Connection::Guard guard(*opened->connection_, call, Connection::Guard::Interrupt::kYes);
  failure = opened->prepare();
  if (!failure) reader = std::move(opened);
  return failure;
}

Failure Reader::prepare() {
  Failure failure = statements_->prepare(*connection_);
  if (!failure) failure = begin_.prepare(*connection_, "BEGIN");
  if (!failure) failure = end_.prepare(*connection_, "COMMIT");
  if (!failure) failure = ping_.prepare(*connection_, statements_->ping());
  return failure;
}

Failure Reader::get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
                    int32_t &status) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  return statements_->get(call, key, buffer, value, status);
}

Failure Reader::get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                         std::span<cachechain_value> values, std::span<int32_t> statuses) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  if (const int code = begin_.run(); code != SQLITE_DONE) return connection_->failure("begin to read", code);
  std::fill(values.begin(), values.end(), cachechain_value{});
  std::fill(statuses.begin(), statuses.end(), CACHECHAIN_MISS);
  Failure failure = statements_->get_many(call, keys, values, statuses);
  end_.run();
  if (failure) std::for_each(values.begin(), values.end(), take_back);
  return failure;
}

Failure Reader::ping(const plugin::Call &call) {
  const Connection::Guard guard(*connection_, call, Connection::Guard::Interrupt::kYes);
  const int code = ping_.run();
  return code == SQLITE_DONE ? Failure() : connection_->failure("ping", code);
}

}  // namespace cachechain::sqlite
