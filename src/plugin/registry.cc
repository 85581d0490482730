#include "plugin/registry.h"

#include <sys/stat.h>

#include <cctype>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "plugin/elf_check.h"
#include "plugin/firewall.h"
#include "plugin/host.h"
#include "plugin/library.h"
#include "plugin/negotiate.h"
#include "plugin/refusal.h"
#include "plugin/search_path.h"
#include "plugin/trust.h"

namespace cachechain {
namespace {

// What tells one state of a file on disk from another.
struct FileState {
  FileId id;
  off_t size = 0;
  timespec changed{};

  static FileState of(const struct stat &st) { return {{st.st_dev, st.st_ino}, st.st_size, st.st_mtim}; }
  bool operator==(const FileState &other) const {
    return id == other.id && size == other.size && changed.tv_sec == other.changed.tv_sec &&
           changed.tv_nsec == other.changed.tv_nsec;
  }
};

// A mapped file. `plugin` is empty for one that was refused after it was mapped.
struct Record {
  std::unique_ptr<Library> library;
  FileState file;
  std::string sha256;  // empty until somebody asks
  std::unique_ptr<LoadedPlugin> plugin;
  Host *host = nullptr;
  bool told_of_change = false;
};

std::string lower(std::string_view text) {
  std::string result;
  for (char c : text) result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

Status check_sum(const std::string &path, const std::string &found, std::string_view wanted) {
  if (found == lower(wanted)) return CACHECHAIN_OK;
  return refusal(path, "its SHA-256 is " + found + ", expected " + lower(wanted) + " as the configuration pins it",
                 "if the file was replaced on purpose, pin the new sum; else install the right file");
}

// Calls the entry function. `log` is only heard until it returns.
Result<LoadedPlugin> ask(Record &record, std::string_view wanted, Logger &log) {
  const std::string &path = record.library->path();
  cachechain_plugin_entry_fn entry = nullptr;
  if (Status found = record.library->find_entry(entry); !found.ok()) return found;
  if (record.host == nullptr) {
    record.host = Host::acquire(path, std::shared_ptr<Logger>(std::shared_ptr<void>(), &log), Clock::system(),
                                Allocator::system());
  }
  const cachechain_plugin *descriptor = nullptr;
  Thrown thrown;
  guarded(thrown, [&] { descriptor = entry(record.host->table()); });
  record.host->silence();
  if (thrown) {
    return refusal(path, "its entry function " + std::string(thrown.text()), "ask who wrote the plugin");
  }
  return negotiate(path, wanted, descriptor);
}

}  // namespace

struct Registry::State {
  std::mutex mutex;
  std::atomic<std::thread::id> owner{};   // who holds the mutex
  std::map<std::string, Record> records;  // by canonical path
  State *inherited = nullptr;

