// The judge of histories: each rule by a tiny history that keeps it and a twin that breaks it; made-up histories
// against a judge that compares everything with everything; and a register that is right until one answer is changed.
#include "history/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "history/judge.h"

namespace cachechain::conformance {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint32_t kKey = 7;

constexpr Rules kNoRules = {.real_time = false};
constexpr Rules kRealTime = {};
constexpr Rules kRanked = {.real_time = false, .ranked = true};
constexpr Rules kKeepsRanks = {.real_time = false, .keeps_ranks = true};
constexpr Rules kSession = {.real_time = false, .session = true};

Operation made(Act act, uint64_t value, uint64_t begin, uint64_t end, uint64_t rank) {
  Operation operation;
  operation.key = kKey;
  operation.act = act;
  operation.fate = Fate::kAcknowledged;
  operation.value = value;
  operation.begin = begin;
  operation.end = end;
  operation.rank = rank;
  return operation;
}
Operation write(uint64_t value, uint64_t begin, uint64_t end, uint64_t rank = 0) {
  return made(Act::kWrite, value, begin, end, rank);
}
Operation removal(uint64_t begin, uint64_t end, uint64_t rank = 0) { return made(Act::kDelete, 0, begin, end, rank); }
Operation mark(uint64_t begin, uint64_t end, uint64_t rank = 0) { return made(Act::kMark, 0, begin, end, rank); }
Operation get(uint64_t value, uint64_t begin, uint64_t end, uint64_t rank = 0) {
  return made(Act::kGet, value, begin, end, rank);
}
Operation exists(uint64_t value, uint64_t begin, uint64_t end, uint64_t rank = 0) {
  return made(Act::kExists, value, begin, end, rank);
}
Operation refused(Operation operation) {
  operation.fate = Fate::kRefused;
  return operation;
}
Operation unknown(Operation operation) {
  operation.fate = Fate::kUnknown;
  return operation;
}
Operation stale(Operation operation) {
  operation.stale = true;
  return operation;
}
Operation degraded(Operation operation) {
  operation.degraded = true;
  return operation;
}

// The texts of all violations, each operation by a thread of its own.
std::vector<std::string> faults(const Rules &rules, std::initializer_list<Operation> operations) {
  History history;
  for (const Operation &operation : operations) history.recorder().add(operation);
  std::vector<std::string> texts;
  for (const Violation &violation : judge(history, rules)) texts.push_back(violation.text);
  return texts;
}

// ---- Real time ----

TEST(RealTime, TheLastWriteIsAnswered) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), write(2, 3, 4), get(2, 5, 6)}), IsEmpty());
}

TEST(RealTime, AnOverwrittenValueIsWrong) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), write(2, 3, 4), get(1, 5, 6)}),
              ElementsAre("key 7: the get [5, 6] by thread 2 answered value 1, which the write [1, 2] by thread 0 of "
                          "value 1 left; the write [3, 4] by thread 1 of value 2 began later and was acknowledged "
                          "before the get began"));
}

TEST(RealTime, WritesThatOverlapHaveNoOrder) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 4), write(2, 2, 3), get(1, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 3), write(2, 2, 4), get(1, 5, 6)}), IsEmpty());
}

TEST(RealTime, AWriteThatOverlapsTheGetObligesNobody) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), write(2, 3, 5), get(1, 4, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), write(2, 3, 5), get(2, 4, 6)}), IsEmpty());
}

TEST(RealTime, TheNewestWriteBeforeTheGetCountsWhoeverEndedLast) {
  // The first write ends last of all, but the third began after the second had ended.
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 8), write(2, 2, 3), write(3, 4, 5), get(2, 9, 10)}),
              ElementsAre(AllOf(HasSubstr("value 2 left"), HasSubstr("value 3 began later"))));
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 8), write(2, 2, 3), write(3, 4, 5), get(1, 9, 10)}), IsEmpty());
}

TEST(RealTime, AValueFromTheFutureIsWrong) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), get(2, 3, 4), write(2, 5, 6)}),
              ElementsAre(HasSubstr("which no mutation that began before its end had written")));
}

