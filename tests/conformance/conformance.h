// The conformance suite: what every layer plugin must do, as named checks that anybody may run over any plugin.
//
// It has two halves. `slots.*` opens the layer through the service "cachechain.layers/1" and calls the table of
// plugin.h directly, as the core would; what the layer's capabilities exclude is skipped with a reason. `chain.*` puts
// the layer into a chain and uses the public C functions only. A store of bytes gets in the first half what the core
// would send it (a header before the value), and its real envelope in the second.
//
// The suite prints nothing, needs no test framework, and leaves nothing behind: each check has folders of its own and
// removes them. It runs in the calling process: a plugin that crashes takes the process with it. An installed copy of
// this header is <cachechain/conformance.h>, linked by cachechain::conformance. The same library judges histories that
// other tests record: history/history.h and history/judge.h, installed in <cachechain/conformance/>.
#ifndef CACHECHAIN_CONFORMANCE_CONFORMANCE_H_
#define CACHECHAIN_CONFORMANCE_CONFORMANCE_H_

#include <functional>
#include <string>
#include <vector>

namespace cachechain::conformance {

enum class Outcome { kPassed, kFailed, kSkipped };

// What one check found. `message` is empty after kPassed; after kFailed it says what was expected and what was found,
// after kSkipped why the check does not concern this layer.
struct Verdict {
  std::string name;
  Outcome outcome;
  std::string message;
};

struct Subject {
  std::string plugin;          // a plugin's name or an absolute file
  std::string plugin_path;     // as in cachechain_open_options
  std::string options = "{}";  // JSON; every "{scratch}" in it becomes a new empty folder, per check
  bool quick = false;          // fewer repetitions, the same checks
  // Called with the path of each new folder, before anything is opened: to put there what the options need.
  std::function<void(const std::string &folder)> furnish = {};
};

// The names of all checks, in the order in which they are best run.
std::vector<std::string> names();

// Runs one check. An unknown name fails. Not for several threads at once: some checks count threads and descriptors.
Verdict run(const Subject &subject, const std::string &name);

}  // namespace cachechain::conformance

#endif  // CACHECHAIN_CONFORMANCE_CONFORMANCE_H_
