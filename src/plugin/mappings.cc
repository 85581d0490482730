#include "plugin/mappings.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace cachechain {

std::optional<Mapping> mapping_at(const void *address) {
  const uint64_t wanted = reinterpret_cast<uintptr_t>(address);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    uint64_t begin = 0;
    uint64_t end = 0;
    Mapping found;
    int path_at = 0;
    if (std::sscanf(line.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*x %x:%x %" SCNu64 " %n", &begin, &end, &found.major,
                    &found.minor, &found.inode, &path_at) < 5) {
      continue;
    }
    if (wanted < begin || wanted >= end) continue;
    if (path_at > 0) found.path = line.substr(static_cast<size_t>(path_at));
    return found;
  }
  return std::nullopt;
}

std::optional<Mapping> mapping_of_file(int descriptor) {
  void *const page = mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (page == MAP_FAILED) return std::nullopt;
  std::optional<Mapping> found = mapping_at(page);
  munmap(page, 1);
  return found;
}

std::string core_file() {
  const void *const here = reinterpret_cast<const void *>(&core_file);
  Dl_info info{};
  std::string path;
  // dladdr gives the name that a library was asked for by, and argv[0] for the program itself: either may be relative.
  if (dladdr(here, &info) != 0 && info.dli_fname != nullptr && info.dli_fname[0] == '/') path = info.dli_fname;
  if (path.empty()) {
    if (const std::optional<Mapping> mapping = mapping_at(here)) path = mapping->path;
  }
  const std::unique_ptr<char, decltype(&std::free)> canonical(realpath(path.c_str(), nullptr), &std::free);
  return canonical == nullptr ? std::string() : std::string(canonical.get());
}

}  // namespace cachechain
