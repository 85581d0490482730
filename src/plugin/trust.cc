#include "plugin/trust.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/sha256.h"
#include "plugin/mappings.h"
#include "plugin/refusal.h"

namespace cachechain {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor &&other) noexcept : value_(other.release()) {}
  Descriptor &operator=(Descriptor &&other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() {
    if (value_ >= 0) close(value_);
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

std::string mode_text(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

const char *kind_text(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "no regular file";
}

// `file` is what is to be loaded, `part` it or a folder above it.
Status judge(const std::string &file, const std::string &part, const struct stat &st, const TrustPolicy &policy,
             std::vector<std::string> &warnings) {
  const bool folder = S_ISDIR(st.st_mode);
  const std::string what = part == file ? std::string("the file") : "the folder " + part;
  if (std::find(policy.owners.begin(), policy.owners.end(), st.st_uid) == policy.owners.end()) {
    return refusal(file, what + " belongs to user " + std::to_string(st.st_uid) + ", who could replace it",
                   "run: chown " + std::to_string(geteuid()) + " " + shell_word(part));
  }
  if (folder && (st.st_mode & S_ISVTX) != 0 && st.st_uid == 0) return CACHECHAIN_OK;
  if ((st.st_mode & S_IWOTH) != 0) {
    return refusal(file, what + " is writable by everyone (mode " + mode_text(st.st_mode) + ")",
                   "run: chmod o-w " + shell_word(part));
  }
  if ((st.st_mode & S_IWGRP) == 0) return CACHECHAIN_OK;
  const FileId id{st.st_dev, st.st_ino};
  if (std::find(policy.above_core.begin(), policy.above_core.end(), id) != policy.above_core.end()) {
    return CACHECHAIN_OK;
  }
  const std::string problem =
      what + " is writable by group " + std::to_string(st.st_gid) + " (mode " + mode_text(st.st_mode) + ")";
  const std::string cure = "run: chmod g-w " + shell_word(part);
  if (policy.refuse_group) return refusal(file, problem, cure);
  warnings.push_back(file + ": " + problem + "; " + cure);
  return CACHECHAIN_OK;
}

// The folders above an absolute path, outermost first: "/", "/usr", "/usr/lib".
std::vector<std::string> folders_above(const std::string &path) {
  std::vector<std::string> folders = {"/"};
  for (size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    folders.push_back(path.substr(0, at));
  }
  return folders;
}

}  // namespace

TrustPolicy TrustPolicy::of_process() {
  TrustPolicy policy;
  const bool secure = getauxval(AT_SECURE) != 0;
  policy.owners = {0, geteuid()};
  policy.refuse_group = secure || geteuid() == 0;
  const std::string core = core_file();
  struct stat st;
  if (core.empty() || stat(core.c_str(), &st) != 0) return policy;
  policy.owners.push_back(st.st_uid);
  if (secure) return policy;
  for (const std::string &folder : folders_above(core)) {
    if (stat(folder.c_str(), &st) != 0) continue;
    policy.owners.push_back(st.st_uid);
    policy.above_core.push_back({st.st_dev, st.st_ino});
  }
  return policy;
}

TrustedFile::~TrustedFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

std::string TrustedFile::sha256() const {
  Sha256 sha;
  std::array<uint8_t, 16384> block;
  off_t at = 0;
  for (;;) {
    const ssize_t n = pread(descriptor_, block.data(), block.size(), at);
    if (n < 0) return {};
    if (n == 0) return hex(sha.finish());
    sha.update(std::span(block.data(), static_cast<size_t>(n)));
    at += n;
  }
}

Result<TrustedFile> trust_file(const std::string &path, const TrustPolicy &policy) {
  if (path.empty() || path[0] != '/') {
    return refusal(path, "the path is relative, so what it names depends on the working directory",
                   "give the absolute path, or the plugin's name");
  }
  const std::unique_ptr<char, decltype(&std::free)> resolved(realpath(path.c_str(), nullptr), &std::free);
  if (resolved == nullptr) {
    return refusal(path, std::strerror(errno), "give the file of a plugin that this process may read");
  }
  const std::string canonical = resolved.get();

  // One component after the other, never through a link: what is judged is what is opened in the end.
  std::vector<std::string> warnings;
  Descriptor folder(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::vector<std::string> folders = folders_above(canonical);
  struct stat st;
  for (size_t i = 0; i < folders.size(); ++i) {
    if (i > 0) {
      const std::string name = folders[i].substr(folders[i].rfind('/') + 1);
      folder = Descriptor(openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    }
    if (folder.get() < 0 || fstat(folder.get(), &st) != 0) {
      return refusal(canonical, "the folder " + folders[i] + ": " + std::strerror(errno), "let this process read it");
    }
    if (Status judged = judge(canonical, folders[i], st, policy, warnings); !judged.ok()) return judged;
  }

  const std::string name = canonical.substr(canonical.rfind('/') + 1);
  if (name.empty() || fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return refusal(canonical, name.empty() ? "a folder" : std::strerror(errno), "give the .so itself");
  }
  // Asked before it is opened: to open a device or a pipe can have effects.
  if (!S_ISREG(st.st_mode)) {
    return refusal(canonical, std::string(kind_text(st.st_mode)) + ", expected a shared library",
                   "give the .so itself");
  }
  Descriptor file(openat(folder.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0) {
    return refusal(canonical, std::strerror(errno), "run: chmod u+r " + shell_word(canonical));
  }
  struct stat opened;
  if (fstat(file.get(), &opened) != 0 || opened.st_ino != st.st_ino || opened.st_dev != st.st_dev) {
    return refusal(canonical, "the file was replaced while it was checked", "try again");
  }
  if (Status judged = judge(canonical, canonical, opened, policy, warnings); !judged.ok()) return judged;

  TrustedFile trusted(canonical, file.release(), opened);
  trusted.warnings = std::move(warnings);
  return trusted;
}

}  // namespace cachechain
