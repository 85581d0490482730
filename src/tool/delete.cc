// cachechain delete: takes a key out of every layer.
#include <memory>

#include "commands.h"
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
  auto written = chain.remove(flags.key);
  if (!written) return fail(written.error().message());
  print_written(chain, flags.key, "deleted", *written, flags.json);
  return close_chain(*opened) ? kDone : kFailure;
}

}  // namespace

void add_delete(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("delete", "Delete a key from every layer");
  command->add_option("key", flags->key, "The key")->required();
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print what was done as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
