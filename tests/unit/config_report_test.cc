// What cachechain_config_check() shows: effective values, where they came from, and what is allowed but hardly meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "config/parse.h"
#include "support/made_up_surroundings.h"

namespace cachechain {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigReportTest : public testing::Test {
 protected:
  ParsedConfig good(std::string_view text) {
    Result<ParsedConfig> parsed = parse_config(text, around_);
    if (!parsed.ok()) {
      ADD_FAILURE() << text << "\n" << parsed.status().message();
      return {};
    }
    return parsed.take();
  }
  std::vector<std::string> warnings(std::string_view layers, std::string_view more = "") {
    return good("{\"chain\": \"a\"" + std::string(more) + ", \"layers\": " + std::string(layers) + "}").warnings;
  }

  MadeUpSurroundings around_;
};

TEST_F(ConfigReportTest, HasEveryValueAndItsOrigin) {
  around_.variables["TTL"] = "30s";
  const json report = json::parse(good(R"({"chain": "shop", "max_value_bytes": "1KiB", "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "64MiB"}, "ttl_ms": "${env:TTL}"}]})")
                                      .report);
  EXPECT_EQ(report.at("ok"), true);
  EXPECT_EQ(report.at("warnings"), json::array());
  std::map<std::string, std::pair<json, std::string>> rows;
  for (const json &row : report.at("values")) {
    EXPECT_EQ(row.size(), 3u);
    EXPECT_TRUE(rows.try_emplace(row.at("path"), row.at("value"), row.at("from")).second) << row;
  }
  using Row = std::pair<json, std::string>;
  const std::map<std::string, Row> expected = {
      {"chain", {"shop", "configuration"}},
      {"source", {"application", "default"}},
      {"deadline_ms", {1000, "default"}},
      {"max_drift_ms", {30'000, "default"}},
      {"tombstone_ms", {60'000, "default"}},
      {"max_value_bytes", {1024, "configuration"}},
      {"serve_stale", {true, "default"}},
      {"max_loads", {64, "default"}},
      {"lease_ms", {10'000, "default"}},
      {"lease_wait_ms", {500, "default"}},
      {"refresh_ms", {0, "default"}},
      {"async_threads", {16, "default"}},
      {"plugin_path", {"", "default"}},
      {"bus", {"none", "default"}},
      {"life", {"per_layer", "default"}},
      {"life_decay", {0.5, "default"}},
      {"layers[0].name", {"L1", "configuration"}},
      {"layers[0].plugin", {"memory", "configuration"}},
      {"layers[0].options.max_bytes", {"64MiB", "configuration"}},
      {"layers[0].enabled", {true, "default"}},
      {"layers[0].ttl_ms", {"***", "environment TTL"}},
      {"layers[0].max_ttl_ms", {0, "default"}},
      {"layers[0].ttl_jitter", {0.1, "default"}},
      {"layers[0].write", {"through", "default"}},
      {"layers[0].warm", {"always", "default"}},
      {"layers[0].warm_max_bytes", {0, "default"}},
      {"layers[0].warm_min_fetch_ms", {0, "default"}},
      {"layers[0].warm_after_hits", {1, "default"}},
      {"layers[0].warm_queue_entries", {1024, "default"}},
      {"layers[0].warm_queue_bytes", {8 << 20, "default"}},
      {"layers[0].compress_above_bytes", {0, "default"}},
      {"layers[0].compress_level", {3, "default"}},
      {"layers[0].sha256", {"", "default"}},
  };
  EXPECT_EQ(rows, expected);
}

TEST_F(ConfigReportTest, NamesEveryOriginOnce) {
  around_.variables = {{"A", "a"}, {"B", "b"}};
  around_.files["/c"] = "c";
  EXPECT_THAT(good(R"({"chain": "${env:B}${env:A}", "layers": [{"name": "L1", "plugin": "p",
                       "options": {"o": ["${env:A}", "${file:/c}", {"x": "${env:A}"}]}}]})")
                  .report,
              testing::AllOf(HasSubstr(R"("from":"environment B, environment A")"),
                             HasSubstr(R"("from":"environment A, file /c")")));
}

TEST_F(ConfigReportTest, WarningsStandInTheReportToo) {
  const ParsedConfig parsed = good(R"({"chain": "a", "tombstone_ms": 1, "layers": [{"name": "L1", "plugin": "p"}]})");
  ASSERT_THAT(parsed.warnings, ElementsAre(HasSubstr("tombstone_ms: a delete is remembered for 1 ms")));
  EXPECT_EQ(json::parse(parsed.report).at("warnings"), json(parsed.warnings));
}

TEST_F(ConfigReportTest, NothingToWarnAbout) {
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory"}])"), IsEmpty());
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory", "ttl_ms": "30s"},
                           {"name": "L2", "plugin": "sqlite", "ttl_ms": "30s"}])"),
              IsEmpty());
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory", "max_ttl_ms": 5}, {"name": "L2", "plugin": "sqlite"}])"),
              IsEmpty());
}

