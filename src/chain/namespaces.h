// Namespaces: those of one chain, made when they are first asked for, and never gone before the chain is. Thread-safe.
#ifndef CACHECHAIN_CHAIN_NAMESPACES_H_
#define CACHECHAIN_CHAIN_NAMESPACES_H_

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "chain/namespace.h"

namespace cachechain {

struct Core;

class Namespaces {
 public:
  explicit Namespaces(Core &core) : core_(core) {}
  Namespaces(const Namespaces &) = delete;
  Namespaces &operator=(const Namespaces &) = delete;

  // Makes that of the chain's own handle. Once, when the core has its layers, before any call.
  void open_home();
  Namespace &home() const { return *home_; }
  // The same one for the same name. Fails if there may be no more, or none of this name.
  Result<Namespace *> find_or_make(std::string_view name);

  // In the order in which they were made. body(Namespace &) must not make another one.
  template <class Body>
  void for_each(Body &&body) const {
    std::lock_guard<std::mutex> lock(mutex_);
    for (const auto &space : spaces_) body(*space);
  }

 private:
  Namespace &make(std::string_view name);

  Core &core_;
  Namespace *home_ = nullptr;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Namespace>> spaces_;  // by id
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_NAMESPACES_H_
