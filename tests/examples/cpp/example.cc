#include <cachechain/cachechain.hpp>
#include <iostream>

using namespace std::chrono_literals;

int main() {
  auto chain = cachechain::client::Chain::open(R"({"chain": "shop", "layers": [{"name": "L1", "plugin": "memory"}]})");
  if (!chain) return std::cerr << chain.error().message() << "\n", 1;
  auto set = chain->set("user:42", "Ada", {.ttl = 10min});
  if (!set) return std::cerr << set.error().message() << "\n", 1;
  auto found = chain->get("user:42");  // Result<Lookup>: a miss is no error
  if (found && found->hit()) std::cout << found->value.view() << "\n";
  auto removed = chain->remove("user:42");
  return found && found->hit() && removed && !chain->get("user:42").value_or({}).hit() ? 0 : 1;
}
