// Told: what a mutation is and how far it got. Lives on the stack of the call.
#ifndef CACHECHAIN_CHAIN_TOLD_H_
#define CACHECHAIN_CHAIN_TOLD_H_

#include <string>

#include "cachechain/plugin.h"
#include "chain/lives.h"
#include "chain/request.h"

namespace cachechain {

struct Told {
  explicit Told(const Mutation &asked) : mutation(asked) {}

  const Mutation &mutation;
  cachechain_put put{};  // as the truth got it
  Times times;           // of the entry
  int64_t now_ms = 0;
  int64_t deadline_ns = 0;
  size_t arbiter = 0;  // the level that acknowledged it
  uint32_t done = 0;   // bits by index in the configuration
  uint32_t owed = 0;
  uint32_t busy = 0;               // levels that an older entry may still come into
  bool announced = false;          // the shared level holds a mark of this mutation
  bool doubt = false;              // nobody knows whether it happened
  cachechain_put_result result{};  // of the last put
  cachechain_report report{};
  std::string verdicts;
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
