// What a hit in memory costs through a completion queue beside the same get without one: the get, the completion inside
// submit, and its share of taking many events at once on the same thread. Then the queue alone, and between threads.
#include <time.h>

#include <thread>

#include "async/completion_queue.h"
#include "ratios.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

constexpr size_t kKeys = 10'922;
constexpr uint64_t kAtOnce = 64;

struct World {
  World()
      : keys(make_keys(kKeys)),
        sequence(make_sequence(kKeys, 1)),
        memory(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory",
                   "options": {"max_bytes": "1GiB"}, "ttl_ms": "1d"}]})") {
    const uint8_t value[kValueSize] = {'v'};
    for (const Key &key : keys) memory.set(key, value, sizeof(value));
  }
  const Key &next() { return keys[sequence[at++ & (kSequence - 1)]]; }

  std::vector<Key> keys;
  std::vector<uint32_t> sequence;
  size_t at = 0;
  OpenChain memory;
};
World &world() {
  static World *const one = new World;
  return *one;
}

struct Queue {
  explicit Queue(bool with_fd, uint64_t capacity = 1024) {
    CompletionQueue::Options options;
    options.capacity = capacity;
    options.free_error = cachechain_error_free;
    queue = CompletionQueue::open(options).value();
    if (with_fd) (void)queue->fd();
  }
  ~Queue() { queue->free(); }
  CompletionQueue *operator->() const { return queue; }
  CompletionQueue *queue;
};

// Processor time of this thread, on which all of it happens: on a busy machine what a system call or a preemption adds
// to the time of day would drown the few nanoseconds that are looked for here.
class CpuLap {
 public:
  explicit CpuLap(benchmark::State &state) : state_(state), begin_ns_(now_ns()) {}
  void done() {
    state_.counters["ns"] = static_cast<double>(now_ns() - begin_ns_) / static_cast<double>(state_.iterations());
  }

 private:
  static int64_t now_ns() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
  }
  benchmark::State &state_;
  const int64_t begin_ns_;
};

bool get(cachechain_value &value) {
  const Key &key = world().next();
  return cachechain_get(world().memory.get(), nullptr, key.bytes, kKeySize, nullptr, 0, &value, nullptr) ==
         CACHECHAIN_OK;
}

void sync_copy(benchmark::State &state) {
  uint8_t buffer[128];
  CpuLap lap(state);
  for (auto _ : state) {
    const Key &key = world().next();
    cachechain_value value;
    if (cachechain_get(world().memory.get(), nullptr, key.bytes, kKeySize, buffer, sizeof(buffer), &value, nullptr) !=
        CACHECHAIN_OK) {
      state.SkipWithError("a key was missing");
    }
    benchmark::DoNotOptimize(buffer);
  }
  lap.done();
}

void sync_view(benchmark::State &state) {
  CpuLap lap(state);
  for (auto _ : state) {
    cachechain_value value;
    if (!get(value)) state.SkipWithError("a key was missing");
    benchmark::DoNotOptimize(value.data);
    cachechain_value_release(&value);
  }
  lap.done();
}

// The baseline that owes nothing to the queue: the same gets, their values released many at once.
void sync_view_later(benchmark::State &state) {
  cachechain_event events[kAtOnce] = {};
  uint64_t waiting = 0;
  CpuLap lap(state);
  for (auto _ : state) {
    if (!get(events[waiting].value)) state.SkipWithError("a key was missing");
    if (++waiting < kAtOnce) continue;
    for (cachechain_event &event : events) cachechain_value_release(&event.value);
    waiting = 0;
  }
  lap.done();
  for (uint64_t i = 0; i < waiting; ++i) cachechain_value_release(&events[i].value);
}

// The same through the C functions that a program calls: a submit for each, and a wait for many.
void submit_and_wait(benchmark::State &state, bool with_fd) {
  Queue queue(with_fd);
  cachechain_queue *const handle = queue->handle();
  cachechain_event events[kAtOnce];
  uint64_t waiting = 0;
  uint64_t token = 0;
  CpuLap lap(state);
  for (auto _ : state) {
    const Key &key = world().next();
    if (cachechain_submit_get(world().memory.get(), nullptr, key.bytes, kKeySize, handle, token++, nullptr) !=
        CACHECHAIN_OK) {
      state.SkipWithError("refused");
    }
    if (++waiting < kAtOnce) continue;
    uint64_t count = 0;
    (void)cachechain_queue_wait(handle, 0, events, kAtOnce, &count, nullptr);
    for (uint64_t i = 0; i < count; ++i) cachechain_value_release(&events[i].value);
    waiting = 0;
  }
  lap.done();
}

void queue_alone(benchmark::State &state, bool with_fd, uint64_t at_once) {
  Queue queue(with_fd);
  cachechain_event events[kAtOnce];
  const cachechain_value value = {};
  uint64_t waiting = 0;
  CpuLap lap(state);
  for (auto _ : state) {
    if (queue->post(ValueEvent{1, CACHECHAIN_OK, CACHECHAIN_EVENT_GET, value}) != CACHECHAIN_OK) {
      state.SkipWithError("refused");
    }
    if (++waiting < at_once) continue;
    uint64_t count = 0;
    (void)queue->wait(0, events, kAtOnce, count);
    benchmark::DoNotOptimize(events);
    waiting = 0;
  }
  lap.done();
}

// One thread completes, another waits and takes.
void between_threads(benchmark::State &state) {
  Queue queue(false);
  std::thread consumer([&] {
    cachechain_event events[kAtOnce];
    for (;;) {
      uint64_t count = 0;
      (void)queue->wait(CACHECHAIN_TIMEOUT_NONE, events, kAtOnce, count);
      if (events[count - 1].token == 0) return;
    }
  });
  Lap lap(state);
  cachechain_event event = {};
  event.token = 1;
  for (auto _ : state) {
    while (queue->post(event) != CACHECHAIN_OK) std::this_thread::yield();
  }
  lap.done();
  event.token = 0;
  while (queue->post(event) != CACHECHAIN_OK) std::this_thread::yield();
  consumer.join();
}

void register_all() {
  world();
  using benchmark::RegisterBenchmark;
  RegisterBenchmark("sync_copy", sync_copy);
  RegisterBenchmark("sync_view", sync_view);
  RegisterBenchmark("sync_view_later", sync_view_later);
  RegisterBenchmark("submit_and_wait", submit_and_wait, false);
  RegisterBenchmark("submit_and_wait_fd", submit_and_wait, true);
  RegisterBenchmark("queue_alone", queue_alone, false, kAtOnce);
  RegisterBenchmark("queue_alone_fd", queue_alone, true, kAtOnce);
  RegisterBenchmark("queue_one_by_one", queue_alone, false, uint64_t{1});
  RegisterBenchmark("between_threads", between_threads)->UseRealTime();
  compare({"submit_and_wait", "sync_copy", "", false});
  compare({"submit_and_wait", "sync_view", "<= 1.3", false});
  compare({"submit_and_wait", "sync_view_later", "", false});
  compare({"submit_and_wait_fd", "sync_view", "", false});
}

}  // namespace
}  // namespace cachechain::bench

int main(int argc, char **argv) {
  cachechain::bench::register_all();
  return cachechain::bench::run(argc, argv);
}
