// Task: a coroutine that answers a T, for programs that have no coroutine type of their own. What async.hpp hands out
// may be awaited by any other type as well.
//
//   Task<int> count(Pump &pump, const Chain &chain) {
//     auto found = co_await pump.get(chain, "user:42");
//     co_return found && found->hit() ? 1 : 0;
//   }
//
// It runs at once, up to the first co_await that has to wait. Whoever has the Task owns the coroutine: destroying it
// destroys the coroutine wherever it waits, and with it what it has. What a coroutine throws is thrown by get(), or by
// the co_await of another coroutine for it. One thread at a time.
//
// A coroutine keeps the references that it was given: what they refer to must outlive it.
#ifndef CACHECHAIN_CLIENT_TASK_HPP_
#define CACHECHAIN_CLIENT_TASK_HPP_

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace cachechain::client {

namespace internal {

// How a coroutine begins and ends, whatever it answers.
class Promise {
 public:
  std::suspend_never initial_suspend() const noexcept { return {}; }
  auto final_suspend() const noexcept {
    struct GoOn {
      std::coroutine_handle<> awaiter;
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept { return awaiter; }
      void await_resume() const noexcept {}
    };
    return GoOn{awaiter_ ? awaiter_ : std::noop_coroutine()};
  }
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }
  void set_awaiter(std::coroutine_handle<> awaiter) noexcept { awaiter_ = awaiter; }

 protected:
  void rethrow() const {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::coroutine_handle<> awaiter_;
  std::exception_ptr thrown_;
};

template <class T>
class Answering : public Promise {
 public:
  template <class Given = T>
  void return_value(Given &&given) {
    answer_.emplace(std::forward<Given>(given));
  }
  T take() {
    rethrow();
    return *std::move(answer_);
  }

 private:
  std::optional<T> answer_;
};

template <>
class Answering<void> : public Promise {
 public:
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

}  // namespace internal

template <class T = void>
class [[nodiscard]] Task {
 public:
  class promise_type : public internal::Answering<T> {
   public:
    Task get_return_object() noexcept { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
  };

  Task(Task &&other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  Task &operator=(Task &&other) noexcept {
    Task taken(std::move(other));
    std::swap(coroutine_, taken.coroutine_);
    return *this;
  }
  ~Task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool done() const { return coroutine_.done(); }
  // The answer, once. REQUIRES done()
  T get() { return coroutine_.promise().take(); }

  // By one other coroutine, in the place of get(). The Task must outlive the co_await.
  class Awaiter {
   public:
    explicit Awaiter(promise_type &promise) noexcept : promise_(promise) {}
    Awaiter(const Awaiter &) = delete;
    Awaiter &operator=(const Awaiter &) = delete;
    ~Awaiter() { promise_.set_awaiter(nullptr); }  // as when the coroutine that awaits is destroyed
    bool await_ready() const noexcept { return std::coroutine_handle<promise_type>::from_promise(promise_).done(); }
    void await_suspend(std::coroutine_handle<> awaiter) noexcept { promise_.set_awaiter(awaiter); }
    T await_resume() { return promise_.take(); }

   private:
    promise_type &promise_;
  };
  Awaiter operator co_await() noexcept { return Awaiter(coroutine_.promise()); }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_TASK_HPP_
