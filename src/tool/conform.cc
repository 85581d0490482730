// cachechain conform: the conformance suite over one plugin.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "commands.h"
#include "conformance.h"
#include "json_text.h"
#include "open_chain.h"
#include "output.h"

namespace cachechain::tool {
namespace {

using conformance::Outcome;
using conformance::Verdict;

struct Flags {
  ChainFlags chain;
  std::string plugin;
  std::string options = "{}";
  std::vector<std::string> only;
  bool quick = false;
  bool list = false;
  bool json = false;
};

const char *outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kSkipped:
      return "skipped";
    default:
      return "failed";
  }
}

// A name of the search path stays what it is; a file becomes absolute, as the loader wants it.
std::string subject_of(const std::string &plugin) {
  std::error_code error;
  bool is_file = plugin.find('/') != std::string::npos || plugin.ends_with(".so");
  std::filesystem::path absolute = std::filesystem::absolute(plugin, error);
  return is_file && !error ? absolute.lexically_normal().string() : plugin;
}

// The checks to run, in the suite's order; what names none is in `unknown`. A name that ends in '*' chooses all
// that begin with it.
std::vector<std::string> chosen(const std::vector<std::string> &only, std::string &unknown) {
  std::vector<std::string> all = conformance::names();
  if (only.empty()) return all;
  std::vector<std::string> checks;
  std::vector<bool> used(only.size());
  for (const std::string &name : all) {
    bool wanted = false;
    for (size_t i = 0; i < only.size(); ++i) {
      bool is_prefix = only[i].ends_with('*');
      bool matches =
          is_prefix ? name.starts_with(std::string_view(only[i]).substr(0, only[i].size() - 1)) : name == only[i];
      if (matches) wanted = used[i] = true;
    }
    if (wanted) checks.push_back(name);
  }
  auto missing = std::find(used.begin(), used.end(), false);
  if (missing != used.end()) unknown = only[static_cast<size_t>(missing - used.begin())];
  return checks;
}

void print_verdict(const Verdict &verdict, size_t width) {
  std::string line = verdict.outcome == Outcome::kFailed ? "FAILED" : outcome_name(verdict.outcome);
  line.resize(9, ' ');
  line += verdict.name;
  if (!verdict.message.empty()) {
    line.append(width - std::min(width, verdict.name.size()) + 2, ' ');
    for (char c : verdict.message) line += c == '\n' ? ' ' : c;
  }
  print(line + "\n");
  fflush(stdout);  // a plugin that crashes in the next check takes what is buffered with it
}

int run(const Flags &flags) {
  std::string unknown;
  std::vector<std::string> checks = chosen(flags.only, unknown);
  if (!unknown.empty()) return misuse("conform: no check is called " + printable(unknown) + "; --list shows them");
  if (flags.list) {
    if (flags.json) {
      print_json(checks);
    } else {
      for (const std::string &name : checks) print(name + "\n");
    }
    return kDone;
  }
  if (flags.plugin.empty()) return misuse("conform: which plugin? (a name, or the file)");
  if (!parse_json(flags.options).is_object()) return misuse("conform: --options is no JSON object: " + flags.options);

  conformance::Subject subject;
  subject.plugin = subject_of(flags.plugin);
  subject.plugin_path = flags.chain.plugin_path;
  subject.options = flags.options;
  subject.quick = flags.quick;
  size_t width = 0;
  for (const std::string &name : checks) width = std::max(width, name.size());
  size_t counts[3] = {};
  Json list = Json::array();
  for (const std::string &name : checks) {
    Verdict verdict = conformance::run(subject, name);
    ++counts[static_cast<size_t>(verdict.outcome)];
    if (flags.json) {
      list.push_back(
          {{"name", verdict.name}, {"outcome", outcome_name(verdict.outcome)}, {"message", verdict.message}});
    } else {
      print_verdict(verdict, width);
    }
  }
  size_t passed = counts[static_cast<size_t>(Outcome::kPassed)];
  size_t failed = counts[static_cast<size_t>(Outcome::kFailed)];
  size_t skipped = counts[static_cast<size_t>(Outcome::kSkipped)];
  if (flags.json) {
    print_json(
        {{"plugin", subject.plugin}, {"passed", passed}, {"failed", failed}, {"skipped", skipped}, {"checks", list}});
  } else {
    print("\n" + subject.plugin + ": " + grouped(passed) + " passed, " + grouped(failed) + " failed, " +
          grouped(skipped) + " skipped\n");
  }
  return failed > 0 ? kFailure : kDone;
}

}  // namespace

void add_conform(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("conform", "Run the conformance suite over a plugin");
  command->add_option("plugin", flags->plugin, "A plugin's name, or its file");
  command
      ->add_option("--options", flags->options,
                   "The layer's options, one JSON object; {scratch} in it becomes a new empty folder per check")
      ->type_name("JSON")
      ->capture_default_str();
  command
      ->add_option("--only", flags->only, "Run this check, or all that begin with this before a '*'; may be repeated")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command->add_flag("--quick", flags->quick, "Fewer repetitions, the same checks");
  command->add_flag("--list", flags->list, "List the checks and run none");
  command
      ->add_option("--plugin-path", flags->chain.plugin_path, "Folders to search for plugins first, separated by ':'")
      ->type_name("PATH");
  command->add_flag("--json", flags->json, "Print the verdicts as JSON");
  command->footer("It runs in this process: a plugin that crashes ends the command.");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
