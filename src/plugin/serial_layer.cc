#include "plugin/serial_layer.h"

#include <algorithm>
#include <chrono>

#include "plugin/report.h"

namespace cachechain {
namespace {

// Deadlines are told in an injected clock, which need not go as fast as the mutex's: looked at this often.
constexpr int64_t kLookNs = 2'000'000;
// For what has no deadline of its own but must not hang behind a stuck plugin.
constexpr int64_t kStatsNs = 100'000'000;

bool is_cancelled(const CancelToken *cancel) { return cancel != nullptr && cancel->cancelled(); }

}  // namespace

SerialLayer::Turn SerialLayer::wait(int64_t deadline_ns, const CancelToken *cancel) {
  Turn turn(mutex_, std::try_to_lock);
  if (turn.owns_lock()) return turn;
  if (deadline_ns == 0 && cancel == nullptr) {
    turn.lock();
    return turn;
  }
  while (!is_cancelled(cancel)) {
    const int64_t left = deadline_ns == 0 ? kLookNs : deadline_ns - clock_.mono_ns();
    if (left <= 0 || turn.try_lock_for(std::chrono::nanoseconds(std::min(left, kLookNs)))) break;
  }
  return turn;
}

template <class Body, class Refuse>
int32_t SerialLayer::in_turn(const cachechain_call &call, Body &&body, Refuse &&refuse) {
  const CancelToken *const cancel = CancelToken::of(const_cast<const cachechain_cancel *>(call.cancel));
  const Turn turn = wait(call.deadline_ns, cancel);
  if (turn.owns_lock()) return body();
  if (is_cancelled(cancel)) return refuse(CACHECHAIN_CANCELLED);
  fill_report(call.report, 0, true, "the plugin takes one call at a time, and others had it until the deadline");
  return refuse(CACHECHAIN_OVERLOADED);
}

template <class Body>
int32_t SerialLayer::in_turn(const cachechain_call &call, Body &&body) {
  return in_turn(call, std::forward<Body>(body), [](int32_t refusal) { return refusal; });
}

int32_t SerialLayer::get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
                         cachechain_value &value) {
  value = {};
  return in_turn(call, [&] { return inner_->get(call, key, buffer, value); });
}

int32_t SerialLayer::put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) {
  return in_turn(
      call, [&] { return inner_->put(call, put, result); },
      [&](int32_t refusal) {
        result = {refusal, 0, 0};
        return refusal;
      });
}

int32_t SerialLayer::get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                              std::span<cachechain_value> values, std::span<int32_t> statuses) {
  std::fill(values.begin(), values.end(), cachechain_value{});
  return in_turn(
      call, [&] { return inner_->get_many(call, keys, values, statuses); },
      [&](int32_t refusal) { return fail_all(statuses, refusal); });
}

int32_t SerialLayer::put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                              std::span<cachechain_put_result> results) {
  return in_turn(
      call, [&] { return inner_->put_many(call, puts, results); },
      [&](int32_t refusal) { return fail_all(results, refusal); });
}

int32_t SerialLayer::erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) {
  return in_turn(call, [&] { return inner_->erase_many(call, keys); });
}

int32_t SerialLayer::ping(const cachechain_call &call) {
  return in_turn(call, [&] { return inner_->ping(call); });
}

int32_t SerialLayer::maintain(const cachechain_call &call) {
  return in_turn(call, [&] { return inner_->maintain(call); });
}

int32_t SerialLayer::sweep(const cachechain_call &call) {
  return in_turn(call, [&] { return inner_->sweep(call); });
}

std::string SerialLayer::stats() {
  const Turn turn = wait(clock_.mono_ns() + kStatsNs, nullptr);
  return turn.owns_lock() ? inner_->stats() : "{}";
}

void SerialLayer::thread_exit(uintptr_t word) {
  const Turn turn = wait(0, nullptr);
  inner_->thread_exit(word);
}

}  // namespace cachechain
