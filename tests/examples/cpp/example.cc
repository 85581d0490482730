#include <cachechain/cachechain.hpp>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace client = cachechain::client;

// Where the values come from: your database.
std::map<std::string, std::string> names = {{"user:42", "Ada"}, {"user:43", "Grace"}};

std::optional<std::string> load_name(const std::string &key) {
  const auto found = names.find(key);
  if (found == names.end()) return std::nullopt;
  return found->second;
}

struct Price {
  int64_t cents;
  int32_t currency;
};

int complain(const client::Error &error) {
  std::cerr << error.message() << "\n";
  return 1;
}

// A coroutine: while it waits it holds no thread, so that thousands may wait.
client::Task<bool> is_there(client::Pump &pump, const client::Chain &chain, std::string key) {
  const auto found = co_await pump.get(chain, key);
  co_return found && found->hit();
}

int main() {
  auto chain = client::Chain::open(R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory"}]})");
  if (!chain) return complain(chain.error());

  // The loader is called if nobody has the key, by one caller for all who wait. std::nullopt is remembered as well.
  auto user = chain->get_or_load("user:42", [] { return load_name("user:42"); }, {.ttl = 10min});
  if (!user) return complain(user.error());
  if (user->hit()) std::cout << user->value.view() << "\n";

  // Write your database, then remove the key: the next reader loads the new value.
  names["user:42"] = "Ada Lovelace";
  if (auto removed = chain->remove("user:42"); !removed) return complain(removed.error());

  // Many keys at once, in any range, answered in their order; a miss is no error.
  auto written = chain->set_many(names, {.ttl = 10min});
  if (!written) return complain(written.error());
  auto found = chain->get_many(std::vector<std::string>{"user:42", "user:43", "user:44"});
  if (!found) return complain(found.error());
  int hits = 0;
  for (const client::Item &item : *found) hits += item.hit() ? 1 : 0;

  // A namespace has keys, lives and counters of its own; a view of it has values of your own type.
  auto space = chain->space("prices");
  if (!space) return complain(space.error());
  const client::Typed<Price> prices(*space);
  auto tea = prices.get_or_load("tea", [] { return Price{499, 978}; });
  if (!tea) return complain(tea.error());

  // Both calls are under way before run() hands out their answers.
  auto pump = client::Pump::open(1024);
  if (!pump) return complain(pump.error());
  auto grace = is_there(*pump, *chain, "user:43");
  auto nobody = is_there(*pump, *chain, "user:44");
  if (auto ran = pump->run(); !ran) return complain(ran.error());

  return hits == 2 && tea->hit() && tea->value->cents == 499 && grace.get() && !nobody.get() ? 0 : 1;
}
