#include "conformance.h"

#include <exception>
#include <initializer_list>
#include <string_view>

#include "checks/checks.h"

namespace cachechain::conformance {
namespace {

std::vector<Listed> all() {
  std::vector<Listed> checks;
  for (auto theme : {opening_checks, value_checks, key_checks, condition_checks, fence_checks, batch_checks,
                     keeping_checks, thread_checks, chain_checks, history_checks}) {
    for (const Listed &listed : theme()) checks.push_back(listed);
  }
  return checks;
}

}  // namespace

std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const Listed &listed : all()) names.emplace_back(listed.name);
  return names;
}

Verdict run(const Subject &subject, const std::string &name) {
  for (const Listed &listed : all()) {
    if (listed.name != std::string_view(name)) continue;
    Check check(subject);
    try {
      listed.run(check);
    } catch (const std::exception &thrown) {  // of the standard library: no memory, no threads
      check.fail(text("the check could not go on: ", thrown.what()));
    }
    return check.verdict(name);
  }
  return {name, Outcome::kFailed, "there is no check of this name"};
}

}  // namespace cachechain::conformance
