#include "open_chain.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "json_text.h"
#include "output.h"

namespace cachechain::tool {
namespace {

constexpr std::chrono::seconds kCloseTimeout{30};

const char *level_name(int32_t level) {
  switch (level) {
    case CACHECHAIN_LOG_ERROR:
      return "error: ";
    case CACHECHAIN_LOG_WARN:
      return "warning: ";
    default:
      return "";
  }
}

}  // namespace

void add_plugin_flags(CLI::App &command, ChainFlags &flags) {
  command.add_option("--plugin-path", flags.plugin_path, "Folders to search for plugins first, separated by ':'")
      ->type_name("PATH");
  command.add_flag("-v,--verbose", flags.verbose, "Show what the library logs, not only its warnings");
}

CLI::Option *add_chain_flags(CLI::App &command, ChainFlags &flags) {
  CLI::Option *config =
      command.add_option("-c,--config", flags.config, "The chain's configuration; - reads standard input")
          ->type_name("FILE");
  add_plugin_flags(command, flags);
  return config;
}

CLI::Option *add_space_flags(CLI::App &command, ChainFlags &flags) {
  command.add_option("-n,--namespace", flags.space, "The namespace; else the default one")->type_name("NAME");
  return add_chain_flags(command, flags);
}

client::OpenOptions open_options(const ChainFlags &flags) {
  client::OpenOptions options;
  options.plugin_path = flags.plugin_path;
  options.log = [](int32_t level, std::string_view line) { complain(level_name(level) + std::string(line)); };
  options.log_level = flags.verbose ? CACHECHAIN_LOG_INFO : CACHECHAIN_LOG_WARN;
  return options;
}

std::optional<std::string> read_input(const std::string &file) {
  std::unique_ptr<FILE, int (*)(FILE *)> opened(nullptr, fclose);
  FILE *stream = stdin;
  if (file != "-") {
    opened.reset(fopen(file.c_str(), "rbe"));
    stream = opened.get();
  }
  std::string text;
  if (stream != nullptr) {
    char block[65536];
    size_t size = 0;
    errno = 0;
    while ((size = fread(block, 1, sizeof block, stream)) > 0) text.append(block, size);
    if (ferror(stream) == 0) return text;
  }
  complain(input_name(file) + ": " + strerror(errno));
  return std::nullopt;
}

std::string input_name(const std::string &file) { return file == "-" ? "standard input" : file; }

std::optional<client::Chain> open_chain(const ChainFlags &flags) {
  std::optional<std::string> json = read_input(flags.config);
  if (!json.has_value()) return std::nullopt;
  return open_chain(*json, input_name(flags.config), flags);
}

std::optional<client::Chain> open_chain(const std::string &json, const std::string &origin, const ChainFlags &flags) {
  auto chain = client::Chain::open(json, open_options(flags));
  if (!chain) {
    // A configuration's problems are many lines that name no file; other failures tell their own place.
    if (chain.error().status() == CACHECHAIN_CONFIG) complain(origin + " is no configuration that can be opened:");
    complain(chain.error().message());
    return std::nullopt;
  }
  if (on_terminal(stderr)) complain("opened a chain of its own from " + origin);
  return std::move(chain).value();
}

std::optional<Opened> open_space(const ChainFlags &flags) {
  std::optional<client::Chain> whole = open_chain(flags);
  if (!whole.has_value()) return std::nullopt;
  if (flags.space.empty()) return Opened(std::move(*whole), std::nullopt);
  auto space = whole->space(flags.space);
  if (!space) {
    complain(space.error().message());
    return std::nullopt;
  }
  return Opened(std::move(*whole), std::move(space).value());
}

bool close_chain(const client::Chain &chain) {
  auto closed = chain.close(kCloseTimeout);
  if (!closed) {
    complain("close: " + std::string(closed.error().message()));
    return false;
  }
  if (*closed > 0) {
    complain("close: " + grouped(*closed) + " queued writes were not written");
    return false;
  }
  return true;
}

std::vector<std::string> layer_names(const client::Chain &chain) {
  auto stats = chain.stats();
  if (!stats) return {};
  std::vector<std::string> names;
  for (const Json &layer : member(parse_json(*stats), "layers")) names.push_back(text_of(layer, "name"));
  return names;
}

void print_written(const client::Chain &chain, std::string_view key, std::string_view verb,
                   const client::Written &written, bool as_json) {
  std::vector<std::string> names = layer_names(chain);
  std::vector<std::string> done;
  std::vector<std::string> owed;
  for (size_t i = 0; i < names.size() && i < CACHECHAIN_MAX_LAYERS; ++i) {
    if ((written.done >> i & 1) != 0) done.push_back(names[i]);
    if ((written.owed >> i & 1) != 0) owed.push_back(names[i]);
  }
  if (as_json) {
    Json answer;
    put_bytes(answer, "key", key);
    answer["status"] = cachechain_status_name(written.outcome);
    answer["version"] = written.version;
    answer["done"] = done;
    answer["owed"] = owed;
    print_json(answer);
    return;
  }
  auto joined = [](const std::vector<std::string> &list) {
    std::string text;
    for (const std::string &name : list) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  std::string line = std::string(verb) + (verb == "deleted" ? " from " : " in ") + joined(done);
  if (!owed.empty()) line += "; could not be told: " + joined(owed);
  print(line + "\n");
}

}  // namespace cachechain::tool
