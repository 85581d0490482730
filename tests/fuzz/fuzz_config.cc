// Any text is a configuration or a list of problems. What is taken is coherent, its report is JSON and shows no secret,
// and the same text gives the same again.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "config/parse.h"
#include "fuzz/check.h"
#include "support/made_up_surroundings.h"

namespace cachechain {
namespace {

constexpr std::string_view kSecret = "s3cr3t-w0rd";

MadeUpSurroundings &surroundings() {
  static MadeUpSurroundings made_up;
  if (made_up.variables.empty()) {
    made_up.variables = {{"A", std::string(kSecret)}, {"T", "30s"}, {"N", "name"}, {"B", "\xff"}, {"E", ""}};
    made_up.files = {{"/a", std::string(kSecret) + "\n"}, {"/l", std::string(kMaxReferencedFileBytes, 'l')}};
    made_up.memory = 1 << 30;
  }
  return made_up;
}

// The text could spell the secret by itself, in pieces that it puts together with references or escapes.
bool may_spell_the_secret(std::string_view text) {
  return text.find('\\') != text.npos || text.find(kSecret.substr(0, 4)) != text.npos;
}

void check_settings(const ChainSettings &settings) {
  CHECK(!settings.chain.empty() && settings.chain.size() <= 64);
  CHECK(!settings.layers.empty() && settings.layers.size() <= CACHECHAIN_MAX_LAYERS);
  CHECK(settings.deadline_ms > 0 && settings.max_drift_ms >= 0 && settings.tombstone_ms > 0);
  CHECK(settings.max_value_bytes > 0 && settings.max_value_bytes <= UINT32_MAX);
  CHECK(std::any_of(settings.layers.begin(), settings.layers.end(), [](const auto &one) { return one.enabled; }));
  for (const LayerSettings &layer : settings.layers) {
    CHECK(!layer.name.empty() && !layer.plugin.empty());
    CHECK(layer.ttl_ms >= 0 && layer.max_ttl_ms >= 0);
    CHECK(layer.max_ttl_ms == 0 || layer.ttl_ms <= layer.max_ttl_ms);
    CHECK(layer.ttl_jitter >= 0 && layer.ttl_jitter <= 0.5);
    CHECK(layer.compress_above_bytes <= UINT32_MAX && layer.compress_level >= 1 && layer.compress_level <= 19);
    CHECK(layer.sha256.empty() || layer.sha256.size() == 64);
    CHECK(nlohmann::json::parse(layer.options).is_object());
  }
}

void check_problems(const Status &status, std::string_view text) {
  CHECK(status.code() == CACHECHAIN_CONFIG);
  const std::string_view message = status.message();
  CHECK(!message.empty());
  CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); }));
  CHECK(std::count(message.begin(), message.end(), '\n') <= 50);
  CHECK(may_spell_the_secret(text) || message.find(kSecret) == message.npos);
}

}  // namespace
}  // namespace cachechain

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace cachechain;
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  const Result<ParsedConfig> parsed = parse_config(text, surroundings());
  const Result<ParsedConfig> again = parse_config(text, surroundings());
  CHECK(parsed.ok() == again.ok());
  if (!parsed.ok()) {
    check_problems(parsed.status(), text);
    CHECK(parsed.status().message() == again.status().message());
    return 0;
  }
  check_settings(parsed->settings);
  CHECK(parsed->report == again->report);
  CHECK(parsed->settings.layers.size() == again->settings.layers.size());
  for (size_t i = 0; i < parsed->settings.layers.size(); ++i) {
    CHECK(parsed->settings.layers[i].options == again->settings.layers[i].options);
  }
  const nlohmann::json report = nlohmann::json::parse(parsed->report);
  CHECK(report.at("ok") == true && report.at("warnings").size() == parsed->warnings.size());
  for (const nlohmann::json &row : report.at("values")) {
    CHECK(row.size() == 3 && row.at("path").is_string() && row.contains("value") && row.at("from").is_string());
  }
  CHECK(may_spell_the_secret(text) || parsed->report.find(kSecret) == std::string::npos);
  return 0;
}
