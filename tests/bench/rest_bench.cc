// What a chain costs before it is asked for anything: the time to open it when none of its layers can be reached, and
// the threads and memory that it holds at rest.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "temp_folder.h"
#include "workload.h"

namespace cachechain::bench {
namespace {

size_t threads() {
  const auto tasks = std::filesystem::directory_iterator("/proc/self/task");
  return static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

// In KiB, what is not shared with files.
long private_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    long kib = 0;
    if (word == "RssAnon:" && status >> kib) return kib;
  }
  return 0;
}

// Files that another connection keeps to itself.
class LockedFiles {
 public:
  explicit LockedFiles(int count) {
    for (int i = 0; i < count; ++i) {
      paths_.push_back(folder_.path() + "/" + std::to_string(i) + ".db");
      sqlite3 *db = nullptr;
      if (sqlite3_open(paths_.back().c_str(), &db) != SQLITE_OK ||
          sqlite3_exec(db, "CREATE TABLE t(x); BEGIN EXCLUSIVE", nullptr, nullptr, nullptr) != SQLITE_OK) {
        std::fprintf(stderr, "cannot lock a file: %s\n", sqlite3_errmsg(db));
        std::exit(1);
      }
      holders_.push_back(db);
    }
  }
  ~LockedFiles() {
    for (sqlite3 *db : holders_) sqlite3_close(db);
  }
  LockedFiles(const LockedFiles &) = delete;
  LockedFiles &operator=(const LockedFiles &) = delete;
  const std::vector<std::string> &paths() const { return paths_; }

 private:
  tool::TempFolder folder_;
  std::vector<std::string> paths_;
  std::vector<sqlite3 *> holders_;
};

std::string unreachable_chain(const LockedFiles &files) {
  std::string layers;
  for (const std::string &path : files.paths()) {
    layers += (layers.empty() ? "" : ", ") + std::string(R"({"name": "L)") + std::to_string(layers.size()) +
              R"(", "plugin": "sqlite", "options": {"path": ")" + path + R"("}})";
  }
  return R"({"chain": "bench", "source": "application", "layers": [)" + layers + "]}";
}

void run() {
  const size_t threads_before = threads();
  const long memory_before = private_memory();
  {
    const OpenChain chain(R"({"chain": "bench", "layers": [{"name": "L1", "plugin": "memory"}]})");
    std::printf("a chain of memory at rest: %zu threads of its own, %ld KiB of private memory\n",
                threads() - threads_before, private_memory() - memory_before);
  }
  const LockedFiles files(3);
  std::vector<double> taken;
  for (int i = 0; i < 21; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const OpenChain chain(unreachable_chain(files));
    taken.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    if (i == 20) {
      std::printf("a chain of three unreachable layers at rest: %zu threads of its own, %ld KiB of private memory\n",
                  threads() - threads_before, private_memory() - memory_before);
    }
  }
  std::sort(taken.begin(), taken.end());
  std::printf("opening a chain whose three layers are all unreachable: median %.1f ms, worst %.1f ms (bar: 100 ms)\n",
              taken[taken.size() / 2], taken.back());
}

}  // namespace
}  // namespace cachechain::bench

int main() {
  cachechain::bench::run();
  return 0;
}
