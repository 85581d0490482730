// What a configuration may say, what it means, and every way to get it wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "cachechain/cachechain.h"
#include "config/parse.h"
#include "support/made_up_surroundings.h"

namespace cachechain {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kLeast = R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory"}]})";

// The least configuration with `members` added to its top.
std::string with(std::string_view members) {
  return R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory"}], )" + std::string(members) + "}";
}
// One layer with `members` added.
std::string with_layer(std::string_view members) {
  return R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory", )" + std::string(members) + "}]}";
}

class ConfigTest : public testing::Test {
 protected:
  ParsedConfig good(std::string_view text) {
    Result<ParsedConfig> parsed = parse_config(text, around_);
    if (!parsed.ok()) {
      ADD_FAILURE() << text << "\n" << parsed.status().message();
      return {};
    }
    return parsed.take();
  }
  std::string bad(std::string_view text) {
    const Result<ParsedConfig> parsed = parse_config(text, around_);
    if (parsed.ok()) {
      ADD_FAILURE() << "was taken: " << text.substr(0, 200);
      return {};
    }
    EXPECT_EQ(parsed.status().code(), CACHECHAIN_CONFIG);
    EXPECT_FALSE(parsed.status().message().empty());
    return std::string(parsed.status().message());
  }

  MadeUpSurroundings around_;
};

TEST_F(ConfigTest, TheLeastConfigurationHasTheDefaults) {
  const ChainSettings settings = good(kLeast).settings;
  EXPECT_EQ(settings.chain, "shop");
  EXPECT_FALSE(settings.source.has_value());
  EXPECT_EQ(settings.deadline_ms, 1000);
  EXPECT_EQ(settings.max_drift_ms, 30'000);
  EXPECT_EQ(settings.tombstone_ms, 60'000);
  EXPECT_EQ(settings.max_value_bytes, 16u << 20);
  EXPECT_EQ(settings.plugin_path, "");
  ASSERT_EQ(settings.layers.size(), 1u);
  const LayerSettings &layer = settings.layers[0];
  EXPECT_EQ(layer.name, "L1");
  EXPECT_EQ(layer.plugin, "memory");
  EXPECT_EQ(layer.options, "{}");
  EXPECT_EQ(layer.sha256, "");
  EXPECT_TRUE(layer.enabled);
  EXPECT_EQ(layer.write, WritePolicy::kThrough);
  EXPECT_EQ(layer.ttl_ms, 0);
  EXPECT_EQ(layer.max_ttl_ms, 0);
  EXPECT_EQ(layer.ttl_jitter, 0.1);
  EXPECT_TRUE(layer.warm.on);
  EXPECT_EQ(layer.warm.max_bytes, 0u);
  EXPECT_EQ(layer.warm.min_fetch_ms, 0);
  EXPECT_EQ(layer.warm.after_hits, 1u);
  EXPECT_EQ(layer.warm.queue_entries, 1024u);
  EXPECT_EQ(layer.warm.queue_bytes, 8u << 20);
  EXPECT_EQ(layer.compress_above_bytes, 0u);
  EXPECT_EQ(layer.compress_level, 3);
}

TEST_F(ConfigTest, EveryKeyIsRead) {
  const std::string sum = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
  const ChainSettings settings = good(R"({
    // the whole, once
    "$schema": "cachechain.schema.json", "chain": "shop.2_x-y", "source": "last_layer", "deadline_ms": "250ms",
    "max_drift_ms": 5000, "tombstone_ms": "2min", "max_value_bytes": "1MiB", "plugin_path": "/a:/b", "bus": "none",
    /* and its layers */
    "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "64MiB", "deep": [1, {"a": null}]}, "ttl_ms": "30s",
       "max_ttl_ms": "1h", "ttl_jitter": 0.5, "write": "none", "enabled": false, "sha256": ")" +
                                      sum + R"("},
      {"name": "L2", "plugin": "/opt/own plugin.so", "ttl_jitter": 0, "warm": "never", "warm_max_bytes": "1KiB",
       "warm_min_fetch_ms": "2ms", "warm_after_hits": 3, "warm_queue_entries": 4, "warm_queue_bytes": "5KiB",
       "compress_above_bytes": "4KiB", "compress_level": 19}]})")
                                     .settings;
  EXPECT_EQ(settings.chain, "shop.2_x-y");
  EXPECT_EQ(settings.source, Source::kLastLayer);
  EXPECT_EQ(settings.deadline_ms, 250);
  EXPECT_EQ(settings.max_drift_ms, 5000);
  EXPECT_EQ(settings.tombstone_ms, 120'000);
  EXPECT_EQ(settings.max_value_bytes, 1u << 20);
  EXPECT_EQ(settings.plugin_path, "/a:/b");
  ASSERT_EQ(settings.layers.size(), 2u);
  const LayerSettings &layer = settings.layers[0];
  EXPECT_EQ(layer.options, R"({"deep":[1,{"a":null}],"max_bytes":"64MiB"})");
  EXPECT_EQ(layer.ttl_ms, 30'000);
  EXPECT_EQ(layer.max_ttl_ms, 3'600'000);
  EXPECT_EQ(layer.ttl_jitter, 0.5);
  EXPECT_EQ(layer.write, WritePolicy::kNone);
  EXPECT_FALSE(layer.enabled);
  EXPECT_EQ(layer.sha256, "0123456789abcdefabcdef0123456789abcdef0123456789abcdef0123456789");
  EXPECT_EQ(settings.layers[1].plugin, "/opt/own plugin.so");
  EXPECT_EQ(settings.layers[1].ttl_jitter, 0);
  const WarmSettings &warm = settings.layers[1].warm;
  EXPECT_FALSE(warm.on);
  EXPECT_EQ(warm.max_bytes, 1024u);
  EXPECT_EQ(warm.min_fetch_ms, 2);
  EXPECT_EQ(warm.after_hits, 3u);
  EXPECT_EQ(warm.queue_entries, 4u);
  EXPECT_EQ(warm.queue_bytes, 5120u);
  EXPECT_EQ(settings.layers[1].compress_above_bytes, 4096u);
  EXPECT_EQ(settings.layers[1].compress_level, 19);
}

TEST_F(ConfigTest, SourceApplication) {
  EXPECT_EQ(good(with(R"("source": "application")")).settings.source, Source::kApplication);
}

// ---- Texts that are no JSON, or no JSON that we take ----

TEST_F(ConfigTest, Nothing) {
  EXPECT_THAT(bad(""), HasSubstr("is empty"));
  EXPECT_THAT(bad(std::string_view()), HasSubstr("is empty"));
  EXPECT_THAT(bad(" \n\t "), HasSubstr("is empty"));
  EXPECT_THAT(bad("// only a comment"), StartsWith("line 1, column "));
}

TEST_F(ConfigTest, OtherThingsThanAnObject) {
  EXPECT_THAT(bad("[]"), HasSubstr("must be one JSON object, and is array"));
  EXPECT_THAT(bad("null"), HasSubstr("must be one JSON object, and is null"));
  EXPECT_THAT(bad("\"chain\""), HasSubstr("must be one JSON object, and is string"));
  EXPECT_THAT(bad("17"), HasSubstr("must be one JSON object, and is number"));
}

TEST_F(ConfigTest, ErrorsTellLineAndColumn) {
  EXPECT_THAT(bad("{\n  \"chain\" \"shop\"\n}"), StartsWith("line 2, column 16: "));
  EXPECT_THAT(bad("{\n\n  'chain': 1}"), StartsWith("line 3, column 3: "));
  EXPECT_THAT(bad("{\"\xc3\xa4\xc3\xb6\" x}"), StartsWith("line 1, column 7: "));
  EXPECT_THAT(bad("{\"chain\": \"shop\""), HasSubstr("line 1, column 17"));
  EXPECT_THAT(bad(std::string(kLeast) + " x"), StartsWith("line 1, column "));
  EXPECT_THAT(bad(std::string(kLeast) + std::string(kLeast)), StartsWith("line 1, column "));
  EXPECT_THAT(bad("nonsense"), Not(HasSubstr("json.exception")));
}

TEST_F(ConfigTest, TrailingCommas) {
  EXPECT_THAT(bad(R"({"chain": "shop",})"), HasSubstr("trailing comma"));
  EXPECT_THAT(bad("{\"layers\": [1, 2,\n]}"), StartsWith("line 2, column 1: a comma before"));
}

TEST_F(ConfigTest, ByteOrderMarks) {
  EXPECT_THAT(bad("\xef\xbb\xbf" + std::string(kLeast)), HasSubstr("byte order mark"));
  EXPECT_THAT(bad("\xff\xfe{"), StartsWith("line 1, column 1: "));
}

TEST_F(ConfigTest, TextThatIsNoUtf8) {
  for (std::string_view wrong : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\\ud800", "\\udc00",
                                 "\\ud800\\u0041", "\\x41", "\n"}) {
    const std::string text = "{\"chain\": \"" + std::string(wrong) + "\"}";
    const std::string message = bad(text);
    EXPECT_THAT(message, StartsWith("line 1, column "));
    EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  EXPECT_THAT(bad(std::string_view("{\"chain\": \"a\0b\"}", 16)), StartsWith("line 1, column "));
}

TEST_F(ConfigTest, NumbersThatJsonDoesNotKnow) {
  for (std::string_view number : {"NaN", "Infinity", "-Infinity", "0x10", "01", "+1", ".5", "1.", "1e999", "-1e999"}) {
    EXPECT_THAT(bad(with("\"deadline_ms\": " + std::string(number))), StartsWith("line 1, column ")) << number;
  }
}

TEST_F(ConfigTest, WholeNumbersThatDoNotFit) {
  EXPECT_THAT(bad(with(R"("max_value_bytes": 18446744073709551616)")),
              HasSubstr("max_value_bytes: the whole number \"18446744073709551616\" does not fit in 64 bits"));
  EXPECT_THAT(bad(with_layer(R"("options": {"deep": [0, -9223372036854775809]})")),
              HasSubstr("layers[0].options.deep[1]: the whole number"));
  EXPECT_EQ(good(with_layer(R"("options": {"a": 18446744073709551615, "b": -9223372036854775808})"))
                .settings.layers[0]
                .options,
            R"({"a":18446744073709551615,"b":-9223372036854775808})");
}

TEST_F(ConfigTest, KeysGivenTwice) {
  EXPECT_THAT(bad(R"({"chain": "a", "chain": "b", "layers": [{"name": "L1", "plugin": "memory"}]})"),
              testing::StrEq("chain: is given twice"));
  EXPECT_THAT(bad(with_layer(R"("options": {"a": {"b": 1, "b": {"c": 1, "c": 2}}, "a": {}})")),
              testing::StrEq("layers[0].options.a.b: is given twice\n"
                             "layers[0].options.a.b.c: is given twice\n"
                             "layers[0].options.a: is given twice"));
}

TEST_F(ConfigTest, TooLarge) {
  std::string text(kLeast);
  text.resize(1 << 20, ' ');
  good(text);
  text += ' ';
  EXPECT_THAT(bad(text), HasSubstr("1048577 bytes; at most 1048576"));
  EXPECT_THAT(bad(std::string(10 << 20, '[')), HasSubstr("10485760 bytes"));
}

TEST_F(ConfigTest, TooDeep) {
  EXPECT_THAT(bad(std::string(100'000, '[')), HasSubstr("is nested deeper than 32 levels"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
  EXPECT_THAT(bad(objects), HasSubstr("is nested deeper than 32 levels"));
  const auto nested = [](size_t levels) {
    return with_layer("\"options\": {\"a\": " + std::string(levels, '[') + std::string(levels, ']') + "}");
  };
  good(nested(28));  // the object, layers, the layer, its options, and 28
  EXPECT_THAT(bad(nested(29)), StartsWith("layers[0].options.a[0][0]"));
}

TEST_F(ConfigTest, LongKeys) {
  good(with("\"x-" + std::string(254, 'a') + "\": 1"));
  EXPECT_THAT(bad(with("\"x-" + std::string(255, 'a') + "\": 1")), HasSubstr("a key of 257 bytes"));
}

TEST_F(ConfigTest, ALargeFlatTextIsAnsweredWithoutSquaring) {
  std::string options;
  for (int i = 0; i < 60'000; ++i) options += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
  const ParsedConfig parsed = good(with_layer("\"options\": {" + options + "}"));
  EXPECT_THAT(parsed.settings.layers[0].options, HasSubstr("\"59999\":1"));
}

// ---- Keys ----

TEST_F(ConfigTest, UnknownKeysAreRefusedWithASuggestion) {
  EXPECT_THAT(bad(with(R"("deadlin_ms": 1)")), HasSubstr("deadlin_ms: unknown key (did you mean \"deadline_ms\"?)"));
  EXPECT_THAT(bad(with_layer(R"("tll_ms": 1)")), HasSubstr("layers[0].tll_ms: unknown key (did you mean \"ttl_ms\"?)"));
  EXPECT_THAT(bad(with(R"("qqqqqqqqqqqqqqqqqq": 1)")), testing::StrEq("qqqqqqqqqqqqqqqqqq: unknown key"));
  EXPECT_THAT(bad(with(R"("": 1)")), StartsWith("\"\": unknown key"));
  EXPECT_THAT(bad(with("\"a\\n\\u0000\xc3\xa4\": 1")), StartsWith(R"("a\n\u0000\u00e4": unknown key)"));
}

TEST_F(ConfigTest, KeysOfAnotherPlace) {
  EXPECT_THAT(bad(with(R"("ttl_ms": 1)")), testing::StrEq("ttl_ms: does not belong here but in a layer"));
  EXPECT_THAT(bad(with_layer(R"("source": "application")")),
              testing::StrEq("layers[0].source: does not belong here but at the top"));
}

TEST_F(ConfigTest, KeysOfLaterReleasesAreNamedAsSuch) {
  EXPECT_THAT(bad(with(R"("journal": {}, "exporters": [])")),
              testing::StrEq("exporters: is not in this release\njournal: is not in this release"));
  EXPECT_THAT(bad(with_layer(R"("journal": {})")), HasSubstr("layers[0].journal: is not in this release"));
  EXPECT_THAT(bad(with_layer(R"("write": "behind")")), HasSubstr("layers[0].write: \"behind\" is not in this release"));
  EXPECT_THAT(bad(with(R"("bus": "redis")")), HasSubstr("bus: must be \"none\", and is \"redis\""));
}

TEST_F(ConfigTest, KeysOfTheUsersOwnAreIgnored) {
  const ParsedConfig parsed =
      good(R"({"x-team": "a", "chain": "shop", "x-": "${env:NOT_SET}", "layers": [{"name": "L1", "plugin": "memory",
               "x-note": [1], "options": {"x-why": "${file:/none}", "a": {"x-kept": 1}}}]})");
  EXPECT_EQ(parsed.settings.layers[0].options, R"({"a":{"x-kept":1}})");
  EXPECT_THAT(parsed.report, Not(HasSubstr("x-team")));
}

TEST_F(ConfigTest, MissingKeys) {
  EXPECT_THAT(bad("{}"), testing::StrEq("chain: is missing\nlayers: is missing"));
  EXPECT_THAT(bad(R"({"chain": "a", "layers": [{}]})"),
              testing::StrEq("layers[0].name: is missing\nlayers[0].plugin: is missing"));
}

TEST_F(ConfigTest, AllProblemsAreReportedTogether) {
  EXPECT_THAT(bad(R"({"chain": "a b", "source": "last_leyer", "deadline_ms": true, "layers": [
                      {"name": "L1", "plugin": "Memory", "ttl_ms": "5 sec", "enabled": 1}, 7]})"),
              testing::StrEq("chain: must be 1 to 64 of A-Z a-z 0-9 _ . -, and is \"a b\"\n"
                             "source: must be \"application\" or \"last_layer\", and is \"last_leyer\" (did you mean "
                             "\"last_layer\"?)\n"
                             "deadline_ms: must be a duration such as 250, \"30s\" or \"10min\", and is true\n"
                             "layers[0].plugin: must be a plugin's name (1 to 32 of a-z 0-9 _ -) or the absolute path "
                             "of its file, and is \"Memory\"\n"
                             "layers[0].enabled: must be true or false, and is 1\n"
                             "layers[0].ttl_ms: must be a duration such as 250, \"30s\" or \"10min\", and is \"5 "
                             "sec\"\n"
                             "layers[1]: must be an object, and is 7"));
}

TEST_F(ConfigTest, ManyProblemsAreCounted) {
  std::string members;
  for (int i = 0; i < 80; ++i)
    members += (i == 0 ? "\"" : ",\"") + std::string("unknown_") + std::to_string(i) + "\":1";
  const std::string message = bad(with(members));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n'), 50);
  EXPECT_THAT(message, testing::EndsWith("\nand 30 more"));
}

TEST_F(ConfigTest, MessagesStayShortAndPrintable) {
  const std::string message = bad(with("\"plugin_path\": 1, \"source\": \"" + std::string(500'000, 'a') + "\""));
  EXPECT_LT(message.size(), 500u);
}

// ---- Values ----

TEST_F(ConfigTest, Names) {
  good(R"({"chain": ")" + std::string(64, 'a') + R"(", "layers": [{"name": ")" + std::string(32, 'a') +
       R"(", "plugin": ")" + std::string(32, 'a') + R"("}]})");
  for (const std::string &name : {std::string(), std::string(65, 'a'), std::string("a/b"), std::string("a b"),
                                  std::string("a:b"), std::string("a\\u0000"), std::string("\xc3\xa4")}) {
    EXPECT_THAT(bad(R"({"chain": ")" + name + R"(", "layers": [{"name": "L1", "plugin": "memory"}]})"),
                StartsWith("chain: must be 1 to 64"));
  }
  for (const std::string &name : {std::string(), std::string(33, 'a'), std::string("a\\\"b"), std::string("{}")}) {
    EXPECT_THAT(bad(R"({"chain": "a", "layers": [{"name": ")" + name + R"(", "plugin": "memory"}]})"),
                StartsWith("layers[0].name: must be 1 to 32"));
  }
  for (const std::string &name : {std::string(), std::string(33, 'a'), std::string("../memory"), std::string("a.so"),
                                  std::string("/a\\u0000b"), "/" + std::string(4096, 'a')}) {
    EXPECT_THAT(bad(R"({"chain": "a", "layers": [{"name": "L1", "plugin": ")" + name + R"("}]})"),
                StartsWith("layers[0].plugin: must be a plugin's name"));
  }
}

TEST_F(ConfigTest, Durations) {
  const auto ttl = [&](std::string_view value) {
    return good(with_layer("\"ttl_ms\": " + std::string(value))).settings.layers[0].ttl_ms;
  };
  EXPECT_EQ(ttl("0"), 0);
  EXPECT_EQ(ttl("1"), 1);
  EXPECT_EQ(ttl(R"("1500")"), 1500);
  EXPECT_EQ(ttl(R"("1500ms")"), 1500);
  EXPECT_EQ(ttl(R"("2 h")"), 7'200'000);
  EXPECT_EQ(ttl(R"("36500d")"), 3'153'600'000'000);
  for (std::string_view value :
       {"-1", R"("-1s")", "1.5", "30.0", "1e3", R"("1.5s")", R"("")", R"("s")", R"("1 year")", R"("1S")", "true",
        "null", "[]", "{}", "18446744073709551615", R"("9223372036854775807d")", R"("99999999999999999999")"}) {
    EXPECT_THAT(bad(with_layer("\"ttl_ms\": " + std::string(value))),
                StartsWith("layers[0].ttl_ms: must be a duration"))
        << value;
  }
  EXPECT_THAT(bad(with_layer(R"("ttl_ms": "36501d")")), HasSubstr("must be from 0 to 3153600000000 ms"));
  EXPECT_THAT(bad(with(R"("deadline_ms": 0)")), HasSubstr("deadline_ms: must be from 1 to 86400000 ms, and is 0"));
  EXPECT_THAT(bad(with(R"("deadline_ms": "2d")")), HasSubstr("must be from 1 to 86400000 ms, and is \"2d\""));
  EXPECT_THAT(bad(with(R"("tombstone_ms": 0)")), HasSubstr("tombstone_ms: must be from 1"));
  EXPECT_EQ(good(with(R"("max_drift_ms": 0)")).settings.max_drift_ms, 0);
}

TEST_F(ConfigTest, Sizes) {
  const auto size = [&](std::string_view value) {
    return good(with("\"max_value_bytes\": " + std::string(value))).settings.max_value_bytes;
  };
  EXPECT_EQ(size("1"), 1u);
  EXPECT_EQ(size("4294967295"), 4'294'967'295u);
  EXPECT_EQ(size(R"("64KiB")"), 65'536u);
  EXPECT_EQ(size(R"("4GB")"), 4'000'000'000u);
  for (std::string_view value :
       {"-1", R"("-1KiB")", "0.5", R"("1 Kib")", "false", "18446744073709551615", R"("16777216TiB")"}) {
    EXPECT_THAT(bad(with("\"max_value_bytes\": " + std::string(value))), StartsWith("max_value_bytes: must be a size"))
        << value;
  }
  for (std::string_view value : {"0", "4294967296", R"("4GiB")"}) {
    EXPECT_THAT(bad(with("\"max_value_bytes\": " + std::string(value))),
                StartsWith("max_value_bytes: must be from 1 to 4294967295 bytes"))
        << value;
  }
}

TEST_F(ConfigTest, Jitter) {
  for (std::string_view value : {"-0.1", "0.51", "1", R"("0.1")", "null"}) {
    EXPECT_THAT(bad(with_layer("\"ttl_jitter\": " + std::string(value))),
                StartsWith("layers[0].ttl_jitter: must be a number from 0 to 0.5"))
        << value;
  }
}

TEST_F(ConfigTest, Compression) {
  EXPECT_EQ(good(with_layer(R"("compress_above_bytes": 0)")).settings.layers[0].compress_above_bytes, 0u);
  EXPECT_EQ(good(with_layer(R"("compress_above_bytes": 4294967295)")).settings.layers[0].compress_above_bytes,
            4'294'967'295u);
  EXPECT_EQ(good(with_layer(R"("compress_level": 1)")).settings.layers[0].compress_level, 1);
  EXPECT_THAT(bad(with_layer(R"("compress_above_bytes": "4 kilo")")),
              StartsWith("layers[0].compress_above_bytes: must be a size"));
  EXPECT_THAT(bad(with_layer(R"("compress_above_bytes": true)")),
              StartsWith("layers[0].compress_above_bytes: must be a size"));
  EXPECT_THAT(bad(with_layer(R"("compress_above_bytes": "4GiB")")),
              StartsWith("layers[0].compress_above_bytes: must be from 0 to 4294967295 bytes"));
  for (std::string_view value : {"0", "20", "-1", "3.5", R"("3")", "null"}) {
    EXPECT_THAT(bad(with_layer("\"compress_level\": " + std::string(value))),
                StartsWith("layers[0].compress_level: must be"))
        << value;
  }
  EXPECT_THAT(bad(with(R"("compress_level": 3)")),
              testing::StrEq("compress_level: does not belong here but in a layer"));
  EXPECT_THAT(bad(with_layer(R"("compress_above": 3)")), HasSubstr("did you mean \"compress_"));
}

TEST_F(ConfigTest, WrongTypes) {
  EXPECT_THAT(bad(R"({"chain": 1, "layers": {}})"), HasSubstr("layers: must be an array of objects, and is an object"));
  EXPECT_THAT(bad(R"({"chain": ["a"], "layers": "L1"})"),
              HasSubstr("chain: must be 1 to 64 of A-Z a-z 0-9 _ . -, and is an array"));
  EXPECT_THAT(bad(with_layer(R"("options": "a")")), HasSubstr("layers[0].options: must be an object, and is \"a\""));
  EXPECT_THAT(bad(with_layer(R"("options": null)")), HasSubstr("layers[0].options: must be an object, and is null"));
  EXPECT_THAT(bad(with_layer(R"("enabled": "true")")), HasSubstr("must be true or false, and is \"true\""));
  EXPECT_THAT(bad(with_layer(R"("write": 1)")), HasSubstr("must be \"through\" or \"none\", and is 1"));
  EXPECT_THAT(bad(with_layer(R"("sha256": "12")")), HasSubstr("must be 64 hex digits, and is \"12\""));
  EXPECT_THAT(bad(with_layer("\"sha256\": \"" + std::string(64, 'g') + "\"")), HasSubstr("must be 64 hex digits"));
  EXPECT_THAT(bad(with(R"("plugin_path": "/a\u0000b")")), HasSubstr("plugin_path: must be folders"));
}

// ---- What the parts say together ----

std::string chain_of(int layers) {
  std::string text = R"({"chain": "a", "layers": [)";
  for (int i = 0; i < layers; ++i) {
    text += (i == 0 ? "" : ",") + std::string(R"({"name": "L)") + std::to_string(i) + R"(", "plugin": "p"})";
  }
  return text + "]}";
}

TEST_F(ConfigTest, CountsOfLayers) {
  EXPECT_EQ(good(chain_of(1)).settings.layers.size(), 1u);
  EXPECT_EQ(good(chain_of(32)).settings.layers.size(), 32u);
  EXPECT_THAT(bad(chain_of(0)), testing::StrEq("layers: is empty; a chain has 1 to 32 layers"));
  EXPECT_THAT(bad(chain_of(33)), testing::StrEq("layers: has 33 layers; at most 32 are allowed"));
  bad(chain_of(20'000));
}

TEST_F(ConfigTest, NamesGivenTwice) {
  EXPECT_THAT(bad(R"({"chain": "a", "layers": [{"name": "L1", "plugin": "p"}, {"name": "L2", "plugin": "p"},
                      {"name": "L1", "plugin": "p"}]})"),
              testing::StrEq("layers[2].name: is the name of layers[0] as well"));
}

TEST_F(ConfigTest, AllLayersOff) {
  EXPECT_THAT(bad(with_layer(R"("enabled": false)")), testing::StrEq("layers: none is enabled"));
}

TEST_F(ConfigTest, CapBelowTheLife) {
  EXPECT_THAT(bad(with_layer(R"("ttl_ms": 11, "max_ttl_ms": 10)")),
              testing::StrEq("layers[0].max_ttl_ms: is shorter than the layer's ttl_ms"));
  good(with_layer(R"("ttl_ms": 10, "max_ttl_ms": 10)"));
  good(with_layer(R"("max_ttl_ms": 10)"));
}

TEST_F(ConfigTest, TheMachineItselfCanBeAsked) {
  EXPECT_TRUE(parse_config(kLeast).ok());
  EXPECT_FALSE(parse_config("{}").ok());
}

TEST_F(ConfigTest, NamespacesHaveTheChainsValuesUnlessTheySayTheirOwn) {
  const ChainSettings settings = good(with(R"("life": "decaying", "life_decay": 0.25, "serve_stale": false,
    "namespaces": {"users": {"ttl_ms": "5min", "max_ttl_ms": "1h", "schema": 3, "life": "uniform", "x-note": 1},
                   "x-notes": 7, "default": {"serve_stale": true, "life_decay": 1}})"))
                                     .settings;
  EXPECT_EQ(settings.life, LifeStrategy::kDecaying);
  ASSERT_EQ(settings.namespaces.size(), 2u);
  const NamespaceSettings &home = settings.namespaces[0];
  EXPECT_EQ(home.name, "default");
  EXPECT_EQ(home.serve_stale, true);
  EXPECT_EQ(home.life, LifeStrategy::kDecaying);
  EXPECT_EQ(home.life_decay, 1);
  const NamespaceSettings &users = settings.namespaces[1];
  EXPECT_EQ(users.name, "users");
  EXPECT_EQ(users.ttl_ms, 300'000);
  EXPECT_EQ(users.max_ttl_ms, 3'600'000);
  EXPECT_EQ(users.schema, 3u);
  EXPECT_EQ(users.serve_stale, false);
  EXPECT_EQ(users.life, LifeStrategy::kUniform);
  EXPECT_EQ(users.life_decay, 0.25);
}

TEST_F(ConfigTest, TheReportHasEachNamespace) {
  const std::string report = good(with(R"("namespaces": {"users": {"schema": 3}})")).report;
  EXPECT_THAT(report, HasSubstr(R"({"path":"namespaces.users.schema","value":3,"from":"configuration"})"));
  EXPECT_THAT(report, HasSubstr(R"({"path":"namespaces.users.life","value":"per_layer","from":"default"})"));
}

TEST_F(ConfigTest, WrongNamespacesAreToldTogether) {
  const std::string problems = bad(with(R"("life": "longest", "life_decay": 1.5, "namespaces": {
    "a/b": {}, "": {}, "users": {"ttl": 5, "schema": -1, "life": "long", "ttl_ms": 10, "max_ttl_ms": 5},
    "shops": [], "more": {"deadline_ms": 5}})"));
  for (const char *one :
       {"life: must be", "life_decay: must be a number from 0 to 1", "namespaces.\"a/b\": the name of a namespace",
        "namespaces.\"\": the name", "namespaces.users.ttl: unknown key",
        "namespaces.users.schema: must be an integer", "namespaces.users.life: must be",
        "namespaces.users.max_ttl_ms: is shorter", "namespaces.shops: must be an object",
        "namespaces.more.deadline_ms: does not belong here but at the top"}) {
    EXPECT_THAT(problems, HasSubstr(one));
  }
  EXPECT_THAT(bad(with(R"("namespaces": [])")), HasSubstr("namespaces: must be an object with a member per namespace"));
}

TEST_F(ConfigTest, NamespacesAreBounded) {
  std::string members = R"("default": {})";
  for (size_t i = 1; i < kMostNamespaces; ++i) members += ", \"n" + std::to_string(i) + "\": {}";
  EXPECT_EQ(good(with("\"namespaces\": {" + members + "}")).settings.namespaces.size(), kMostNamespaces);
  EXPECT_THAT(bad(with("\"namespaces\": {" + members + ", \"one_more\": {}}")), HasSubstr("at most 1024"));
}

}  // namespace
}  // namespace cachechain
