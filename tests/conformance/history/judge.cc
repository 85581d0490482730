#include "history/judge.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <sstream>
#include <tuple>
#include <utility>

namespace cachechain::conformance {
namespace {

constexpr uint64_t kEver = std::numeric_limits<uint64_t>::max();
constexpr uint32_t kNobody = std::numeric_limits<uint32_t>::max();  // the thread of a key's start

struct Event {
  uint32_t key;
  uint32_t thread;
  uint64_t begin;
  const Operation *operation;

  bool operator<(const Event &other) const { return std::tie(key, begin) < std::tie(other.key, other.begin); }
};

bool is_get(const Operation &op) { return op.act == Act::kGet || op.act == Act::kExists; }
bool found(const Operation &get) { return get.value != kAbsent; }
// Whether it changes the value.
bool removes(const Operation &op) { return op.act == Act::kDelete || op.act == Act::kClear; }
bool changes(const Operation &op) { return op.act == Act::kWrite || removes(op); }
uint64_t value_of(const Operation &op) { return removes(op) ? kAbsent : op.value; }
uint64_t end_of(const Operation &op) { return op.fate == Fate::kUnknown ? kEver : op.end; }

std::string describe(const Event &event) {
  const Operation &op = *event.operation;
  std::ostringstream out;
  if (event.thread == kNobody) {
    out << "the start";
  } else {
    constexpr const char *kActs[] = {"write", "delete", "mark", "get", "exists", "clear"};
    out << "the " << kActs[static_cast<int>(op.act)] << " [" << op.begin << ", " << op.end << "] by thread "
        << event.thread;
  }
  if (is_get(op)) out << " answered";
  if (op.act == Act::kExists) {
    out << (found(op) ? " that there is a value" : " that there is none");
  } else if (op.act != Act::kMark) {
    if (!is_get(op)) out << " of";
    if (value_of(op) == kAbsent) {
      out << " nothing";
    } else {
      out << " value " << op.value;
    }
  }
  if (op.rank != 0) out << " of rank " << op.rank;
  if (op.stale) out << ", flagged stale";
  if (op.degraded) out << ", flagged degraded";
  if (!is_get(op) && op.fate == Fate::kUnknown) out << " (its outcome is unknown)";
  return out.str();
}

// Events by group and then by ticket; to each the best of its group up to it. `measure` says how good one is.
class Best {
 public:
  template <class Group, class Ticket, class Measure>
  Best(std::vector<const Event *> &&events, Group group, Ticket ticket, Measure measure) {
    steps_.reserve(events.size());
    for (const Event *event : events) steps_.push_back({group(*event), ticket(*event->operation), event});
    std::sort(steps_.begin(), steps_.end(), [](const Step &a, const Step &b) { return a.place() < b.place(); });
    for (size_t i = 1; i < steps_.size(); ++i) {
      const Step &last = steps_[i - 1];
      Step &step = steps_[i];
      if (last.group == step.group && measure(*last.best->operation) > measure(*step.best->operation)) {
        step.best = last.best;
      }
    }
  }

  // The best one of the group before that ticket, or nullptr.
  const Event *before(uint64_t ticket, uint64_t group = 0) const {
    const auto after = std::partition_point(steps_.begin(), steps_.end(),
                                            [&](const Step &step) { return step.place() < std::pair(group, ticket); });
    return after == steps_.begin() || std::prev(after)->group != group ? nullptr : std::prev(after)->best;
  }

