// cachechain clear: makes every entry of a namespace void.
#include <memory>

#include "commands.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  bool json = false;
};

// The names of the layers whose bits are set.
std::vector<std::string> names_of(const client::Chain &chain, uint32_t bits) {
  const std::vector<std::string> all = layer_names(chain);
  std::vector<std::string> names;
  for (size_t i = 0; i < all.size() && i < CACHECHAIN_MAX_LAYERS; ++i) {
    if ((bits >> i & 1) != 0) names.push_back(all[i]);
  }
  return names;
}

int run(const Flags &flags) {
  auto opened = open_space(flags.chain);
  if (!opened.has_value()) return kFailure;
  const client::Chain &chain = **opened;
  auto written = chain.clear();
  if (!written) return fail(written.error().message());
  const std::vector<std::string> done = names_of(chain, written->done);
  const std::vector<std::string> owed = names_of(chain, written->owed);
  if (flags.json) {
    Json answer;
    answer["namespace"] = flags.chain.space.empty() ? "default" : flags.chain.space;
    answer["status"] = cachechain_status_name(written->outcome);
    answer["version"] = written->version;
    answer["done"] = done;
    answer["owed"] = owed;
    print_json(answer);
  } else {
    std::string line = "cleared";
    if (!done.empty()) line += "; others learn of it from " + done.front();
    if (!owed.empty()) line += "; could not be told: " + owed.front();
    print(line + "\n");
  }
  if (done.empty() && owed.empty()) complain("no layer of this chain outlives the command: there was nothing to clear");
  // Nobody tells the layer later: this process ends.
  return close_chain(*opened) && owed.empty() ? kDone : kFailure;
}

}  // namespace

void add_clear(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("clear", "Make every entry of a namespace void");
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print what was done as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
