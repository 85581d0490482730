// Runs the conformance suite over the layers of this tree: one test per plugin and check. The C plugin of the examples
// is among them: it is the tree's one store of bytes, and its one layer without conditions.
#include "conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <tuple>

namespace cachechain::conformance {
namespace {

struct Plugin {
  const char *name;
  const char *options;
};

constexpr Plugin kPlugins[] = {
    {"memory", R"({"max_bytes": "64MiB"})"},
    {"sqlite", R"({"path": "{scratch}/store.db", "max_value_bytes": "4MiB"})"},
    {"dirstore", R"({"folder": "{scratch}"})"},
};

void PrintTo(const Plugin &plugin, std::ostream *out) { *out << plugin.name; }

class Conformance : public testing::TestWithParam<std::tuple<Plugin, std::string>> {};

TEST_P(Conformance, Holds) {
  const auto &[plugin, check] = GetParam();
  Subject subject;
  subject.plugin = plugin.name;
  subject.options = plugin.options;
  const Verdict verdict = run(subject, check);
  if (verdict.outcome == Outcome::kSkipped) GTEST_SKIP() << verdict.message;
  EXPECT_TRUE(verdict.outcome == Outcome::kPassed) << verdict.message;
}

std::string name_of(const testing::TestParamInfo<Conformance::ParamType> &tested) {
  std::string name = std::get<0>(tested.param).name;
  name += "_" + std::get<1>(tested.param);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Plugins, Conformance,
                         testing::Combine(testing::ValuesIn(kPlugins), testing::ValuesIn(names())), name_of);

}  // namespace
}  // namespace cachechain::conformance
