// cachechain get: the bytes of a value, exactly, on standard output.
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

std::string layer_name(const client::Chain &chain, int layer) {
  std::vector<std::string> names = layer_names(chain);
  return layer >= 0 && static_cast<size_t>(layer) < names.size() ? names[static_cast<size_t>(layer)] : "";
}

void put_time(Json &object, const char *name, const std::optional<client::Time> &time) {
  object[name] = time.has_value() ? Json(time->time_since_epoch().count()) : Json();
}

void print_answer(const client::Chain &chain, const std::string &key, const client::Lookup &found) {
  Json answer;
  put_bytes(answer, "key", key);
  answer["status"] = cachechain_status_name(found.outcome);
  answer["degraded"] = found.degraded();
  if (found.hit()) {
    answer["layer"] = layer_name(chain, found.value.layer());
    answer["size"] = found.value.size();
    answer["version"] = found.value.version();
    put_time(answer, "fresh_until_ms", found.value.fresh_until());
    put_time(answer, "expires_ms", found.value.expires());
    put_bytes(answer, "value", found.value.view());
  }
  print_json(answer);
}

int run(const Flags &flags) {
  auto opened = open_space(flags.chain);
  if (!opened.has_value()) return kFailure;
  const client::Chain &chain = **opened;
  auto found = chain.get(flags.key);
  if (!found) return fail(found.error().message());
  if (flags.json) {
    print_answer(chain, flags.key, *found);
  } else if (found->hit()) {
    print(found->value.view());
    bool ends_line = !found->value.view().empty() && found->value.view().back() == '\n';
    if (!ends_line && on_terminal(stdout)) print("\n");
  }
  if (found->hit()) return close_chain(*opened) ? kDone : kFailure;
  if (!flags.json) {
    complain(printable(flags.key) + (found->degraded() ? ": not in the layers that could be asked" : ": not found"));
  }
  if (!close_chain(*opened)) return kFailure;
  return found->degraded() ? kDegradedMiss : kNotFound;
}

}  // namespace

void add_get(CLI::App &program, int &exit) {
  auto flags = std::make_shared<Flags>();
  CLI::App *command = program.add_subcommand("get", "Print the value of a key");
  command->add_option("key", flags->key, "The key")->required();
  add_space_flags(*command, flags->chain)->required();
  command->add_flag("--json", flags->json, "Print the value and what is known about it as JSON");
  command->callback([flags, &exit] { exit = run(*flags); });
}

}  // namespace cachechain::tool
