// Runs the registered benchmarks interleaved, several times each, and prints for each named pair the medians and their
// ratio beside the bar. These machines are shared: a single figure means little, a ratio within one run means more.
//
// A benchmark times its own loop on each of its threads through a Lap, so that "per thread" means the same in every
// version of the library underneath.
#ifndef CACHECHAIN_TESTS_BENCH_RATIOS_H_
#define CACHECHAIN_TESTS_BENCH_RATIOS_H_

#include <benchmark/benchmark.h>

#include <chrono>
#include <string>

namespace cachechain::bench {

// Nanoseconds per operation on this thread, from construction to done(); each iteration may be several operations.
class Lap {
 public:
  explicit Lap(benchmark::State &state, size_t operations = 1)
      : state_(state), operations_(operations), begin_(std::chrono::steady_clock::now()) {}
  void done() {
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin_;
    state_.counters["ns"] =
        benchmark::Counter(taken.count() / static_cast<double>(state_.iterations()) / static_cast<double>(operations_),
                           benchmark::Counter::kAvgThreads);
  }

 private:
  benchmark::State &state_;
  const size_t operations_;
  std::chrono::steady_clock::time_point begin_;
};

// Says that `name` is to be compared with `baseline`, both as the benchmark library prints them.
struct Comparison {
  std::string name;
  std::string baseline;
  std::string bar;         // as text, "" for none
  bool throughput = true;  // the ratio is of operations a second; else of nanoseconds
  int threads = 1;         // of `name`: operations a second count all of them
  int baseline_threads = 1;
};
void compare(Comparison comparison);

// The main function of each program.
int run(int argc, char **argv);

}  // namespace cachechain::bench

#endif  // CACHECHAIN_TESTS_BENCH_RATIOS_H_