  // All of this with the mutex held.
  Result<const LoadedPlugin *> load_file(const std::string &file, std::string_view wanted, std::string_view sha256,
                                         Logger &log);
  Status recheck(Record &record, std::string_view sha256, Logger &log);
};

// A pinned sum is about what is in memory, so it can only be compared while the file is what was loaded.
Status Registry::State::recheck(Record &record, std::string_view sha256, Logger &log) {
  const std::string &path = record.library->path();
  struct stat st;
  const bool unchanged = stat(path.c_str(), &st) == 0 && FileState::of(st) == record.file;
  if (!unchanged && !std::exchange(record.told_of_change, true) && log.enabled(CACHECHAIN_LOG_WARN)) {
    log.log(CACHECHAIN_LOG_WARN, path +
                                     ": changed on disk since it was loaded; what was loaded is used until the "
                                     "process restarts");
  }
  if (sha256.empty()) return CACHECHAIN_OK;
  if (record.sha256.empty() && unchanged) {
    Result<TrustedFile> file = trust_file(path, TrustPolicy::of_process());
    if (!file.ok()) return file.status();
    if (FileState::of(file->status()) == record.file) record.sha256 = file->sha256();
  }
  if (record.sha256.empty()) {
    return refusal(path, "changed on disk since it was loaded, so its SHA-256 cannot be told", "restart the process");
  }
  return check_sum(path, record.sha256, sha256);
}

Result<const LoadedPlugin *> Registry::State::load_file(const std::string &file, std::string_view wanted,
                                                        std::string_view sha256, Logger &log) {
  const std::unique_ptr<char, decltype(&std::free)> canonical(realpath(file.c_str(), nullptr), &std::free);
  if (file[0] == '/' && canonical != nullptr) {
    const auto known = records.find(canonical.get());
    if (known != records.end() && known->second.plugin != nullptr) {
      Record &record = known->second;
      if (Status checked = recheck(record, sha256, log); !checked.ok()) return checked;
      const LoadedPlugin &plugin = *record.plugin;
      if (!wanted.empty() && plugin.name != wanted) {
        return refusal(plugin.file, "it calls itself \"" + plugin.name + "\", expected \"" + std::string(wanted) + "\"",
                       "write \"plugin\": \"" + plugin.name + "\"");
      }
      return record.plugin.get();
    }
  }

  Result<TrustedFile> trusted = trust_file(file, TrustPolicy::of_process());
  if (!trusted.ok()) return trusted.status();
  const std::string &path = trusted->path();
  for (const std::string &warning : trusted->warnings) log.log(CACHECHAIN_LOG_WARN, warning);
  if (Status whole = check_shared_object(trusted->descriptor(), path); !whole.ok()) return whole;
  std::string sum;
  if (!sha256.empty()) {
    sum = trusted->sha256();
    if (Status checked = check_sum(path, sum, sha256); !checked.ok()) return checked;
  }

  auto record = records.find(path);
  if (record == records.end() || !(record->second.file.id == trusted->id())) {
    Result<std::unique_ptr<Library>> library = Library::map(trusted.value());
    if (!library.ok()) return library.status();
    record = records.insert_or_assign(path, Record()).first;
    record->second.library = library.take();
  }
  record->second.file = FileState::of(trusted->status());
  Result<LoadedPlugin> plugin = ask(record->second, wanted, log);
  if (!plugin.ok()) return plugin.status();
  record->second.sha256 = std::move(sum);
  record->second.plugin = std::make_unique<LoadedPlugin>(plugin.take());
  if (log.enabled(CACHECHAIN_LOG_INFO)) {
    const LoadedPlugin &made = *record->second.plugin;
    log.log(CACHECHAIN_LOG_INFO, path + ": loaded plugin " + made.name + " " + made.version);
  }
  return record->second.plugin.get();
}

std::atomic<Registry::State *> &Registry::state() {
  static std::atomic<State *> state{new State};  // never destroyed
  return state;
}

Registry &Registry::instance() {
  static Registry *const registry = new Registry;
  return *registry;
}

namespace {

// Holds a registry's lock, and knows its thread: a plugin's entry function must not come back in.
template <class State>
class Turn {
 public:
  explicit Turn(State &state) : state_(state) {
    if (state.owner.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
    state.mutex.lock();
    state.owner.store(std::this_thread::get_id(), std::memory_order_relaxed);
    held_ = true;
  }
  ~Turn() {
    if (!held_) return;
    state_.owner.store(std::thread::id(), std::memory_order_relaxed);
    state_.mutex.unlock();
  }
  Turn(const Turn &) = delete;
  Turn &operator=(const Turn &) = delete;
  bool held() const { return held_; }

 private:
  State &state_;
  bool held_ = false;
};

const Status &recursion() {
  static const Status status(CACHECHAIN_RECURSION,
                             "the entry function of a plugin asks for another plugin; that belongs into its open");
  return status;
}

}  // namespace

Result<const LoadedPlugin *> Registry::load(std::string_view wanted, const std::vector<std::string> &path,
                                            std::string_view sha256, Logger &log) {
  State &state = *Registry::state().load(std::memory_order_acquire);
  const Turn<State> turn(state);
  if (!turn.held()) return recursion();
  if (!wanted.empty() && wanted.find('/') != std::string_view::npos) {
    return state.load_file(std::string(wanted), {}, sha256, log);
  }
  if (!is_plugin_name(wanted)) {
    return Status(CACHECHAIN_PLUGIN_REFUSED, "\"" + std::string(wanted) +
                                                 "\" is neither a plugin's name, [a-z0-9_-]{1,32}, nor the absolute "
                                                 "path of its file");
  }
  Result<std::string> file = find_plugin(wanted, path);
  if (!file.ok()) return file.status();
  return state.load_file(file.value(), wanted, sha256, log);
}

std::vector<PluginListing> Registry::list(const std::vector<std::string> &path, Logger &log) {
  State &state = *Registry::state().load(std::memory_order_acquire);
  const Turn<State> turn(state);
  std::vector<PluginListing> listings;
  if (!turn.held()) return listings;
  for (const std::string &folder : path) {
    if (folder[0] != '/') {
      log.log(CACHECHAIN_LOG_WARN, folder + ": a relative folder is not searched for plugins; give its absolute path");
      continue;
    }
    for (std::string &file : library_files(folder)) {
      Result<const LoadedPlugin *> loaded = state.load_file(file, {}, {}, log);
      listings.push_back({std::move(file), loaded.status(), loaded.ok() ? loaded.value() : nullptr});
    }
  }
  return listings;
}

void registry_after_fork_child() {
  auto *const fresh = new Registry::State;
  fresh->inherited = Registry::state().load(std::memory_order_relaxed);
  Registry::state().store(fresh, std::memory_order_release);
  Host::after_fork_child();
}

}  // namespace cachechain
