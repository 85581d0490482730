// LoadPath: a get that may come back with the lease to fill in what nobody has, and the lease's endings. One call in
// the process loads a key; the others wait for it in the key's record. Where a level arbitrates between processes, it
// holds the lease too, and what was loaded is stored only while it still does. Thread-safe.
#ifndef CACHECHAIN_CHAIN_LOAD_PATH_H_
#define CACHECHAIN_CHAIN_LOAD_PATH_H_

#include <string_view>

#include "chain/core.h"
#include "chain/read_path.h"
#include "chain/write_path.h"

namespace cachechain {

class LoadPath {
 public:
  LoadPath(Core &core, ReadPath &reads, WritePath &writes) : core_(core), reads_(reads), writes_(writes) {}

  // A get, and beside it the lease to load the key, if it is this call's turn. `value` and `lease` come zeroed.
  int32_t get(const Caller &caller, std::span<const uint8_t> key, const ReadOptions &options, std::span<uint8_t> buffer,
              cachechain_value &value, cachechain_lease &lease, Status *failure);

  // The endings. `loaded` is a value or an absence.
  Status fulfil(const Caller &caller, const cachechain_lease &lease, const Mutation &loaded, cachechain_write &result);
  Status unchanged(const Caller &caller, const cachechain_lease &lease, int64_t ttl_ms);
  Status fail(const Caller &caller, const cachechain_lease &lease, std::string_view message, int64_t hold_off_ms);
  Status abandon(const Caller &caller, const cachechain_lease &lease);
  Status renew(const Caller &caller, cachechain_lease &lease, int64_t lease_ms);

 private:
  int32_t load(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value,
               cachechain_lease &lease);
  bool wait_for_permit(int64_t deadline_ns);
  bool wants_refresh(const cachechain_value &value) const;
  enum class Marked { kYes, kLocal, kOvertaken, kForeign };
  Marked mark_lease(const Caller &caller, Hold &hold, const Seen &seen, cachechain_lease &lease, Walk &walk);
  void release_mark(const Caller &caller, Hold &hold, const Hold::LeaseTerms &terms);
  int32_t put_lease(const Caller &caller, Hold &hold, const cachechain_lease &lease, uint64_t expect_version,
                    uint64_t expect_token, int64_t lease_ms);
  Status store(const Caller &caller, Hold &hold, const Hold::LeaseTerms &lease, Told &told);

  Core &core_;
  ReadPath &reads_;
  WritePath &writes_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LOAD_PATH_H_
