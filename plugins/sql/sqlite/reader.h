// Reader: a connection that reads, with the statements of the layer's mode. Used by one thread at a time. Where the
// file has a write-ahead log it never waits for a writer of this or of another process: each read has its own snapshot.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_READER_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_READER_H_

#include <cstdint>
#include <memory>

#include "sql/common/failure.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/statements.h"

namespace cachechain::sqlite {

class Reader {
 public:
  static Failure open(const Settings &settings, Counters &counters, const plugin::Call &call,
                      std::unique_ptr<Reader> &reader);

  // OK or MISS with a value as the get slot hands it out, else a failure.
  Failure get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer, cachechain_value &value,
              int32_t &status);
  // The same for many keys in one snapshot; a failure releases what was found.
  Failure get_many(const plugin::Call &call, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses);
  // Fails unless the file can be read.
  Failure ping(const plugin::Call &call);
  bool has_moved() const { return connection_->has_moved(); }

 private:
  Failure prepare();

  std::unique_ptr<Connection> connection_;
  std::unique_ptr<ReadStatements> statements_;
  Statement begin_;
  Statement end_;
  Statement ping_;
};

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_READER_H_
