#include "plugin/host.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "base/cancel_token.h"
#include "plugin/layers_service.h"
#include "plugin/report.h"

namespace cachechain {

struct Host::Pool {
  std::mutex mutex;
  std::vector<std::unique_ptr<Host>> all;
  std::vector<Host *> idle;
  Pool *inherited = nullptr;

  static std::atomic<Pool *> &current() {
    static std::atomic<Pool *> pool{new Pool};  // never destroyed
    return pool;
  }
};

Host::Host(Allocator &allocator) : allocator_(allocator), clock_(&Clock::system()) {
  layers_ = layers_service(this);
  table_.struct_size = sizeof table_;
  table_.abi_minor = CACHECHAIN_ABI_MINOR;
  table_.self = this;
  table_.log_enabled = [](const cachechain_host *host, int32_t level) -> int32_t {
    const Logger *log = from(host).active_log_.load(std::memory_order_acquire);
    return log != nullptr && log->enabled(level) ? 1 : 0;
  };
  table_.log = [](const cachechain_host *host, int32_t level, const char *text, uint64_t size) {
    const Host &self = from(host);
    Logger *log = self.active_log_.load(std::memory_order_acquire);
    if (log == nullptr || text == nullptr || !log->enabled(level)) return;
    try {
      std::string line = self.prefix_;
      line.append(": ").append(text, size);
      log->log(level, line);
    } catch (const std::exception &) {
      // Out of memory: the line is lost, the plugin goes on.
    }
  };
  table_.report = [](const cachechain_host *, cachechain_report *report, int64_t native_code, uint32_t retryable,
                     const char *text, uint64_t size) {
    fill_report(report, native_code, retryable != 0, {text, text == nullptr ? 0 : size});
  };
  table_.now_mono_ns = [](const cachechain_host *host) { return from(host).clock().mono_ns(); };
  table_.now_unix_ms = [](const cachechain_host *host) { return from(host).clock().unix_ms(); };
  table_.alloc = [](const cachechain_host *host, uint64_t size, uint64_t align) {
    return from(host).allocator_.alloc(size, align);
  };
  table_.free = [](const cachechain_host *host, void *memory, uint64_t size, uint64_t align) {
    from(host).allocator_.free(memory, size, align);
  };
  table_.cancelled = [](const cachechain_host *, const cachechain_cancel *cancel) -> int32_t {
    return cancel != nullptr && CancelToken::of(cancel)->cancelled() ? 1 : 0;
  };
  table_.cancel_fd = [](const cachechain_host *, cachechain_cancel *cancel) -> int32_t {
    return cancel == nullptr ? -1 : CancelToken::of(cancel)->fd();
  };
  table_.service = [](const cachechain_host *host, const char *name) -> const void * {
    if (name == nullptr || std::strcmp(name, CACHECHAIN_SERVICE_LAYERS) != 0) return nullptr;
    return &from(host).layers_;
  };
}

void Host::assign(std::string prefix, std::shared_ptr<Logger> log, Clock &clock) {
  prefix_ = std::move(prefix);
  log_ = std::move(log);
  clock_.store(&clock, std::memory_order_relaxed);
  active_log_.store(log_.get(), std::memory_order_release);
}

Host *Host::acquire(std::string prefix, std::shared_ptr<Logger> log, Clock &clock, Allocator &allocator) {
  Pool &pool = *Pool::current().load(std::memory_order_acquire);
  std::lock_guard<std::mutex> lock(pool.mutex);
  const auto same = [&](const Host *host) { return &host->allocator_ == &allocator; };
  const auto found = std::find_if(pool.idle.rbegin(), pool.idle.rend(), same);
  Host *host = nullptr;
  if (found != pool.idle.rend()) {
    host = *found;
    pool.idle.erase(std::next(found).base());
  } else {
    pool.idle.reserve(pool.all.size() + 1);  // so that retire() needs no memory
    pool.all.push_back(std::unique_ptr<Host>(new Host(allocator)));
    host = pool.all.back().get();
  }
  host->assign(std::move(prefix), std::move(log), clock);
  return host;
}

void Host::silence() {
  active_log_.store(nullptr, std::memory_order_release);
  clock_.store(&Clock::system(), std::memory_order_relaxed);
  log_.reset();
}

void Host::retire() {
  silence();
  Pool &pool = *Pool::current().load(std::memory_order_acquire);
  std::lock_guard<std::mutex> lock(pool.mutex);
  if (pool.idle.size() < pool.idle.capacity()) pool.idle.push_back(this);
}

void Host::after_fork_child() {
  auto *fresh = new Pool;
  fresh->inherited = Pool::current().load(std::memory_order_relaxed);
  Pool::current().store(fresh, std::memory_order_release);
}

}  // namespace cachechain
