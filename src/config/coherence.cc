#include "config/coherence.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "cachechain/plugin.hpp"
#include "config/problems.h"

namespace cachechain {
namespace {

using nlohmann::json;

constexpr int64_t kForEver = INT64_MAX;

struct Place {
  const LayerSettings *layer;
  std::string path;  // "layers[1]"
};

std::vector<Place> enabled_layers(const ChainSettings &settings) {
  std::vector<Place> places;
  for (size_t i = 0; i < settings.layers.size(); ++i) {
    if (settings.layers[i].enabled) places.push_back({&settings.layers[i], item_path("layers", i)});
  }
  return places;
}

// How long the layer keeps what was set without a life of its own.
int64_t life_ms(const LayerSettings &layer) {
  if (layer.ttl_ms != 0) return layer.ttl_ms;
  return layer.max_ttl_ms != 0 ? layer.max_ttl_ms : kForEver;
}

// By name only: what a plugin can do is known when it is open.
bool keeps_in_memory(const LayerSettings &layer) {
  const std::string name = std::filesystem::path(layer.plugin).stem().string();
  return name == "memory" || name == "cachechain_memory" || name == "libcachechain_memory";
}

std::optional<uint64_t> bound_bytes(const LayerSettings &layer) {
  const json options = json::parse(layer.options, nullptr, /*allow_exceptions=*/false);
  const auto bound = options.find("max_bytes");
  if (bound == options.end()) return std::nullopt;
  if (bound->is_number_unsigned()) return bound->get<uint64_t>();
  if (!bound->is_string()) return std::nullopt;
  return plugin::parse_size_bytes(bound->get_ref<const std::string &>());
}

void check_lives(const std::vector<Place> &layers, std::vector<std::string> &warnings) {
  const bool only_memory =
      std::all_of(layers.begin(), layers.end(), [](const Place &place) { return keeps_in_memory(*place.layer); });
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    const LayerSettings &upper = *layers[i].layer;
    const LayerSettings &lower = *layers[i + 1].layer;
    // Over a layer that others share, memory without a life gets a short one; the chain says so when it opens.
    if (keeps_in_memory(upper) && !only_memory && life_ms(upper) == kForEver) continue;
    if (life_ms(upper) > life_ms(lower)) {
      const std::string span = life_ms(upper) == kForEver ? "for ever" : std::to_string(life_ms(upper)) + " ms";
      warnings.push_back(layers[i].path + ".ttl_ms: " + upper.name + " keeps entries " + span + ", longer than " +
                         lower.name + " below it, which keeps them " + std::to_string(life_ms(lower)) + " ms");
    }
  }
}

void check_memory(const std::vector<Place> &layers, uint64_t memory_bytes, std::vector<std::string> &warnings) {
  if (memory_bytes == 0) return;
  uint64_t sum = 0;
  for (const Place &place : layers) {
    if (!keeps_in_memory(*place.layer)) continue;
    const std::optional<uint64_t> bound = bound_bytes(*place.layer);
    if (!bound.has_value()) continue;
    const bool fitted = sum <= memory_bytes;
    sum = *bound > UINT64_MAX - sum ? UINT64_MAX : sum + *bound;
    if (fitted && sum > memory_bytes) {
      warnings.push_back(place.path + ".options.max_bytes: with it the layers in memory may take " +
                         std::to_string(sum) + " bytes, and this process may have " + std::to_string(memory_bytes));
    }
  }
}

void check_source(const ChainSettings &settings, const std::vector<Place> &layers, std::vector<std::string> &warnings) {
  if (settings.source != Source::kLastLayer || layers.empty()) return;
  const Place &last = layers.back();
  if (life_ms(*last.layer) != kForEver) {
    warnings.push_back(last.path + ".ttl_ms: " + last.layer->name +
                       " is the source, whose word is the truth, and forgets what was set after " +
                       std::to_string(life_ms(*last.layer)) + " ms");
  }
  if (last.layer->write == WritePolicy::kNone) {
    warnings.push_back(last.path + ".write: " + last.layer->name +
                       " is the source, whose word is the truth, and takes no writes: nothing can be set");
  }
}

// Opening refuses the first for every inline layer.
void check_compression(const std::vector<Place> &layers, std::vector<std::string> &warnings) {
  for (const Place &place : layers) {
    const LayerSettings &layer = *place.layer;
    if (layer.compress_above_bytes != 0 && keeps_in_memory(layer)) {
      warnings.push_back(place.path + ".compress_above_bytes: " + layer.name +
                         " keeps its entries in memory, where each hit would have to decompress; a chain with it does "
                         "not open");
    }
    if (layer.compress_above_bytes == 0 && layer.compress_level != LayerSettings().compress_level) {
      warnings.push_back(place.path + ".compress_level: says nothing without compress_above_bytes");
    }
  }
}

void check_tombstones(const ChainSettings &settings, std::vector<std::string> &warnings) {
  if (settings.tombstone_ms > settings.deadline_ms) return;
  warnings.push_back("tombstone_ms: a delete is remembered for " + std::to_string(settings.tombstone_ms) +
                     " ms, and a read that began before it may take deadline_ms, " +
                     std::to_string(settings.deadline_ms) + " ms, and put the old value back");
}

}  // namespace

std::vector<std::string> warnings_about(const ChainSettings &settings, uint64_t memory_bytes) {
  std::vector<std::string> warnings;
  const std::vector<Place> layers = enabled_layers(settings);
  // Only then do the lives of the layers decide over their copies.
  if (settings.life == LifeStrategy::kPerLayer) check_lives(layers, warnings);
  check_source(settings, layers, warnings);
  check_memory(layers, memory_bytes, warnings);
  check_compression(layers, warnings);
  check_tombstones(settings, warnings);
  return warnings;
}

}  // namespace cachechain
