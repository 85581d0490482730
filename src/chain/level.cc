#include "chain/level.h"

#include <utility>

#include "async/worker_group.h"
#include "base/status.h"
#include "chain/upkeep.h"
#include "chain/warming.h"

namespace cachechain {

Level::Level(const LayerSettings &settings)
    : life{settings.ttl_ms, settings.max_ttl_ms, settings.ttl_jitter},
      write(settings.write),
      admission(settings.warm) {}

Level::~Level() = default;

bool Health::failed(int32_t status, std::string text) {
  std::string line = status_name(status);
  if (!text.empty()) line += ": " + text;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    last_ = std::move(line);
  }
  return !failing_.exchange(true, std::memory_order_relaxed);
}

std::string Health::last() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return last_;
}

}  // namespace cachechain
