#include "workload.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <thread>

#include "block_queue.h"
#include "payload.h"
#include "progress.h"

namespace cachechain::tool {
namespace {

using SteadyClock = std::chrono::steady_clock;

uint64_t ns_between(SteadyClock::time_point begin, SteadyClock::time_point end) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count());
}

std::atomic<bool> interrupt_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

// While it lives, the first SIGINT or SIGTERM asks for an orderly end; the second has its usual effect.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupt_seen = false;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupt_seen = true; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptGuard() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }
  InterruptGuard(const InterruptGuard &) = delete;
  InterruptGuard &operator=(const InterruptGuard &) = delete;

  static bool seen() { return interrupt_seen.load(std::memory_order_relaxed); }

 private:
  struct sigaction old_int_ {};
  struct sigaction old_term_ {};
};

// One thread's part of the work.
class Worker {
 public:
  Worker(const client::Chain &chain, BlockQueue &queue, std::atomic<uint64_t> &done, size_t layers)
      : chain_(chain), queue_(queue), done_(done), buffer_(64 << 10) {
    result_.hits.resize(layers);
  }

  void run() {
    while (Block *block = next_block()) {
      for (const Operation &operation : block->operations) {
        if (InterruptGuard::seen()) break;
        run(block->key(operation), operation);
      }
      done_.fetch_add(block->operations.size(), std::memory_order_relaxed);
      queue_.give_empty(block);
    }
    ended_ = SteadyClock::now();
    result_.waiting_seconds = std::chrono::duration<double>(waiting_).count();
  }

  SteadyClock::time_point ended() const { return ended_; }
  const WorkloadResult &result() const { return result_; }

 private:
  Block *next_block() {
    if (InterruptGuard::seen()) return nullptr;
    if (Block *block = queue_.try_take_full()) return block;
    SteadyClock::time_point begin = SteadyClock::now();
    Block *block = queue_.take_full();
    waiting_ += SteadyClock::now() - begin;
    return block;
  }

  void run(std::string_view key, const Operation &operation) {
    switch (operation.kind) {
      case Operation::Kind::kRequest:
        ++result_.requests;
        return get_or_load(key, operation);
      case Operation::Kind::kSet:
        ++result_.sets;
        return set(key, operation);
      case Operation::Kind::kDelete:
        ++result_.deletes;
        return remove(key);
    }
  }

  void get_or_load(std::string_view key, const Operation &operation) {
    SteadyClock::time_point begin = SteadyClock::now();
    auto found = chain_.get(key, buffer_);
    if (!found) return count_error(found.error());
    if (found->hit()) {
      uint64_t ns = ns_between(begin, SteadyClock::now());
      auto layer = static_cast<size_t>(found->value.layer());
      if (!is_payload(key, found->value.view())) {
        ++result_.wrong_values;
        return count_error("WRONG_VALUE", "a get answered with a value that is not the key's own");
      }
      if (layer >= result_.hits.size()) return count_error("NO_LAYER", "a hit named no layer of the chain");
      result_.hits[layer].record(ns);
      return;
    }
    if (store(key, operation)) result_.fills.record(ns_between(begin, SteadyClock::now()));
  }

  void set(std::string_view key, const Operation &operation) {
    SteadyClock::time_point begin = SteadyClock::now();
    if (store(key, operation)) result_.mutations.record(ns_between(begin, SteadyClock::now()));
  }

  void remove(std::string_view key) {
    SteadyClock::time_point begin = SteadyClock::now();
    auto removed = chain_.remove(key);
    if (!removed) return count_error(removed.error());
    result_.mutations.record(ns_between(begin, SteadyClock::now()));
  }

  bool store(std::string_view key, const Operation &operation) {
    make_payload(key, operation.value_size, value_);
    client::SetOptions options;
    if (operation.ttl_ms > 0) options.ttl = std::chrono::milliseconds(operation.ttl_ms);
    auto stored = chain_.set(key, value_, options);
    if (!stored) count_error(stored.error());
    return stored.ok();
  }

