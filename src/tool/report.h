// What replay and bench report about a workload.
#ifndef CACHECHAIN_TOOL_REPORT_H_
#define CACHECHAIN_TOOL_REPORT_H_

#include <string>

#include "cachechain/cachechain.hpp"
#include "output.h"
#include "workload.h"

namespace cachechain::tool {

// Hits, fills and latencies are the workload's own counts; misses and the layers' errors are the chain's.
Json workload_json(const client::Chain &chain, const WorkloadResult &result, size_t threads);

// The same for a human. `unit` of the latencies: "ns", "us" or "ms".
std::string workload_text(const Json &report, const std::string &unit);

// Complains about errors and an interruption; the exit status.
int workload_exit(const WorkloadResult &result);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_REPORT_H_
