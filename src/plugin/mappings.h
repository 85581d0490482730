// Where in this process a file is mapped, as the kernel tells it in /proc/self/maps.
//
// Its device and inode can only be compared with those of another mapping, never with stat(): on overlayfs and btrfs
// the two differ for one and the same file. So a file is identified by mapping it once more.
#ifndef CACHECHAIN_PLUGIN_MAPPINGS_H_
#define CACHECHAIN_PLUGIN_MAPPINGS_H_

#include <cstdint>
#include <optional>
#include <string>

namespace cachechain {

struct Mapping {
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t inode = 0;  // 0: no file
  std::string path;

  bool same_file(const Mapping &other) const {
    return inode != 0 && inode == other.inode && major == other.major && minor == other.minor;
  }
};

// The mapping that holds the address; nothing if there is none or /proc is not mounted.
std::optional<Mapping> mapping_at(const void *address);

// How a mapping of this open file looks; nothing if it cannot be mapped.
std::optional<Mapping> mapping_of_file(int descriptor);

// Canonical path of the file that the core's own code was loaded from: libcachechain.so, or the program that it is
// linked into. Empty if it cannot be told.
std::string core_file();

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_MAPPINGS_H_
