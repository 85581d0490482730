// ClearPath: how all entries of a namespace become void at once, in any number of processes, without touching one. The
// stamp of the clear is kept in this process, and in the namespace's record in one layer that outlives it, from where
// other processes learn it. Who knows of a newer clear than the record does writes it there again. Thread-safe.
#ifndef CACHECHAIN_CHAIN_CLEAR_PATH_H_
#define CACHECHAIN_CHAIN_CLEAR_PATH_H_

#include "chain/core.h"
#include "chain/request.h"

namespace cachechain {

class ClearPath {
 public:
  explicit ClearPath(Core &core) : core_(core) {}

  // Of `options` only the time-out, the cancel token and the trace mean anything.
  Status clear(const Caller &caller, const Mutation &options, cachechain_write &result);

  // Before a level that is not inline is asked or written: reads the record if it is time. Below 0: it could not be
  // read and has never been, so what the record's own level holds may not be believed.
  int32_t look(const Caller &caller, size_t at, int64_t deadline_ns, cachechain_report &report);

 private:
  void learn(Namespace &space, uint64_t stamp);
  int32_t put_record(const Caller &caller, uint64_t stamp, int64_t deadline_ns, const Mutation &options,
                     cachechain_put_result &result, cachechain_report &report);

  Core &core_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_CLEAR_PATH_H_