  void count_error(const client::Error &error) { count_error(error.name(), error.message()); }
  void count_error(std::string_view status, std::string_view message) {
    ++result_.errors;
    ++result_.errors_by_status[std::string(status)];
    if (result_.first_error.empty()) result_.first_error = message;
  }

  const client::Chain &chain_;
  BlockQueue &queue_;
  std::atomic<uint64_t> &done_;
  std::vector<uint8_t> buffer_;
  std::string value_;
  SteadyClock::duration waiting_{};
  SteadyClock::time_point ended_;
  WorkloadResult result_;
};

void read_ahead(OperationSource &source, BlockQueue &queue) {
  while (Block *block = queue.take_empty()) {
    source.fill(*block);
    if (block->operations.empty()) break;
    queue.give_full(block);
  }
  queue.end();
}

// Knows when the last worker is done.
struct Team {
  // True when all have left; false after a moment, for the progress.
  bool wait() {
    std::unique_lock lock(mutex);
    return all_left.wait_for(lock, std::chrono::milliseconds(100), [this] { return running == 0; });
  }
  void leave() {
    std::lock_guard lock(mutex);
    if (--running == 0) all_left.notify_all();
  }

  std::atomic<uint64_t> operations{0};
  std::mutex mutex;
  std::condition_variable all_left;
  size_t running = 0;
};

struct EndOnExit {
  ~EndOnExit() { end(); }
  void end() {
    source.stop();
    queue.end();
  }
  OperationSource &source;
  BlockQueue &queue;
};

}  // namespace

void WorkloadResult::add(const WorkloadResult &other) {
  requests += other.requests;
  sets += other.sets;
  deletes += other.deletes;
  errors += other.errors;
  wrong_values += other.wrong_values;
  for (const auto &[status, count] : other.errors_by_status) errors_by_status[status] += count;
  if (first_error.empty()) first_error = other.first_error;
  hits.resize(std::max(hits.size(), other.hits.size()));
  for (size_t i = 0; i < other.hits.size(); ++i) {
    hits[i].add(other.hits[i]);
    requests_latency.add(other.hits[i]);
  }
  fills.add(other.fills);
  requests_latency.add(other.fills);
  mutations.add(other.mutations);
}

WorkloadResult run_workload(const client::Chain &chain, OperationSource &source, const WorkloadOptions &options) {
  InterruptGuard interrupt;
  BlockQueue queue(2 * options.threads + 2);
  Team team;
  team.running = options.threads;
  std::vector<std::unique_ptr<Worker>> workers;
  for (size_t i = 0; i < options.threads; ++i) {
    workers.push_back(std::make_unique<Worker>(chain, queue, team.operations, options.layers));
  }
  SteadyClock::time_point begin = SteadyClock::now();
  {
    Progress progress(options.show_progress, options.total);
    std::vector<std::jthread> threads;
    EndOnExit end_on_exit{source, queue};  // before the threads are joined, also if one of them cannot be started
    threads.emplace_back([&] { read_ahead(source, queue); });
    for (auto &worker : workers) {
      threads.emplace_back([&] {
        worker->run();
        team.leave();
      });
    }
    while (!team.wait()) {
      progress.update(team.operations.load(std::memory_order_relaxed), source.share_done());
      if (InterruptGuard::seen()) end_on_exit.end();
    }
  }
  WorkloadResult result;
  result.hits.resize(options.layers);
  for (auto &worker : workers) {
    result.add(worker->result());
    result.seconds = std::max(result.seconds, std::chrono::duration<double>(worker->ended() - begin).count());
    result.waiting_seconds += worker->result().waiting_seconds / static_cast<double>(options.threads);
  }
  result.interrupted = InterruptGuard::seen();
  return result;
}

}  // namespace cachechain::tool
