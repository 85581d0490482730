// Lives, tables, JSON for humans, base64: what the commands write and read.
#include <gtest/gtest.h>

#include "json_text.h"
#include "life.h"
#include "output.h"

namespace cachechain::tool {
namespace {

using std::chrono::milliseconds;

TEST(Life, HasANumberAndAUnit) {
  EXPECT_EQ(parse_life("500ms"), milliseconds(500));
  EXPECT_EQ(parse_life("30s"), milliseconds(30'000));
  EXPECT_EQ(parse_life("10min"), milliseconds(600'000));
  EXPECT_EQ(parse_life("2h"), milliseconds(7'200'000));
  EXPECT_EQ(parse_life("7d"), milliseconds(604'800'000));
  EXPECT_EQ(parse_life("none"), milliseconds::max());
}

TEST(Life, RefusesTheRest) {
  for (const char *text : {"", "30", "s", "0s", "-1s", "1.5s", "30 s", "30sec", "30s ", "99999999999999999999s",
                           "9223372036854775807d", "forever"}) {
    EXPECT_FALSE(parse_life(text).has_value()) << text;
    EXPECT_NE(check_life(text), "") << text;
  }
}

TEST(Table, AlignsByCharactersNotBytes) {
  Table table({{"name"}, {"hits", Table::Align::kRight}});
  table.add({"L1", "1,234"});
  table.add({"größer", "7"});
  table.add({"short"});
  EXPECT_EQ(table.text(),
            "name     hits\n"
            "L1      1,234\n"
            "größer      7\n"
            "short\n");
}

TEST(Output, Numbers) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(decimal(2.345, 1), "2.3");
}

TEST(Output, NothingReachesATerminalThatCouldSteerIt) {
  EXPECT_EQ(printable("plain \"text\" \\ größer"), "plain \"text\" \\ größer");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\u001b[2Jb\\n");
  EXPECT_EQ(printable("\xff").find('\xff'), std::string::npos);
}

TEST(Output, BytesThatAreNoTextBecomeBase64) {
  // RFC 4648, section 10.
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  Json object;
  put_bytes(object, "value", "größer");
  put_bytes(object, "key", std::string_view("\xff\x00", 2));
  EXPECT_EQ(object.dump(), R"({"value":"größer","key_base64":"/wA="})");
}

TEST(JsonText, ShowsWhatItNeverHeardOf) {
  Json json = parse_json(R"({"chain": "shop", "deadline_ms": 100, "names": ["a", "b"],
    "notes": ["one sentence", "two"], "empty": [],
    "layers": [{"plugin": "memory", "name": "L1", "hits": 12, "extra": {"x": null}},
               {"plugin": "sqlite", "name": "L2", "inline": false, "hits": 3}]})");
  EXPECT_EQ(json_text(json),
            "chain        shop\n"
            "deadline_ms  100\n"
            "names        a, b\n"
            "notes:\n"
            "  one sentence\n"
            "  two\n"
            "layers:\n"
            "  name  plugin  hits  inline\n"
            "  L1    memory    12\n"
            "  L2    sqlite     3  no\n"
            "  L1 extra:\n"
            "    x  -\n");
}

TEST(JsonText, WhatIsLongGoesBelowAndWhatIsWideIsTurned) {
  std::string text(41, 'x');
  Json rows = parse_json(R"([{"name": "L1", "error": ")" + text + R"(", "empty": ""}, {"name": "L2", "hits": 1}])");
  EXPECT_EQ(json_text(rows),
            "name  hits\n"
            "L1\n"
            "L2       1\n"
            "L1 error  " +
                text + "\n");
  Json wide = Json::array({{{"name", "L1"}}, {{"name", "L2"}}});
  std::string expected = "name           L1  L2\n";
  for (int i = 10; i < 20; ++i) {
    std::string name = "counter_no_" + std::to_string(i);
    wide[0][name] = i;
    wide[1][name] = 7;
    expected += name + "  " + std::to_string(i) + "   7\n";
  }
  EXPECT_EQ(json_text(wide), expected);
}

TEST(JsonText, MembersThatAreMissingOrOfAnotherType) {
  EXPECT_TRUE(parse_json("{").is_null());
  Json json = parse_json(R"({"a": 1, "b": "x", "c": -1})");
  EXPECT_EQ(number_of(json, "a"), 1u);
  EXPECT_EQ(number_of(json, "b"), 0u);
  EXPECT_EQ(number_of(json, "c"), 0u);
  EXPECT_EQ(text_of(json, "a"), "");
  EXPECT_TRUE(member(parse_json("[]"), "a").is_null());
}

}  // namespace
}  // namespace cachechain::tool
