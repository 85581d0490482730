// cachechain: the library's public headers as a command. It sees nothing of the library's insides: what it cannot do,
// no user can.
#include <CLI/CLI.hpp>
#include <exception>
#include <string>

#include "cachechain/cachechain.h"
#include "commands.h"
#include "output.h"

namespace {

using namespace cachechain::tool;

std::string version_text() {
  uint32_t abi = cachechain_abi_version();
  return std::string("cachechain ") + cachechain_version() + ", ABI " + std::to_string(abi >> 16) + "." +
         std::to_string(abi & 0xffff);
}

// The command that the words chose, for the hint after a mistake.
std::string help_hint(const CLI::App &program) {
  std::string words = "cachechain";
  for (const CLI::App *chosen : program.get_subcommands()) words += " " + chosen->get_name();
  return "(" + words + " --help tells more)";
}

int run(int argc, char **argv) {
  CLI::App program("One cache made of N layers: look into a chain, try a configuration, measure.", "cachechain");
  program.set_version_flag("--version", version_text());
  program.require_subcommand(1);
  program.footer(
      "Exit status: 0 done, 1 failure, 2 wrong usage, 3 not found or miss, 4 miss, but a layer could not be asked");
  int exit = kDone;
  add_get(program, exit);
  add_set(program, exit);
  add_delete(program, exit);
  add_clear(program, exit);
  add_explain(program, exit);
  add_stats(program, exit);
  add_check(program, exit);
  add_plugins(program, exit);
  add_replay(program, exit);
  add_bench(program, exit);
  add_conform(program, exit);
  try {
    program.parse(argc, argv);
  } catch (const CLI::Success &answer) {  // --help, --version
    return program.exit(answer);
  } catch (const CLI::ParseError &mistake) {
    return misuse(std::string(mistake.what()) + " " + help_hint(program));
  }
  if (!finish_output() && exit == kDone) return kFailure;
  return exit;
}

}  // namespace

int main(int argc, char **argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception &error) {  // bad_alloc, a thread that the system refuses
    return fail(error.what());
  }
}
