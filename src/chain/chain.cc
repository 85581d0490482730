#include "chain/chain.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "chain/forks.h"

namespace cachechain {
namespace {

// The life of a copy that nobody invalidates from outside, and that of entries in a layer that compares no versions.
constexpr int64_t kUnwatchedLifeMs = 5'000;
constexpr int64_t kUnversionedLifeMs = 60'000;

std::string decimal(int64_t n) { return std::to_string(n); }

}  // namespace

Space::Space(uint32_t id, std::string_view chain, std::string_view name)
    : prefix_(std::string(chain) + "/" + std::string(name) + "/0:"), name_(name), seed_(Random::system().next()) {
  raw_.prefix = reinterpret_cast<const uint8_t *>(prefix_.data());
  raw_.prefix_size = static_cast<uint32_t>(prefix_.size());
  raw_.name = reinterpret_cast<const uint8_t *>(name_.data());
  raw_.name_size = static_cast<uint32_t>(name_.size());
  raw_.id = id;
}

Chain::Chain(ChainSettings settings, ChainParts parts, std::vector<std::string> warnings)
    : settings_(std::move(settings)),
      parts_(std::move(parts)),
      space_(0, settings_.chain, "default"),
      stamps_(*parts_.clock, static_cast<uint32_t>(parts_.random->next()), settings_.max_drift_ms),
      warnings_(std::move(warnings)),
      loads_(*parts_.clock, settings_.max_loads),
      records_({*parts_.clock, *parts_.random, *parts_.allocator, stamps_, loads_}),
      threads_(counter_count(static_cast<uint32_t>(settings_.layers.size())),
               static_cast<uint32_t>(settings_.layers.size()), [this](std::span<const uintptr_t> words) {
                 for (const auto &level : levels_) {
                   if (words[level->index] != 0) level->layer->thread_exit(words[level->index]);
                 }
               }) {}

Result<std::unique_ptr<Chain>> Chain::open(ChainSettings settings, ChainParts parts,
                                           std::vector<std::string> warnings) {
  std::vector<OpenedLayer> layers;
  for (const LayerSettings &wanted : settings.layers) {
    if (!wanted.enabled) continue;
    Result<const LoadedPlugin *> plugin =
        Registry::instance().load(wanted.plugin, parts.plugin_path, wanted.sha256, *parts.log);
    if (!plugin.ok()) {
      return Status(plugin.status().code(),
                    Status::Detail{settings.chain + "/" + wanted.name + ": " + std::string(plugin.status().message()),
                                   wanted.name, plugin.status().native_code(), false});
    }
    LayerOpening opening;
    opening.name = wanted.name;
    opening.chain = settings.chain;
    opening.options = wanted.options;
    opening.clock = parts.clock;
    opening.log = parts.log;
    Result<OpenedLayer> opened = open_layer(*plugin.value(), opening);
    if (!opened.ok()) return opened.status();
    layers.push_back(opened.take());
  }
  return open(std::move(settings), std::move(parts), std::move(warnings), std::move(layers));
}

Result<std::unique_ptr<Chain>> Chain::open(ChainSettings settings, ChainParts parts, std::vector<std::string> warnings,
                                           std::vector<OpenedLayer> layers) {
  std::unique_ptr<Chain> chain(new Chain(std::move(settings), std::move(parts), std::move(warnings)));
  chain->take_layers(std::move(layers));
  if (Status checked = chain->check_source(); !checked.ok()) return checked;
  chain->settle_lives();
  for (const std::string &warning : chain->warnings_) chain->parts_.log->log(CACHECHAIN_LOG_WARN, warning);
  Forks::add(chain.get());
  return chain;
}

// In a fork child it must not run: the parent owns the connections, files and locks behind the layers.
Chain::~Chain() {
  Forks::remove(this);
  (void)close(CACHECHAIN_TIMEOUT_NONE);
}

void Chain::take_layers(std::vector<OpenedLayer> layers) {
  auto opened = layers.begin();
  for (uint32_t i = 0; i < settings_.layers.size(); ++i) {
    const LayerSettings &wanted = settings_.layers[i];
    if (!wanted.enabled) continue;
    auto level = std::make_unique<Level>();
    level->index = i;
    level->layer = std::move(opened->layer);
    level->direct = opened->direct;
    level->life = {wanted.ttl_ms, wanted.max_ttl_ms, wanted.ttl_jitter};
    level->write = wanted.write;
    if (opened->degraded.code() == CACHECHAIN_DEGRADED) {
      (void)level->health.failed(CACHECHAIN_UNAVAILABLE, std::string(opened->degraded.message()));
      level->warnings.push_back("opened, but not reachable: " + std::string(opened->degraded.message()));
    }
    levels_.push_back(std::move(level));
    ++opened;
  }
  while (leading_inline_ < levels_.size() && levels_[leading_inline_]->is_inline()) ++leading_inline_;
  truth_ = levels_.size();
  for (size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i]->writable()) truth_ = i;
  }
}

