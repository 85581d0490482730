// cachechain replay: a key trace through a chain, as get-or-load.
#include <memory>

#include "commands.h"
#include "open_chain.h"
#include "output.h"
#include "report.h"
#include "trace_reader.h"
#include "workload.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  std::string trace;
  TraceReader::Options reader;
  size_t threads = 1;
  std::string unit = "us";
  bool json = false;
};

int run(const Flags &flags) {
  if (flags.trace == "-" && flags.chain.config == "-") {
    return misuse("replay: the trace and the configuration cannot both come from standard input");
  }
  TraceReader reader(flags.reader);
  if (!reader.open(flags.trace)) return fail(reader.failure());
  auto chain = open_chain(flags.chain);
  if (!chain.has_value()) return kFailure;

  WorkloadOptions options;
  options.threads = flags.threads;
  options.layers = layer_names(*chain).size();
  options.show_progress = on_terminal(stderr);
  WorkloadResult result = run_workload(*chain, reader, options);
  Json report = workload_json(*chain, result, flags.threads);
  bool closed = close_chain(*chain);

  if (!reader.failure().empty()) {
    complain("after " + grouped(result.operations()) + " operations the trace went wrong (--skip-malformed goes on):");
    return fail(reader.failure());
  }
  if (reader.skipped() > 0) {
    complain(grouped(reader.skipped()) + " malformed lines were skipped; the first, " + reader.first_skipped());
  }
  report["trace"] = input_name(flags.trace);
  report["format"] = reader.format() == TraceReader::Format::kTwitter ? "twitter" : "lines";
  report["skipped_lines"] = reader.skipped();
  if (flags.json) {
    print_json(report);
  } else {
    print(workload_text(report, flags.unit));
  }
  int exit = workload_exit(result);
  return closed ? exit : kFailure;
}

}  // namespace

void add_replay(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("replay", "Run a key trace through the chain as get-or-load");
  command->add_option("-t,--trace", flags->trace, "The trace; - reads standard input")->type_name("FILE")->required();
  add_chain_flags(*command, flags->chain)->required();
  using Format = TraceReader::Format;
  command
      ->add_option("--format", flags->reader.format,
                   "lines (a key per line), twitter (the public cache traces); else the first line tells")
      ->transform(
          CLI::Transformer(std::map<std::string, Format>{{"lines", Format::kLines}, {"twitter", Format::kTwitter}})
              .description("lines|twitter"));
  command->add_flag("--skip-malformed", flags->reader.skip_malformed,
                    "Count and skip lines that are no part of the format, instead of ending at the first");
  command->add_option("--value-bytes", flags->reader.value_bytes, "Size of a value where the trace tells none")
      ->capture_default_str()
      ->check(CLI::Range(0u, 1u << 30));
  command->add_option("--requests", flags->reader.limit, "Stop after so many operations")
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX - 1));
  command->add_option("--threads", flags->threads, "Threads that run the trace, block by block")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--unit", flags->unit, "Unit of the latencies in the table")
      ->capture_default_str()
      ->check(CLI::IsMember({"ns", "us", "ms"}));
  command->add_flag("--json", flags->json, "Print the report as JSON, latencies in microseconds");
  command->footer(
      "Each request ends as a hit of one layer, a fill or an error. A value that is not its key's own is an error.");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
