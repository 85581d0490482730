// cachechain bench: a built-in Zipf workload through a chain; without a configuration, through memory over SQLite in a
// folder that is gone afterwards.
#include <cerrno>
#include <cstring>
#include <memory>

#include "commands.h"
#include "open_chain.h"
#include "output.h"
#include "report.h"
#include "temp_folder.h"
#include "workload.h"
#include "zipf.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  uint64_t requests = 1'000'000;
  uint64_t keys = 100'000;
  double exponent = 0.99;
  uint32_t value_bytes = 100;
  size_t threads = 1;
  uint64_t seed = 1;
  std::string unit = "us";
  bool json = false;
};

// Memory for a tenth of the keys over all of them on disk. Entries are the bound that counts: bytes leave them room.
std::string default_config(const std::string &folder, const Flags &flags) {
  uint64_t entries = std::max<uint64_t>(1, flags.keys / 10);
  uint64_t bytes = std::max<uint64_t>(64 << 20, 2 * entries * (flags.value_bytes + 256));
  Json memory{{"max_entries", entries}, {"max_bytes", bytes}};
  Json sqlite{{"path", folder + "/bench.db"}};
  Json config;
  config["chain"] = "bench";
  config["source"] = "last_layer";
  config["layers"] = Json::array({{{"name", "memory"}, {"plugin", "memory"}, {"options", memory}, {"ttl_ms", "1h"}},
                                  {{"name", "sqlite"}, {"plugin", "sqlite"}, {"options", sqlite}}});
  return config.dump(2);
}

int run(const Flags &flags) {
  std::unique_ptr<TempFolder> folder;  // outlives the chain
  std::optional<client::Chain> chain;
  if (flags.chain.config.empty()) {
    folder = std::make_unique<TempFolder>();
    if (folder->path().empty()) return fail(std::string("no temporary folder: ") + strerror(errno));
    chain = open_chain(default_config(folder->path(), flags), "the built-in configuration", flags.chain);
  } else {
    chain = open_chain(flags.chain);
  }
  if (!chain.has_value()) return kFailure;

  ZipfSource source(flags.requests, flags.keys, flags.exponent, flags.value_bytes, flags.seed);
  WorkloadOptions options;
  options.threads = flags.threads;
  options.layers = layer_names(*chain).size();
  options.total = flags.requests;
  options.show_progress = on_terminal(stderr);
  WorkloadResult result = run_workload(*chain, source, options);
  Json report = workload_json(*chain, result, flags.threads);
  report["keys"] = flags.keys;
  report["zipf"] = flags.exponent;
  report["value_bytes"] = flags.value_bytes;
  report["seed"] = flags.seed;
  bool closed = close_chain(*chain);
  if (flags.json) {
    print_json(report);
  } else {
    print(grouped(flags.keys) + " keys, Zipf " + decimal(flags.exponent, 2) + ", values of " +
          grouped(flags.value_bytes) + " bytes\n" + workload_text(report, flags.unit));
  }
  int exit = workload_exit(result);
  return closed ? exit : kFailure;
}

}  // namespace

void add_bench(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("bench", "Run a Zipf workload through a chain as get-or-load");
  add_chain_flags(*command, flags->chain)
      ->description(
          "The chain's configuration (its layers keep the keys); without it, memory over SQLite in a "
          "temporary folder");
  command->add_option("--requests", flags->requests, "Requests to run")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 48));
  command->add_option("--keys", flags->keys, "Distinct keys to ask for")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  command->add_option("--zipf", flags->exponent, "Exponent: 0 asks for all keys alike")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 20.0));
  command->add_option("--value-bytes", flags->value_bytes, "Size of a value")
      ->capture_default_str()
      ->check(CLI::Range(0u, 1u << 30));
  command->add_option("--threads", flags->threads, "Threads that ask")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--seed", flags->seed, "The same seed asks for the same keys in the same order")
      ->capture_default_str();
  command->add_option("--unit", flags->unit, "Unit of the latencies in the table")
      ->capture_default_str()
      ->check(CLI::IsMember({"ns", "us", "ms"}));
  command->add_flag("--json", flags->json, "Print the report as JSON, latencies in microseconds");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
