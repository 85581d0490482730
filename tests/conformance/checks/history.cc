// What many threads are answered by a chain, judged as a whole: nobody is answered anything older than what was
// acknowledged before he asked. A memory above the layer is too small for the keys, so that it is filled late and
// forgets, marks of deletes too, all the time.
#include "history/history.h"

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "checks/checks.h"
#include "driver/chain.h"
#include "driver/layer.h"
#include "driver/witness.h"
#include "history/judge.h"

namespace cachechain::conformance {
namespace {

constexpr uint32_t kThreads = 4;
constexpr uint32_t kKeys = 8;

// One chain, what is done to it, and the history of that.
class Judged {
 public:
  Judged(Check &check, std::string_view source)
      : check_(check), source_(source), chain_(check, Above::kSmallMemory, source) {}

  explicit operator bool() const { return static_cast<bool>(chain_); }

  void mix(int steps) {
    std::vector<std::thread> threads;
    for (uint32_t self = 0; self < kThreads; ++self) {
      threads.emplace_back([this, steps, self] {
        Recorder &recorder = history_.recorder();
        std::minstd_rand random(self + 1);
        for (int step = 0; step < steps && check_.going(); ++step) {
          const uint32_t which = random() % kKeys;
          const uint32_t dice = random() % 16;
          if (dice < 3) {
            set(recorder, which, random() % 500);
          } else if (dice < 5) {
            remove(recorder, which);
          } else if (dice < 6) {
            exists(recorder, which);
          } else {
            get(recorder, which, dice % 2 == 0 ? 0 : 300);
          }
        }
      });
    }
    for (std::thread &thread : threads) thread.join();
  }

  // When all is quiet every key has what was last written, by version. `may_forget`: a miss is right as well. Without
  // versions nobody knows which was the last of those that overlapped.
  void look_at_the_end(bool may_forget) {
    if (!chain_.versioned()) return;
    std::array<Operation, kKeys> last{};
    for (Operation &none : last) none.act = Act::kDelete;
    for (const Recorder &recorder : history_.recorders()) {
      for (const Operation &op : recorder.operations()) {
        if ((op.act == Act::kWrite || op.act == Act::kDelete) && op.rank > last[op.key].rank) last[op.key] = op;
      }
    }
    Recorder &recorder = history_.recorder();
    for (uint32_t which = 0; which < kKeys && check_.going(); ++which) {
      const Operation found = get(recorder, which, 0);
      const bool deleted = last[which].act == Act::kDelete;
      if (found.value == kAbsent) {
        check_.holds(deleted || may_forget, text(key_of(which), ", which was last set, is found at the end"));
      } else {
        check_.holds(!deleted, text(key_of(which), ", which was last deleted, is not found at the end"));
        check_.equal(found.value, last[which].value, text("the number of the value of ", key_of(which), " at the end"));
      }
    }
  }

  // That reads never go back is no promise while a mutation is under way: no rule about sessions.
  void judge_all() {
    if (!check_.going()) return;
    const bool versioned = chain_.versioned();
    const auto violations = judge(history_, {.ranked = versioned, .keeps_ranks = versioned});
    if (!violations.empty()) check_.fail(text("source ", source_, ": ", violations[0].text));
  }

 private:
  // A persistent layer may hold what a chain of another source left.
  std::string key_of(uint32_t which) const { return text("judged ", source_, ' ', which); }

  void set(Recorder &recorder, uint32_t which, size_t filler) {
    const std::string key = key_of(which);
    const uint64_t number = ++numbers_;
    const std::string data = make_witness(key, number, filler);
    Operation op = recorder.begin(Act::kWrite, which);
    op.value = number;
    finish(recorder, op, chain_.set(key, data));
  }

  void remove(Recorder &recorder, uint32_t which) {
    const std::string key = key_of(which);
    const Operation op = recorder.begin(Act::kDelete, which);
    finish(recorder, op, chain_.remove(key));
  }

  void finish(Recorder &recorder, Operation op, const Written &written) {
    const bool done = written.status == CACHECHAIN_OK;
    op.fate = done ? Fate::kAcknowledged : Fate::kUnknown;
    op.rank = done ? written.write.version : 0;
    recorder.end(op);
    check_.status(written.status, CACHECHAIN_OK, text("a mutation while others use the chain ", written.message));
  }

  void exists(Recorder &recorder, uint32_t which) {
    const std::string key = key_of(which);
    cachechain_value value{};
    Operation op = recorder.begin(Act::kExists, which);
    const int32_t status = chain_.exists(key, &value);
    op.end = recorder.ticket();
    answered(op, status, value);
    recorder.add(op);
    cachechain_value_release(&value);
  }

  Operation get(Recorder &recorder, uint32_t which, uint64_t cap) {
    const std::string key = key_of(which);
    Operation op = recorder.begin(Act::kGet, which);
    const Found found = chain_.get(key, cap);
    op.end = recorder.ticket();
    answered(op, found.status, found.value);
    if (op.value != kAbsent) {
      const auto number = read_witness(key, found.data());
      if (!number) check_.fail(text("expected a whole value of ", key, ", found ", quoted(found.data())));
      op.value = number.value_or(0);
    }
    recorder.add(op);
    return op;
  }

  void answered(Operation &op, int32_t status, const cachechain_value &value) {
    if (status < 0) {
      op.fate = Fate::kRefused;
      op.value = kAbsent;
      check_.fail(text("a get while others use the chain: found ", status_text(status)));
      return;
    }
    op.fate = Fate::kAcknowledged;
    op.stale = status == CACHECHAIN_STALE;
    op.degraded = (value.flags & CACHECHAIN_FLAG_DEGRADED) != 0;
    op.claims_nothing = status == CACHECHAIN_MISS;
    const bool hit = status == CACHECHAIN_OK || status == CACHECHAIN_STALE;
    op.value = hit ? 0 : kAbsent;
    op.rank = hit ? value.version : 0;
  }

  Check &check_;
  const std::string source_;
  Chain chain_;
  History history_;
  std::atomic<uint64_t> numbers_{0};
};

void history(Check &check) {
  std::vector<const char *> sources = {"application"};
  int steps = 0;
  bool persistent = false;
  {
    Layer layer(check);
    const bool plain = layer.can(CACHECHAIN_CAP_PLAIN);
    if (!plain && !layer.needs(CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP)) return;
    steps = layer.repeat(60'000);
    persistent = layer.can(CACHECHAIN_CAP_PERSISTENT);
    if (plain) sources.clear();
    if (plain || persistent) sources.push_back("last_layer");
  }
  for (const char *source : sources) {
    Judged judged(check, source);
    if (!judged) return;
    judged.mix(steps);
    judged.look_at_the_end(!persistent);
    judged.judge_all();
  }
}

constexpr Listed kChecks[] = {
    {"chain.history", history},
};

}  // namespace

std::span<const Listed> history_checks() { return kChecks; }

}  // namespace cachechain::conformance