 private:
  struct Step {
    uint64_t group;
    uint64_t ticket;
    const Event *best;
    std::pair<uint64_t, uint64_t> place() const { return {group, ticket}; }
  };
  std::vector<Step> steps_;
};

template <class Wanted>
std::vector<const Event *> select(std::span<const Event> events, Wanted wanted) {
  std::vector<const Event *> out;
  for (const Event &event : events) {
    if (wanted(*event.operation)) out.push_back(&event);
  }
  return out;
}

uint64_t one_group(const Event &) { return 0; }
uint64_t value_group(const Event &event) { return value_of(*event.operation); }
uint64_t thread_group(const Event &event) { return event.thread; }
uint64_t by_begin(const Operation &op) { return op.begin; }
uint64_t by_end(const Operation &op) { return op.end; }
uint64_t by_rank(const Operation &op) { return op.rank; }
// The rank that a mutation may have. A start without one is below all.
uint64_t highest_rank(const Operation &op) { return op.rank == 0 && op.begin != 0 ? kEver : op.rank; }

bool acknowledged_change(const Operation &op) { return changes(op) && op.fate == Fate::kAcknowledged; }
bool possible_change(const Operation &op) { return changes(op) && op.fate != Fate::kRefused; }

// The mutations of one key, arranged so that each question of a get is one or two binary searches. It is answered with
// what is wrong about the get, or nothing.
class Mutations {
 public:
  explicit Mutations(std::span<const Event> events)
      : all_(events),
        newest_(select(events, acknowledged_change), one_group, by_end, by_begin),
        highest_change_(select(events, acknowledged_change), one_group, by_end, by_rank),
        highest_(select(events, [](const Operation &op) { return !is_get(op) && op.fate == Fate::kAcknowledged; }),
                 one_group, by_end, by_rank),
        longest_(select(events, possible_change), value_group, by_begin, end_of),
        longest_write_(select(events, possible_write), one_group, by_begin, end_of),
        highest_delete_(select(events, possible_delete), one_group, by_begin, highest_rank) {
    for (const Event *write : select(events, possible_write)) {
      const Operation &op = *write->operation;
      ranks_.emplace_back(op.value, op.rank);
      any_ranks_.push_back(op.rank);
    }
    std::sort(ranks_.begin(), ranks_.end());
    std::sort(any_ranks_.begin(), any_ranks_.end());
  }

  std::optional<std::string> never_written(const Operation &get) const {
    if (source_before(get, get.end) != nullptr) return {};
    if (source_before(get, kEver) != nullptr) return "which no mutation that began before its end had written";
    for (const Event &event : all_) {
      const Operation &op = *event.operation;
      if (changes(op) && (get.act == Act::kExists ? found(get) == found_by(op) : value_of(op) == get.value)) {
        return "which only " + describe(event) + " wrote, and that was refused";
      }
    }
    return "which no mutation wrote";
  }

  std::optional<std::string> overwritten(const Operation &get) const {
    const Event *source = source_before(get, get.end);
    const Event *later = newest_.before(get.begin);
    if (source == nullptr || later == nullptr || end_of(*source->operation) >= later->begin) return {};
    return "which " + describe(*source) + " left; " + describe(*later) +
           " began later and was acknowledged before the get began";
  }

  std::optional<std::string> outranked(const Operation &get) const {
    if (found(get)) {
      const Event *floor = highest_.before(get.begin);
      if (get.rank == 0 || floor == nullptr || floor->operation->rank <= get.rank) return {};
      return "but " + describe(*floor) + " was acknowledged before the get began";
    }
    const Event *floor = highest_change_.before(get.begin);
    if (floor == nullptr || floor->operation->rank == 0) return {};
    const Event *removal = highest_delete_.before(get.end);
    if (removal != nullptr && highest_rank(*removal->operation) >= floor->operation->rank) return {};
    return "but " + describe(*floor) +
           " was acknowledged before the get began, and no delete has that rank or a higher";
  }

  std::optional<std::string> misranked(const Operation &get) const {
    if (!found(get) || get.rank == 0) return {};
    for (const uint64_t rank : {get.rank, uint64_t{0}}) {
      if (get.act == Act::kExists ? std::binary_search(any_ranks_.begin(), any_ranks_.end(), rank)
                                  : std::binary_search(ranks_.begin(), ranks_.end(), std::pair(get.value, rank))) {
        return {};
      }
    }
    return "but nobody wrote it with this rank";
  }

 private:
  static bool found_by(const Operation &op) { return op.act == Act::kWrite; }
  static bool possible_write(const Operation &op) { return op.act == Act::kWrite && op.fate != Fate::kRefused; }
  static bool possible_delete(const Operation &op) { return removes(op) && op.fate != Fate::kRefused; }

