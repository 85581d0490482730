#include "plugin/elf_check.h"

#include <elf.h>
#include <link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>

#include "plugin/refusal.h"

namespace cachechain {
namespace {

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;
#else
#error "Cache-Chain runs on x86-64 and AArch64."
#endif

std::string machine_name(uint16_t machine) {
  switch (machine) {
    case EM_X86_64:
      return "x86-64";
    case EM_AARCH64:
      return "AArch64";
    case EM_386:
      return "x86 (32 bit)";
    case EM_ARM:
      return "ARM (32 bit)";
    case EM_RISCV:
      return "RISC-V";
    case EM_PPC64:
      return "PowerPC (64 bit)";
    case EM_S390:
      return "S/390";
    default:
      return "machine " + std::to_string(machine);
  }
}

bool read_at(int descriptor, void *target, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n =
        pread(descriptor, static_cast<char *>(target) + done, size - done, static_cast<off_t>(offset + done));
    if (n <= 0) return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

bool within(uint64_t offset, uint64_t length, uint64_t size) { return offset <= size && length <= size - offset; }

// True if every part that the headers speak of lies in the file.
bool whole(int descriptor, const ElfW(Ehdr) & header, uint64_t size) {
  if (!within(header.e_phoff, uint64_t{header.e_phnum} * sizeof(ElfW(Phdr)), size)) return false;
  // The section table is the last part that a linker writes: without it the end of the file is missing.
  if (header.e_shoff != 0 && !within(header.e_shoff, uint64_t{header.e_shnum} * header.e_shentsize, size)) return false;
  for (uint16_t i = 0; i < header.e_phnum; ++i) {
    ElfW(Phdr) part;
    if (!read_at(descriptor, &part, sizeof part, header.e_phoff + i * sizeof part)) return false;
    if (part.p_type == PT_LOAD && !within(part.p_offset, part.p_filesz, size)) return false;
  }
  return true;
}

}  // namespace

Status check_shared_object(int descriptor, const std::string &path) {
  static constexpr const char *kCure = "install the plugin again";
  struct stat st;
  if (fstat(descriptor, &st) != 0) return refusal(path, std::strerror(errno), kCure);
  const uint64_t size = static_cast<uint64_t>(st.st_size);
  if (size == 0) return refusal(path, "the file is empty, expected a shared library", kCure);

  ElfW(Ehdr) header{};
  const size_t head = size < sizeof header ? static_cast<size_t>(size) : sizeof header;
  if (!read_at(descriptor, &header, head, 0)) return refusal(path, "the file cannot be read", kCure);
  if (head < SELFMAG || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return refusal(path, "not a shared library: it does not begin with the ELF mark",
                   "give the .so itself, not a script or a text that stands for it");
  }
  const std::string truncated = "the file is cut short at " + std::to_string(size) + " bytes";
  if (head < sizeof header) return refusal(path, truncated, kCure);
  static constexpr const char *kRebuild = "install the build for this machine";
  if (header.e_ident[EI_CLASS] != ELFCLASS64) {
    return refusal(path, "a 32-bit library, expected a 64-bit one", kRebuild);
  }
  if (header.e_ident[EI_DATA] != ELFDATA2LSB) {
    return refusal(path, "a big-endian library, expected a little-endian one", kRebuild);
  }
  if (header.e_machine != kMachine) {
    return refusal(path, "built for " + machine_name(header.e_machine) + ", expected " + machine_name(kMachine),
                   kRebuild);
  }
  if (header.e_type != ET_DYN) {
    return refusal(path, "an object or a program, expected a shared library", "link it with -shared");
  }
  if (header.e_phentsize != sizeof(ElfW(Phdr)) || header.e_phnum == 0 || !whole(descriptor, header, size)) {
    return refusal(path, truncated, kCure);
  }
  return CACHECHAIN_OK;
}

}  // namespace cachechain
