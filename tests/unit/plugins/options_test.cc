// The reader of plugin options: values, defaults, and what it says about mistakes.
#include "common/options.h"

#include <gtest/gtest.h>

#include <array>
#include <climits>
#include <string>

namespace cachechain::plugin {
namespace {

TEST(Options, MissingOptionsAnswerTheirFallbacks) {
  for (const char *json : {"", "{}"}) {
    Options options(json);
    EXPECT_EQ(options.duration_ms("a_ms", 7, 0, 10), 7);
    EXPECT_EQ(options.size_bytes("b_bytes", 8, 0, 10), 8);
    EXPECT_EQ(options.integer("c", -9, -10, 10), -9);
    EXPECT_TRUE(options.boolean("d", true));
    EXPECT_EQ(options.text("e", "none"), "none");
    EXPECT_FALSE(options.has("a_ms"));
    EXPECT_EQ(options.problems(), "");
  }
}

TEST(Options, ReadsNumbersAndTextsWithUnits) {
  Options options(R"({"t": "30s", "u": 250, "s": "256MiB", "n": 4096, "i": -3, "b": false, "x": "", "m": "wal"})");
  EXPECT_EQ(options.duration_ms("t", 0, 0, 60'000), 30'000);
  EXPECT_EQ(options.duration_ms("u", 0, 0, 60'000), 250);
  EXPECT_EQ(options.size_bytes("s", 0, 0, INT64_MAX), 256LL << 20);
  EXPECT_EQ(options.size_bytes("n", 0, 0, INT64_MAX), 4096);
  EXPECT_EQ(options.integer("i", 0, -5, 5), -3);
  EXPECT_FALSE(options.boolean("b", true));
  EXPECT_EQ(options.text("x", "fallback"), "");
  constexpr std::array<std::string_view, 2> kModes = {"wal", "memory"};
  EXPECT_EQ(options.choice("m", "memory", kModes), "wal");
  EXPECT_TRUE(options.has("m"));
  EXPECT_EQ(options.problems(), "");
}

TEST(Options, LimitsAreInside) {
  Options options(R"({"least": 5, "most": 9, "below": 4, "above": 10})");
  EXPECT_EQ(options.integer("least", 0, 5, 9), 5);
  EXPECT_EQ(options.integer("most", 0, 5, 9), 9);
  EXPECT_EQ(options.problems(), "there is no option \"above\"; there is no option \"below\"");
  EXPECT_EQ(options.integer("below", 6, 5, 9), 6);
  EXPECT_EQ(options.integer("above", 6, 5, 9), 6);
  EXPECT_EQ(options.problems(),
            "\"below\" must be an integer from 5 to 9, found 4; \"above\" must be an integer from 5 to 9, found 10");
}

TEST(Options, SaysWhatWasFoundAndWhatIsAllowed) {
  constexpr std::array<std::string_view, 3> kLevels = {"off", "normal", "full"};
  Options options(R"({"wait_ms": "3 parsecs", "max_bytes": "1KiB", "n": 1.5, "on": "yes", "sync": "ful", "l": {}})");
  EXPECT_EQ(options.duration_ms("wait_ms", 1, 0, 90'000), 1);
  EXPECT_EQ(options.size_bytes("max_bytes", 2, 64 << 10, 1LL << 40), 2);
  EXPECT_EQ(options.integer("n", 3, 0, 5), 3);
  EXPECT_FALSE(options.boolean("on", false));
  EXPECT_EQ(options.choice("sync", "full", kLevels), "full");
  EXPECT_EQ(options.integer("l", 4, 0, 5), 4);
  EXPECT_EQ(options.problems(),
            "\"wait_ms\" must be a duration like \"30s\" from 0 to 90s, found \"3 parsecs\"; "
            "\"max_bytes\" must be a size like \"256MiB\" from 64KiB to 1TiB, found \"1KiB\"; "
            "\"n\" must be an integer from 0 to 5, found 1.5; "
            "\"on\" must be true or false, found \"yes\"; "
            "\"sync\" must be \"off\", \"normal\" or \"full\", found \"ful\"; "
            "\"l\" must be an integer from 0 to 5, found an object");
}

TEST(Options, NumbersBeyondAnInt64AreRefused) {
  Options options(R"({"a": 18446744073709551615, "b": 9223372036854775807, "d": "9999999999999TiB"})");
  EXPECT_EQ(options.integer("a", 1, INT64_MIN, INT64_MAX), 1);
  EXPECT_EQ(options.integer("b", 1, INT64_MIN, INT64_MAX), INT64_MAX);
  EXPECT_EQ(options.size_bytes("d", 2, 0, INT64_MAX), 2);
  EXPECT_NE(options.problems(), "");
}

TEST(Options, ASecretIsNeverRepeated) {
  Options options(R"({"password": ["hunter2"]})");
  EXPECT_EQ(options.text("password", ""), "");
  EXPECT_EQ(options.problems(), "\"password\" must be a text, found an array");
}

TEST(Options, SuggestsTheNearestKnownName) {
  Options options(R"({"max_byte": 1, "zebra": 2})");
  (void)options.size_bytes("max_bytes", 0, 0, 10);
  (void)options.integer("max_entries", 0, 0, 10);
  EXPECT_EQ(options.problems(),
            "there is no option \"max_byte\", did you mean \"max_bytes\"?; there is no option \"zebra\"");
}

TEST(Options, TheCallersOwnFindingsStandFirst) {
  Options options(R"({"mode": 1})");
  options.problem("\"path\" is missing");
  EXPECT_EQ(options.problems(), "\"path\" is missing; there is no option \"mode\"");
}

TEST(Options, AnyBytesAreToleratedAndNothingThrows) {
  for (const char *json :
       {"{", "{\"a\":1e400}", "nonsense", "[1]", "3", "null", "\"text\"", "{\"a\":1", "{\"a\":\"\xff\xfe\"}"}) {
    Options options(json);
    EXPECT_EQ(options.text("b", "fallback"), "fallback");
    EXPECT_NE(options.problems(), "") << json;
  }
  std::string deep = "{\"a\":";
  deep.append(100'000, '[').append(100'000, ']').append("}");
  Options options(deep);
  EXPECT_EQ(options.integer("a", 1, 0, 2), 1);
  EXPECT_LT(options.problems().size(), 200u);
  Options binary("{\"\xf0\x9f\x90\x98\": 1, \"\\u0000\": 2}");
  EXPECT_EQ(binary.problems(), "there is no option \"\\u0000\"; there is no option \"\\ud83d\\udc18\"");
}

}  // namespace
}  // namespace cachechain::plugin