TEST_F(ConfigReportTest, AnUpperLayerThatLivesLonger) {
  EXPECT_THAT(
      warnings(R"([{"name": "L1", "plugin": "memory", "ttl_ms": 31}, {"name": "L2", "plugin": "p", "ttl_ms": 30}])"),
      ElementsAre("layers[0].ttl_ms: L1 keeps entries 31 ms, longer than L2 below it, which keeps them 30 ms"));
  EXPECT_THAT(
      warnings(R"([{"name": "L1", "plugin": "p"}, {"name": "L2", "plugin": "p", "max_ttl_ms": 30}])"),
      ElementsAre("layers[0].ttl_ms: L1 keeps entries for ever, longer than L2 below it, which keeps them 30 ms"));
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "p", "ttl_ms": 9}, {"name": "off", "plugin": "p", "ttl_ms": 1,
                            "enabled": false}, {"name": "L3", "plugin": "p", "ttl_ms": 9}])"),
              IsEmpty())
      << "a layer that is off compares with nothing";
}

TEST_F(ConfigReportTest, MemoryWithoutALifeAboveOthers) {
  for (std::string_view plugin : {"memory", "/opt/memory.so", "/opt/libcachechain_memory.so"}) {
    EXPECT_THAT(warnings("[{\"name\": \"L1\", \"plugin\": \"" + std::string(plugin) +
                         "\"}, {\"name\": \"L2\", \"plugin\": \"p\"}]"),
                IsEmpty())
        << "the chain gives it a short one";
  }
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory"}, {"name": "L2", "plugin": "memory"}])"), IsEmpty())
      << "no other process is concerned";
}

TEST_F(ConfigReportTest, BoundsAboveTheMemory) {
  constexpr std::string_view kTwo = R"([
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "1KiB"}, "ttl_ms": 1},
      {"name": "L2", "plugin": "memory", "options": {"max_bytes": 1}, "ttl_ms": 1},
      {"name": "L3", "plugin": "sqlite", "options": {"max_bytes": "1TiB"}}])";
  EXPECT_THAT(warnings(kTwo), IsEmpty()) << "the memory is not known";
  around_.memory = 1025;
  EXPECT_THAT(warnings(kTwo), IsEmpty());
  around_.memory = 1024;
  EXPECT_THAT(warnings(kTwo), ElementsAre("layers[1].options.max_bytes: with it the layers in memory may take 1025 "
                                          "bytes, and this process may have 1024"));
  around_.memory = 1023;
  EXPECT_THAT(warnings(kTwo), ElementsAre(HasSubstr("layers[0].options.max_bytes")));
  EXPECT_THAT(
      warnings(R"([{"name": "L1", "plugin": "memory", "options": {"max_bytes": 18446744073709551615}, "ttl_ms": 1},
                           {"name": "L2", "plugin": "memory", "options": {"max_bytes": 18446744073709551615}, "ttl_ms": 1}])")
          .size(),
      1u);
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory", "options": {"max_bytes": -5}},
                           {"name": "L2", "plugin": "memory", "options": {"max_bytes": []}}])"),
              IsEmpty());
}

TEST_F(ConfigReportTest, ATruthThatForgetsOrTakesNothing) {
  constexpr std::string_view kLast = ", \"source\": \"last_layer\"";
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite", "ttl_ms": 5}])", kLast),
              ElementsAre(HasSubstr("layers[0].ttl_ms: L1 is the source")));
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite", "write": "none"}])", kLast),
              ElementsAre(HasSubstr("layers[0].write: L1 is the source")));
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite"}])", kLast), IsEmpty());
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite", "ttl_ms": 5, "write": "none"}])"), IsEmpty());
}

TEST_F(ConfigReportTest, CompressionWhereItCostsEachHitOrSaysNothing) {
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "memory", "compress_above_bytes": "4KiB"}])"),
              ElementsAre("layers[0].compress_above_bytes: L1 keeps its entries in memory, where each hit would have "
                          "to decompress; a chain with it does not open"));
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite", "compress_level": 9}])"),
              ElementsAre("layers[0].compress_level: says nothing without compress_above_bytes"));
  EXPECT_THAT(warnings(R"([{"name": "L1", "plugin": "sqlite", "compress_above_bytes": 1, "compress_level": 9},
                           {"name": "L2", "plugin": "memory", "enabled": false, "compress_above_bytes": 1}])"),
              IsEmpty());
}

}  // namespace
}  // namespace cachechain
