#include "chain/namespaces.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/printable.h"
#include "chain/core.h"

namespace cachechain {
namespace {

NamespaceSettings settings_of(const ChainSettings &chain, std::string_view name) {
  for (const std::string_view wanted : {name, kDefaultNamespace}) {
    const auto found = std::find_if(chain.namespaces.begin(), chain.namespaces.end(),
                                    [&](const NamespaceSettings &one) { return one.name == wanted; });
    if (found == chain.namespaces.end()) continue;
    NamespaceSettings settings = *found;
    settings.name = name;
    return settings;
  }
  NamespaceSettings settings;
  settings.name = name;
  return settings;
}

}  // namespace

void Namespaces::open_home() { home_ = &make(kDefaultNamespace); }

Result<Namespace *> Namespaces::find_or_make(std::string_view name) {
  if (!is_space_name(name)) {
    return Status(CACHECHAIN_INVALID_ARGUMENT, core_.settings.chain + ": the name of a namespace must be " +
                                                   std::string(kNamespaceRule) + ", and is \"" +
                                                   printable(name.substr(0, 64)) + "\"");
  }
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto &space : spaces_) {
    if (space->name() == name) return space.get();
  }
  if (spaces_.size() == kMostNamespaces) {
    return Status(CACHECHAIN_OVERLOADED, core_.settings.chain + ": there are " + std::to_string(kMostNamespaces) +
                                             " namespaces already, and no more than that");
  }
  return &make(name);
}

Namespace &Namespaces::make(std::string_view name) {
  const ChainSettings &chain = core_.settings;
  Namespace::Terms terms;
  terms.id = static_cast<uint32_t>(spaces_.size());
  terms.chain = chain.chain;
  terms.settings = settings_of(chain, name);
  terms.serve_stale = terms.settings.serve_stale.value_or(chain.serve_stale);
  terms.layers = static_cast<uint32_t>(chain.layers.size());
  const NamespaceLife life{terms.settings.ttl_ms, terms.settings.max_ttl_ms, terms.settings.life.value_or(chain.life),
                           terms.settings.life_decay.value_or(chain.life_decay)};
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    const size_t above = at < core_.truth ? core_.truth - at : 0;
    terms.lives.push_back(rule_in(life, core_.levels[at]->life, above));
  }
  Core &core = core_;
  auto words_end = [&core](std::span<const uintptr_t> words) {
    for (const auto &level : core.levels) {
      if (words[level->index] != 0) level->layer->thread_exit(words[level->index]);
    }
  };
  spaces_.push_back(std::make_unique<Namespace>(std::move(terms), std::move(words_end)));
  return *spaces_.back();
}

}  // namespace cachechain