TEST(RealTime, AForeignValueIsWrong) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), get(3, 3, 4)}), ElementsAre(HasSubstr("which no mutation wrote")));
  Operation other = write(3, 1, 2);
  other.key = kKey + 1;
  EXPECT_THAT(faults(kRealTime, {other, get(3, 3, 4)}), ElementsAre(HasSubstr("which no mutation wrote")));
}

TEST(RealTime, ARefusedWriteIsNeverAnswered) {
  EXPECT_THAT(
      faults(kRealTime, {refused(write(1, 1, 2)), get(1, 3, 4)}),
      ElementsAre(AllOf(HasSubstr("only the write [1, 2] by thread 0 of value 1 wrote"), HasSubstr("refused"))));
}

TEST(RealTime, ARefusedMutationObligesNobody) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), refused(write(2, 3, 4)), refused(removal(5, 6)), get(1, 7, 8)}),
              IsEmpty());
}

TEST(RealTime, AMutationOfUnknownFateMayBeAnsweredForEverAndObligesNobody) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), unknown(write(2, 3, 4)), get(1, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {unknown(write(2, 1, 2)), write(1, 3, 4), get(2, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), unknown(removal(3, 4)), write(2, 5, 6), get(kAbsent, 7, 8)}),
              IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(2, 1, 2), write(1, 3, 4), get(2, 5, 6)}).size(), 1u);
}

TEST(RealTime, ADeletedValueIsWrong) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), removal(3, 4), get(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), removal(3, 4), get(1, 5, 6)}),
              ElementsAre(HasSubstr("the delete [3, 4] by thread 1 of nothing began later")));
}

TEST(RealTime, AClearIsADeleteOfEveryKey) {
  const auto clear = [](uint64_t begin, uint64_t end) {
    Operation operation = made(Act::kClear, 0, begin, end, 0);
    operation.key = kKey + 1;
    return operation;
  };
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), clear(3, 4), get(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), clear(3, 5), get(1, 4, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 4), clear(3, 5), get(1, 6, 7)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), clear(3, 4), get(1, 5, 6)}),
              ElementsAre(AllOf(HasSubstr("the write [1, 2]"), HasSubstr("the clear [3, 4]"))));
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), unknown(clear(3, 4)), get(1, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), unknown(clear(3, 4)), get(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), refused(clear(3, 4)), get(kAbsent, 5, 6)}).size(), 1u);
  EXPECT_THAT(faults(kRealTime, {clear(1, 2), write(1, 3, 4), get(kAbsent, 5, 6)}).size(), 1u);
  // A value of rank 2 may have been cleared, whatever the rank that a clear would have.
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 2), clear(3, 4), get(kAbsent, 5, 6)}), IsEmpty());
}

TEST(RealTime, NothingIsWrongAfterAWrite) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), get(kAbsent, 3, 4)}),
              ElementsAre(AllOf(HasSubstr("answered nothing"), HasSubstr("the start of nothing left"))));
  Operation miss = get(kAbsent, 3, 4);
  miss.claims_nothing = true;
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), miss}), IsEmpty());
}

TEST(RealTime, OneOfManyDeletesExplainsNothing) {
  EXPECT_THAT(faults(kRealTime, {removal(1, 2), write(1, 3, 5), removal(4, 7), get(kAbsent, 8, 9)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {removal(1, 2), write(1, 3, 5), get(kAbsent, 6, 8), removal(7, 9)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {removal(1, 2), write(1, 3, 5), get(kAbsent, 6, 8), removal(9, 10)}).size(), 1u);
}

TEST(RealTime, AMarkNeitherExplainsNorObliges) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), mark(3, 4), get(1, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), mark(3, 4), get(kAbsent, 5, 6)}).size(), 1u);
}

