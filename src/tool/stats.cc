// cachechain stats: what a chain counts. A chain that was opened for the question has answered nothing yet, so its own
// counters are zero and the numbers of its layers (entries, bytes) are what is worth reading; the answer says so.
#include <memory>

#include "commands.h"
#include "json_text.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  bool json = false;
};

int run(const Flags &flags) {
  auto opened = open_space(flags.chain);
  if (!opened.has_value()) return kFailure;
  const client::Chain &chain = **opened;
  auto answer = chain.stats();
  if (!answer) return fail(answer.error().message());
  Json json = parse_json(*answer);
  if (flags.json) {
    json["opened_for_this_answer"] = true;
    print_json(json);
  } else {
    print("A chain opened for this answer: its counters begin at zero.\n\n" + json_text(json));
  }
  return close_chain(*opened) ? kDone : kFailure;
}

}  // namespace

void add_stats(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("stats", "Print what the chain and its layers count");
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print it as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
