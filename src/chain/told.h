// Told: what a mutation of one key is and how far it got. Round: mutations of different keys that are told to the
// levels in lockstep. They live as long as the call.
#ifndef CACHECHAIN_CHAIN_TOLD_H_
#define CACHECHAIN_CHAIN_TOLD_H_

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "cachechain/plugin.h"
#include "chain/lives.h"
#include "chain/request.h"
#include "key/hold.h"

namespace cachechain {

struct Told {
  enum class Stage {
    kAsks,          // looks for the level that acknowledges it
    kAcknowledged,  // has its place among all others
    kDoubtful,      // nobody knows whether it happened
    kRefused
  };

  Told(const Mutation &asked, Hold &its_hold) : mutation(asked), hold(its_hold), cancel(asked.cancel) {}

  bool cancelled() const { return cancel != nullptr && cancel->cancelled(); }

  const Mutation &mutation;  // but for its bytes, which stand in `put`
  Hold &hold;
  CancelToken *cancel;   // NULL once the level that arbitrates has answered
  cachechain_put put{};  // as the truth got it
  Times times;           // of the entry
  int64_t now_ms = 0;
  int64_t deadline_ns = 0;
  Stage stage = Stage::kAsks;
  size_t arbiter = 0;  // the level that acknowledged it
  uint32_t done = 0;   // bits by index in the configuration
  uint32_t owed = 0;
  uint32_t busy = 0;               // levels that an older entry may still come into
  bool announced = false;          // the shared level holds a mark of this mutation
  int32_t status = CACHECHAIN_OK;  // of the last put
  cachechain_put_result result{};  // of the last put
  int64_t native_code = 0;         // of the last put that failed
  std::string verdicts;
  Status outcome;  // of the mutation

  bool acknowledged() const { return stage == Stage::kAcknowledged; }
};

struct Round {
  explicit Round(std::span<Told> its_told) : told(its_told) {}

  std::span<Told> told;

  // What one level is asked at once. A round of one needs no room for it; any other reserves it before the first put,
  // so that it cannot end half-way for want of memory.
  struct Asked {
    Told *told;
    bool shrunk;  // to a tombstone, because the level cannot hold the value
  };
  std::vector<Asked> asked;
  std::vector<cachechain_put> puts;
  std::vector<cachechain_put_result> results;

  void reserve(size_t most) {
    asked.reserve(most);
    puts.reserve(most);
    results.reserve(most);
  }
  void clear() {
    asked.clear();
    puts.clear();
  }
  void add(Told &one, const cachechain_put &put, bool shrunk = false) {
    asked.push_back({&one, shrunk});
    puts.push_back(put);
  }
};

// Turns a put into a mark that what is older than `version` is void.
inline void make_mark(cachechain_put &put, uint64_t version) {
  put.data = nullptr;
  put.size = 0;
  put.flags = CACHECHAIN_KIND_INVALIDATED;
  put.version = version - 1;
}

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_TOLD_H_