TEST(RealTime, ExistsNeedsAnyValueThatIsLeft) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), write(2, 3, 4), exists(0, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), removal(3, 4), exists(0, 5, 6)}),
              ElementsAre(HasSubstr("the exists [5, 6] by thread 2 answered that there is a value, which the write")));
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), exists(kAbsent, 5, 6)}).size(), 1u);
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), removal(3, 4), exists(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRealTime, {refused(write(1, 1, 2)), exists(0, 5, 6)}), ElementsAre(HasSubstr("refused")));
}

TEST(RealTime, AFailedGetClaimsNothing) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), refused(get(9, 3, 4)), unknown(get(9, 5, 6))}), IsEmpty());
}

TEST(RealTime, ADeclaredStartIsAnsweredUntilItIsOverwritten) {
  const auto judged = [](std::initializer_list<Operation> operations) {
    History history;
    history.starts_with(kKey, 4);
    history.starts_with(kKey, 5);
    for (const Operation &operation : operations) history.recorder().add(operation);
    return judge(history).size();
  };
  EXPECT_EQ(judged({get(5, 1, 2), exists(0, 3, 4)}), 0u);
  EXPECT_EQ(judged({get(4, 1, 2)}), 1u) << "a later declaration replaces the first";
  EXPECT_EQ(judged({get(kAbsent, 1, 2)}), 1u);
  EXPECT_EQ(judged({write(6, 1, 3), get(5, 2, 4)}), 0u);
  EXPECT_EQ(judged({write(6, 1, 2), get(5, 3, 4)}), 1u);
  EXPECT_EQ(judged({removal(1, 2), get(kAbsent, 3, 4)}), 0u);
}

// ---- Ranks ----

TEST(Ranked, AnAnswerIsNotBelowWhatWasAcknowledged) {
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), write(2, 3, 4, 20), get(2, 5, 6, 20)}), IsEmpty());
  EXPECT_THAT(
      faults(kRanked, {write(1, 1, 2, 10), write(2, 3, 4, 20), get(1, 5, 6, 10)}),
      ElementsAre("key 7: the get [5, 6] by thread 2 answered value 1 of rank 10, but the write [3, 4] by thread 1 "
                  "of value 2 of rank 20 was acknowledged before the get began"));
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), write(2, 3, 5, 20), get(1, 4, 6, 10)}), IsEmpty());
}

TEST(Ranked, RanksDecideWhereTimeDoesNot) {
  // Both writes overlap: by time either may be the last, by rank only the first.
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 3, 20), write(2, 2, 4, 10), get(2, 5, 6, 10)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 3, 20), write(2, 2, 4, 10), get(2, 5, 6, 10)}).size(), 1u);
}

TEST(Ranked, DeletesAndMarksWithARankOblige) {
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), removal(3, 4, 20), get(1, 5, 6, 10)}).size(), 1u);
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), mark(3, 4, 20), get(1, 5, 6, 10)}).size(), 1u);
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), mark(3, 4), get(1, 5, 6, 10)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), mark(3, 4, 20), get(2, 5, 6, 30)}), IsEmpty());
}

TEST(Ranked, RefusedAndUnknownMutationsObligeNobody) {
  EXPECT_THAT(
      faults(kRanked, {write(1, 1, 2, 10), refused(write(2, 3, 4, 20)), unknown(removal(5, 6, 30)), get(1, 7, 8, 10)}),
      IsEmpty());
}

TEST(Ranked, AnAnswerWithoutARankIsNotJudged) {
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), write(2, 3, 4, 20), get(1, 5, 6)}), IsEmpty());
}

TEST(Ranked, NothingNeedsADeleteThatIsNotOutranked) {
  EXPECT_THAT(faults(kRanked, {get(kAbsent, 1, 2)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), removal(3, 4, 20), get(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 20), removal(3, 4, 10), get(kAbsent, 5, 6)}),
              ElementsAre(AllOf(HasSubstr("of rank 20 was acknowledged"), HasSubstr("no delete has that rank"))));
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), get(kAbsent, 3, 4)}).size(), 1u);
}

