// The suite must be able to fail: each fault of faulty_layer.cc is caught by the check that is about it, and without a
// fault the same layer passes everything.
#include <gtest/gtest.h>

#include <cctype>
#include <ostream>
#include <string>

#include "conformance.h"

namespace cachechain::conformance {
namespace {

Subject faulty(const std::string &fault) {
  Subject subject;
  subject.plugin = "faulty";
  subject.plugin_path = CACHECHAIN_FAULTY_FOLDER;
  subject.options = R"({"fault": ")" + fault + R"("})";
  subject.quick = true;
  return subject;
}

struct Fault {
  const char *name;
  const char *check;
};

constexpr Fault kFaults[] = {
    {"takes any option", "slots.unknown_option_is_refused"},
    {"leaks a descriptor", "slots.open_and_close_leave_nothing_behind"},
    {"shares by accident", "slots.instances_are_apart"},
    {"claims to share", "slots.instances_share"},
    {"claims to persist", "slots.persists"},
    {"dirties a miss", "slots.get_of_nothing_is_a_miss"},
    {"answers NOT_FOUND", "slots.get_of_nothing_is_a_miss"},
    {"forgets kinds", "slots.every_kind_keeps_its_metadata"},
    {"forgets created", "slots.every_kind_keeps_its_metadata"},
    {"swaps its times", "slots.every_kind_keeps_its_metadata"},
    {"stamps plain values", "slots.round_trip"},
    {"tells plain versions", "slots.round_trip"},
    {"keeps plain tombstones", "slots.tombstone_deletes"},
    {"halves versions", "slots.metadata_keeps_its_extremes"},
    {"takes empty for a miss", "slots.empty_value_is_a_hit"},
    {"never copies", "slots.copies_what_fits"},
    {"overruns its buffer", "slots.copies_what_fits"},
    {"overwrites in place", "slots.view_outlives_its_entry"},
    {"takes any size", "slots.largest_value"},
    {"keeps what a large value replaces", "slots.largest_value"},
    {"says nothing", "slots.largest_value"},
    {"keeps the first expiry", "slots.overwriting_replaces_everything"},
    {"erases the first only", "slots.erase_forgets"},
    {"cuts keys", "slots.keys_of_every_length"},
    {"cuts keys", "slots.keys_with_common_prefixes"},
    {"ends keys at NUL", "slots.keys_of_awkward_bytes"},
    {"ignores case", "slots.keys_of_every_byte"},
    {"ignores spaces", "slots.spaces_are_apart"},
    {"trusts hashes", "slots.equal_hashes_are_apart"},
    {"takes NEWER for newer or equal", "slots.put_newer"},
    {"tells its own version", "slots.put_newer"},
    {"bumps to what it is given", "slots.put_bump"},
    {"leaves `created` below a raised version", "slots.put_bump"},
    {"does not compare tokens", "slots.put_exact"},
    {"ignores the horizon", "slots.put_sees_up_to_the_horizon"},
    {"ignores clears", "slots.put_sees_what_was_not_cleared"},
    {"bumps to what it is given", "slots.conditions_agree_with_their_definition"},
    {"ignores the fence", "slots.fence"},
    {"keeps what is fenced", "slots.fence"},
    {"ignores the fence", "slots.fence_under_a_race"},
    {"reverses batches", "slots.get_many_equals_get"},
    {"puts batches backwards", "slots.put_many_equals_put"},
    {"answers a key once in a batch", "slots.get_many_equals_get"},
    {"refuses empty batches", "slots.empty_batches"},
    {"answers the first 1,000 of a batch", "slots.large_batches"},
    {"ignores case", "slots.batches_of_every_byte"},
    {"forgets kinds", "slots.batches_of_every_kind"},
    {"fails a batch for one of its puts", "slots.one_bad_put_fails_alone"},
    {"misses what it is too late for", "slots.late_batches_are_no_lie"},
    {"does not do what it is too late for", "slots.late_batches_are_no_lie"},
    {"does not answer pings", "slots.ping"},
    {"maintains everything away", "slots.maintain"},
    {"never ends maintaining", "slots.maintain"},
    {"tells no JSON", "slots.stats"},
    {"sweeps all", "slots.sweep"},
    {"obeys unknown flags", "slots.unknown_flags_are_refused"},
    {"takes any condition", "slots.unknown_condition_is_refused"},
    {"writes in two steps", "slots.nothing_torn_by_threads"},
    {"judges without its lock", "slots.one_exact_put_wins"},
    {"judges without its lock", "slots.exact_puts_lose_no_update"},
    {"now and then answers what was overwritten", "chain.history"},
    {"halves versions", "chain.history"},
};

void PrintTo(const Fault &fault, std::ostream *out) { *out << fault.name << " / " << fault.check; }

std::string identifier(std::string text) {
  for (char &c : text) c = isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return text;
}

class Fails : public testing::TestWithParam<Fault> {};

TEST_P(Fails, TheCheckThatIsAboutIt) {
  const Verdict verdict = run(faulty(GetParam().name), GetParam().check);
  EXPECT_TRUE(verdict.outcome == Outcome::kFailed) << verdict.message;
  EXPECT_FALSE(verdict.message.empty());
}

INSTANTIATE_TEST_SUITE_P(Faults, Fails, testing::ValuesIn(kFaults), [](const auto &tested) {
  return identifier(std::string(tested.param.name) + " " + tested.param.check);
});

class Passes : public testing::TestWithParam<std::string> {};

TEST_P(Passes, WithoutAFault) {
  const Verdict verdict = run(faulty("none"), GetParam());
  if (verdict.outcome == Outcome::kSkipped) GTEST_SKIP() << verdict.message;
  EXPECT_TRUE(verdict.outcome == Outcome::kPassed) << verdict.message;
}

INSTANTIATE_TEST_SUITE_P(Checks, Passes, testing::ValuesIn(names()),
                         [](const auto &tested) { return identifier(tested.param); });

TEST(Suite, FailsACheckThatThereIsNot) {
  EXPECT_TRUE(run(faulty("none"), "slots.no_such_check").outcome == Outcome::kFailed);
}

TEST(Suite, FailsAPluginThatThereIsNot) {
  Subject subject;
  subject.plugin = "no-such-plugin";
  const Verdict verdict = run(subject, "slots.round_trip");
  EXPECT_EQ(verdict.outcome, Outcome::kFailed);
  EXPECT_NE(verdict.message.find("no-such-plugin"), std::string::npos) << verdict.message;
}

}  // namespace
}  // namespace cachechain::conformance
