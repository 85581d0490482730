// What a chain tells about itself, as JSON for a human and a program: stats() the counts, explain() the shape, and
// explain(key) what each layer holds of one key.
#include <nlohmann/json.hpp>

#include "chain/chain.h"
#include "chain/found.h"
#include "chain/warming.h"

namespace cachechain {
namespace {

using Json = nlohmann::ordered_json;

// Texts come from files and servers: whatever is no UTF-8 is replaced, never thrown over.
std::string dump(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

const char *source_name(Source source) { return source == Source::kApplication ? "application" : "last_layer"; }

const char *life_name(LifeStrategy life) {
  switch (life) {
    case LifeStrategy::kPerLayer:
      return "per_layer";
    case LifeStrategy::kUniform:
      return "uniform";
    default:
      return "decaying";
  }
}

const char *state_name(Chain::State state) {
  switch (state) {
    case Chain::State::kOpen:
      return "open";
    case Chain::State::kClosing:
      return "closing";
    case Chain::State::kClosed:
      return "closed";
    default:
      return "forked";
  }
}

const char *kind_name(uint32_t flags) {
  switch (flags & CACHECHAIN_FLAG_KIND_MASK) {
    case CACHECHAIN_KIND_VALUE:
      return "value";
    case CACHECHAIN_KIND_ABSENT:
      return "absent";
    case CACHECHAIN_KIND_TOMBSTONE:
      return "tombstone";
    case CACHECHAIN_KIND_INVALIDATED:
      return "invalidated";
    default:
      return "lease";
  }
}

const char *found_name(Found found) {
  switch (found) {
    case Found::kFresh:
      return "hit";
    case Found::kStale:
      return "stale";
    case Found::kAbsent:
      return "known not to exist";
    case Found::kDeleted:
      return "deleted: what is older is void";
    case Found::kExpired:
      return "expired";
    case Found::kVoid:
      return "void: a layer above knows of a newer mutation";
    default:
      return "nothing";
  }
}

Json cap_names(uint64_t caps) {
  static constexpr struct {
    uint64_t bit;
    const char *name;
  } kNames[] = {{CACHECHAIN_CAP_INLINE, "inline"},     {CACHECHAIN_CAP_CONCURRENT, "concurrent"},
                {CACHECHAIN_CAP_DEADLINE, "deadline"}, {CACHECHAIN_CAP_NEWER, "newer"},
                {CACHECHAIN_CAP_BUMP, "bump"},         {CACHECHAIN_CAP_EXACT, "exact"},
                {CACHECHAIN_CAP_FENCE, "fence"},       {CACHECHAIN_CAP_KINDS, "kinds"},
                {CACHECHAIN_CAP_BYTES, "bytes"},       {CACHECHAIN_CAP_PERSISTENT, "persistent"},
                {CACHECHAIN_CAP_SHARED, "shared"},     {CACHECHAIN_CAP_NOTIFY, "notify"},
                {CACHECHAIN_CAP_SWEEP, "sweep"},       {CACHECHAIN_CAP_PLAIN, "plain"}};
  Json names = Json::array();
  for (const auto &one : kNames) {
    if ((caps & one.bit) != 0) names.push_back(one.name);
  }
  return names;
}

Json queue_numbers(const WarmQueue::Numbers &numbers) {
  return {{"waiting", numbers.waiting},         {"bytes", numbers.bytes},     {"dropped_full", numbers.dropped_full},
          {"dropped_old", numbers.dropped_old}, {"dropped", numbers.dropped}, {"overtaken", numbers.overtaken}};
}

}  // namespace

// What a set of namespaces has counted: one, or all.
struct Chain::Counted {
  std::vector<const Namespace *> spaces;

