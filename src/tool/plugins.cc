// cachechain plugins: every plugin of the search path, and why a file was refused.
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

std::string kinds(const Json &plugin) {
  std::string text;
  for (const char *kind : {"layer", "exporter"}) {
    if (member(plugin, kind) == true) text += (text.empty() ? "" : ", ") + std::string(kind);
  }
  return text;
}

// A refusal's status is a number or a name, and an accepted plugin's is 0 or "OK"; only the latter have a name.
bool accepted(const Json &plugin) { return !text_of(plugin, "name").empty(); }

int run(const Flags &flags) {
  auto answer = client::plugins(open_options(flags.chain));
  if (!answer) return fail(answer.error().message());
  Json list = parse_json(*answer);
  if (flags.json) {
    print_json(list);
    return kDone;
  }
  Table table({{"name"}, {"version"}, {"is a"}, {"file"}, {"description"}});
  for (const Json &plugin : list) {
    if (!accepted(plugin)) continue;
    table.add({text_of(plugin, "name"), text_of(plugin, "version"), kinds(plugin), printable(text_of(plugin, "file")),
               printable(text_of(plugin, "description"))});
  }
  if (!table.empty()) print(table.text());
  for (const Json &plugin : list) {
    if (!accepted(plugin)) complain("refused: " + printable(text_of(plugin, "message")));
  }
  if (list.empty()) complain("no plugin was found; --plugin-path or CACHECHAIN_PLUGIN_PATH names folders to search");
  return kDone;
}

}  // namespace

void add_plugins(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("plugins", "List the plugins that can be found");
  add_plugin_flags(*command, flags->chain);
  command->add_flag("--json", flags->json, "Print the list as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
