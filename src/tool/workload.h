// run_workload: puts the operations of a source through a chain and counts what came of each.
//
// A request is a get-or-load: a get, and after a miss a set of a value made from the key, as an application would load
// it. A hit whose value is not the key's own is an error. Each request ends as exactly one of: a hit of one layer, a
// fill, an error. Operations keep their order on one thread; more threads take blocks of them in turn.
#ifndef CACHECHAIN_TOOL_WORKLOAD_H_
#define CACHECHAIN_TOOL_WORKLOAD_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "cachechain/cachechain.hpp"
#include "latency.h"
#include "operations.h"

namespace cachechain::tool {

struct WorkloadResult {
  uint64_t requests = 0;
  uint64_t sets = 0;
  uint64_t deletes = 0;
  uint64_t errors = 0;        // of all three
  uint64_t wrong_values = 0;  // those errors that were answers with a value of another key
  std::map<std::string, uint64_t> errors_by_status;
  std::string first_error;

  std::vector<Latency> hits;  // by layer; each counts its hits
  Latency fills;              // get and set together
  Latency requests_latency;   // hits and fills
  Latency mutations;          // sets and deletes of the source

  double seconds = 0;          // from the first operation to the end of the last
  double waiting_seconds = 0;  // of those, waiting for the source: the mean of the threads
  bool interrupted = false;    // by SIGINT or SIGTERM; the counts are of what was done

  uint64_t operations() const { return requests + sets + deletes; }
  void add(const WorkloadResult &other);
};

struct WorkloadOptions {
  size_t threads = 1;
  size_t layers = 0;           // of the chain
  uint64_t total = 0;          // operations to expect, for the progress; 0: unknown
  bool show_progress = false;  // on standard error
};

// The source's own failure is for the caller to look at. Throws what std::thread throws.
WorkloadResult run_workload(const client::Chain &chain, OperationSource &source, const WorkloadOptions &options);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_WORKLOAD_H_
