// QueryPath: a truth without versions, the user's own table: what it answers is stamped before it is asked, what it was
// told after it has acknowledged. Where processes share a level above it, stamps of different clocks are not enough: a
// reader takes a lease there first and copies only over that very lease, and a mutation leaves a mark there that keeps
// others from leasing until the table is written (tests/model/query.pml). Thread-safe.
#ifndef CACHECHAIN_CHAIN_QUERY_PATH_H_
#define CACHECHAIN_CHAIN_QUERY_PATH_H_

#include "chain/core.h"
#include "chain/told.h"
#include "chain/walk.h"

namespace cachechain {

class QueryPath {
 public:
  explicit QueryPath(Core &core) : core_(core) {}

  // Before the table is read.
  Borrowed borrow(const Caller &caller, const cachechain_key &key, Walk &walk);
  // Stamps what was read, and ends the lease with it.
  void give_back(const Caller &caller, const cachechain_key &key, Walk &walk, const Borrowed &borrowed, int32_t status,
                 cachechain_value &value);

  // Before the table is written, and for those mutations by which it was not.
  void announce(const Caller &caller, Round &round);
  void call_off(const Caller &caller, Round &round);

 private:
  template <class Make>
  void mark_shared(const Caller &caller, Round &round, Make &&make);

  Core &core_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_QUERY_PATH_H_
