// Host: what the core offers to one instance of a plugin: log lines that carry the layer's name, time, memory,
// services.
//
// A plugin keeps the pointer to its host's table, and a value that it handed out may be released after the instance
// was closed, on any thread: so hosts are never freed. A retired one keeps its memory functions for ever, logs nothing,
// and is handed to a later instance that uses the same allocator. Thread-safe but for acquire and retire, of which
// each happens once per use with no call of the instance under way.
#ifndef CACHECHAIN_PLUGIN_HOST_H_
#define CACHECHAIN_PLUGIN_HOST_H_

#include <atomic>
#include <memory>
#include <string>

#include "base/allocator.h"
#include "base/clock.h"
#include "base/log.h"
#include "cachechain/plugin.h"

namespace cachechain {

class Host {
 public:
  // `prefix` stands in front of each log line: "shop/L2 redis". Clock and logger are not used after retire().
  static Host *acquire(std::string prefix, std::shared_ptr<Logger> log, Clock &clock, Allocator &allocator);
  void retire();
  // Drops log and clock without giving the host to anybody else: for the host of an entry function, which lives as
  // long as the process.
  void silence();

  const cachechain_host *table() const { return &table_; }
  Clock &clock() const { return *clock_.load(std::memory_order_relaxed); }
  Allocator &allocator() const { return allocator_; }
  const std::shared_ptr<Logger> &logger() const { return log_; }

  // In the child of a fork: forgets the hosts of the parent, which may have been half way through a change.
  static void after_fork_child();

 private:
  struct Pool;
  explicit Host(Allocator &allocator);
  static Host &from(const cachechain_host *table) { return *static_cast<Host *>(table->self); }
  void assign(std::string prefix, std::shared_ptr<Logger> log, Clock &clock);

  cachechain_host table_{};
  cachechain_layers_service layers_{};
  Allocator &allocator_;
  std::atomic<Clock *> clock_;
  std::atomic<Logger *> active_log_{nullptr};  // NULL once retired
  std::shared_ptr<Logger> log_;
  std::string prefix_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_PLUGIN_HOST_H_
