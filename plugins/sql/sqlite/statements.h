// ReadStatements and WriteStatements: what the two modes of a layer do differently with a connection. In table mode
// they are statements of ours over a table of ours (table_*.h), in query mode the user's own (query_*.h).
//
// Each object belongs to one connection, which outlives it, and is used by whoever uses that: one thread at a time. All
// functions but prepare() work inside a Guard of the caller's, or make their own where that is said.
#ifndef CACHECHAIN_PLUGINS_SQL_SQLITE_STATEMENTS_H_
#define CACHECHAIN_PLUGINS_SQL_SQLITE_STATEMENTS_H_

#include <cstdint>
#include <memory>
#include <span>

#include "sql/common/failure.h"
#include "sql/sqlite/connection.h"

namespace cachechain::sqlite {

class ReadStatements {
 public:
  virtual ~ReadStatements() = default;

  virtual Failure prepare(Connection &reader) = 0;
  // OK or MISS with a value as the get slot hands it out, else a failure.
  virtual Failure get(const plugin::Call &call, const cachechain_key &key, plugin::Buffer buffer,
                      cachechain_value &value, int32_t &status) = 0;
  // The same for many keys, inside a read transaction. `values` are zero and `statuses` MISS; after a failure the
  // caller releases what was found.
  virtual Failure get_many(const plugin::Call &call, std::span<const cachechain_key> keys,
                           std::span<cachechain_value> values, std::span<int32_t> statuses) {
    Failure failure;
    for (size_t i = 0; !failure && i < keys.size(); ++i) failure = get(call, keys[i], {}, values[i], statuses[i]);
    return failure;
  }
  // A statement that fails unless what the layer reads is there.
  virtual std::string ping() const = 0;
};

class WriteStatements {
 public:
  virtual ~WriteStatements() = default;

  // Also makes or checks what the file must have.
  virtual Failure prepare(Connection &writer) = 0;
  // Inside a transaction, for the call that asked; a Guard is made if one is needed. After a failure `result` holds its
  // status; look at the connection to learn whether the transaction survived.
  virtual Failure put(const plugin::Call &call, const cachechain_put &put, cachechain_put_result &result) = 0;
  virtual Failure erase(const plugin::Call &call, const cachechain_key &key) = 0;
  // At most `most` rows: of what has expired, or of a namespace (NULL: of all).
  virtual Failure remove_expired(int64_t now_ms, int64_t most, int64_t &removed) = 0;
  virtual Failure remove_space(const cachechain_space *space, int64_t most, int64_t &removed) = 0;
};

// Those of the settings' mode. The settings outlive them.
std::unique_ptr<ReadStatements> make_read_statements(const Settings &settings);
std::unique_ptr<WriteStatements> make_write_statements(const Settings &settings);

}  // namespace cachechain::sqlite

#endif  // CACHECHAIN_PLUGINS_SQL_SQLITE_STATEMENTS_H_
