#include "plugin/library.h"

#include <dlfcn.h>
#include <link.h>

#include <boost/dll/shared_library.hpp>
#include <optional>
#include <utility>

#include "plugin/firewall.h"
#include "plugin/mappings.h"
#include "plugin/refusal.h"

namespace cachechain {

struct Library::Handle {
  boost::dll::shared_library library;
  Mapping mapping;  // how the checked file looks when it is mapped
};

namespace {

// The part of Boost's text that the dynamic linker wrote, without the path that our own message begins with.
std::string linker_text(std::string_view text, const std::string &path) {
  static constexpr std::string_view kBegin = "(dlerror system message: ";
  if (const size_t begin = text.find(kBegin); begin != std::string_view::npos) {
    text.remove_prefix(begin + kBegin.size());
    text = text.substr(0, text.rfind(')'));
  }
  const std::string prefix = path + ": ";
  if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
  return std::string(text);
}

const char *linker_cure(std::string_view text) {
  const auto says = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
  if (says("undefined symbol")) {
    return "link the plugin with the library that defines the symbol; -Wl,-z,defs finds this when it is built";
  }
  if (says("GLIBC") || says("GLIBCXX") || says("CXXABI")) return "install the build for this distribution";
  if (says("cannot open shared object file")) return "install the library that it needs; `ldd` on the file lists them";
  if (says("Operation not permitted")) return "move it off a file system that is mounted noexec";
  if (says("cannot allocate memory in static TLS block")) return "load it before other libraries, or rebuild it";
  return "see what `ldd -r` says of the file";
}

}  // namespace

Library::Library(std::string path, std::unique_ptr<Handle> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}
Library::~Library() = default;

Result<std::unique_ptr<Library>> Library::map(const TrustedFile &file) {
  const std::string &path = file.path();
  const std::optional<Mapping> expected = mapping_of_file(file.descriptor());
  if (!expected.has_value()) {
    return refusal(path, "what is loaded cannot be compared with what was checked", "mount /proc");
  }

  auto handle = std::make_unique<Handle>();
  handle->mapping = *expected;
  std::string problem;
  try {
    // Only the throwing overload keeps the linker's text. Lazy binding would put off a missing symbol to the first
    // call.
    handle->library.load(path, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (abi::__forced_unwind &) {
    throw;
  } catch (const std::system_error &thrown) {
    problem = linker_text(thrown.what(), path);
  } catch (const std::exception &thrown) {
    return refusal(path, std::string("a constructor of the file threw: ") + thrown.what(), "ask who wrote it");
  } catch (...) {
    return refusal(path, "a constructor of the file threw", "ask who wrote it");
  }
  if (!problem.empty()) return refusal(path, problem, linker_cure(problem));

  // Pinned before anything else can fail. The extra handle is never closed.
  if (dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE) == nullptr) {
    return refusal(path, "the file cannot be pinned in memory", "report this, with the system's version");
  }

  // glibc finds a library that it knows by its name alone, and a file can be replaced between check and load.
  const link_map *linked = nullptr;
  if (dlinfo(handle->library.native(), RTLD_DI_LINKMAP, &linked) != 0 || linked == nullptr) {
    return refusal(path, "the file is not to be found in memory", "report this, with the system's version");
  }
  const std::optional<Mapping> mapped = mapping_at(linked->l_ld);
  if (!mapped.has_value() || !mapped->same_file(*expected)) {
    return refusal(path, "the file was replaced after this process had loaded it", "restart the process");
  }
  return std::unique_ptr<Library>(new Library(path, std::move(handle)));
}

Status Library::find_entry(cachechain_plugin_entry_fn &entry) const {
  const boost::dll::shared_library &library = handle_->library;
  if (!library.has(CACHECHAIN_PLUGIN_ENTRY_NAME)) {
    for (int major = CACHECHAIN_ABI_MAJOR + 1; major <= 9; ++major) {
      const std::string other = "cachechain_plugin_entry_v" + std::to_string(major);
      if (!library.has(other)) continue;
      return refusal(path_, "exports " + other + ", expected " CACHECHAIN_PLUGIN_ENTRY_NAME,
                     "it is made for ABI " + std::to_string(major) + ": install the build for ABI " +
                         std::to_string(CACHECHAIN_ABI_MAJOR) + " or a newer Cache-Chain");
    }
    return refusal(path_, "exports no " CACHECHAIN_PLUGIN_ENTRY_NAME ", so it is no plugin of Cache-Chain",
                   "export that function, with extern \"C\" and default visibility");
  }
  entry = &library.get<const cachechain_plugin *(const cachechain_host *)>(CACHECHAIN_PLUGIN_ENTRY_NAME);
  // The symbol may have come from a library that the file depends on.
  const std::optional<Mapping> owner = mapping_at(reinterpret_cast<const void *>(entry));
  if (!owner.has_value() || !owner->same_file(handle_->mapping)) {
    return refusal(path_,
                   "its " CACHECHAIN_PLUGIN_ENTRY_NAME " is that of " +
                       (owner.has_value() && !owner->path.empty() ? owner->path : std::string("another file")),
                   "name that file, or export an entry function of its own");
  }
  return CACHECHAIN_OK;
}

}  // namespace cachechain