TEST(Ranked, NothingMayComeFromADeleteUnderWay) {
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), get(kAbsent, 3, 5), removal(4, 6, 20)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), get(kAbsent, 3, 4), removal(5, 6, 20)}).size(), 1u);
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), unknown(removal(3, 4)), get(kAbsent, 5, 6)}), IsEmpty());
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), refused(removal(3, 4)), get(kAbsent, 5, 6)}).size(), 1u);
}

TEST(Ranked, AMarkDeletesNothingAndWritesNothing) {
  EXPECT_THAT(faults(kRanked, {write(1, 1, 2, 10), mark(3, 4, 20), get(kAbsent, 5, 6)}).size(), 1u);
  EXPECT_THAT(faults(kRanked, {removal(1, 2, 10), mark(3, 4, 20), get(kAbsent, 5, 6)}), IsEmpty());
}

TEST(Ranked, AStartWithARankObliges) {
  History history;
  history.starts_with(kKey, 5, 10);
  history.recorder().add(get(5, 1, 2, 10));
  history.recorder().add(get(5, 3, 4, 9));
  const auto violations = judge(history, kRanked);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].get.begin, 3u);
  EXPECT_EQ(violations[0].thread, 1u);
  EXPECT_THAT(violations[0].text, HasSubstr("the start of value 5 of rank 10"));
}

TEST(KeepsRanks, AValueComesWithTheRankThatItWasWrittenWith) {
  EXPECT_THAT(faults(kKeepsRanks, {write(1, 1, 2, 10), get(1, 3, 4, 10), exists(0, 5, 6, 10)}), IsEmpty());
  EXPECT_THAT(faults(kKeepsRanks, {write(1, 1, 2, 10), write(2, 3, 4, 11), get(1, 5, 6, 11)}),
              ElementsAre(HasSubstr("nobody wrote it with this rank")));
  EXPECT_THAT(faults(kKeepsRanks, {write(1, 1, 2, 10), exists(0, 3, 4, 11)}).size(), 1u);
}

TEST(KeepsRanks, AWriteWithoutARankMayHaveAny) {
  EXPECT_THAT(faults(kKeepsRanks, {unknown(write(1, 1, 2)), get(1, 3, 4, 11), exists(0, 5, 6, 12)}), IsEmpty());
  EXPECT_THAT(faults(kKeepsRanks, {refused(write(1, 1, 2)), get(1, 3, 4, 11), exists(0, 5, 6, 12)}).size(), 2u);
}

// ---- Sessions ----

TEST(Session, OneThreadNeverGoesBack) {
  const auto judged = [](const Rules &rules, const Operation &first, const Operation &second, bool one_thread) {
    History history;
    Recorder &recorder = history.recorder();
    recorder.add(first);
    (one_thread ? recorder : history.recorder()).add(second);
    return judge(history, rules).size();
  };
  EXPECT_EQ(judged(kSession, get(1, 1, 2, 10), get(2, 3, 4, 20), true), 0u);
  EXPECT_EQ(judged(kSession, get(1, 1, 2, 10), get(1, 3, 4, 10), true), 0u);
  EXPECT_EQ(judged(kSession, get(2, 1, 2, 20), get(1, 3, 4, 10), true), 1u);
  EXPECT_EQ(judged(kSession, get(2, 1, 2, 20), exists(0, 3, 4, 10), true), 1u);
  EXPECT_EQ(judged(kSession, get(2, 1, 2, 20), get(1, 3, 4, 10), false), 0u);
  EXPECT_EQ(judged(kSession, get(2, 1, 3, 20), get(1, 2, 4, 10), true), 0u) << "they overlap";
  EXPECT_EQ(judged(kSession, get(2, 1, 2, 20), get(1, 3, 4), true), 0u) << "the rank is not known";
  EXPECT_EQ(judged(kNoRules, get(2, 1, 2, 20), get(1, 3, 4, 10), true), 0u);
  Operation other = get(1, 3, 4, 10);
  other.key = kKey + 1;
  EXPECT_EQ(judged(kSession, get(2, 1, 2, 20), other, true), 0u);
}

