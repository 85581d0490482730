#include "metrics/counters.h"

namespace cachechain {

const char *counter_name(ChainCounter counter) {
  static constexpr const char *kNames[kChainCounters] = {
      "misses",        "degraded",  "not_found",     "get_errors",    "loaded", "joined",     "leases",
      "side_leases",   "fulfilled", "loads_void",    "load_failures", "sets",   "set_errors", "deletes",
      "delete_errors", "owed",      "invalidations", "touches",       "rejects",
      "clears"};
  return kNames[static_cast<uint32_t>(counter)];
}

const char *counter_name(LayerCounter counter) {
  static constexpr const char *kNames[kLayerCounters] = {
      "hits",  "stale",      "misses",      "expired", "deleted",    "void",       "skipped", "errors",
      "fills", "fills_lost", "fill_errors", "puts",    "put_errors", "superseded", "owing",   "repairs"};
  return kNames[static_cast<uint32_t>(counter)];
}

}  // namespace cachechain
