// Repairs: what a level could not be told is put there at the next contact, before anything that it holds is believed.
// Thread-safe.
#ifndef CACHECHAIN_CHAIN_REPAIRS_H_
#define CACHECHAIN_CHAIN_REPAIRS_H_

#include "chain/core.h"
#include "chain/told.h"

namespace cachechain {

class Repairs {
 public:
  explicit Repairs(Core &core) : core_(core) {}

  // Notes what the mutation could not tell.
  void owe(const Told &told);
  // Whether what the level holds of this key may be believed: it owes nothing, or has just been told.
  bool believed(const Caller &caller, Level &level, const cachechain_key &key, int64_t deadline_ns,
                cachechain_report &report);
  // Settles a few of the debts to other keys, because the level answers just now, having been `told` of so many
  // mutations at once.
  void settle_others(const Caller &caller, Level &level, int64_t deadline_ns, size_t told = 1) noexcept;

 private:
  cachechain_put mark_of(const Caller &caller, const cachechain_key &key, const Debt &debt) const;
  bool note(const Caller &caller, Level &level, const cachechain_key &key, const Debt &debt,
            const cachechain_put_result &result);
  bool settle(const Caller &caller, Level &level, const cachechain_key &key, const Debt &debt, int64_t deadline_ns,
              cachechain_report &report);

  Core &core_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_REPAIRS_H_
