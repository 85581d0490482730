#include "config/parse.h"

#include <algorithm>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/coherence.h"
#include "config/fields.h"
#include "config/json_text.h"
#include "config/keys.h"
#include "config/problems.h"
#include "config/references.h"
#include "config/report.h"

namespace cachechain {
namespace {

using nlohmann::json;

constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
constexpr int64_t kLongestLifeMs = 100 * 365 * kDayMs;
constexpr uint64_t kLargestValue = UINT32_MAX;
constexpr size_t kLongestPath = 4096;
constexpr double kLargestJitter = 0.5;
constexpr int64_t kHighestCompressLevel = 19;  // zstd calls those above "ultra", for the memory that they take
constexpr int64_t kLargestSchema = 1'000'000'000;

constexpr std::string_view kThrough = "through";
constexpr std::string_view kNone = "none";
constexpr std::string_view kAlways = "always";
constexpr std::string_view kNever = "never";
constexpr std::string_view kApplication = "application";
constexpr std::string_view kLastLayer = "last_layer";
constexpr std::string_view kPerLayer = "per_layer";
constexpr std::string_view kUniform = "uniform";
constexpr std::string_view kDecaying = "decaying";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

bool is_name(std::string_view text, size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
  });
}
bool is_layer_name(std::string_view text) { return is_name(text, 32); }

