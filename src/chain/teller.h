// Teller: tells levels of mutations. A level that is not inline is told of all mutations of a round in one call; each
// of them is answered by itself, and its Told notes which levels have it and which owe it. Thread-safe.
#ifndef CACHECHAIN_CHAIN_TELLER_H_
#define CACHECHAIN_CHAIN_TELLER_H_

#include "chain/core.h"
#include "chain/repairs.h"
#include "chain/told.h"

namespace cachechain {

class Teller {
 public:
  Teller(Core &core, Repairs &repairs) : core_(core), repairs_(repairs) {}

  // Puts into one level, as far as it can hold it. The level's bit goes to done or owed; the answer also stands in
  // told.status.
  int32_t tell(const Caller &caller, size_t at, cachechain_put put, Told &told);

  // The same for each mutation of the round that make(told, put) writes a put for and answers true.
  template <class Make>
  void tell(const Caller &caller, size_t at, Round &round, Make &&make) {
    const bool one_by_one = round.told.size() == 1 || core_.levels[at]->is_inline();
    round.clear();
    for (Told &told : round.told) {
      cachechain_put put;
      if (!make(told, put)) continue;
      if (one_by_one) {
        (void)tell(caller, at, put, told);
      } else {
        collect(caller, at, put, told, round);
      }
    }
    if (!round.puts.empty()) send(caller, at, round);
  }

 private:
  int32_t fit(const Caller &caller, size_t at, cachechain_put &put, const Told &told) const;
  void collect(const Caller &caller, size_t at, cachechain_put put, Told &told, Round &round);
  void send(const Caller &caller, size_t at, Round &round);
  void shrink(const Caller &caller, size_t at, cachechain_put &put, const Told &told) const;
  int32_t put(const Caller &caller, size_t at, const cachechain_put &put, Told &told, cachechain_report &report);
  int32_t put_tombstone(const Caller &caller, size_t at, cachechain_put put, Told &told, cachechain_report &report);
  int32_t settle(const Caller &caller, size_t at, Told &told, int32_t status, const cachechain_report &report);
  void give_verdict(const Level &level, Told &told, int32_t status, const cachechain_report &report) const noexcept;

  Core &core_;
  Repairs &repairs_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_TELLER_H_
