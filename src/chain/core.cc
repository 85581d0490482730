#include "chain/core.h"

#include <algorithm>
#include <new>
#include <utility>

#include "chain/upkeep.h"

namespace cachechain {
namespace {

// The life of a copy that nobody invalidates from outside, and that of entries in a layer that compares no versions.
constexpr int64_t kUnwatchedLifeMs = 5'000;
constexpr int64_t kUnversionedLifeMs = 60'000;
// A namespace's name and its schema.
constexpr uint64_t kLongestRecordKey = 64 + 1 + 10;

// Whether the lives of the layers decide over all copies.
bool all_per_layer(const ChainSettings &settings) {
  return settings.life == LifeStrategy::kPerLayer &&
         std::all_of(settings.namespaces.begin(), settings.namespaces.end(), [](const NamespaceSettings &space) {
           return space.life.value_or(LifeStrategy::kPerLayer) == LifeStrategy::kPerLayer;
         });
}

// An answer to a put that tells of the layer, and not of what was put.
bool is_trouble(int32_t status) {
  return status < 0 && status != CACHECHAIN_CONFLICT && status != CACHECHAIN_VALUE_TOO_LARGE &&
         status != CACHECHAIN_KEY_TOO_LONG && status != CACHECHAIN_CANCELLED;
}

std::string decimal(int64_t n) { return std::to_string(n); }

}  // namespace

Core::Core(ChainSettings its_settings, ChainParts its_parts, std::vector<std::string> its_warnings)
    : settings(std::move(its_settings)),
      parts(std::move(its_parts)),
      stamps(*parts.clock, static_cast<uint32_t>(parts.random->next()), settings.max_drift_ms),
      warnings(std::move(its_warnings)),
      loads(*parts.clock, settings.max_loads),
      records({*parts.clock, *parts.random, *parts.allocator, stamps, loads}) {}

Status Core::take_layers(std::vector<OpenedLayer> layers) {
  auto opened = layers.begin();
  for (uint32_t i = 0; i < settings.layers.size(); ++i) {
    const LayerSettings &wanted = settings.layers[i];
    if (!wanted.enabled) continue;
    auto level = std::make_unique<Level>(wanted);
    level->index = i;
    level->layer = std::move(opened->layer);
    level->direct = opened->direct;
    if (opened->degraded.code() == CACHECHAIN_DEGRADED) {
      (void)level->health.failed(CACHECHAIN_UNAVAILABLE, std::string(opened->degraded.message()));
      level->warnings.push_back("opened, but not reachable: " + std::string(opened->degraded.message()));
    }
    costs_count |= level->admission.by_cost();
    levels.push_back(std::move(level));
    ++opened;
  }
  while (leading_inline < levels.size() && levels[leading_inline]->is_inline()) ++leading_inline;
  truth = levels.size();
  for (size_t i = 0; i < levels.size(); ++i) {
    if (levels[i]->writable()) truth = i;
  }
  if (Status checked = check_source(); !checked.ok()) return checked;
  choose_clear_level();
  settle_lives();
  namespaces.open_home();
  return CACHECHAIN_OK;
}

Status Core::check_source() {
  const LayerTraits &last = levels.back()->layer->traits();
  if (settings.source.has_value()) {
    source = *settings.source;
  } else if (last.can(CACHECHAIN_CAP_PERSISTENT)) {
    return Status(CACHECHAIN_CONFIG, "source: must be written, because layer \"" + last.name +
                                         "\" keeps its entries when the process ends: \"last_layer\" if it is the "
                                         "truth, \"application\" if your own database is");
  }
  if (source == Source::kLastLayer && !last.can(CACHECHAIN_CAP_BUMP) && !last.can(CACHECHAIN_CAP_PLAIN)) {
    return Status(CACHECHAIN_CONFIG, "source: layer \"" + last.name + "\" cannot be the truth, because plugin " +
                                         last.plugin + " does not order writes");
  }
  for (size_t i = 0; i < levels.size(); ++i) {
    const LayerTraits &traits = levels[i]->layer->traits();
    if (traits.can(CACHECHAIN_CAP_PLAIN) && !is_truth(i)) {
      return Status(CACHECHAIN_CONFIG, "source: layer \"" + traits.name +
                                           "\" is a table of the user's own, which can only be the last layer under "
                                           "\"source\": \"last_layer\"");
    }
  }
  const bool plain = last.can(CACHECHAIN_CAP_PLAIN);
  const bool inline_only =
      std::all_of(levels.begin(), levels.end(), [](auto &level) { return level->is_inline() || !level->writable(); });
  ordered = !plain && (source == Source::kLastLayer || inline_only);
  shared = levels.size();
  for (size_t i = 0; plain && i + 1 < levels.size(); ++i) {
    const Level &level = *levels[i];
    if (!level.is_inline() && level.writable() && level.layer->traits().can(CACHECHAIN_CAP_EXACT)) shared = i;
  }
  if (source == Source::kApplication && truth != levels.size()) {
    const Level &arbiter = *levels[truth];
    marks_leases = !arbiter.is_inline() && arbiter.layer->traits().can(CACHECHAIN_CAP_EXACT);
  }
  return CACHECHAIN_OK;
}

// The deepest level that outlives the process. One that takes no writes still tells what others have cleared.
void Core::choose_clear_level() {
  clear_level = levels.size();
  for (const bool writable : {false, true}) {
    for (size_t i = 0; i < levels.size(); ++i) {
      const LayerTraits &traits = levels[i]->layer->traits();
      const bool lasts = traits.can(CACHECHAIN_CAP_SHARED) || traits.can(CACHECHAIN_CAP_PERSISTENT);
      if (levels[i]->is_inline() || !lasts || !traits.can(CACHECHAIN_CAP_KINDS)) continue;
      if (traits.max_key_size >= kLongestRecordKey && (!writable || levels[i]->writable())) clear_level = i;
    }
  }
}

int64_t Core::longest_life_ms(size_t at) const {
  const LifeRule &life = levels[at]->life;
  return life.max_ttl_ms != 0 || at >= truth || !all_per_layer(settings) ? life.max_ttl_ms : life.ttl_ms;
}

// Fills in the lives that safety asks for where the configuration says none, and says so.
void Core::settle_lives() {
  for (size_t i = 0; i < levels.size(); ++i) {
    Level &level = *levels[i];
    const LayerTraits &traits = level.layer->traits();
    const bool over_shared = std::any_of(levels.begin() + static_cast<ptrdiff_t>(i) + 1, levels.end(),
                                         [](auto &l) { return l->layer->traits().can(CACHECHAIN_CAP_SHARED); });
    if (over_shared && !traits.can(CACHECHAIN_CAP_SHARED) && level.life.ttl_ms == 0 && level.life.max_ttl_ms == 0) {
      level.life.ttl_ms = kUnwatchedLifeMs;
      level.warnings.push_back(
          "has no ttl_ms, and other processes may change what the layers below hold: entries live " +
          decimal(kUnwatchedLifeMs) + " ms");
    }
    if (over_shared && !traits.can(CACHECHAIN_CAP_SHARED) && !all_per_layer(settings) && level.life.max_ttl_ms == 0) {
      level.warnings.push_back(
          "keeps copies as \"life\" says, and has no max_ttl_ms: what other processes change is seen when a copy ends");
    }
    if (traits.can(CACHECHAIN_CAP_PLAIN)) continue;
    const bool compares = traits.can(CACHECHAIN_CAP_NEWER) && (traits.can(CACHECHAIN_CAP_FENCE) || !level.is_inline());
    if (!compares && (level.life.max_ttl_ms == 0 || level.life.max_ttl_ms > kUnversionedLifeMs)) {
      level.life.max_ttl_ms = kUnversionedLifeMs;
      level.warnings.push_back("plugin " + traits.plugin +
                               " does not compare versions, so a late write may win: entries live at most " +
                               decimal(kUnversionedLifeMs) + " ms");
    }
    for (const std::string &warning : level.warnings) {
      warnings.push_back(settings.chain + "/" + traits.name + " " + warning);
    }
  }
}

int64_t Core::deadline_after(int64_t timeout_ns) const {
  if (timeout_ns == CACHECHAIN_TIMEOUT_NONE) return 0;
  const int64_t span = timeout_ns == 0 ? settings.deadline_ms * 1'000'000 : timeout_ns;
  const int64_t now = parts.clock->mono_ns();
  return span > INT64_MAX - now ? INT64_MAX : now + span;
}

std::string Core::describe(const Level &level, int32_t status, const cachechain_report &report) const {
  const LayerTraits &traits = level.layer->traits();
  std::string text = settings.chain + "/" + traits.name + " " + traits.plugin;
  if (!traits.endpoint.empty()) text += " " + traits.endpoint;
  text += ": ";
  if (report.size == 0) return text + status_name(status);
  return text.append(reinterpret_cast<const char *>(report.text), report.size);
}

void Core::layer_failed(Level &level, int32_t status, const cachechain_report &report) {
  std::string text = describe(level, status, report);
  if (!level.health.failed(status, text)) return;
  parts.log->log(CACHECHAIN_LOG_WARN, text + " (" + status_name(status) + ")");
  const Status::Detail detail{text, level.layer->traits().name, report.native_code, report.retryable != 0};
  parts.watchers->layer_failed(level, Status(status, detail));
}

void Core::layer_answered(Level &level) {
  if (level.health.succeeded()) {
    const LayerTraits &traits = level.layer->traits();
    const std::string text = settings.chain + "/" + traits.name + " " + traits.plugin + ": answers again";
    parts.log->log(CACHECHAIN_LOG_WARN, text);
    parts.watchers->layer_answered(level, text);
  }
}

// For want of memory an operator may miss a line, but no mutation ends half-way.
void Core::note_health(Level &level, int32_t outcome, const cachechain_report &report) noexcept {
  try {
    if (is_trouble(outcome)) {
      layer_failed(level, outcome, report);
    } else {
      layer_answered(level);
    }
  } catch (const std::bad_alloc &) {
  }
}

int32_t Core::put(const Caller &caller, Level &level, const cachechain_put &put, cachechain_put_result &result,
                  int64_t deadline_ns, std::span<const uint8_t> trace, cachechain_report &report, CancelToken *cancel) {
  if (level.upkeep != nullptr) level.upkeep->written();
  const cachechain_call call = make_call(caller, level, deadline_ns, &report, trace, cancel);
  const int32_t status = level.layer->put(call, put, result);
  note_health(level, status, report);
  return status;
}

int32_t Core::put_many(const Caller &caller, Level &level, std::span<const cachechain_put> puts,
                       std::span<cachechain_put_result> results, int64_t deadline_ns, std::span<const uint8_t> trace,
                       cachechain_report &report) {
  if (puts.size() == 1) return put(caller, level, puts.front(), results.front(), deadline_ns, trace, report);
  if (level.upkeep != nullptr) level.upkeep->written();
  const cachechain_call call = make_call(caller, level, deadline_ns, &report, trace);
  int32_t outcome = level.layer->put_many(call, puts, results);
  const int32_t whole = outcome;
  for (const cachechain_put_result &result : results) {
    if (is_trouble(result.status)) outcome = result.status;
  }
  note_health(level, outcome, report);
  return whole;
}

int32_t Core::put_mark(const Caller &caller, size_t at, cachechain_put put, int64_t deadline_ns,
                       std::span<const uint8_t> trace) {
  put.horizon = stamps.horizon();
  put.cleared = caller.space.cleared();
  cachechain_report report{};
  cachechain_put_result result{};
  return this->put(caller, *levels[at], put, result, deadline_ns, trace, report);
}

void Core::put_marks(const Caller &caller, size_t at, std::span<cachechain_put> puts,
                     std::span<cachechain_put_result> results, int64_t deadline_ns) {
  for (cachechain_put &put : puts) {
    put.horizon = stamps.horizon();
    put.cleared = caller.space.cleared();
  }
  cachechain_report report{};
  (void)put_many(caller, *levels[at], puts, results, deadline_ns, {}, report);
}

}  // namespace cachechain