// ---- Flags ----

TEST(Flags, AStaleAnswerMayBeOldIfTheRulesSaySo) {
  Rules rules = {.ranked = true};
  const auto old = {write(1, 1, 2, 10), write(2, 3, 4, 20), stale(get(1, 5, 6, 10))};
  EXPECT_THAT(faults(rules, old), IsEmpty());
  rules.judge_stale = true;
  EXPECT_THAT(faults(rules, old).size(), 1u);
}

TEST(Flags, AStaleAnswerMustHaveBeenWritten) {
  EXPECT_THAT(faults(kRealTime, {write(1, 1, 2), stale(get(3, 3, 4))}).size(), 1u);
  EXPECT_THAT(faults(kKeepsRanks, {write(1, 1, 2, 10), stale(get(1, 3, 4, 11))}).size(), 1u);
}

TEST(Flags, ADegradedAnswerMayBeOldIfTheRulesSaySo) {
  Rules rules;
  const auto old = {write(1, 1, 2), removal(3, 4), degraded(get(1, 5, 6))};
  EXPECT_THAT(faults(rules, old), ElementsAre(HasSubstr("flagged degraded")));
  rules.judge_degraded = false;
  EXPECT_THAT(faults(rules, old), IsEmpty());
}

TEST(Judge, ReportsAsManyAsItIsAskedFor) {
  History history;
  for (uint64_t i = 1; i <= 50; ++i) history.recorder().add(get(9, 2 * i, 2 * i + 1));
  Rules rules;
  EXPECT_EQ(judge(history, rules).size(), 10u);
  rules.most = 1'000;
  const auto violations = judge(history, rules);
  ASSERT_EQ(violations.size(), 50u);
  for (uint64_t i = 1; i <= 50; ++i) EXPECT_EQ(violations[i - 1].get.begin, 2 * i);
}

// ---- The recorder ----

