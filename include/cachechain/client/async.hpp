// Pump: calls for coroutines, over a Queue. However many wait, nobody but the Pump's thread runs them.
//
//   Task<> greet(Pump &pump, const Chain &chain) {
//     auto one = pump.get(chain, "user:42");            // both are under way
//     auto two = pump.get(chain, "user:43");
//     Result<Lookup> ada = co_await one, grace = co_await two;
//   }
//
//   Task<> task = greet(*pump, *chain);
//   pump->run();                                        // until no call is under way
//
// A call is submitted at once, and what it is given is copied then. `co_await`, in a coroutine of any type, answers as
// the Chain's own call would; a submit that is refused, with QUEUE_FULL for instance, is that call's Error, and does
// not wait. A hit in memory is complete when it is submitted, and is handed out by the next poll() like all others.
//
// An Async may be moved while nobody awaits it, and is awaited once. It must outlive the co_await. Destroying it, as a
// coroutine that is destroyed while it waits does, forgets the call: it comes to its own end, and what it brings is
// released. `cancel` of the options ends it early.
//
// One thread at a time uses a Pump and its coroutines, which are resumed by poll(), run() and close() and on nothing
// else. What a coroutine type lets out of a resumption is thrown there, and the next poll() goes on behind it. A Chain
// may be closed at any time, and its calls answer then. It must outlive the leases that get_load() answers, and such
// calls that are under way.
#ifndef CACHECHAIN_CLIENT_ASYNC_HPP_
#define CACHECHAIN_CLIENT_ASYNC_HPP_

#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <utility>

#include "cachechain/cachechain.h"
#include "cachechain/client/chain.hpp"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/options.hpp"
#include "cachechain/client/pump_state.hpp"
#include "cachechain/client/queue.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// A call under way, or its answer, for co_await.
template <class Answer>
class [[nodiscard]] Async : public internal::AsyncCall {
 public:
  class Awaiter {
   public:
    explicit Awaiter(Async &call) noexcept : call_(call) {}
    Awaiter(const Awaiter &) = delete;
    Awaiter &operator=(const Awaiter &) = delete;
    ~Awaiter() { call_.set_waiter(nullptr); }  // as when the coroutine is destroyed
    bool await_ready() const noexcept { return call_.ready(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept { call_.set_waiter(waiter); }
    Result<Answer> await_resume() noexcept { return call_.answer(); }

   private:
    Async &call_;
  };
  Awaiter operator co_await() noexcept { return Awaiter(*this); }

 private:
  friend class Pump;
  template <class Submit>
  Async(internal::PumpState &state, const Chain &chain, Submit submit) noexcept
      : AsyncCall(state, chain.raw(), std::same_as<Answer, Written>) {
    state.submit(*this, submit);
  }

  Result<Answer> answer() noexcept {
    if (instead_) return *std::exchange(instead_, Error(CACHECHAIN_INVALID_ARGUMENT, nullptr));
    Event event = take();
    if constexpr (std::same_as<Answer, Leased>) {
      return std::move(event).leased(chain_);
    } else if constexpr (std::same_as<Answer, Written>) {
      return std::move(event).written();
    } else {
      return std::move(event).lookup();
    }
  }
};

// Can be moved and not copied; not destroyed by a coroutine that it resumes.
class Pump {
 public:
  // For at most `capacity` calls under way.
  static Result<Pump> open(uint64_t capacity) noexcept {
    Result<Queue> queue = Queue::open(capacity);
    if (!queue) return std::move(queue).error();
    try {
      return Pump(std::make_unique<internal::PumpState>(*std::move(queue), static_cast<size_t>(capacity)));
    } catch (const std::bad_alloc &) {
      return Error(CACHECHAIN_NO_MEMORY, nullptr);
    }
  }
  Pump(Pump &&other) = default;
  Pump &operator=(Pump &&other) noexcept {
    Pump taken(std::move(other));
    state_.swap(taken.state_);
    return *this;
  }
  ~Pump() {
    if (state_ != nullptr) state_->close();
  }

  Async<Lookup> get(const Chain &chain, Bytes key, const GetOptions &options = {}) noexcept {
    return {*state_, chain,
            [&](const Queue &queue, uint64_t token) { return queue.submit_get(chain, key, token, options); }};
  }
  Async<Leased> get_load(const Chain &chain, Bytes key, const GetOptions &options = {}) noexcept {
    return {*state_, chain,
            [&](const Queue &queue, uint64_t token) { return queue.submit_load(chain, key, token, options); }};
  }
  Async<Written> set(const Chain &chain, Bytes key, Bytes value, const SetOptions &options = {}) noexcept {
    return {*state_, chain,
            [&](const Queue &queue, uint64_t token) { return queue.submit_set(chain, key, value, token, options); }};
  }
  Async<Written> remove(const Chain &chain, Bytes key, const RemoveOptions &options = {}) noexcept {
    return {*state_, chain,
            [&](const Queue &queue, uint64_t token) { return queue.submit_remove(chain, key, token, options); }};
  }

  // Waits for an answer, resumes who waits for those that came, and answers how many came: 0 if none did within the
  // time-out; zero or less does not wait.
  Result<size_t> poll(std::chrono::nanoseconds timeout) { return state_->poll(timeout); }
  // The same until no call is under way.
  Result<size_t> run() {
    size_t all = 0;
    while (under_way() != 0) {
      Result<size_t> told = poll(kNoTimeout);
      if (!told) return told;
      all += *told;
    }
    return all;
  }
  // Calls whose answers poll() has not met yet, those included that were forgotten.
  size_t under_way() const { return state_->under_way(); }
  // Readable while poll() would find an answer, for a loop of the program's own.
  Result<int> fd() const noexcept {
    if (!state_->queue()) return Error(CACHECHAIN_CLOSED, nullptr);
    return state_->queue()->fd();
  }

  // From now on poll() calls `watcher` for what `chain` tells unasked, as of Queue::watch. There is one for all chains.
  Result<int32_t> watch(const Chain &chain, std::function<void(const Event &)> watcher, uint32_t kinds,
                        int32_t log_level = CACHECHAIN_LOG_WARN) {
    if (!state_->queue()) return Error(CACHECHAIN_CLOSED, nullptr);
    Result<int32_t> watched = state_->queue()->watch(chain, kinds, log_level);
    if (watched) state_->set_watcher(std::move(watcher));
    return watched;
  }

  // Cancels what is under way, waits for it, and resumes everybody who waits: with what came, or else with CLOSED, and
  // UNKNOWN_OUTCOME for a mutation. Later calls answer CLOSED. Destroying the Pump does the same.
  void close() { state_->close(); }

 private:
  explicit Pump(std::unique_ptr<internal::PumpState> state) : state_(std::move(state)) {}

  std::unique_ptr<internal::PumpState> state_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_ASYNC_HPP_
