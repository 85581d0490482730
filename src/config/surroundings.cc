#include "config/surroundings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace cachechain {
namespace {

std::string error_text(int number) { return std::generic_category().message(number); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// O_NONBLOCK, so that a FIFO in the place of a file answers at once instead of waiting for a writer.
Result<std::string> read_regular_file(const std::string &path, size_t most) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (file.get() < 0) return Status(CACHECHAIN_CONFIG, error_text(errno));
  struct stat facts;
  if (fstat(file.get(), &facts) != 0) return Status(CACHECHAIN_CONFIG, error_text(errno));
  if (!S_ISREG(facts.st_mode)) return Status(CACHECHAIN_CONFIG, "is no regular file");
  // One byte more than allowed tells a file that is too large, whatever size it claims.
  std::string content(most + 1, '\0');
  size_t size = 0;
  while (size < content.size()) {
    const ssize_t got = read(file.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status(CACHECHAIN_CONFIG, error_text(errno));
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  if (size > most) return Status(CACHECHAIN_CONFIG, "is larger than " + std::to_string(most) + " bytes");
  content.resize(size);
  return content;
}

// The number in a control file; nothing for "max" and for a file that is not there.
std::optional<uint64_t> limit_in(const std::string &path) {
  const Result<std::string> content = read_regular_file(path, 64);
  if (!content.ok()) return std::nullopt;
  uint64_t number = 0;
  const char *const end = content->data() + content->size();
  if (std::from_chars(content->data(), end, number).ec != std::errc()) return std::nullopt;
  return number;
}

// The least limit of the group and of all groups above it. Inside a container the root of the mount is the group.
uint64_t least_limit(const std::string &mount, std::string group, const char *file, uint64_t least) {
  for (;;) {
    if (const std::optional<uint64_t> limit = limit_in(mount + group + file)) least = std::min(least, *limit);
    const size_t slash = group.rfind('/');
    if (slash == std::string::npos) return least;
    group.resize(slash);
  }
}

uint64_t control_group_limit(uint64_t least) {
  const Result<std::string> groups = read_regular_file("/proc/self/cgroup", kMaxReferencedFileBytes);
  if (!groups.ok()) return least;
  std::string_view rest = *groups.operator->();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    // "hierarchy:controllers:/group"; version 2 has hierarchy 0 and no controllers.
    const size_t first = line.find(':');
    const size_t second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const std::string group(line.substr(second + 1));
    if (line.starts_with("0::")) {
      least = least_limit("/sys/fs/cgroup", group, "/memory.max", least);
    } else if (controllers.find(",memory,") != std::string::npos) {
      least = least_limit("/sys/fs/cgroup/memory", group, "/memory.limit_in_bytes", least);
    }
  }
  return least;
}

class SystemSurroundings final : public Surroundings {
 public:
  std::optional<std::string> environment(const std::string &name) override {
    const char *const value = secure_getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  }

  Result<std::string> file(const std::string &path) override {
    return read_regular_file(path, kMaxReferencedFileBytes);
  }

  uint64_t memory_bytes() override {
    const long pages = sysconf(_SC_PHYS_PAGES);
    const long page_size = sysconf(_SC_PAGESIZE);
    const bool known = pages > 0 && page_size > 0;
    const uint64_t machine = known ? static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_size) : UINT64_MAX;
    const uint64_t least = control_group_limit(machine);
    return least == UINT64_MAX ? 0 : least;
  }
};

}  // namespace

Surroundings &Surroundings::system() {
  static SystemSurroundings *const surroundings = new SystemSurroundings;
  return *surroundings;
}

}  // namespace cachechain
