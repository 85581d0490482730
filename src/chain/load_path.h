// LoadPath: a get that may come back with the lease to fill in what nobody has, and the lease's endings. One call in
// the process loads a key; the others wait for it in the key's record. Where a level arbitrates between processes, it
// holds the lease too, and what was loaded is stored only while it still does. Thread-safe.
#ifndef CACHECHAIN_CHAIN_LOAD_PATH_H_
#define CACHECHAIN_CHAIN_LOAD_PATH_H_

#include <string_view>

#include "chain/core.h"
#include "chain/fulfilment.h"
#include "chain/lease_marks.h"
#include "chain/read_path.h"
#include "chain/write_path.h"

namespace cachechain {

class LoadPath {
 public:
  LoadPath(Core &core, ReadPath &reads, WritePath &writes) : core_(core), reads_(reads), writes_(writes) {}

  // A get, and beside it the lease to load the key, if it is this call's turn. `value` and `lease` come zeroed.
  int32_t get(const Caller &caller, std::span<const uint8_t> key, const ReadOptions &options, std::span<uint8_t> buffer,
              cachechain_value &value, cachechain_lease &lease, Status *failure);

  // The steps, for batches.

  // A load that holds the record of its key.
  struct Loading {
    const cachechain_key &key;
    Hold &hold;
    Walk &walk;
    Hold::LoadTerms &terms;
    cachechain_value &value;
    cachechain_lease &lease;
  };
  // Makes `walk` that of a load, with its deadline, and gives the terms of a call that begins now.
  Hold::LoadTerms begin(Walk &walk) const;
  // Looks, and waits for its turn if it is `patient`: if not, LOAD_PENDING or OVERLOADED come at once.
  int32_t load_held(const Caller &caller, const Loading &one, bool patient);
  // What a look into the layers, which answered `status`, has led to.
  enum class Next { kDone, kAgain, kMark, kOthersLoad, kBusy };
  Next take_turn(const Loading &one, bool patient, int32_t &status);
  // The failures of who may not wait, or has no record.
  int32_t no_record(const Loading &one) const;
  int32_t pending(const Loading &one, std::string_view who) const;
  int32_t busy(const Loading &one) const;
  bool wants_refresh(const cachechain_value &value) const;
  // Counts the get once, as what its caller is told.
  static void count_answer(const Caller &caller, int32_t status, const cachechain_value &value,
                           const cachechain_lease &lease);

  // The endings.
  Fulfilment &fulfilment() { return fulfilment_; }
  Status unchanged(const Caller &caller, const cachechain_lease &lease, int64_t ttl_ms);
  Status fail(const Caller &caller, const cachechain_lease &lease, std::string_view message, int64_t hold_off_ms);
  Status abandon(const Caller &caller, const cachechain_lease &lease);
  Status renew(const Caller &caller, cachechain_lease &lease, int64_t lease_ms);

 private:
  int32_t load(const Caller &caller, const cachechain_key &key, Walk &walk, cachechain_value &value,
               cachechain_lease &lease);
  int32_t fail(const Loading &one, int32_t code, std::string_view text) const;
  bool wait_for_permit(const Walk &walk);

  Core &core_;
  ReadPath &reads_;
  WritePath &writes_;
  LeaseMarks marks_{core_};
  Fulfilment fulfilment_{core_, writes_, marks_};
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_LOAD_PATH_H_
