#include "chain/chain.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "chain/forks.h"
#include "chain/upkeep.h"
#include "chain/warming.h"

namespace cachechain {
namespace {

// What a layer has to do behind its callers' backs shares so many threads; one that may hang in a call has more.
constexpr uint32_t kWorkers = 2;
constexpr uint32_t kWorkersWithoutDeadline = 8;

}  // namespace

Chain::Chain(ChainSettings settings, ChainParts parts, std::vector<std::string> warnings)
    : core_(std::move(settings), std::move(parts), std::move(warnings)),
      housekeeper_(*core_.parts.clock, "cc-" + core_.settings.chain, *core_.parts.threads) {}

Result<std::unique_ptr<Chain>> Chain::open(ChainSettings settings, ChainParts parts,
                                           std::vector<std::string> warnings) {
  parts.put_watchers_around_log();
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
    opening.compress = {wanted.compress_above_bytes, wanted.compress_level, settings.max_value_bytes};
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
  parts.put_watchers_around_log();
  std::unique_ptr<Chain> chain(new Chain(std::move(settings), std::move(parts), std::move(warnings)));
  if (Status taken = chain->core_.take_layers(std::move(layers)); !taken.ok()) return taken;
  chain->prepare_levels();
  for (const std::string &warning : chain->core_.warnings) chain->core_.parts.log->log(CACHECHAIN_LOG_WARN, warning);
  Forks::add(chain.get());
  return chain;
}

void Chain::prepare_levels() {
  for (size_t at = 0; at < core_.levels.size(); ++at) {
    Level &level = *core_.levels[at];
    if (level.is_inline() || !level.writable()) continue;
    const LayerTraits &traits = level.layer->traits();
    const uint32_t threads = traits.can(CACHECHAIN_CAP_DEADLINE) ? kWorkers : kWorkersWithoutDeadline;
    level.workers = std::make_unique<WorkerGroup>("cc-" + traits.name, threads, *core_.parts.threads);
    level.upkeep = std::make_unique<Upkeep>(core_, level, home(), housekeeper_, *level.workers);
    const WarmSettings &warm = core_.settings.layers[level.index].warm;
    if (at + 1 == core_.levels.size() || !warm.on) continue;
    level.warming = std::make_unique<Warming>(core_, level, home(), warm, *level.workers);
    core_.queues = true;
  }
}

// In a fork child it must not run: the parent owns the connections, files and locks behind the layers.
Chain::~Chain() {
  Forks::remove(this);
  (void)close(CACHECHAIN_TIMEOUT_NONE);
}

Status Chain::watch(CompletionQueue &queue, uint32_t kinds, int32_t log_level) {
  return core_.parts.watchers->watch(queue, kinds, log_level, static_cast<uint32_t>(settings().layers.size()));
}

int32_t Chain::refusal(State state) { return state == State::kForked ? CACHECHAIN_FORKED : CACHECHAIN_CLOSED; }

Status Chain::close(int64_t timeout_ns) {
  std::lock_guard<std::mutex> lock(closing_);
  State open = State::kOpen;
  state_.compare_exchange_strong(open, State::kClosing, std::memory_order_relaxed);
  if (state_.load(std::memory_order_relaxed) == State::kClosed) return CACHECHAIN_OK;
  ThreadBlocks::order_with_entries();
  core_.loads.close();
  core_.records.close();
  calls_.shut();
  const int64_t begin = core_.parts.clock->mono_ns();
  const int64_t deadline_ns =
      timeout_ns == CACHECHAIN_TIMEOUT_NONE ? 0 : begin + std::min(timeout_ns, INT64_MAX - begin);
  const auto others_inside = [this] {
    bool inside = false;
    core_.namespaces.for_each([&](Namespace &space) { inside = inside || space.threads().others_inside(); });
    return inside;
  };
  while (others_inside()) {
    if (timeout_ns != CACHECHAIN_TIMEOUT_NONE && core_.parts.clock->mono_ns() - begin >= timeout_ns) {
      return Status(CACHECHAIN_DEADLINE,
                    core_.settings.chain + ": calls are still under way; no new one is let in, close again");
    }
    const timespec pause{0, 200'000};
    nanosleep(&pause, nullptr);
  }
  calls_.stop();
  housekeeper_.stop();
  for (auto &level : core_.levels) {
    if (level->workers == nullptr) continue;
    const bool warmed = level->warming == nullptr || level->warming->close(deadline_ns);
    if (!warmed || !level->upkeep->close(deadline_ns)) {
      return Status(CACHECHAIN_DEADLINE, core_.settings.chain + "/" + level->layer->traits().name +
                                             (warmed ? ": house-keeping" : ": a warm-up") +
                                             " is still under way; close again");
    }
    level->workers->stop();
  }
  core_.namespaces.for_each([](Namespace &space) { space.threads().end(); });
  Status worst;
  for (auto &level : core_.levels) {
    cachechain_call call{};
    call.struct_size = sizeof(call);
    call.deadline_ns = deadline_ns;
    if (Status closed = level->layer->close(call); !closed.ok()) worst = closed;
  }
  core_.parts.watchers->end();
  state_.store(State::kClosed, std::memory_order_relaxed);
  return worst;
}

}  // namespace cachechain
