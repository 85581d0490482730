// cachechain explain: what each layer knows about a key, or what the chain is made of.
#include <memory>

#include "commands.h"
#include "json_text.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  std::string key;
  bool json = false;
};

int run(const Flags &flags) {
  auto opened = open_space(flags.chain);
  if (!opened.has_value()) return kFailure;
  const client::Chain &chain = **opened;
  auto answer = flags.key.empty() ? chain.explain() : chain.explain(flags.key);
  if (!answer) return fail(answer.error().message());
  Json json = parse_json(*answer);
  if (flags.json) {
    print_json(json);
  } else {
    print(json_text(json));
  }
  return close_chain(*opened) ? kDone : kFailure;
}

}  // namespace

void add_explain(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("explain", "Tell what each layer knows about a key, or what the chain is");
  command->add_option("key", flags->key, "The key; without one the chain itself is explained");
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print it as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
