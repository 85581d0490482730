// Check: one run of one check. It keeps the first failure or skip and ignores the rest, so a check may simply go on:
// everything in this folder can be called after a failure and then does nothing. Loops ask going(). Thread-safe.
#ifndef CACHECHAIN_CONFORMANCE_DRIVER_CHECK_H_
#define CACHECHAIN_CONFORMANCE_DRIVER_CHECK_H_

#include <atomic>
#include <concepts>
#include <cstdint>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "conformance.h"

namespace cachechain::conformance {

// The parts, one after the other, as text.
template <class... Parts>
std::string text(const Parts &...parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Bytes for a human: quoted, escaped, cut after 48.
std::string quoted(std::string_view bytes);
// "MISS (1)".
std::string status_text(int32_t status);

class Check {
 public:
  explicit Check(const Subject &subject) : subject_(subject) {}
  ~Check();
  Check(const Check &) = delete;
  Check &operator=(const Check &) = delete;

  const Subject &subject() const { return subject_; }
  // The subject's options, with the check's own folder for {scratch}.
  std::string options();

  bool going() const { return going_.load(std::memory_order_relaxed); }
  void fail(std::string message) { stop(Outcome::kFailed, std::move(message)); }
  void skip(std::string reason) { stop(Outcome::kSkipped, std::move(reason)); }

  // Each of these answers whether it held. `what` names what was looked at: "the size of the value".
  bool holds(bool condition, std::string_view what);
  bool status(int32_t found, int32_t wanted, std::string_view what);
  bool bytes(std::string_view found, std::string_view wanted, std::string_view what);
  template <std::integral A, std::integral B>
  bool equal(A found, B wanted, std::string_view what) {
    if (std::cmp_equal(+found, +wanted)) return true;
    fail(text(what, ": expected ", +wanted, ", found ", +found));
    return false;
  }

  // `full` repetitions, or a fifth of them in a quick run.
  int repeat(int full) const { return subject_.quick ? (full + 4) / 5 : full; }

  Verdict verdict(std::string name) const;

 private:
  void stop(Outcome outcome, std::string message);

  const Subject &subject_;
  std::string scratch_;
  std::atomic<bool> going_{true};
  mutable std::mutex mutex_;
  Outcome outcome_ = Outcome::kPassed;
  std::string message_;
};

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_DRIVER_CHECK_H_