TEST(Recorder, TicketsOrderWhatThreadsDid) {
  History history;
  constexpr uint64_t kEach = 2'000;
  constexpr uint32_t kThreads = 4;
  // A register that threads take turns at, so that the order of their operations is known.
  std::atomic<uint64_t> last{0};
  std::vector<std::thread> threads;
  for (uint32_t self = 0; self < kThreads; ++self) {
    threads.emplace_back([&, self] {
      Recorder &recorder = history.recorder();
      for (uint64_t step = 0; step < kEach; ++step) {
        Operation op = recorder.begin(step % 2 == 0 ? Act::kWrite : Act::kGet, 0);
        if (op.act == Act::kWrite) {
          op.value = self * kEach + step + 1;
          last.store(op.value);
        } else {
          op.value = last.load();
        }
        op.fate = Fate::kAcknowledged;
        recorder.end(op);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();

  std::set<uint64_t> tickets;
  std::set<uint32_t> numbers;
  for (const Recorder &recorder : history.recorders()) {
    numbers.insert(recorder.thread());
    EXPECT_EQ(recorder.operations().size(), kEach);
    for (const Operation &op : recorder.operations()) {
      EXPECT_LT(op.begin, op.end);
      tickets.insert({op.begin, op.end});
    }
  }
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(tickets.size(), 2 * kThreads * kEach);
  EXPECT_EQ(*tickets.begin(), 1u);
  EXPECT_EQ(*tickets.rbegin(), 2 * kThreads * kEach);
  for (const Violation &violation : judge(history)) ADD_FAILURE() << violation.text;
}

TEST(Recorder, TwoHistoriesMayShareTheirTickets) {
  std::atomic<uint64_t> tickets{0};
  History writer(tickets);
  History reader(tickets);
  Operation op = writer.recorder().begin(Act::kWrite, kKey);
  const Operation look = reader.recorder().begin(Act::kGet, kKey);
  EXPECT_EQ(op.begin, 1u);
  EXPECT_EQ(look.begin, 2u);
}

// ---- Against a judge that compares everything with everything ----

// The begins of the gets that break a rule, straight from what judge.h says. One rule at a time.
std::set<uint64_t> slow_judge(const std::vector<std::vector<Operation>> &threads, const Rules &rules) {
  std::vector<Operation> all;
  for (const auto &operations : threads) all.insert(all.end(), operations.begin(), operations.end());
  std::set<uint32_t> keys;
  for (const Operation &op : all) keys.insert(op.key);
  for (const uint32_t key : keys) {
    Operation start = removal(0, 0);
    start.key = key;
    all.push_back(start);
  }
  const auto is_mutation = [](const Operation &op) { return op.act < Act::kGet; };
  const auto changes = [](const Operation &op) { return op.act == Act::kWrite || op.act == Act::kDelete; };
  const auto wrote = [](const Operation &op, const Operation &answer) {
    if (op.fate == Fate::kRefused || op.key != answer.key) return false;
    if (op.act == Act::kDelete) return answer.value == kAbsent;
    if (op.act != Act::kWrite || answer.value == kAbsent) return false;
    return answer.act == Act::kExists || op.value == answer.value;
  };
  std::set<uint64_t> wrong;
  for (const auto &operations : threads) {
    for (const Operation &g : operations) {
      if (is_mutation(g) || g.fate != Fate::kAcknowledged || g.claims_nothing) continue;
      const auto any = [&](auto &&condition) {
        return std::any_of(all.begin(), all.end(),
                           [&](const Operation &op) { return op.key == g.key && condition(op); });
      };
      const auto obliges = [&](const Operation &op) {
        return is_mutation(op) && op.fate == Fate::kAcknowledged && op.end < g.begin;
      };
      const bool may_be_old = (g.stale && !rules.judge_stale) || (g.degraded && !rules.judge_degraded);
      bool bad = false;
      if (rules.real_time) {
        bad |= !any([&](const Operation &m) {
          if (!wrote(m, g) || m.begin >= g.end) return false;
          return may_be_old || m.fate == Fate::kUnknown ||
                 !any([&](const Operation &m2) { return changes(m2) && obliges(m2) && m.end < m2.begin; });
        });
      }
      if (rules.keeps_ranks && g.value != kAbsent && g.rank != 0) {
        bad |= !any([&](const Operation &m) { return wrote(m, g) && (m.rank == 0 || m.rank == g.rank); });
      }
      if (rules.ranked && !may_be_old && g.value != kAbsent && g.rank != 0) {
        bad |= any([&](const Operation &m) { return obliges(m) && m.rank > g.rank; });
      }
      if (rules.ranked && !may_be_old && g.value == kAbsent) {
        bad |= any([&](const Operation &m) {
          return changes(m) && obliges(m) && m.rank > 0 && !any([&](const Operation &d) {
                   return d.act == Act::kDelete && d.key == g.key && d.fate != Fate::kRefused && d.begin < g.end &&
                          d.begin > 0 && (d.rank == 0 || d.rank >= m.rank);
                 });
        });
      }
      if (rules.session && !may_be_old && g.rank != 0) {
        for (const Operation &before : operations) {
          const bool old = (before.stale && !rules.judge_stale) || (before.degraded && !rules.judge_degraded);
          if (is_mutation(before) || before.fate != Fate::kAcknowledged || before.claims_nothing || old) continue;
          bad |= before.key == g.key && before.end < g.begin && before.rank > g.rank;
        }
      }
      if (bad) wrong.insert(g.begin);
    }
  }
  return wrong;
}

// Operations of anybody about anything: few values and ranks, so that every rule is kept and broken often.
std::vector<std::vector<Operation>> chatter(std::mt19937 &random) {
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  const size_t count = 2 + below(14);
  std::vector<uint64_t> tickets(2 * count);
  std::iota(tickets.begin(), tickets.end(), 1);
  // Shuffled within a short reach, so that operations are short.
  for (size_t i = 0; i + 1 < tickets.size(); ++i) {
    std::swap(tickets[i], tickets[std::min<size_t>(tickets.size() - 1, i + below(4))]);
  }
  std::vector<std::vector<Operation>> threads(3);
  for (size_t i = 0; i < count; ++i) {
    const auto [begin, end] = std::minmax(tickets[2 * i], tickets[2 * i + 1]);
    Operation op = made(static_cast<Act>(below(5)), below(4) == 0 ? kAbsent : below(3), begin, end, below(5));
    if (op.act == Act::kWrite && op.value == kAbsent) op.value = 1;
    op.key = below(2);
    op.fate = static_cast<Fate>(below(8) < 6 ? 0 : 1 + below(2));
    op.stale = below(8) == 0;
    op.degraded = below(8) == 0;
    op.claims_nothing = below(8) == 0;
    threads[below(3)].push_back(op);
  }
  for (auto &operations : threads) {
    std::sort(operations.begin(), operations.end(), [](const auto &a, const auto &b) { return a.begin < b.begin; });
  }
  return threads;
}

TEST(Judge, AgreesWithTheSlowOne) {
  std::mt19937 random(1);
  std::map<bool, int> seen;
  for (int round = 0; round < 20'000; ++round) {
    const auto threads = chatter(random);
    History history;
    for (const auto &operations : threads) {
      Recorder &recorder = history.recorder();
      for (const Operation &op : operations) recorder.add(op);
    }
    for (Rules rules : {kRealTime, kRanked, kKeepsRanks, kSession}) {
      rules.judge_stale = round % 2 == 0;
      rules.judge_degraded = round % 3 == 0;
      rules.most = 1'000;
      std::set<uint64_t> fast;
      for (const Violation &violation : judge(history, rules)) fast.insert(violation.get.begin);
      const std::set<uint64_t> slow = slow_judge(threads, rules);
      ++seen[slow.empty()];
      ASSERT_EQ(fast, slow) << "round " << round;
    }
  }
  EXPECT_GT(seen[true], 1'000);
  EXPECT_GT(seen[false], 1'000);
}

// ---- A register that is right ----

// Steps of logical threads in a random order. Each operation has its effect at once, somewhere between its begin and
// its end; one of unknown fate at any time after its begin, or never.
class Register {
 public:
  explicit Register(uint32_t seed) : random_(seed) {}

  void run(History &history, int steps) {
    std::vector<Running> running(kThreads);
    for (Running &one : running) one.recorder = &history.recorder();
    for (int step = 0; step < steps; ++step) {
      if (below(20) == 0) haunt();
      Running &one = running[below(kThreads)];
      switch (one.stage++) {
        case 0:
          one.op = one.recorder->begin(pick(), below(kKeys));
          one.op.fate = Fate::kAcknowledged;
          one.op.value = one.op.act == Act::kWrite ? ++values_ : kAbsent;
          break;
        case 1:
          act(one.op);
          break;
        default:
          one.recorder->end(one.op);
          one.stage = 0;
      }
    }
    for (Running &one : running) {
      if (one.stage == 2) one.recorder->end(one.op);
    }
  }

 private:
  static constexpr uint32_t kThreads = 5;
  static constexpr uint32_t kKeys = 3;

  struct Running {
    Recorder *recorder = nullptr;
    int stage = 0;
    Operation op;
  };
  struct Held {
    uint64_t value = kAbsent;
    uint64_t rank = 0;
  };

  uint32_t below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  Act pick() {
    constexpr Act kActs[] = {Act::kWrite, Act::kWrite, Act::kDelete, Act::kGet, Act::kGet, Act::kExists};
    return kActs[below(6)];
  }

  void act(Operation &op) {
    Held &held = held_[op.key];
    if (op.act == Act::kGet || op.act == Act::kExists) {
      op.value = held.value;
      op.rank = held.value == kAbsent ? 0 : held.rank;
      if (op.value == kAbsent) op.claims_nothing = below(4) == 0;
      return;
    }
    const uint32_t dice = below(16);
    if (dice == 0) op.fate = Fate::kRefused;
    if (dice == 1) {
      op.fate = Fate::kUnknown;
      pending_.push_back(op);
    }
    if (dice > 1) {
      op.rank = ++ranks_;
      held = {op.value, op.rank};
    }
  }

  // A mutation of unknown fate happens after all.
  void haunt() {
    if (pending_.empty()) return;
    const size_t which = below(static_cast<uint32_t>(pending_.size()));
    if (below(3) != 0) held_[pending_[which].key] = {pending_[which].value, ++ranks_};
    pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(which));
  }

  std::mt19937 random_;
  Held held_[kKeys];
  std::vector<Operation> pending_;
  uint64_t values_ = 0;
  uint64_t ranks_ = 0;
};

constexpr Rules kAllRules = {
    .ranked = true, .keeps_ranks = true, .session = true, .judge_stale = true, .judge_degraded = true, .most = 1'000};

// The history with one get's answer replaced by a value that was certainly overwritten, and that get's begin.
std::optional<uint64_t> corrupt(const History &right, std::mt19937 &random, History &wrong) {
  std::vector<Operation> all;
  for (const Recorder &recorder : right.recorders()) {
    all.insert(all.end(), recorder.operations().begin(), recorder.operations().end());
  }
  std::shuffle(all.begin(), all.end(), random);
  const auto acknowledged = [](const Operation &op, Act act) {
    return op.act == act && op.fate == Fate::kAcknowledged && !op.claims_nothing;
  };
  for (const Operation &victim : all) {
    if (!acknowledged(victim, Act::kGet)) continue;
    for (const Operation &lost : all) {
      if (!acknowledged(lost, Act::kWrite) || lost.key != victim.key) continue;
      const bool overwritten = std::any_of(all.begin(), all.end(), [&](const Operation &later) {
        return (acknowledged(later, Act::kWrite) || acknowledged(later, Act::kDelete)) && later.key == victim.key &&
               lost.end < later.begin && later.end < victim.begin;
      });
      if (!overwritten) continue;
      for (const Recorder &recorder : right.recorders()) {
        Recorder &copy = wrong.recorder();
        for (Operation op : recorder.operations()) {
          if (op.begin == victim.begin) {
            op.value = lost.value;
            op.rank = lost.rank;
          }
          copy.add(op);
        }
      }
      return victim.begin;
    }
  }
  return std::nullopt;
}

TEST(Judge, ARegisterIsRightUntilOneAnswerIsChanged) {
  int changed = 0;
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    History right;
    Register(seed).run(right, 1'500);
    for (const Violation &violation : judge(right, kAllRules)) {
      FAIL() << "seed " << seed << ": " << violation.text;
    }
    History wrong;
    std::mt19937 random(seed);
    const auto victim = corrupt(right, random, wrong);
    if (!victim) continue;
    ++changed;
    for (const Rules &rules : {kRealTime, kRanked}) {
      const auto violations = judge(wrong, rules);
      ASSERT_EQ(violations.size(), 1u) << "seed " << seed;
      EXPECT_EQ(violations[0].get.begin, *victim) << "seed " << seed;
    }
  }
  EXPECT_GT(changed, 150);
}

TEST(Judge, LongHistoriesOfOneKeyAreJudged) {
  History history;
  Recorder &writer = history.recorder();
  Recorder &reader = history.recorder();
  constexpr uint64_t kMany = 100'000;
  for (uint64_t i = 1; i <= kMany; ++i) {
    const uint64_t at = 4 * i;
    writer.add(i % 10 == 0 ? removal(at, at + 1, i) : write(i, at, at + 1, i));
    reader.add(get(i % 10 == 0 ? kAbsent : i, at + 2, at + 3, i % 10 == 0 ? 0 : i));
  }
  reader.add(get(kMany - 3, 4 * kMany + 4, 4 * kMany + 5, kMany - 3));
  const auto violations = judge(history, {.ranked = true, .keeps_ranks = true, .session = true});
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].get.value, kMany - 3);
}

}  // namespace
}  // namespace cachechain::conformance
