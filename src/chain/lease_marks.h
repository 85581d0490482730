// LeaseMarks: leases as entries of the level that arbitrates between processes. What was loaded is stored there only
// while the lease still stands there, and a process that finds the lease of another waits for him. Where no level
// arbitrates the record of the key alone does, and where the truth itself would, to fulfil is to set: then there are no
// marks. Thread-safe.
#ifndef CACHECHAIN_CHAIN_LEASE_MARKS_H_
#define CACHECHAIN_CHAIN_LEASE_MARKS_H_

#include "chain/core.h"
#include "chain/walk.h"
#include "key/hold.h"

namespace cachechain {

class LeaseMarks {
 public:
  explicit LeaseMarks(Core &core) : core_(core) {}

  // For a lease that was granted in this process, after a look into the layers that has `seen` what stands there.
  enum class Needed { kNone, kPut, kForeign };  // kForeign: another process loads
  Needed needed(Hold &hold, const Seen &seen, const cachechain_lease &lease) const;
  enum class Marked { kYes, kOvertaken, kForeign, kCancelled };
  // Puts the mark. If another process loads, waits for him up to the deadline (0: none), but for half of what is left
  // and lease_wait_ms at most: then the lease is a side lease. Without patience kForeign comes at once. After
  // all but kYes the lease is over.
  Marked mark(const Caller &caller, Hold &hold, Seen seen, const Walk &walk, bool patient, cachechain_lease &lease);

  // The steps of it, for batches.
  cachechain_put entry(const cachechain_key &key, const cachechain_lease &lease, uint64_t expect_version,
                       uint64_t expect_token, int64_t lease_ms) const;
  // Whether the lease may be used, now that the put of its mark was answered. If not, everybody looks again.
  static bool settle(Hold &hold, const cachechain_lease &lease, int32_t status);

  // Gives a mark of ours a new time. CONFLICT: it is ours no longer.
  int32_t renew(const Caller &caller, Hold &hold, const Hold::LeaseTerms &terms, int64_t lease_ms);
  // A lease that ends without a value must keep nobody waiting in other processes.
  void release(const Caller &caller, Hold &hold, const Hold::LeaseTerms &terms);

 private:
  bool still_there(const Caller &caller, Hold &hold, const Walk &walk, Seen &seen);

  Core &core_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LEASE_MARKS_H_
