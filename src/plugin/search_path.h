// Where a plugin is looked for by its name. plugin_search_path() itself is declared in registry.h.
#ifndef CACHECHAIN_PLUGIN_SEARCH_PATH_H_
#define CACHECHAIN_PLUGIN_SEARCH_PATH_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace cachechain {

// [a-z0-9_-]{1,32}
bool is_plugin_name(std::string_view name);

// The first file of the folders that is called as a plugin of this name may be: an absolute path, not yet checked. If
// there is none, a refusal that lists the folders and what was near.
Result<std::string> find_plugin(std::string_view name, const std::vector<std::string> &folders);

// Absolute paths of the *.so files of a folder, sorted; none if it cannot be read.
std::vector<std::string> library_files(const std::string &folder);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_SEARCH_PATH_H_
