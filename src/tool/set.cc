// cachechain set: stores a value from the command line or from standard input.
#include <memory>

#include "commands.h"
#include "life.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  std::string key;
  std::string value;
  std::string ttl;
  std::string fresh;
  bool json = false;
};

int run(const Flags &flags) {
  if (flags.value == "-" && flags.chain.config == "-") {
    return misuse("set: the value and the configuration cannot both come from standard input");
  }
  std::optional<std::string> value = flags.value == "-" ? read_input("-") : flags.value;
  if (!value.has_value()) return kFailure;
  auto opened = open_space(flags.chain);
  if (!opened.has_value()) return kFailure;
  const client::Chain &chain = **opened;
  client::SetOptions options;
  if (!flags.ttl.empty()) options.ttl = parse_life(flags.ttl);
  if (!flags.fresh.empty()) options.fresh = parse_life(flags.fresh);
  auto written = chain.set(flags.key, *value, options);
  if (!written) return fail(written.error().message());
  print_written(chain, flags.key, "stored", *written, flags.json);
  return close_chain(*opened) ? kDone : kFailure;
}

}  // namespace

void add_set(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("set", "Store a value under a key");
  command->add_option("key", flags->key, "The key")->required();
  command->add_option("value", flags->value, "The value; - reads it from standard input")->required();
  command->add_option("--ttl", flags->ttl, "Its life: 500ms, 30s, 10min, 2h, 7d, none; else the layers' own")
      ->check(check_life, "LIFE");
  command->add_option("--fresh", flags->fresh, "How long it is fresh; else as long as it lives")
      ->check(check_life, "LIFE");
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print what was done as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
