// Judges a finished history: which gets answered what no cache that keeps these rules could have answered. A pure
// function of the history, O(n log n); a million operations take about a second.
//
// What obliges a get is only what was acknowledged before it began. A mutation of unknown fate obliges nobody, but what
// it wrote may be answered from its begin on, for ever. A refused one does neither.
//
// An installed copy of this header is <cachechain/conformance/judge.h>.
#ifndef CACHECHAIN_CONFORMANCE_HISTORY_JUDGE_H_
#define CACHECHAIN_CONFORMANCE_HISTORY_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "history.h"  // beside this file, here and where it is installed

namespace cachechain::conformance {

struct Rules {
  // A get answers what a mutation wrote (or what the key started with) that was not refused, began before the get
  // ended, and is not overwritten: no write or delete was acknowledged that began after that mutation's end and ended
  // before the get's begin. That there is nothing is what a delete or a clear writes; an exists that found something asks for
  // any value that is left.
  bool real_time = true;

  // No answer has a rank below that of a mutation of its key that was acknowledged before the get began; an answer of
  // rank 0 is not judged. That there is nothing may be answered if no write outranks all deletes that began before the
  // get ended; only writes and deletes acknowledged before the get began count, and a delete of rank 0 may be the last.
  bool ranked = false;

  // A value comes with the rank that a mutation of its key wrote it with. Not for histories in which a value gets a new
  // rank without being written.
  bool keeps_ranks = false;

  // The ranks that one thread is answered for one key never go back.
  bool session = false;

  // Answers that say they may be old, or that not every layer was asked, are judged by all the rules. If not, they need
  // only have been written (real_time) with their rank (keeps_ranks).
  bool judge_stale = false;
  bool judge_degraded = true;

  size_t most = 10;  // violations to report
};

struct Violation {
  Operation get;
  uint32_t thread;   // the number of its Recorder
  std::string text;  // the key, the get, what it answered, and the mutation that it contradicts, with their tickets
};

// At most one violation per get and `most` in all, by key and begin.
std::vector<Violation> judge(const History &history, const Rules &rules = {});

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_HISTORY_JUDGE_H_
