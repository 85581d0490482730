// Registry: every plugin library of this process, loaded once by canonical file and never unloaded. The one piece of
// global state. Thread-safe.
#ifndef CACHECHAIN_PLUGIN_REGISTRY_H_
#define CACHECHAIN_PLUGIN_REGISTRY_H_

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "cachechain/plugin.h"

namespace cachechain {

// A plugin that passed every check. The tables are the core's own copies, zero where the plugin's were shorter; slots
// that may be missing have defaults that answer UNSUPPORTED, so callers never test for NULL.
struct LoadedPlugin {
  std::string file;  // canonical
  std::string name;
  std::string version;
  std::string description;
  bool has_layer = false;
  bool has_exporter = false;
  cachechain_layer_api layer{};
  uint64_t layer_slots = 0;  // bit i: the i-th function pointer of the table was the plugin's own
  cachechain_exporter_api exporter{};
};

// One file of a search path.
struct PluginListing {
  std::string file;
  Status status;                         // why it was refused
  const LoadedPlugin *plugin = nullptr;  // NULL if it was
};

class Registry {
 public:
  static Registry &instance();

  // `wanted` is a plugin's name, looked for in the folders of `path` in order as `wanted`.so, `cachechain_wanted.so`,
  // `libcachechain_wanted.so`; or an absolute file. `sha256`, 64 hex digits, must match if not empty. The result lives
  // as long as the process. PLUGIN_REFUSED tells the file, what was expected and the cure; if no file was found, the
  // message lists every folder that was searched. A file that is loaded already is not checked again, but for its sum;
  // RECURSION if an entry function asks for another plugin.
  Result<const LoadedPlugin *> load(std::string_view wanted, const std::vector<std::string> &path,
                                    std::string_view sha256, Logger &log);

  // Every *.so of the folders, in order, loaded or refused.
  std::vector<PluginListing> list(const std::vector<std::string> &path, Logger &log);

 private:
  friend void registry_after_fork_child();
  Registry() = default;
  struct State;
  static std::atomic<State *> &state();
};

// In a fork child: no lock that the parent's other threads may hold is ever taken again.
void registry_after_fork_child();

// In the child of a fork: the registry and the hosts start anew, and what the parent had is left alone. What the parent
// loaded stays loaded.
void registry_after_fork_child();

// The folders to search: each of `first` (separated by ':'), then CACHECHAIN_PLUGIN_PATH unless the process is setuid,
// then the folder `cachechain` beside the library that this code is in, which is where both a build tree and an
// installed tree keep the plugins. Empty parts are skipped; relative ones are kept, named in messages and not searched.
std::vector<std::string> plugin_search_path(const std::vector<std::string_view> &first);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_REGISTRY_H_
