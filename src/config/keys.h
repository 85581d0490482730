// The keys that a configuration may have, and those that it will have in a later release. The JSON Schema in
// cmake/cachechain.schema.json says the same to editors; a test holds the two together.
#ifndef CACHECHAIN_CONFIG_KEYS_H_
#define CACHECHAIN_CONFIG_KEYS_H_

#include <string_view>

namespace cachechain {

inline constexpr std::string_view kChainKeys[] = {
    "$schema",         "chain",       "source",       "layers",      "deadline_ms",   "max_drift_ms", "bus",
    "max_value_bytes", "plugin_path", "tombstone_ms", "serve_stale", "max_loads",     "lease_ms",     "lease_wait_ms",
    "refresh_ms",      "namespaces",  "life",         "life_decay",  "async_threads",
};
inline constexpr std::string_view kLayerKeys[] = {
    "name",
    "plugin",
    "options",
    "enabled",
    "ttl_ms",
    "max_ttl_ms",
    "ttl_jitter",
    "write",
    "sha256",
    "warm",
    "warm_max_bytes",
    "warm_min_fetch_ms",
    "warm_after_hits",
    "warm_queue_entries",
    "warm_queue_bytes",
    "compress_above_bytes",
    "compress_level",
};

inline constexpr std::string_view kNamespaceKeys[] = {
    "ttl_ms", "max_ttl_ms", "schema", "serve_stale", "life", "life_decay",
};

inline constexpr std::string_view kLaterChainKeys[] = {
    "exporters",
    "bus_loss_stale_ms",
    "journal",
};
inline constexpr std::string_view kLaterLayerKeys[] = {
    "may_lose", "journal", "format", "breaker", "bulkhead", "timeout_ms", "workers", "validators",
};

// Keys that begin so belong to the user and are ignored wherever they stand.
inline constexpr std::string_view kUserKeyPrefix = "x-";

inline bool is_user_key(std::string_view key) { return key.starts_with(kUserKeyPrefix); }

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_KEYS_H_