bool is_path(std::string_view text) {
  return text.size() <= kLongestPath &&
         std::none_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; });
}
bool is_plugin(std::string_view text) {
  if (text.starts_with('/')) return is_path(text);
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_lower(c) || is_digit(c) || c == '_' || c == '-';
  });
}
bool is_sha256(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

std::string lower_case(std::string text) {
  for (char &c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Keys of the user's own go before references are looked at: what is ignored needs no variables. Below the top of a
// layer's options a key is data of the plugin's, whatever it begins with.
void drop_user_keys(json &root) {
  const auto drop = [](json &object) {
    if (!object.is_object()) return;
    for (auto it = object.begin(); it != object.end();) it = is_user_key(it.key()) ? object.erase(it) : std::next(it);
  };
  drop(root);
  if (const auto spaces = root.find("namespaces"); spaces != root.end()) {
    drop(*spaces);
    for (json &space : *spaces) drop(space);
  }
  const auto layers = root.find("layers");
  if (layers == root.end() || !layers->is_array()) return;
  for (json &layer : *layers) {
    drop(layer);
    if (!layer.is_object()) continue;
    if (const auto options = layer.find("options"); options != layer.end()) drop(*options);
  }
}

std::string read_options(Fields &fields, Reading reading) {
  const json *const options = fields.find("options");
  if (options == nullptr) {
    reading.report.add(fields.path_of("options"), json::object(), "default");
    return "{}";
  }
  if (!options->is_object()) {
    fields.wrong("options", "must be an object, and " + fields.is_shown(*options));
    return "{}";
  }
  const std::string path = fields.path_of("options");
  for (const auto &item : options->items()) {
    reading.report.add(member_path(path, item.key()), reading.references.masked(item.key(), item.value()),
                       reading.references.origins_below(item.value()));
  }
  return options->dump();
}

WarmSettings read_warming(Fields &fields) {
  static constexpr std::string_view kWhether[] = {kAlways, kNever};
  constexpr int64_t kMostHits = 100;
  constexpr int64_t kMostQueued = 1'000'000;
  constexpr uint64_t kMostQueuedBytes = uint64_t{1} << 40;

  WarmSettings warm;
  warm.on = fields.word("warm", kAlways, kWhether) == kAlways;
  warm.max_bytes = fields.size_bytes("warm_max_bytes", warm.max_bytes, 0, kLargestValue);
  warm.min_fetch_ms = fields.duration_ms("warm_min_fetch_ms", warm.min_fetch_ms, 0, kDayMs);
  warm.after_hits = static_cast<uint32_t>(fields.integer("warm_after_hits", warm.after_hits, 1, kMostHits));
  warm.queue_entries = static_cast<uint64_t>(
      fields.integer("warm_queue_entries", static_cast<int64_t>(warm.queue_entries), 1, kMostQueued));
  warm.queue_bytes = fields.size_bytes("warm_queue_bytes", warm.queue_bytes, 1, kMostQueuedBytes);
  return warm;
}

LayerSettings read_layer(const json &node, const std::string &path, Reading reading) {
  static constexpr std::string_view kWrites[] = {kThrough, kNone};
  static constexpr std::string_view kLaterWrites[] = {"behind"};

  LayerSettings layer;
  Fields fields(node, path, reading);
  fields.refuse_others(kLayerKeys, kLaterLayerKeys, kChainKeys, "at the top");
  fields.require("name");
  layer.name = fields.text("name", "", is_layer_name, "1 to 32 of A-Z a-z 0-9 _ . -");
  fields.require("plugin");
  layer.plugin =
      fields.text("plugin", "", is_plugin, "a plugin's name (1 to 32 of a-z 0-9 _ -) or the absolute path of its file");
  layer.options = read_options(fields, reading);
  layer.enabled = fields.flag("enabled", layer.enabled);
  layer.ttl_ms = fields.duration_ms("ttl_ms", 0, 0, kLongestLifeMs);
  layer.max_ttl_ms = fields.duration_ms("max_ttl_ms", 0, 0, kLongestLifeMs);
  layer.ttl_jitter = fields.share("ttl_jitter", layer.ttl_jitter, kLargestJitter);
  const bool none = fields.word("write", kThrough, kWrites, kLaterWrites) == kNone;
  layer.write = none ? WritePolicy::kNone : WritePolicy::kThrough;
  layer.warm = read_warming(fields);
  layer.compress_above_bytes = fields.size_bytes("compress_above_bytes", layer.compress_above_bytes, 0, kLargestValue);
  layer.compress_level =
      static_cast<int32_t>(fields.integer("compress_level", layer.compress_level, 1, kHighestCompressLevel));
  layer.sha256 = lower_case(fields.text("sha256", "", is_sha256, "64 hex digits"));
  if (layer.max_ttl_ms != 0 && layer.ttl_ms > layer.max_ttl_ms) {
    fields.wrong("max_ttl_ms", "is shorter than the layer's ttl_ms");
  }
  return layer;
}

void check_names(const std::vector<LayerSettings> &layers, Problems &problems) {
  for (size_t i = 0; i < layers.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (layers[i].name.empty() || layers[i].name != layers[j].name) continue;
      problems.add(item_path("layers", i) + ".name", "is the name of " + item_path("layers", j) + " as well");
      break;
    }
  }
}

std::vector<LayerSettings> read_layers(Fields &fields, Reading reading) {
  std::vector<LayerSettings> layers;
  fields.require("layers");
  const json *const node = fields.find("layers");
  if (node == nullptr) return layers;
  if (!node->is_array()) {
    fields.wrong("layers", "must be an array of objects, and " + fields.is_shown(*node));
    return layers;
  }
  if (node->empty())
    fields.wrong("layers", "is empty; a chain has 1 to " + std::to_string(CACHECHAIN_MAX_LAYERS) + " layers");
  if (node->size() > CACHECHAIN_MAX_LAYERS) {
    fields.wrong("layers", "has " + std::to_string(node->size()) + " layers; at most " +
                               std::to_string(CACHECHAIN_MAX_LAYERS) + " are allowed");
    return layers;
  }
  for (size_t i = 0; i < node->size(); ++i) {
    const json &one = (*node)[i];
    const std::string path = item_path("layers", i);
    if (one.is_object()) {
      layers.push_back(read_layer(one, path, reading));
    } else {
      reading.problems.add(path, "must be an object, and " + fields.is_shown(one));
      layers.emplace_back();  // keeps the numbers of the others right
    }
  }
  check_names(layers, reading.problems);
  if (!layers.empty() && std::none_of(layers.begin(), layers.end(), [](const auto &one) { return one.enabled; })) {
    fields.wrong("layers", "none is enabled");
  }
  return layers;
}

LifeStrategy read_life(Fields &fields, LifeStrategy fallback) {
  static constexpr std::string_view kWords[] = {kPerLayer, kUniform, kDecaying};
  static constexpr LifeStrategy kLives[] = {LifeStrategy::kPerLayer, LifeStrategy::kUniform, LifeStrategy::kDecaying};
  const std::string word = fields.word("life", kWords[static_cast<size_t>(fallback)], kWords);
  return kLives[std::find(std::begin(kWords), std::end(kWords), word) - std::begin(kWords)];
}

NamespaceSettings read_namespace(const json &node, const std::string &name, const std::string &path,
                                 const ChainSettings &chain, Reading reading) {
  NamespaceSettings space;
  space.name = name;
  Fields fields(node, path, reading);
  fields.refuse_others(kNamespaceKeys, {}, kChainKeys, "at the top");
  space.schema = static_cast<uint32_t>(fields.integer("schema", 0, 0, kLargestSchema));
  space.ttl_ms = fields.duration_ms("ttl_ms", 0, 0, kLongestLifeMs);
  space.max_ttl_ms = fields.duration_ms("max_ttl_ms", 0, 0, kLongestLifeMs);
  space.serve_stale = fields.flag("serve_stale", chain.serve_stale);
  space.life = read_life(fields, chain.life);
  space.life_decay = fields.share("life_decay", chain.life_decay, 1);
  if (space.max_ttl_ms != 0 && space.ttl_ms > space.max_ttl_ms) {
    fields.wrong("max_ttl_ms", "is shorter than the namespace's ttl_ms");
  }
  return space;
}

std::vector<NamespaceSettings> read_namespaces(Fields &fields, const ChainSettings &chain, Reading reading) {
  std::vector<NamespaceSettings> spaces;
  const json *const node = fields.find("namespaces");
  if (node == nullptr) return spaces;
  if (!node->is_object()) {
    fields.wrong("namespaces", "must be an object with a member per namespace, and " + fields.is_shown(*node));
    return spaces;
  }
  const std::string path = fields.path_of("namespaces");
  for (const auto &item : node->items()) {
    const std::string place = member_path(path, item.key());
    if (!is_space_name(item.key())) {
      reading.problems.add(place, "the name of a namespace must be " + std::string(kNamespaceRule));
    } else if (!item.value().is_object()) {
      reading.problems.add(place, "must be an object, and " + fields.is_shown(item.value()));
    } else {
      spaces.push_back(read_namespace(item.value(), item.key(), place, chain, reading));
    }
  }
  // The default one is always there.
  const size_t most = kMostNamespaces - (node->contains(kDefaultNamespace) ? 0 : 1);
  if (node->size() > most) {
    fields.wrong("namespaces", "has " + std::to_string(node->size()) + " namespaces; at most " + std::to_string(most) +
                                   " are allowed");
  }
  return spaces;
}

ChainSettings read_chain(const json &root, Reading reading) {
  static constexpr std::string_view kSources[] = {kApplication, kLastLayer};
  static constexpr std::string_view kBuses[] = {kNone};

  ChainSettings settings;
  Fields fields(root, "", reading);
  fields.refuse_others(kChainKeys, kLaterChainKeys, kLayerKeys, "in a layer");
  fields.require("chain");
  settings.chain = fields.text("chain", "", is_space_name, kNamespaceRule);
  const std::string source = fields.word("source", kApplication, kSources);
  if (fields.find("source") != nullptr) {
    settings.source = source == kLastLayer ? Source::kLastLayer : Source::kApplication;
  }
  settings.deadline_ms = fields.duration_ms("deadline_ms", settings.deadline_ms, 1, kDayMs);
  settings.max_drift_ms = fields.duration_ms("max_drift_ms", settings.max_drift_ms, 0, kDayMs);
  settings.tombstone_ms = fields.duration_ms("tombstone_ms", settings.tombstone_ms, 1, kLongestLifeMs);
  settings.max_value_bytes = fields.size_bytes("max_value_bytes", settings.max_value_bytes, 1, kLargestValue);
  settings.serve_stale = fields.flag("serve_stale", settings.source != Source::kLastLayer);
  settings.max_loads = static_cast<uint32_t>(fields.integer("max_loads", settings.max_loads, 1, 1'000'000));
  settings.lease_ms = fields.duration_ms("lease_ms", settings.lease_ms, 1, kDayMs);
  settings.lease_wait_ms = fields.duration_ms("lease_wait_ms", settings.lease_wait_ms, 1, kDayMs);
  settings.refresh_ms = fields.duration_ms("refresh_ms", settings.refresh_ms, 0, kDayMs);
  settings.async_threads = static_cast<uint32_t>(fields.integer("async_threads", settings.async_threads, 1, 256));
  settings.plugin_path = fields.text("plugin_path", "", is_path, "folders separated by ':'");
  (void)fields.word("bus", kNone, kBuses);
  settings.life = read_life(fields, settings.life);
  settings.life_decay = fields.share("life_decay", settings.life_decay, 1);
  settings.namespaces = read_namespaces(fields, settings, reading);
  settings.layers = read_layers(fields, reading);
  return settings;
}

Result<ParsedConfig> parse(std::string_view text, Surroundings &surroundings) {
  Problems problems;
  json root;
  const bool whole = read_json(text, problems, root);
  if (whole && !root.is_object()) {
    problems.add("", std::string("the configuration must be one JSON object, and is ") + root.type_name());
  }
  if (!whole || !root.is_object()) return Status(CACHECHAIN_CONFIG, problems.text());

  drop_user_keys(root);
  References references(surroundings, problems);
  references.resolve(root, "");
  Report report;
  ParsedConfig parsed;
  parsed.settings = read_chain(root, Reading{references, problems, report});
  if (!problems.empty()) return Status(CACHECHAIN_CONFIG, problems.text());
  parsed.warnings = warnings_about(parsed.settings, surroundings.memory_bytes());
  parsed.report = report.text(parsed.warnings);
  return parsed;
}

}  // namespace

bool is_space_name(std::string_view text) { return is_name(text, 64); }

Result<ParsedConfig> parse_config(std::string_view text, Surroundings &surroundings) {
  try {
    return parse(text, surroundings);
  } catch (const std::bad_alloc &) {
    return Status(CACHECHAIN_NO_MEMORY);
  } catch (const std::exception &thrown) {
    return Status(CACHECHAIN_INTERNAL, std::string("reading the configuration: ") + thrown.what());
  }
}

Result<ParsedConfig> parse_config(std::string_view text) { return parse_config(text, Surroundings::system()); }

}  // namespace cachechain
