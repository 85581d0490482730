// The template of keys in query mode: what it refuses, what fits it, and that a key is what its captures make up.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "sql/sqlite/query_key.h"

namespace cachechain::sqlite {
namespace {

KeyTemplate parsed(std::string_view text) {
  KeyTemplate key;
  EXPECT_EQ(key.parse(text), "") << text;
  return key;
}

// The captures of a key, or "-".
std::string captured(const KeyTemplate &key, std::string_view bytes) {
  KeyTemplate::Parts parts;
  if (!key.match(bytes, parts)) return "-";
  std::string all;
  for (size_t i = 0; i < key.captures().size(); ++i) all += (i == 0 ? "" : "|") + std::string(parts[i].bytes);
  return all;
}

TEST(SqliteQueryKey, RefusesATemplateThatCannotWork) {
  const struct {
    const char *text;
    const char *problem;
  } kCases[] = {
      {"", "there is no capture such as {id:int}: every key would be the same row"},
      {"user:42", "there is no capture such as {id:int}: every key would be the same row"},
      {"user:{{id}}", "there is no capture such as {id:int}: every key would be the same row"},
      {"user:{id", "a brace without its other one; write {{ or }} for text"},
      {"user:}{id}", "a brace without its other one; write {{ or }} for text"},
      {"{a:int}{b:text}", "{b:text}: there must be text between two captures"},
      {"{id:float}", "{id:float}: the type of a capture is int, text or blob"},
      {"{id:}", "{id:}: the type of a capture is int, text or blob"},
      {"{:int}", "{:int}: a capture is {name:type}, its name letters, digits and _"},
      {"{}", "{}: a capture is {name:type}, its name letters, digits and _"},
      {"{1d}", "{1d}: a capture is {name:type}, its name letters, digits and _"},
      {"{a b}", "{a b}: a capture is {name:type}, its name letters, digits and _"},
      {"{id}:{id}", "{id}: the name is there twice"},
      {"{value}", "{value}: the name has another meaning"},
      {"{keys:int}", "{keys:int}: the name has another meaning"},
      {"{fresh_ms:int}", "{fresh_ms:int}: the name has another meaning"},
      {"{a}.{b}.{c}.{d}.{e}.{f}.{g}.{h}.{i}", "{i}: there are at most 8 captures"},
  };
  for (const auto &bad : kCases) {
    KeyTemplate key;
    EXPECT_EQ(key.parse(bad.text), bad.problem) << bad.text;
  }
}

TEST(SqliteQueryKey, ReadsNamesAndTypes) {
  const KeyTemplate key = parsed("shop/{id:int}/{name}/{Raw_1:blob}!");
  ASSERT_EQ(key.captures().size(), 3u);
  EXPECT_EQ(key.captures()[0].name, "id");
  EXPECT_EQ(key.captures()[0].type, KeyTemplate::Type::kInt);
  EXPECT_EQ(key.captures()[1].name, "name");
  EXPECT_EQ(key.captures()[1].type, KeyTemplate::Type::kText);
  EXPECT_EQ(key.captures()[2].name, "Raw_1");
  EXPECT_EQ(key.captures()[2].type, KeyTemplate::Type::kBlob);
  EXPECT_EQ(key.text(), "shop/{id:int}/{name}/{Raw_1:blob}!");
}

TEST(SqliteQueryKey, LiteralTextStandsForItself) {
  EXPECT_EQ(captured(parsed("user:{id}"), "user:ada"), "ada");
  EXPECT_EQ(captured(parsed("user:{id}"), "User:ada"), "-");
  EXPECT_EQ(captured(parsed("user:{id}"), "user"), "-");
  EXPECT_EQ(captured(parsed("{id}.json"), "a.json.json"), "a.json");
  EXPECT_EQ(captured(parsed("{id}.json"), "a.jso"), "-");
  EXPECT_EQ(captured(parsed("ab{id}ba"), "aba"), "-") << "the texts before and behind may not overlap";
  EXPECT_EQ(captured(parsed("{{{id}}}:"), "{ada}:"), "ada");
}

TEST(SqliteQueryKey, ACaptureIsNeverEmpty) {
  EXPECT_EQ(captured(parsed("user:{id}"), "user:"), "-");
  EXPECT_EQ(captured(parsed("{a}:{b}"), ":b"), "-");
  EXPECT_EQ(captured(parsed("{a}:{b}"), "a:"), "-");
  EXPECT_EQ(captured(parsed("{a}:{b}"), "::b"), ":|b");
}

TEST(SqliteQueryKey, ACaptureEndsWhereTheTextBehindItFirstAppears) {
  EXPECT_EQ(captured(parsed("{a}:{b}"), "x:y:z"), "x|y:z");
  EXPECT_EQ(captured(parsed("{a}--{b}--{c}"), "1--2--3--4"), "1|2|3--4");
  EXPECT_EQ(captured(parsed("{a:int}-{b:int}"), "-5--3"), "-5|-3");
  EXPECT_EQ(captured(parsed("{a}:{b:int}"), "x:y:5"), "-");
}

TEST(SqliteQueryKey, AnIntHasOneForm) {
  const KeyTemplate key = parsed("{id:int}");
  for (const char *good : {"0", "7", "-1", "42", "9223372036854775807", "-9223372036854775808"}) {
    KeyTemplate::Parts parts;
    ASSERT_TRUE(key.match(good, parts)) << good;
    EXPECT_EQ(std::to_string(parts[0].number), good);
  }
  for (const char *bad : {"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1.0", "1e3", "0x1",
                          "9223372036854775808", "-9223372036854775809", "99999999999999999999", "one"}) {
    EXPECT_EQ(captured(key, bad), "-") << bad;
  }
}

TEST(SqliteQueryKey, ATextIsUtf8WithoutNul) {
  const KeyTemplate key = parsed("{name:text}");
  for (const char *good : {"a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "Ada \xc3\xa9\xe2\x82\xac"}) {
    EXPECT_EQ(captured(key, good), good);
  }
  for (const char *bad :
       {"\x80", "\xbf", "\xc0\xaf", "\xc1\xbf", "\xc3", "\xc3(", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "ok\xfe"}) {
    EXPECT_EQ(captured(key, bad), "-") << bad;
    EXPECT_EQ(captured(parsed("{name:blob}"), bad), bad);
  }
  EXPECT_EQ(captured(key, std::string_view("a\0b", 3)), "-");
}

// Keys near the template, made at random: those that fit are told apart by their captures.
TEST(SqliteQueryKey, TwoKeysNeverHaveTheSameCaptures) {
  const KeyTemplate key = parsed("a:{x}:{y:int}-{z:blob}b");
  std::mt19937 random(11);
  std::map<std::vector<std::string>, std::string> seen;
  int fit = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string bytes = "a:";
    for (size_t length = 1 + random() % 8; length > 0; --length) bytes += ":-ab01"[random() % 6];
    bytes += 'b';
    KeyTemplate::Parts parts;
    if (!key.match(bytes, parts)) continue;
    ++fit;
    const std::vector<std::string> row = {std::string(parts[0].bytes), std::to_string(parts[1].number),
                                          std::string(parts[2].bytes)};
    const auto [found, fresh] = seen.emplace(row, bytes);
    ASSERT_TRUE(fresh || found->second == bytes) << bytes << " and " << found->second;
  }
  EXPECT_GT(fit, 100);
}

}  // namespace
}  // namespace cachechain::sqlite
