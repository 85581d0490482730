// ${env:NAME} and ${file:PATH}: what they become, what is refused, and that secrets stay secret.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "config/parse.h"
#include "support/made_up_surroundings.h"

namespace cachechain {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string with_options(std::string_view options) {
  return R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "redis", "options": )" + std::string(options) + "}]}";
}

class ConfigReferencesTest : public testing::Test {
 protected:
  ConfigReferencesTest() {
    around_.variables = {
        {"WORD", "hunter2"}, {"EMPTY", ""}, {"TTL", "30s"}, {"CHAIN", "shop"}, {"WILD", "${env:WORD}"}};
    around_.files = {{"/run/secrets/word", "from file\n"}, {"/two", "a\n\n"}, {"/crlf", "a\r\n"}, {"/empty", ""}};
  }
  ParsedConfig good(std::string_view text) {
    Result<ParsedConfig> parsed = parse_config(text, around_);
    if (!parsed.ok()) {
      ADD_FAILURE() << text << "\n" << parsed.status().message();
      return {};
    }
    return parsed.take();
  }
  std::string options(std::string_view given) { return good(with_options(given)).settings.layers.at(0).options; }
  std::string bad(std::string_view text) {
    const Result<ParsedConfig> parsed = parse_config(text, around_);
    EXPECT_FALSE(parsed.ok()) << text;
    return std::string(parsed.status().message());
  }

  MadeUpSurroundings around_;
};

