// Walk: what one get asks for, and what it learned on its way down. Lives on the stack of the call.
#ifndef CACHECHAIN_CHAIN_WALK_H_
#define CACHECHAIN_CHAIN_WALK_H_

#include <string>
#include <string_view>

#include "base/status.h"
#include "chain/request.h"
#include "key/hold.h"

namespace cachechain {

inline void drop(cachechain_value &value) {
  if (value.release != nullptr) value.release(value.owner);
  value = {};
}

// What a read of a truth without versions works under.
struct Borrowed {
  uint64_t version = 0;  // a stamp from before the read
  uint64_t token = 0;    // of the lease in the shared level, 0 for none
};

struct Walk {
  Walk(const ReadOptions &read_options, std::span<uint8_t> read_buffer)
      : options(read_options), buffer(read_buffer), least(read_options.min_version) {}
  ~Walk() { drop(stale); }
  Walk(const Walk &) = delete;
  Walk &operator=(const Walk &) = delete;

  const ReadOptions &options;
  const std::span<uint8_t> buffer;
  Hold *hold = nullptr;  // without one nothing may be warmed
  bool loads = false;    // of a load: it ends its flight itself

  int64_t begin_ns = 0;     // where the cost of a fetch counts
  int64_t deadline_ns = 0;  // 0: none, or not yet needed
  bool timed = false;       // deadline_ns was worked out
  bool late = false;        // a level was not asked, or not waited for, for lack of this call's time
  bool degraded = false;    // a level could not be asked
  bool truth_said_no = false;

  uint64_t least = 0;    // an entry of a copy below this version is no answer
  uint64_t floor = 0;    // of the newest mark that was seen
  uint64_t deleted = 0;  // of the newest of them that is a tombstone
  uint32_t marked = 0;   // bit i: level i holds a mark, of version marks[i]
  uint64_t marks[CACHECHAIN_MAX_LAYERS];
  Seen seen;          // at the level that arbitrates
  Seen shared;        // at the level that is leased from under a truth without versions
  Borrowed borrowed;  // for the level that is being asked
  bool keeps = true;  // what was found may be copied

  // The best entry past its fresh time, as long as nothing fresh was found.
  cachechain_value stale{};
  bool has_stale = false;
  size_t stale_at = 0;

  Status failure;
  std::string verdicts;  // of the levels that failed

  bool cancelled() const { return options.cancel != nullptr && options.cancel->cancelled(); }
  void note(std::string_view text) {
    if (!verdicts.empty()) verdicts += "; ";
    verdicts += text;
  }
  // For another look.
  void restart() {
    drop(stale);
    late = degraded = truth_said_no = has_stale = false;
    floor = deleted = 0;
    marked = 0;
    seen = shared = {};
    keeps = true;
    failure = Status();
    verdicts.clear();
  }
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WALK_H_
