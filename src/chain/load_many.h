// LoadMany: loads of many keys, and the fulfilment of many leases. A batch looks for all its keys together, as gets of
// many keys do (chain/read_many.h), and takes a lease for each that a single load would be given one for. Once it has
// one it waits for no other load, because those who load may wait for it: what others load, and what is beyond
// max_loads, is answered at once. A batch without a lease waits as single loads do, key by key. Thread-safe.
#ifndef CACHECHAIN_CHAIN_LOAD_MANY_H_
#define CACHECHAIN_CHAIN_LOAD_MANY_H_

#include <span>
#include <vector>

#include "chain/lease_marks.h"
#include "chain/load_path.h"
#include "chain/read_many.h"

namespace cachechain {

class LoadMany {
 public:
  LoadMany(Core &core, ReadMany &reads, LoadPath &loads) : core_(core), reads_(reads), loads_(loads) {}

  // `batch` receives an answer for each key, and leases. A failure is of the call as a whole, and then there are none.
  Status get(const Caller &caller, const Slices &keys, const ReadOptions &options, Batch::Ptr &batch);
  // As Fulfilment::many; `batch` receives the answers.
  Status fulfil(const Caller &caller, std::span<const cachechain_lease> leases, const Slices &values,
                const Mutation &common, Batch::Ptr &batch);

 private:
  struct Round;

  void go(Round &round, Travellers &travellers);
  void look(Round &round, std::vector<Traveller *> led);
  void looked(Round &round, Traveller &one, int32_t status);
  void put_marks(Round &round);
  int32_t wait(Round &round, Traveller &one);
  void answer(Round &round, Traveller &one, int32_t status);
  void abandon_all(const Caller &caller, Batch &batch);

  Core &core_;
  ReadMany &reads_;
  LoadPath &loads_;
  LeaseMarks marks_{core_};
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LOAD_MANY_H_
