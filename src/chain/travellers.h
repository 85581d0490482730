// Travellers: the keys of a batch that the first level did not answer, each with its part in its record and what it has
// learned on its way down. A key that occurs twice travels once. Used by the thread that makes the call, on its stack.
#ifndef CACHECHAIN_CHAIN_TRAVELLERS_H_
#define CACHECHAIN_CHAIN_TRAVELLERS_H_

#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "chain/walk.h"
#include "key/hold.h"

namespace cachechain {

// A key, and its place in the batch.
struct Placed {
  size_t place = 0;
  cachechain_key key{};
};

struct Traveller {
  Traveller(RecordTable &records, const ReadOptions &options, const Placed &placed, int64_t deadline_ns)
      : place(placed.place), key(placed.key), hold(records), walk(options, {}) {
    walk.deadline_ns = deadline_ns;
    walk.timed = true;
  }

  const size_t place;
  const cachechain_key key;
  Hold hold;
  Walk walk;
  int32_t status = CACHECHAIN_OK;  // of the level that was asked last

  // Of a load, and whose it must wait for.
  enum class Blocked { kNo, kByCall, kByProcess, kByLimit };
  Hold::LoadTerms terms;
  Blocked blocked = Blocked::kNo;
};

class Travellers {
 public:
  // So many go down together: what a slot is asked at once.
  static constexpr size_t kMost = 1024;

  // At most kMost keys. `places` outlive this.
  Travellers(RecordTable &records, const ReadOptions &options, std::span<const Placed> places, int64_t deadline_ns);
  Travellers(const Travellers &) = delete;
  Travellers &operator=(const Travellers &) = delete;

  std::deque<Traveller> &all() { return all_; }

  // A key that occurs again, and the place of the one that travels.
  struct Again {
    size_t place;
    size_t first;
  };
  std::span<const Again> again() const { return again_; }

 private:
  std::deque<Traveller> all_;
  std::vector<Again> again_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_TRAVELLERS_H_
