// What the registry says when there is nothing to load. How it meets real files is told by tests/bad_plugins.
#include "plugin/registry.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include "plugin/mappings.h"
#include "plugin/search_path.h"

namespace cachechain {
namespace {

namespace fs = std::filesystem;

class Silent final : public Logger {
 public:
  bool enabled(int32_t) const override { return false; }
  void log(int32_t, std::string_view) override {}
};

class RegistryTest : public testing::Test {
 protected:
  RegistryTest() {
    char name[] = "/tmp/cachechain-registry-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~RegistryTest() override { fs::remove_all(folder_); }

  std::string refusal_of(std::string_view wanted, const std::vector<std::string> &path) {
    const Result<const LoadedPlugin *> loaded = Registry::instance().load(wanted, path, {}, log_);
    if (loaded.ok()) return "loaded";
    EXPECT_EQ(loaded.status().code(), CACHECHAIN_PLUGIN_REFUSED);
    return std::string(loaded.status().message());
  }
  void touch(const std::string &name) { std::ofstream(folder_ + "/" + name) << "x"; }

  std::string folder_;
  Silent log_;
};

TEST_F(RegistryTest, NotFoundListsEveryFolder) {
  EXPECT_EQ(refusal_of("redis", {folder_, "/nowhere", "here"}),
            "no plugin \"redis\" in " + folder_ +
                ", /nowhere, here (relative, so not searched); put redis.so into one of the folders, or name its "
                "folder in plugin_path or in the environment as CACHECHAIN_PLUGIN_PATH");
  EXPECT_EQ(refusal_of("redis", {}).rfind("no plugin \"redis\": there is no folder to search; ", 0), 0u);
}

TEST_F(RegistryTest, SuggestsWhatIsNear) {
  touch("libcachechain_redis.so");
  touch("memory.so");
  touch("notes.txt");
  EXPECT_NE(refusal_of("rediss", {folder_}).find("; did you mean \"redis\"?; put rediss.so"), std::string::npos);
  EXPECT_NE(refusal_of("memroy", {folder_}).find("; did you mean \"memory\"?"), std::string::npos);
  EXPECT_EQ(refusal_of("postgres", {folder_}).find("did you mean"), std::string::npos);
}

TEST_F(RegistryTest, NamesAndPaths) {
  for (const char *wanted : {"", "Redis", "re dis", "..", "redis.so"}) {
    EXPECT_NE(refusal_of(wanted, {folder_}).find("is neither a plugin's name"), std::string::npos) << wanted;
  }
  EXPECT_NE(refusal_of("./redis.so", {folder_}).find("the path is relative"), std::string::npos);
  EXPECT_NE(refusal_of("sub/redis.so", {folder_}).find("the path is relative"), std::string::npos);
}

TEST_F(RegistryTest, TheFirstFolderAndThePlainestNameWin) {
  const std::string second = folder_ + "/second";
  fs::create_directory(second);
  std::ofstream(second + "/a.so") << "x";
  touch("libcachechain_a.so");
  const auto found = [&] { return find_plugin("a", {folder_, second}).value(); };
  EXPECT_EQ(found(), folder_ + "/libcachechain_a.so");
  touch("cachechain_a.so");
  EXPECT_EQ(found(), folder_ + "/cachechain_a.so");
  touch("a.so");
  EXPECT_EQ(found(), folder_ + "/a.so");
  // What is found first and cannot be trusted is refused, not passed over.
  EXPECT_NE(refusal_of("a", {folder_, second}).find(folder_ + "/a.so: not a shared library"), std::string::npos);
}

TEST_F(RegistryTest, ListOfAFolder) {
  touch("b.so");
  touch("a.so");
  touch("c.so.1");
  touch(".so");
  const std::vector<PluginListing> listed = Registry::instance().list({"/nowhere", folder_}, log_);
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].file, folder_ + "/a.so");
  EXPECT_EQ(listed[1].file, folder_ + "/b.so");
  EXPECT_EQ(listed[0].plugin, nullptr);
  EXPECT_EQ(listed[0].status.code(), CACHECHAIN_PLUGIN_REFUSED);
}

TEST_F(RegistryTest, SearchPath) {
  const char *before = getenv("CACHECHAIN_PLUGIN_PATH");
  const std::string saved = before == nullptr ? "" : before;
  setenv("CACHECHAIN_PLUGIN_PATH", "/env1::/env2:", 1);
  const std::string core = core_file();
  const std::string beside = core.substr(0, core.rfind('/')) + "/cachechain";
  EXPECT_EQ(plugin_search_path({"/a:/b", "", ":c:"}),
            (std::vector<std::string>{"/a", "/b", "c", "/env1", "/env2", beside}));
  unsetenv("CACHECHAIN_PLUGIN_PATH");
  EXPECT_EQ(plugin_search_path({}), std::vector<std::string>{beside});
  if (before != nullptr) setenv("CACHECHAIN_PLUGIN_PATH", saved.c_str(), 1);
}

// Stops whoever logs, until it is let go.
class Stopping final : public Logger {
 public:
  bool enabled(int32_t) const override { return true; }
  void log(int32_t, std::string_view) override {
    stopped_.set_value();
    let_go_.get_future().wait();
  }
  void wait_until_stopped() { stopped_.get_future().wait(); }
  void let_go() { let_go_.set_value(); }

 private:
  std::promise<void> stopped_;
  std::promise<void> let_go_;
};

// A child of a fork is not held up by what other threads of the parent were doing in the registry. The other thread
// holds the registry's lock and stands still: a thread that is at work may hold a lock of the allocator too, and a
// sanitizer's allocator does not care for forks.
TEST_F(RegistryTest, ForkWhileAnotherThreadIsInside) {
  Stopping stopping;
  std::thread other([&] { (void)Registry::instance().list({"relative"}, stopping); });
  stopping.wait_until_stopped();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    registry_after_fork_child();
    const bool answered = !Registry::instance().load("absent", {"/nowhere"}, {}, log_).ok();
    _exit(answered ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  stopping.let_go();
  other.join();
}

}  // namespace
}  // namespace cachechain
