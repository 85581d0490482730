// The checked settings of a chain: what a configuration says, after every default is filled in and every contradiction
// was refused. Plain data, made once by parse() and constant from then on.
#ifndef CACHECHAIN_CONFIG_SETTINGS_H_
#define CACHECHAIN_CONFIG_SETTINGS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cachechain {

// Whose word is the truth.
enum class Source { kApplication, kLastLayer };

// How mutations and warm-ups reach a layer.
enum class WritePolicy { kThrough, kNone };

// Which entries found below a layer are copied into it, and how many may wait for that.
struct WarmSettings {
  bool on = true;
  uint64_t max_bytes = 0;    // larger values are not; 0: any size
  int64_t min_fetch_ms = 0;  // only what took at least so long to fetch; 0: all
  uint32_t after_hits = 1;   // at which hit below, of a short while
  // Of a layer that is not inline, which is warmed behind the reader's back.
  uint64_t queue_entries = 1024;
  uint64_t queue_bytes = 8u << 20;
};

// How long the layers above the deepest keep their copies of an entry.
enum class LifeStrategy {
  kPerLayer,  // each as its own ttl_ms says
  kUniform,   // as long as the entry lives
  kDecaying,  // each a share of what the layer below it keeps
};

struct LayerSettings {
  std::string name;
  std::string plugin;   // a plugin's name, or the absolute path of its file
  std::string sha256;   // 64 hex digits that the file must have, or empty
  std::string options;  // one JSON object as text, secrets resolved, for the plugin
  bool enabled = true;
  WritePolicy write = WritePolicy::kThrough;
  int64_t ttl_ms = 0;       // life that the layer gives an entry; 0: none of its own
  int64_t max_ttl_ms = 0;   // longest life that it allows; 0: no limit
  double ttl_jitter = 0.1;  // share of the layer's own life that is taken off at random
  WarmSettings warm;
  uint64_t compress_above_bytes = 0;  // larger values are stored compressed; 0: none
  int32_t compress_level = 3;
};

// What a namespace of the chain has of its own. What is not given is the chain's, or the layers'.
struct NamespaceSettings {
  std::string name;
  uint32_t schema = 0;     // another schema sees other entries
  int64_t ttl_ms = 0;      // life of an entry that is given none; 0: the deepest layer's
  int64_t max_ttl_ms = 0;  // 0: no limit but the layers'
  std::optional<bool> serve_stale;
  std::optional<LifeStrategy> life;
  std::optional<double> life_decay;
};

struct ChainSettings {
  std::string chain;
  std::optional<Source> source;  // must be given if the last layer is persistent, which only opening can tell
  int64_t deadline_ms = 1000;
  int64_t max_drift_ms = 30'000;
  int64_t tombstone_ms = 60'000;  // how long a delete is remembered
  uint64_t max_value_bytes = 16u << 20;
  bool serve_stale = true;      // what is past its fresh time, while nothing fresh is to be had
  uint32_t max_loads = 64;      // leases out at once
  int64_t lease_ms = 10'000;    // how long a load may take before another starts
  int64_t lease_wait_ms = 500;  // how long others wait for it before one of them loads for himself
  int64_t refresh_ms = 0;       // this long before its fresh time ends, a value is worth a lease
  uint32_t async_threads = 16;  // for submitted gets and mutations, and as many for submitted loads
  LifeStrategy life = LifeStrategy::kPerLayer;
  double life_decay = 0.5;            // of kDecaying: what each layer keeps of the life in the layer below it
  std::string plugin_path;            // searched before the open options' path; may be empty
  std::vector<LayerSettings> layers;  // fastest first; 1 to 32
  // At most kMostNamespaces, by name. "default" is that of the chain's own handle, and what it says holds for all that
  // are not here.
  std::vector<NamespaceSettings> namespaces;
};

inline constexpr size_t kMostNamespaces = 1024;
inline constexpr std::string_view kDefaultNamespace = "default";
inline constexpr std::string_view kNamespaceRule = "1 to 64 of A-Z a-z 0-9 _ . -";

// Whether it may be a namespace's name, or a chain's: they become parts of "chain/namespace/schema:".
bool is_space_name(std::string_view text);

}  // namespace cachechain

#endif  // CACHECHAIN_CONFIG_SETTINGS_H_
