// Where the commands get their chain from: a configuration that they open for themselves.
#ifndef CACHECHAIN_TOOL_OPEN_CHAIN_H_
#define CACHECHAIN_TOOL_OPEN_CHAIN_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cachechain/cachechain.hpp"

namespace cachechain::tool {

struct ChainFlags {
  std::string config;  // a file, "-" for standard input
  std::string space;   // a namespace, "" for the default one
  std::string plugin_path;
  bool verbose = false;
};

// --plugin-path and --verbose.
void add_plugin_flags(CLI::App &command, ChainFlags &flags);
// Those and --config.
CLI::Option *add_chain_flags(CLI::App &command, ChainFlags &flags);
// And --namespace, for commands that work through open_space().
CLI::Option *add_space_flags(CLI::App &command, ChainFlags &flags);

// What the library is opened with: its log becomes complaints.
client::OpenOptions open_options(const ChainFlags &flags);

// The whole of a file, or of standard input for "-". None after a complaint.
std::optional<std::string> read_input(const std::string &file);

// How the command calls its input: the file's name, or "standard input".
std::string input_name(const std::string &file);

// Opens the chain that the flags name, and says on a terminal that it is one of our own. None after complaints.
std::optional<client::Chain> open_chain(const ChainFlags &flags);
// From a text; `origin` stands in front of what is wrong with it.
std::optional<client::Chain> open_chain(const std::string &json, const std::string &origin, const ChainFlags &flags);

// A chain and the namespace of it that the flags name. What it points to is the chain seen through the namespace.
class Opened {
 public:
  Opened(client::Chain whole, std::optional<client::Chain> space)
      : whole_(std::move(whole)), space_(std::move(space)) {}
  const client::Chain &whole() const { return whole_; }
  const client::Chain &operator*() const { return space_.has_value() ? *space_ : whole_; }
  const client::Chain *operator->() const { return &**this; }

 private:
  client::Chain whole_;
  std::optional<client::Chain> space_;
};
// None after complaints.
std::optional<Opened> open_space(const ChainFlags &flags);

// Closes it, so that nothing is lost when the command ends. False after a complaint.
bool close_chain(const client::Chain &chain);
inline bool close_chain(const Opened &opened) { return close_chain(opened.whole()); }

// Names of the layers in the order of the configuration.
std::vector<std::string> layer_names(const client::Chain &chain);
// What a mutation did: "stored in L1, L2".
void print_written(const client::Chain &chain, std::string_view key, std::string_view verb,
                   const client::Written &written, bool as_json);

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_OPEN_CHAIN_H_
