#include "plugin/search_path.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "cachechain/plugin.hpp"
#include "plugin/mappings.h"
#include "plugin/registry.h"

namespace cachechain {
namespace {

constexpr std::string_view kPrefixes[] = {"", "cachechain_", "libcachechain_"};
constexpr std::string_view kSuffix = ".so";

void add_parts(std::string_view list, std::vector<std::string> &folders) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(':'), list.size());
    if (end != 0) folders.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

// The name that a configuration would call this file by.
std::string_view plugin_name_of(std::string_view file) {
  file.remove_prefix(file.rfind('/') + 1);
  file.remove_suffix(kSuffix.size());
  for (std::string_view prefix : {kPrefixes[2], kPrefixes[1]}) {
    if (file.substr(0, prefix.size()) == prefix) return file.substr(prefix.size());
  }
  return file;
}

}  // namespace

bool is_plugin_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::vector<std::string> plugin_search_path(const std::vector<std::string_view> &first) {
  std::vector<std::string> folders;
  for (std::string_view list : first) add_parts(list, folders);
  // Whoever runs a setuid program sets its environment.
  if (const char *environment = secure_getenv("CACHECHAIN_PLUGIN_PATH")) add_parts(environment, folders);
  const std::string core = core_file();
  if (!core.empty()) folders.push_back(core.substr(0, core.rfind('/')) + "/cachechain");
  return folders;
}

std::vector<std::string> library_files(const std::string &folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name[0] != '.' && name.ends_with(kSuffix)) files.push_back(at->path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Result<std::string> find_plugin(std::string_view name, const std::vector<std::string> &folders) {
  std::string searched;
  std::vector<std::string> files;
  for (const std::string &folder : folders) {
    searched += searched.empty() ? "" : ", ";
    searched += folder;
    if (folder[0] != '/') {
      searched += " (relative, so not searched)";
      continue;
    }
    for (std::string_view prefix : kPrefixes) {
      std::string file = folder;
      file.append("/").append(prefix).append(name).append(kSuffix);
      struct stat st;
      if (stat(file.c_str(), &st) == 0) return file;
    }
    std::vector<std::string> here = library_files(folder);
    files.insert(files.end(), here.begin(), here.end());
  }
  std::vector<std::string_view> known;
  for (const std::string &file : files) known.push_back(plugin_name_of(file));

  std::string text = "no plugin \"" + std::string(name) + "\"";
  text += searched.empty() ? ": there is no folder to search" : " in " + searched;
  const std::string_view near = plugin::nearest_name(name, known);
  if (!near.empty()) text += "; did you mean \"" + std::string(near) + "\"?";
  text += "; put " + std::string(name) +
          ".so into one of the folders, or name its folder in plugin_path or in the "
          "environment as CACHECHAIN_PLUGIN_PATH";
  return Status(CACHECHAIN_PLUGIN_REFUSED, std::move(text));
}

}  // namespace cachechain