  uint64_t total(uint32_t index) const {
    uint64_t sum = 0;
    for (const Namespace *space : spaces) sum += space->threads().total(index);
    return sum;
  }
  // {"requests", "hits", "stale", ...}
  void put_totals(Json &json, uint32_t layers) const {
    const auto over_layers = [&](LayerCounter counter) {
      uint64_t sum = 0;
      for (uint32_t i = 0; i < layers; ++i) sum += total(counter_index(i, counter));
      return sum;
    };
    const uint64_t hits = over_layers(LayerCounter::kHits);
    const uint64_t stale = over_layers(LayerCounter::kStale);
    uint64_t requests = hits + stale;
    for (const ChainCounter unanswered :
         {ChainCounter::kMisses, ChainCounter::kDegraded, ChainCounter::kNotFound, ChainCounter::kGetErrors}) {
      requests += total(counter_index(unanswered));
    }
    json["requests"] = requests;
    json["hits"] = hits;
    json["stale"] = stale;
    for (uint32_t c = 0; c < kChainCounters; ++c) {
      const ChainCounter counter = static_cast<ChainCounter>(c);
      json[counter_name(counter)] = total(counter_index(counter));
    }
  }
};

std::string Chain::stats() const {
  Counted all;
  core_.namespaces.for_each([&](const Namespace &space) { all.spaces.push_back(&space); });
  Json json{{"chain", core_.settings.chain}, {"source", source_name(core_.source)}};
  const uint32_t layers = static_cast<uint32_t>(core_.settings.layers.size());
  all.put_totals(json, layers);
  json["layers"] = Json::parse(layer_stats(all));
  Json &spaces = json["namespaces"] = Json::object();
  for (const Namespace *space : all.spaces) {
    Counted{{space}}.put_totals(spaces[std::string(space->name())] = Json::object(), layers);
  }
  return dump(json);
}

std::string Chain::stats(const Namespace &space) const {
  const Counted one{{&space}};
  Json json{{"chain", core_.settings.chain}, {"namespace", space.name()}, {"source", source_name(core_.source)}};
  one.put_totals(json, static_cast<uint32_t>(core_.settings.layers.size()));
  json["layers"] = Json::parse(layer_stats(one));
  return dump(json);
}

std::string Chain::layer_stats(const Counted &counted) const {
  Json layers = Json::array();
  for (uint32_t i = 0; i < core_.settings.layers.size(); ++i) {
    Json layer{
        {"name", core_.settings.layers[i].name}, {"plugin", core_.settings.layers[i].plugin}, {"enabled", false}};
    for (const auto &level : core_.levels) {
      if (level->index != i) continue;
      layer["enabled"] = true;
      layer["inline"] = level->is_inline();
      layer["failing"] = level->health.failing();
      layer["last_error"] = level->health.last();
      layer["owed_keys"] = level->debts.size();
      if (level->warming != nullptr) layer["warm_queue"] = queue_numbers(level->warming->queue().numbers());
    }
    for (uint32_t c = 0; c < kLayerCounters; ++c) {
      const LayerCounter counter = static_cast<LayerCounter>(c);
      layer[counter_name(counter)] = counted.total(counter_index(i, counter));
    }
    for (const auto &level : core_.levels) {
      if (level->index != i || state_.load(std::memory_order_relaxed) != State::kOpen) continue;
      Json own = Json::parse(level->layer->stats(), nullptr, false);
      layer["plugin_stats"] = own.is_discarded() ? Json::object() : std::move(own);
    }
    layers.push_back(std::move(layer));
  }
  return dump(layers);
}

// How a namespace differs from the others of its chain.
std::string Chain::describe(const Namespace &space) const {
  const uint64_t cleared = space.cleared();
  Json json{{"name", space.name()},
            {"schema", space.schema()},
            {"prefix", std::string(reinterpret_cast<const char *>(space.raw().prefix), space.raw().prefix_size)},
            {"serve_stale", space.serve_stale()},
            {"cleared", cleared}};
  if (cleared != 0) json["cleared_ms_ago"] = core_.parts.clock->unix_ms() - stamp_unix_ms(cleared);
  json["cleared_is_shared_by"] =
      core_.clear_level < core_.levels.size() ? core_.levels[core_.clear_level]->layer->traits().name : "";
  return dump(json);
}

std::string Chain::explain(const Namespace &space) const {
  Json layers = Json::array();
  for (uint32_t i = 0; i < core_.settings.layers.size(); ++i) {
    const LayerSettings &settings = core_.settings.layers[i];
    Json layer{{"index", i}, {"name", settings.name}, {"plugin", settings.plugin}, {"enabled", settings.enabled}};
    for (size_t at = 0; at < core_.levels.size(); ++at) {
      const auto &level = core_.levels[at];
      if (level->index != i) continue;
      const LayerTraits &traits = level->layer->traits();
      const LifeRule &life = space.life(at);
      layer["version"] = traits.version;
      layer["file"] = traits.file;
      layer["endpoint"] = traits.endpoint;
      layer["inline"] = level->is_inline();
      layer["can"] = cap_names(traits.caps);
      layer["ttl_ms"] = life.ttl_ms;
      layer["max_ttl_ms"] = life.max_ttl_ms;
      layer["ttl_jitter"] = life.jitter;
      layer["life"] = life_name(life.copies);
      if (life.copies == LifeStrategy::kDecaying) layer["life_share"] = life.share;
      layer["write"] = level->writable() ? "through" : "none";
      layer["compress_above_bytes"] = settings.compress_above_bytes;
      layer["max_key_size"] = traits.max_key_size;
      layer["max_value_size"] = traits.max_value_size;
      layer["failing"] = level->health.failing();
      layer["last_error"] = level->health.last();
      layer["warnings"] = level->warnings;
    }
    layers.push_back(std::move(layer));
  }
  return dump(Json{{"chain", core_.settings.chain},
                   {"source", source_name(core_.source)},
                   {"state", state_name(state_.load(std::memory_order_relaxed))},
                   {"deadline_ms", core_.settings.deadline_ms},
                   {"namespace", Json::parse(describe(space))},
                   {"layers", std::move(layers)},
                   {"warnings", core_.warnings}});
}

std::string Chain::explain(const Caller &caller, std::span<const uint8_t> key_bytes) {
  const cachechain_key key = caller.space.key(key_bytes);
  const int64_t deadline_ns = core_.deadline_after(0);
  const int64_t now_ms = core_.parts.clock->unix_ms();
  uint64_t floor = 0;
  bool degraded = false;
  bool ended = false;
  bool truth_said_no = false;
  std::string answer;
  Json layers = Json::array();
  for (const auto &level : core_.levels) {
    const LayerTraits &traits = level->layer->traits();
    Json layer{{"index", level->index}, {"name", traits.name}};
    cachechain_report report{};
    cachechain_value value{};
    const int32_t status = key.size > traits.max_key_size
                               ? int32_t{CACHECHAIN_MISS}
                               : level->layer->get(make_call(caller, *level, deadline_ns, &report), key, {}, value);
    layer["status"] = status_name(status);
    if (level->debts.any() && (level->debts.overdue() || level->debts.find(key))) layer["owes"] = true;
    const bool last = level == core_.levels.back();
    if (status < 0) {
      layer["verdict"] = core_.describe(*level, status, report);
      degraded |= !ended;
    } else if (status != CACHECHAIN_OK) {
      layer["verdict"] = "nothing";
      truth_said_no |= last;
    } else {
      layer["kind"] = kind_name(value.flags);
      layer["size"] = value.size;
      layer["version"] = value.version;
      layer["created"] = value.created;
      layer["written_ms_ago"] = now_ms - stamp_unix_ms(value.version);
      layer["fresh_until_ms"] = value.fresh_until_ms;
      layer["expires_ms"] = value.expires_ms;
      if (value.expires_ms != 0) layer["expires_in_ms"] = value.expires_ms - now_ms;
      const bool future = !level->is_inline() && !core_.stamps.observe(value.version);
      const bool cleared = !(last && traits.can(CACHECHAIN_CAP_PLAIN)) &&
                           (caller.space.voids(value.created) || (future && caller.space.cleared() != 0));
      const Found found = cleared ? Found::kVoid : judge_entry(value, floor, [&] { return now_ms; });
      layer["verdict"] = cleared ? "void: the namespace was cleared since" : found_name(found);
      if (!ended && (found == Found::kFresh || found == Found::kStale)) {
        answer = std::string(found == Found::kFresh ? "OK" : "STALE") + " from " + traits.name;
        ended = true;
      } else if (!ended && found == Found::kAbsent) {
        answer = "NOT_FOUND from " + traits.name;
        ended = true;
      }
      truth_said_no |= last;
      if (value.release != nullptr) value.release(value.owner);
    }
    layers.push_back(std::move(layer));
  }
  if (!ended) {
    if (core_.source == Source::kApplication) {
      answer = degraded ? "MISS, degraded" : "MISS";
    } else {
      answer = truth_said_no ? "NOT_FOUND" : "UNAVAILABLE";
    }
  }
  Json all{{"chain", core_.settings.chain},
           {"namespace", caller.space.name()},
           {"cleared", caller.space.cleared()},
           {"answer", answer},
           {"layers", std::move(layers)}};
  if (const RecordTable::Look look = core_.records.look(key); look.known) {
    all["under_way"] = {{"newest_mutation", look.fence},
                        {"traversed", look.traversed},
                        {"waiting", look.waiting},
                        {"leases", look.leases},
                        {"held_off", look.held_off}};
  }
  return dump(all);
}

}  // namespace cachechain
