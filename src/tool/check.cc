// cachechain check: is a configuration right, what does it come to, and can it be opened?
#include <memory>
#include <sstream>

#include "commands.h"
#include "json_text.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

struct Flags {
  ChainFlags chain;
  bool print = false;
  bool open = false;
  bool json = false;
};

int report_problems(const Flags &flags, const client::Error &error) {
  std::string text(error.message());
  if (!flags.json) {
    complain(input_name(flags.chain.config) + " is wrong:");
    return fail(text);
  }
  Json problems = Json::array();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) problems.push_back(line);
  }
  print_json({{"ok", false}, {"status", error.name()}, {"problems", problems}});
  return kFailure;
}

void print_values(const Json &report) {
  Table table({{"option"}, {"value"}, {"from"}});
  for (const Json &value : member(report, "values")) {
    Json shown = member(value, "value");
    table.add({printable(text_of(value, "path")), shown.is_structured() ? printable(shown.dump()) : scalar_text(shown),
               printable(text_of(value, "from"))});
  }
  print(table.text());
}

int run(const Flags &flags) {
  std::optional<std::string> json = read_input(flags.chain.config);
  if (!json.has_value()) return kFailure;
  auto answer = client::config_check(*json);
  if (!answer) return report_problems(flags, answer.error());
  Json report = parse_json(*answer);
  if (flags.open) {
    auto chain = open_chain(*json, input_name(flags.chain.config), flags.chain);
    if (!chain.has_value()) return kFailure;
    if (auto explained = chain->explain()) report["chain"] = parse_json(*explained);
    if (!close_chain(*chain)) return kFailure;
  }
  if (flags.json) {
    print_json(report);
    return kDone;
  }
  for (const Json &warning : member(report, "warnings")) complain("warning: " + scalar_text(warning));
  if (flags.print) {
    print_values(report);
  } else {
    print(input_name(flags.chain.config) + (flags.open ? ": right, and it opens\n" : ": right\n"));
  }
  return kDone;
}

}  // namespace

void add_check(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("check", "Check a configuration without opening it");
  add_chain_flags(*command, flags->chain)->required();
  command->add_flag("--print", flags->print, "Print every effective value and where it came from");
  command->add_flag("--open", flags->open, "Open the chain too: its plugins, files and servers");
  command->add_flag("--json", flags->json, "Print the result as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
