// The JSON Schema that editors use says the same as the parser: same keys, same words, same limits.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "cachechain/cachechain.h"
#include "config/keys.h"
#include "config/parse.h"

namespace cachechain {
namespace {

using nlohmann::json;

class ConfigSchemaTest : public testing::Test {
 protected:
  ConfigSchemaTest() {
    const std::string file = CACHECHAIN_SOURCE_DIR "/cmake/cachechain.schema.json";
    std::ifstream stream(file);
    EXPECT_TRUE(stream) << file;
    schema_ = json::parse(stream);
    layer_ = schema_.at("definitions").at("layer");
    space_ = schema_.at("definitions").at("namespace");
  }

  static std::set<std::string> keys_of(const json &object) {
    std::set<std::string> keys;
    for (const auto &item : object.at("properties").items()) keys.insert(item.key());
    return keys;
  }
  static std::set<std::string> names(std::span<const std::string_view> known) { return {known.begin(), known.end()}; }

  enum Place { kTop, kLayer, kSpace };
  static constexpr Place kPlaces[] = {kTop, kLayer, kSpace};
  const json &at(Place place) const { return place == kTop ? schema_ : place == kLayer ? layer_ : space_; }
  // The least configuration with one member set to `value`.
  static bool taken(Place place, const std::string &key, const json &value) {
    json config = {{"chain", "a"}, {"layers", {{{"name", "L1"}, {"plugin", "p"}}}}};
    if (place == kSpace) {
      config["namespaces"]["users"][key] = value;
    } else {
      (place == kLayer ? config["layers"][0] : config)[key] = value;
    }
    return parse_config(config.dump()).ok();
  }

  json schema_;
  json layer_;
  json space_;
};

TEST_F(ConfigSchemaTest, HasTheKeysThatTheParserKnows) {
  EXPECT_EQ(keys_of(schema_), names(kChainKeys));
  EXPECT_EQ(keys_of(layer_), names(kLayerKeys));
  EXPECT_EQ(keys_of(space_), names(kNamespaceKeys));
}

TEST_F(ConfigSchemaTest, HasNoKeyOfALaterRelease) {
  for (std::string_view key : kLaterChainKeys) EXPECT_FALSE(keys_of(schema_).contains(std::string(key))) << key;
  for (std::string_view key : kLaterLayerKeys) EXPECT_FALSE(keys_of(layer_).contains(std::string(key))) << key;
}

TEST_F(ConfigSchemaTest, RefusesOtherKeysButThoseOfTheUsersOwn) {
  for (const json &object : {schema_, layer_, space_}) {
    EXPECT_EQ(object.at("additionalProperties"), false);
    EXPECT_EQ(object.at("patternProperties"), json({{"^" + std::string(kUserKeyPrefix), json::object()}}));
  }
}

TEST_F(ConfigSchemaTest, RequiresWhatTheParserRequires) {
  json config = {{"chain", "a"}, {"layers", {{{"name", "L1"}, {"plugin", "p"}}}}};
  ASSERT_TRUE(parse_config(config.dump()).ok());
  EXPECT_EQ(schema_.at("required").size(), config.size());
  for (const std::string key : schema_.at("required")) {
    json less = config;
    EXPECT_EQ(less.erase(key), 1u);
    EXPECT_FALSE(parse_config(less.dump()).ok()) << key;
  }
  EXPECT_EQ(layer_.at("required").size(), config["layers"][0].size());
  for (const std::string key : layer_.at("required")) {
    json less = config;
    EXPECT_EQ(less["layers"][0].erase(key), 1u);
    EXPECT_FALSE(parse_config(less.dump()).ok()) << key;
  }
}

TEST_F(ConfigSchemaTest, AllowsTheWordsThatTheParserTakes) {
  size_t seen = 0;
  for (const Place place : kPlaces) {
    for (const auto &item : at(place).at("properties").items()) {
      if (!item.value().contains("enum")) continue;
      ++seen;
      for (const json &word : item.value().at("enum")) EXPECT_TRUE(taken(place, item.key(), word)) << item.key();
      EXPECT_FALSE(taken(place, item.key(), "other"));
    }
  }
  EXPECT_EQ(seen, 6u);  // source, bus, life, write, warm, and life of a namespace
}

TEST_F(ConfigSchemaTest, HasTheLimitsOfTheParser) {
  size_t seen = 0;
  for (const Place place : kPlaces) {
    for (const auto &item : at(place).at("properties").items()) {
      if (!item.value().contains("allOf")) continue;
      ++seen;
      const json &limits = item.value().at("allOf").at(1);
      const int64_t least = limits.value("minimum", int64_t{0});
      const int64_t most = limits.at("maximum");
      EXPECT_TRUE(taken(place, item.key(), least)) << item.key();
      EXPECT_TRUE(taken(place, item.key(), most) || item.key() == "ttl_ms") << item.key();
      EXPECT_FALSE(taken(place, item.key(), least - 1)) << item.key();
      EXPECT_FALSE(taken(place, item.key(), most + 1)) << item.key();
    }
  }
  EXPECT_EQ(seen, 19u);
  EXPECT_EQ(schema_.at("properties").at("layers").at("maxItems"), CACHECHAIN_MAX_LAYERS);
  EXPECT_EQ(schema_.at("properties").at("namespaces").at("maxProperties"), kMostNamespaces);
  EXPECT_TRUE(taken(kLayer, "ttl_jitter", layer_.at("properties").at("ttl_jitter").at("maximum")));
}

TEST_F(ConfigSchemaTest, HasTheDefaultsOfTheParser) {
  const Result<ParsedConfig> parsed = parse_config(R"({"chain": "a", "layers": [{"name": "L1", "plugin": "p"}]})");
  ASSERT_TRUE(parsed.ok());
  const json report = json::parse(parsed->report);
  size_t seen = 0;
  for (const json &row : report.at("values")) {
    if (row.at("from") != "default") continue;
    std::string key = row.at("path");
    const bool in_layer = key.starts_with("layers[0].");
    if (in_layer) key.erase(0, key.find('.') + 1);
    const json &said = (in_layer ? layer_ : schema_).at("properties").at(key);
    if (key == "sha256") continue;  // absent by default, which no value says
    EXPECT_EQ(said.at("default"), row.at("value")) << key;
    ++seen;
  }
  EXPECT_EQ(seen, 29u);
}

}  // namespace
}  // namespace cachechain
