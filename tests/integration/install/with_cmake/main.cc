// Uses the installed package from outside: a chain of memory over SQLite and a chain of the project's own plugin
// through the C++ header, one check of the conformance suite over that plugin, and the judge of histories. argv[1] is
// the folder of the plugin.
#include <cachechain/conformance.h>
#include <cachechain/conformance/judge.h>

#include <cachechain/cachechain.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

namespace {

namespace client = cachechain::client;

int fail(const std::string &what) {
  std::fprintf(stderr, "outside: %s\n", what.c_str());
  return 1;
}

int use(const std::string &json, const client::OpenOptions &options) {
  auto chain = client::Chain::open(json, options);
  if (!chain) return fail("open: " + std::string(chain.error().message()));
  if (auto set = chain->set("user:42", "Ada"); !set) return fail("set: " + std::string(set.error().message()));
  auto found = chain->get("user:42");
  if (!found || !found->hit()) return fail("get did not find what was set");
  if (std::string_view(found->value.view()) != "Ada") return fail("get found something else");
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc != 2) return fail("which folder has the plugin?");
  const std::string folder = argv[1];
  const std::string file = folder + "/outside.db";
  std::filesystem::remove(file);
  client::OpenOptions options;
  options.plugin_path = folder;
  if (use(R"({"chain": "outside", "source": "application", "layers": [
               {"name": "L1", "plugin": "memory", "options": {"max_bytes": "1MiB"}},
               {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
              file + R"("}}]})",
          options) != 0)
    return 1;
  if (use(R"({"chain": "outside", "layers": [{"name": "only", "plugin": "slot"}]})", options) != 0) return 1;

  cachechain::conformance::Subject subject;
  subject.plugin = "slot";
  subject.plugin_path = folder;
  const auto verdict = cachechain::conformance::run(subject, "slots.round_trip");
  if (verdict.outcome != cachechain::conformance::Outcome::kPassed) return fail(verdict.name + ": " + verdict.message);

  cachechain::conformance::History history;
  auto &recorder = history.recorder();
  auto get = recorder.begin(cachechain::conformance::Act::kGet, 0);
  get.fate = cachechain::conformance::Fate::kAcknowledged;
  get.value = 1;
  recorder.end(get);
  if (cachechain::conformance::judge(history).size() != 1) return fail("nobody noticed a value that was never written");
  return 0;
}