  // Of those that may have left the answer and began before the ticket, the one that ended last.
  const Event *source_before(const Operation &get, uint64_t ticket) const {
    return get.act == Act::kExists && found(get) ? longest_write_.before(ticket) : longest_.before(ticket, get.value);
  }

  std::span<const Event> all_;
  Best newest_, highest_change_, highest_;
  Best longest_, longest_write_, highest_delete_;
  std::vector<std::pair<uint64_t, uint64_t>> ranks_;  // value and rank
  std::vector<uint64_t> any_ranks_;
};

// `highest` is what the same thread had been answered, at most.
std::optional<std::string> goes_back(const Operation &get, const Event *highest) {
  if (get.rank == 0 || highest == nullptr || highest->operation->rank <= get.rank) return {};
  return "but earlier " + describe(*highest);
}

std::vector<Event> events_of(const History &history) {
  std::vector<Event> events;
  size_t count = history.starts().size();
  for (const Recorder &recorder : history.recorders()) count += recorder.operations().size();
  events.reserve(count);
  for (const Operation &start : history.starts()) events.push_back({start.key, kNobody, 0, &start});
  for (const Recorder &recorder : history.recorders()) {
    for (const Operation &op : recorder.operations()) {
      if (op.act != Act::kClear) events.push_back({op.key, recorder.thread(), op.begin, &op});
    }
  }
  std::stable_sort(events.begin(), events.end());
  return events;
}

std::vector<Event> clears_of(const History &history) {
  std::vector<Event> clears;
  for (const Recorder &recorder : history.recorders()) {
    for (const Operation &op : recorder.operations()) {
      if (op.act == Act::kClear) clears.push_back({0, recorder.thread(), op.begin, &op});
    }
  }
  return clears;
}

}  // namespace

std::vector<Violation> judge(const History &history, const Rules &rules) {
  const auto is_judged = [](const Operation &op) {
    return is_get(op) && op.fate == Fate::kAcknowledged && !op.claims_nothing;
  };
  const auto may_be_old = [&](const Operation &get) {
    return (get.stale && !rules.judge_stale) || (get.degraded && !rules.judge_degraded);
  };
  const std::vector<Event> events = events_of(history);
  const std::vector<Event> clears = clears_of(history);
  std::vector<Violation> violations;
  for (auto begin = events.begin(); begin != events.end();) {
    const auto end = std::find_if(begin, events.end(), [&](const Event &event) { return event.key != begin->key; });
    const auto first = std::find_if(begin, end, [](const Event &event) { return event.thread != kNobody; });
    // The start that was declared last, or one that says that there is nothing.
    Operation nothing;
    nothing.act = Act::kDelete;
    nothing.fate = Fate::kAcknowledged;
    std::vector<Event> mutations = {first == begin ? Event{begin->key, kNobody, 0, &nothing} : *std::prev(first)};
    std::copy_if(first, end, std::back_inserter(mutations),
                 [](const Event &event) { return !is_get(*event.operation); });
    mutations.insert(mutations.end(), clears.begin(), clears.end());
    const Mutations facts(mutations);
    const Best answered(
        select({first, end}, [&](const Operation &op) { return rules.session && is_judged(op) && !may_be_old(op); }),
        thread_group, by_end, by_rank);

    for (const Event &event : std::span(first, end)) {
      const Operation &get = *event.operation;
      if (!is_judged(get)) continue;
      std::optional<std::string> wrong;
      if (rules.real_time) wrong = facts.never_written(get);
      if (!wrong && rules.keeps_ranks) wrong = facts.misranked(get);
      if (!may_be_old(get)) {
        if (!wrong && rules.real_time) wrong = facts.overwritten(get);
        if (!wrong && rules.ranked) wrong = facts.outranked(get);
        if (!wrong && rules.session) wrong = goes_back(get, answered.before(get.begin, event.thread));
      }
      if (!wrong) continue;
      if (violations.size() == rules.most) return violations;
      std::ostringstream text;
      text << "key " << get.key << ": " << describe(event) << ", " << *wrong;
      violations.push_back({get, event.thread, text.str()});
    }
    begin = end;
  }
  return violations;
}

}  // namespace cachechain::conformance
