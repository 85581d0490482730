#include "ratios.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <vector>

namespace cachechain::bench {
namespace {

std::vector<Comparison> &comparisons() {
  static std::vector<Comparison> all;
  return all;
}

// Keeps each repetition's figure by the benchmark's name.
class Collector : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run> &runs) override {
    for (const Run &run : runs) {
      const auto counter = run.counters.find("ns");
      if (run.run_type != Run::RT_Iteration || counter == run.counters.end()) continue;
      figures_[run.run_name.str()].push_back(counter->second.value);
    }
  }
  // 0 if it did not run.
  double median(const std::string &name) {
    const auto found = std::find_if(figures_.begin(), figures_.end(), [&](const auto &one) {
      return one.first == name || one.first.starts_with(name + "/");
    });
    if (found == figures_.end()) return 0;
    std::vector<double> sorted = found->second;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
  const std::map<std::string, std::vector<double>> &figures() const { return figures_; }

 private:
  std::map<std::string, std::vector<double>> figures_;
};

}  // namespace

void compare(Comparison comparison) { comparisons().push_back(std::move(comparison)); }

int run(int argc, char **argv) {
  std::vector<char *> arguments(argv, argv + argc);
  std::string interleaved = "--benchmark_enable_random_interleaving=true";
  std::string repetitions = "--benchmark_repetitions=5";
  std::string minimum = "--benchmark_min_time=0.3";
  // Before the user's own, which win.
  arguments.insert(arguments.begin() + 1, {interleaved.data(), repetitions.data(), minimum.data()});
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  Collector collector;
  benchmark::RunSpecifiedBenchmarks(&collector);

  std::printf("%-52s %12s %12s %12s\n", "", "median ns", "min", "max");
  for (const auto &[name, values] : collector.figures()) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    std::printf("%-52s %12.1f %12.1f %12.1f\n", name.c_str(), collector.median(name), *least, *most);
  }
  std::printf("\n%-44s %-36s %7s  %s\n", "compared", "with", "ratio", "bar");
  for (const Comparison &one : comparisons()) {
    const double mine = collector.median(one.name);
    const double base = collector.median(one.baseline);
    if (mine == 0 || base == 0) continue;
    const double ratio = one.throughput ? (base / mine) * one.threads / one.baseline_threads : mine / base;
    std::printf("%-44s %-36s %6.2fx  %s\n", one.name.c_str(), one.baseline.c_str(), ratio, one.bar.c_str());
  }
  return 0;
}

}  // namespace cachechain::bench