cachechain_key Chain::make_key(Key key) const {
  return {key.data(), key.size(), hash_key(key, space_.seed()), &space_.raw()};
}

Status Chain::check_source() {
  const LayerTraits &last = levels_.back()->layer->traits();
  if (settings_.source.has_value()) {
    source_ = *settings_.source;
  } else if (last.can(CACHECHAIN_CAP_PERSISTENT)) {
    return Status(CACHECHAIN_CONFIG, "source: must be written, because layer \"" + last.name +
                                         "\" keeps its entries when the process ends: \"last_layer\" if it is the "
                                         "truth, \"application\" if your own database is");
  }
  if (source_ == Source::kLastLayer && !last.can(CACHECHAIN_CAP_BUMP) && !last.can(CACHECHAIN_CAP_PLAIN)) {
    return Status(CACHECHAIN_CONFIG, "source: layer \"" + last.name + "\" cannot be the truth, because plugin " +
                                         last.plugin + " does not order writes");
  }
  for (size_t i = 0; i < levels_.size(); ++i) {
    const LayerTraits &traits = levels_[i]->layer->traits();
    if (traits.can(CACHECHAIN_CAP_PLAIN) && !is_truth(i)) {
      return Status(CACHECHAIN_CONFIG, "source: layer \"" + traits.name +
                                           "\" is a table of the user's own, which can only be the last layer under "
                                           "\"source\": \"last_layer\"");
    }
  }
  const bool plain = last.can(CACHECHAIN_CAP_PLAIN);
  const bool inline_only =
      std::all_of(levels_.begin(), levels_.end(), [](auto &level) { return level->is_inline() || !level->writable(); });
  ordered_ = !plain && (source_ == Source::kLastLayer || inline_only);
  shared_ = levels_.size();
  for (size_t i = 0; plain && i + 1 < levels_.size(); ++i) {
    const Level &level = *levels_[i];
    if (!level.is_inline() && level.writable() && level.layer->traits().can(CACHECHAIN_CAP_EXACT)) shared_ = i;
  }
  if (source_ == Source::kApplication && truth_ != levels_.size()) {
    const Level &arbiter = *levels_[truth_];
    marks_leases_ = !arbiter.is_inline() && arbiter.layer->traits().can(CACHECHAIN_CAP_EXACT);
  }
  return CACHECHAIN_OK;
}

