// Trust: what is checked of a plugin file before it is mapped, because its constructors run inside dlopen().
//
// A file is trusted if nobody could have replaced it who could not already replace the core: neither the file nor a
// folder above it is writable by others than root, the process's effective user, and the owners of libcachechain.so and
// of the folders above that. Who owns a thing counts as able to write it. Writable by everyone is refused; writable by
// a group is refused for root and setuid processes and warned about for others. (A group that an access control list
// names shows in the same bit.) A sticky folder of root, such as /tmp, is fine. Folders that stand above
// libcachechain.so as well may be writable by a group: who is in it can replace the core itself.
//
// Symbolic links are resolved first and what they lead to is judged. Thread-safe.
#ifndef CACHECHAIN_PLUGIN_TRUST_H_
#define CACHECHAIN_PLUGIN_TRUST_H_

#include <sys/stat.h>
#include <sys/types.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace cachechain {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId &other) const { return device == other.device && inode == other.inode; }
};

struct TrustPolicy {
  std::vector<uid_t> owners;       // who may own the file and the folders above it
  bool refuse_group = false;       // writable by a group: refused, or warned about
  std::vector<FileId> above_core;  // folders whose group needs no judging

  // For this process, as it is now.
  static TrustPolicy of_process();
};

// A file that passed. It stays open, so that its inode number cannot come to mean another file.
class TrustedFile {
 public:
  TrustedFile(std::string path, int descriptor, const struct stat &st)
      : path_(std::move(path)), descriptor_(descriptor), stat_(st) {}
  TrustedFile(TrustedFile &&other) noexcept
      : warnings(std::move(other.warnings)),
        path_(std::move(other.path_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        stat_(other.stat_) {}
  TrustedFile &operator=(TrustedFile &&) = delete;
  ~TrustedFile();

  const std::string &path() const { return path_; }  // canonical
  int descriptor() const { return descriptor_; }
  const struct stat &status() const { return stat_; }
  FileId id() const { return {stat_.st_dev, stat_.st_ino}; }
  // Hex digits of its SHA-256, empty if it cannot be read.
  std::string sha256() const;

  std::vector<std::string> warnings;

 private:
  std::string path_;
  int descriptor_;
  struct stat stat_;
};

// `path` must be absolute.
Result<TrustedFile> trust_file(const std::string &path, const TrustPolicy &policy);

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_TRUST_H_
