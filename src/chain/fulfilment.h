// Fulfilment: what was loaded is stored, for one lease or for many in lockstep, one call for each level that is not
// inline. Where a level holds the lease, what was loaded goes there first, and only if the lease still stands there; in
// a chain whose last layer is the truth, to fulfil is to set. Whoever waits for a lease has the value, even if no level
// could keep it; what became of one lease is no matter to the others. Thread-safe.
#ifndef CACHECHAIN_CHAIN_FULFILMENT_H_
#define CACHECHAIN_CHAIN_FULFILMENT_H_

#include <span>

#include "chain/batch.h"
#include "chain/core.h"
#include "chain/lease_marks.h"
#include "chain/slices.h"
#include "chain/told.h"
#include "chain/write_path.h"

namespace cachechain {

class Fulfilment {
 public:
  Fulfilment(Core &core, WritePath &writes, LeaseMarks &marks) : core_(core), writes_(writes), marks_(marks) {}

  // `loaded` is a value or an absence.
  Status one(const Caller &caller, const cachechain_lease &lease, const Mutation &loaded, cachechain_write &result);
  // `common` is what all values are, but for their bytes. An answer's version is that of what was stored. A failure of
  // the whole has ended no lease.
  Status many(const Caller &caller, std::span<const cachechain_lease> leases, const Slices &values,
              const Mutation &common, Batch &answers);

 private:
  struct Ending;

  bool enter(const Caller &caller, Ending &ending);
  void store(const Caller &caller, std::span<Ending *const> endings, Round &round);
  void store_copies(const Caller &caller, std::span<Ending *const> endings, Round &round);
  void put_marked(const Caller &caller, std::span<Ending *const> endings, Round &round);
  void finish(const Caller &caller, Ending &ending);

  Core &core_;
  WritePath &writes_;
  LeaseMarks &marks_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_FULFILMENT_H_