// Fills in the lives that safety asks for where the configuration says none, and says so.
void Chain::settle_lives() {
  for (size_t i = 0; i < levels_.size(); ++i) {
    Level &level = *levels_[i];
    const LayerTraits &traits = level.layer->traits();
    const bool over_shared = std::any_of(levels_.begin() + static_cast<ptrdiff_t>(i) + 1, levels_.end(),
                                         [](auto &l) { return l->layer->traits().can(CACHECHAIN_CAP_SHARED); });
    if (over_shared && !traits.can(CACHECHAIN_CAP_SHARED) && level.life.ttl_ms == 0 && level.life.max_ttl_ms == 0) {
      level.life.ttl_ms = kUnwatchedLifeMs;
      level.warnings.push_back(
          "has no ttl_ms, and other processes may change what the layers below hold: entries live " +
          decimal(kUnwatchedLifeMs) + " ms");
    }
    if (traits.can(CACHECHAIN_CAP_PLAIN)) continue;
    const bool ordered = traits.can(CACHECHAIN_CAP_NEWER) && (traits.can(CACHECHAIN_CAP_FENCE) || !level.is_inline());
    if (!ordered && (level.life.max_ttl_ms == 0 || level.life.max_ttl_ms > kUnversionedLifeMs)) {
      level.life.max_ttl_ms = kUnversionedLifeMs;
      level.warnings.push_back("plugin " + traits.plugin +
                               " does not compare versions, so a late write may win: entries live at most " +
                               decimal(kUnversionedLifeMs) + " ms");
    }
    for (const std::string &warning : level.warnings) {
      warnings_.push_back(settings_.chain + "/" + traits.name + " " + warning);
    }
  }
}

int32_t Chain::refusal(State state) { return state == State::kForked ? CACHECHAIN_FORKED : CACHECHAIN_CLOSED; }

int64_t Chain::deadline_after(int64_t timeout_ns) const {
  if (timeout_ns == CACHECHAIN_TIMEOUT_NONE) return 0;
  const int64_t span = timeout_ns == 0 ? settings_.deadline_ms * 1'000'000 : timeout_ns;
  const int64_t now = parts_.clock->mono_ns();
  return span > INT64_MAX - now ? INT64_MAX : now + span;
}

// The one form of an operator's line: `shop/L2 redis 10.0.3.7:6379: no reply in 100 ms`.
std::string Chain::describe(const Level &level, int32_t status, const cachechain_report &report) const {
  const LayerTraits &traits = level.layer->traits();
  std::string text = settings_.chain + "/" + traits.name + " " + traits.plugin;
  if (!traits.endpoint.empty()) text += " " + traits.endpoint;
  text += ": ";
  if (report.size == 0) return text + status_name(status);
  return text.append(reinterpret_cast<const char *>(report.text), report.size);
}

void Chain::layer_failed(Level &level, int32_t status, const cachechain_report &report) {
  std::string text = describe(level, status, report);
  if (level.health.failed(status, text)) parts_.log->log(CACHECHAIN_LOG_WARN, text + " (" + status_name(status) + ")");
}

void Chain::layer_answered(Level &level) {
  if (level.health.succeeded()) {
    const LayerTraits &traits = level.layer->traits();
    parts_.log->log(CACHECHAIN_LOG_WARN, settings_.chain + "/" + traits.name + " " + traits.plugin + ": answers again");
  }
}

Status Chain::close(int64_t timeout_ns) {
  std::lock_guard<std::mutex> lock(closing_);
  State open = State::kOpen;
  state_.compare_exchange_strong(open, State::kClosing, std::memory_order_relaxed);
  if (state_.load(std::memory_order_relaxed) == State::kClosed) return CACHECHAIN_OK;
  ThreadBlocks::order_with_entries();
  loads_.close();
  records_.close();
  const int64_t begin = parts_.clock->mono_ns();
  while (threads_.others_inside()) {
    if (timeout_ns != CACHECHAIN_TIMEOUT_NONE && parts_.clock->mono_ns() - begin >= timeout_ns) {
      return Status(CACHECHAIN_DEADLINE,
                    settings_.chain + ": calls are still under way; no new one is let in, close again");
    }
    const timespec pause{0, 200'000};
    nanosleep(&pause, nullptr);
  }
  threads_.end();
  Status worst;
  for (auto &level : levels_) {
    cachechain_call call{};
    call.struct_size = sizeof(call);
    call.deadline_ns = timeout_ns == CACHECHAIN_TIMEOUT_NONE ? 0 : begin + std::min(timeout_ns, INT64_MAX - begin);
    if (Status closed = level->layer->close(call); !closed.ok()) worst = closed;
  }
  state_.store(State::kClosed, std::memory_order_relaxed);
  return worst;
}

}  // namespace cachechain