TEST_F(ConfigReferencesTest, AreReplacedInsideStringsAtAnyDepth) {
  EXPECT_EQ(options(R"({"a": "${env:WORD}"})"), R"({"a":"hunter2"})");
  EXPECT_EQ(options(R"({"a": "redis://:${env:WORD}@h/${file:/run/secrets/word}"})"),
            R"({"a":"redis://:hunter2@h/from file"})");
  EXPECT_EQ(options(R"({"a": [{"b": ["${env:WORD}", 1]}], "c": "${env:EMPTY}"})"),
            R"({"a":[{"b":["hunter2",1]}],"c":""})");
}

TEST_F(ConfigReferencesTest, WorkForTheCoresOwnKeys) {
  const ChainSettings settings =
      good(R"({"chain": "${env:CHAIN}", "layers": [{"name": "${env:CHAIN}1", "plugin": "p", "ttl_ms": "${env:TTL}"}]})")
          .settings;
  EXPECT_EQ(settings.chain, "shop");
  EXPECT_EQ(settings.layers[0].name, "shop1");
  EXPECT_EQ(settings.layers[0].ttl_ms, 30'000);
}

TEST_F(ConfigReferencesTest, FilesLoseOneNewline) {
  EXPECT_EQ(options(R"({"a": "${file:/two}"})"), R"({"a":"a\n"})");
  EXPECT_EQ(options(R"({"a": "${file:/crlf}"})"), R"({"a":"a"})");
  EXPECT_EQ(options(R"({"a": "${file:/empty}"})"), R"({"a":""})");
}

TEST_F(ConfigReferencesTest, DollarsOfTheirOwn) {
  EXPECT_EQ(options(R"({"a": "$${env:WORD}"})"), R"({"a":"${env:WORD}"})");
  EXPECT_EQ(options(R"({"a": "$5 {x} $ $$"})"), R"({"a":"$5 {x} $ $$"})");
  EXPECT_EQ(options(R"({"a": "$$${env:WORD}"})"), R"({"a":"$${env:WORD}"})");
  EXPECT_EQ(options(R"({"${env:WORD}": 1})"), R"({"${env:WORD}":1})") << "keys are no values";
}

TEST_F(ConfigReferencesTest, AreNotResolvedTwice) {
  EXPECT_EQ(options(R"({"a": "${env:WILD}"})"), R"({"a":"${env:WORD}"})");
}

TEST_F(ConfigReferencesTest, WhatIsMissingIsAProblemWithItsPath) {
  EXPECT_EQ(bad(with_options(R"({"a": "${env:NONE}", "b": ["${file:/none}"]})")),
            "layers[0].options.a: the environment variable \"NONE\" is not set\n"
            "layers[0].options.b[0]: the file \"/none\" cannot be used: No such file or directory");
}

TEST_F(ConfigReferencesTest, WhatIsNoReferenceIsAProblem) {
  for (std::string_view wrong : {"${WORD}", "${}", "${ENV:WORD}", "${env:}", "${env:1A}", "${env:A B}", "${env:WORD",
                                 "${", "${file:}", "${file:relative}", "${env:${env:WORD}}"}) {
    EXPECT_THAT(bad(with_options("{\"a\": \"" + std::string(wrong) + "\"}")), HasSubstr("layers[0].options.a: "))
        << wrong;
  }
}

TEST_F(ConfigReferencesTest, BytesThatAreNoTextAreRefused) {
  around_.variables["BYTES"] = "\xff\xfe";
  around_.files["/nul"] = std::string("a\0b", 3);
  EXPECT_THAT(bad(with_options(R"({"a": "${env:BYTES}"})")), HasSubstr("no UTF-8 text"));
  EXPECT_THAT(bad(with_options(R"({"a": "${file:/nul}"})")), HasSubstr("no UTF-8 text"));
}

TEST_F(ConfigReferencesTest, NeitherTheirNumberNorTheirSizeIsUnbounded) {
  std::string many = "{\"a\": \"";
  for (int i = 0; i < 1001; ++i) many += "${env:WORD}";
  EXPECT_EQ(bad(with_options(many + "\"}")), "layers[0].options.a: more than 1000 references in one configuration");
  around_.variables["LARGE"] = std::string(64 << 10, 'a');
  std::string large = "{\"a\": \"";
  for (int i = 0; i < 17; ++i) large += "${env:LARGE}";
  EXPECT_THAT(bad(with_options(large + "\"}")), HasSubstr("stand for more than 1048576 bytes"));
}

TEST_F(ConfigReferencesTest, SecretsAreInNoReportAndNoMessage) {
  around_.variables["CHAIN"] = "hunter2";
  const ParsedConfig parsed = good(R"({"chain": "${env:CHAIN}", "layers": [{"name": "L1", "plugin": "p",
      "options": {"a": {"b": "${env:WORD}", "c": 1}, "url": "redis://me:hunter2@host/", "Password": "hunter2"}}]})");
  EXPECT_THAT(parsed.report, Not(HasSubstr("hunter2")));
  EXPECT_THAT(parsed.report, HasSubstr(R"({"path":"chain","value":"***","from":"environment CHAIN"})"));
  EXPECT_THAT(parsed.report,
              HasSubstr(R"({"path":"layers[0].options.a","value":{"b":"***","c":1},"from":"environment WORD"})"));
  EXPECT_THAT(parsed.report, HasSubstr(R"("value":"redis://***@host/")"));

  const std::string message = bad(R"({"chain": "${env:WORD} !", "source": "${env:WORD}", "deadline_ms": "${env:WORD}",
      "max_value_bytes": "${env:WORD}", "layers": [{"name": "${env:WORD} !", "plugin": "${env:WORD} !",
      "ttl_jitter": "${env:WORD}", "enabled": "${env:WORD}", "options": "${env:WORD}", "write": "${env:WORD}",
      "sha256": "${env:WORD}"}, "${env:WORD}"]})");
  EXPECT_THAT(message, Not(HasSubstr("hunter2")));
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n') + 1, 12);
}

TEST_F(ConfigReferencesTest, ValuesThatALaterReleaseKnowsAreSecretToo) {
  around_.variables["WRITE"] = "behind";
  EXPECT_THAT(bad(R"({"chain": "a", "layers": [{"name": "L1", "plugin": "p", "write": "${env:WRITE}"}]})"),
              Not(HasSubstr("behind")));
}

// ---- The machine's own environment and files ----

class SystemSurroundingsTest : public testing::Test {
 protected:
  SystemSurroundingsTest() {
    std::string pattern = testing::TempDir() + "cachechain_config_XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~SystemSurroundingsTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string &name, std::string_view content) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  std::string folder_;
  Surroundings &around_ = Surroundings::system();
};

TEST_F(SystemSurroundingsTest, Environment) {
  ASSERT_EQ(setenv("CACHECHAIN_CONFIG_TEST", "x", 1), 0);
  EXPECT_EQ(around_.environment("CACHECHAIN_CONFIG_TEST"), "x");
  ASSERT_EQ(unsetenv("CACHECHAIN_CONFIG_TEST"), 0);
  EXPECT_EQ(around_.environment("CACHECHAIN_CONFIG_TEST"), std::nullopt);
}

TEST_F(SystemSurroundingsTest, Files) {
  Result<std::string> content = around_.file(write("small", "secret\n"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content.value(), "secret\n");
  content = around_.file(write("largest", std::string(kMaxReferencedFileBytes, 'a')));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->size(), kMaxReferencedFileBytes);
}

TEST_F(SystemSurroundingsTest, WhatIsNoSmallRegularFileIsRefused) {
  const auto refusal = [&](const std::string &path) {
    const Result<std::string> content = around_.file(path);
    EXPECT_FALSE(content.ok()) << path;
    return std::string(content.status().message());
  };
  EXPECT_THAT(refusal(write("large", std::string(kMaxReferencedFileBytes + 1, 'a'))), HasSubstr("larger than 65536"));
  EXPECT_THAT(refusal(folder_), HasSubstr("no regular file"));
  EXPECT_THAT(refusal("/dev/zero"), HasSubstr("no regular file"));
  EXPECT_THAT(refusal(folder_ + "/none"), HasSubstr("No such file"));
  ASSERT_EQ(mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_THAT(refusal(folder_ + "/fifo"), HasSubstr("no regular file"));
}

TEST_F(SystemSurroundingsTest, Memory) { EXPECT_GT(around_.memory_bytes(), 1u << 20); }

}  // namespace
}  // namespace cachechain
