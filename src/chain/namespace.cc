#include "chain/namespace.h"

#include <utility>

#include "base/random.h"

namespace cachechain {

Namespace::Namespace(uint32_t id, std::string_view chain, std::string_view name, uint32_t layers,
                     ThreadBlocks::ExitFn words_end)
    : prefix_(std::string(chain) + "/" + std::string(name) + "/0:"),
      name_(name),
      seed_(Random::system().next()),
      threads_(counter_count(layers), layers, std::move(words_end)) {
  raw_.prefix = reinterpret_cast<const uint8_t *>(prefix_.data());
  raw_.prefix_size = static_cast<uint32_t>(prefix_.size());
  raw_.name = reinterpret_cast<const uint8_t *>(name_.data());
  raw_.name_size = static_cast<uint32_t>(name_.size());
  raw_.id = id;
}

}  // namespace cachechain
