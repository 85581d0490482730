// Trust is judged with policies of the tests' own, so that it can be tried by any user.
#include "plugin/trust.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "plugin/mappings.h"
#include "plugin/refusal.h"

namespace cachechain {
namespace {

namespace fs = std::filesystem;

class Trust : public testing::Test {
 protected:
  Trust() {
    char name[] = "/tmp/cachechain-trust-XXXXXX";
    root_ = mkdtemp(name);
    folder_ = root_ + "/plugins";
    fs::create_directory(folder_);
    chmod(folder_.c_str(), 0755);
    file_ = folder_ + "/a.so";
    std::ofstream(file_) << "abc";
    chmod(file_.c_str(), 0644);
  }
  ~Trust() override { fs::remove_all(root_); }

  std::string refusal_of(const std::string &path) {
    Result<TrustedFile> trusted = trust_file(path, policy_);
    if (trusted.ok()) return "trusted";
    EXPECT_EQ(trusted.status().code(), CACHECHAIN_PLUGIN_REFUSED);
    return std::string(trusted.status().message());
  }
  std::vector<std::string> warnings_of(const std::string &path) {
    Result<TrustedFile> trusted = trust_file(path, policy_);
    EXPECT_TRUE(trusted.ok()) << trusted.status().message();
    return trusted.ok() ? trusted->warnings : std::vector<std::string>();
  }

  std::string root_, folder_, file_;
  TrustPolicy policy_ = {{0, geteuid()}, true, {}};
};

TEST_F(Trust, AFileOfOursUnderTmp) {
  Result<TrustedFile> trusted = trust_file(file_, policy_);
  ASSERT_TRUE(trusted.ok()) << trusted.status().message();
  EXPECT_EQ(trusted->path(), file_);
  EXPECT_TRUE(trusted->warnings.empty());
  EXPECT_EQ(trusted->sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  struct stat st;
  ASSERT_EQ(stat(file_.c_str(), &st), 0);
  EXPECT_EQ(trusted->id(), (FileId{st.st_dev, st.st_ino}));
}

TEST_F(Trust, WritableByEveryone) {
  chmod(file_.c_str(), 0646);
  EXPECT_EQ(refusal_of(file_), file_ + ": the file is writable by everyone (mode 0646); run: chmod o-w " + file_);
  chmod(file_.c_str(), 0644);
  chmod(folder_.c_str(), 0757);
  EXPECT_EQ(refusal_of(file_),
            file_ + ": the folder " + folder_ + " is writable by everyone (mode 0757); run: chmod o-w " + folder_);
  chmod(folder_.c_str(), 0755);
  chmod(root_.c_str(), 0777);
  EXPECT_EQ(refusal_of(file_),
            file_ + ": the folder " + root_ + " is writable by everyone (mode 0777); run: chmod o-w " + root_);
}

TEST_F(Trust, StickyHelpsOnlyTheFoldersOfRoot) {
  chmod(root_.c_str(), 01777);
  const bool root = geteuid() == 0;
  EXPECT_EQ(refusal_of(file_) == "trusted", root);
}

TEST_F(Trust, WritableByAGroup) {
  chmod(file_.c_str(), 0664);
  struct stat st;
  ASSERT_EQ(stat(file_.c_str(), &st), 0);
  const std::string said =
      file_ + ": the file is writable by group " + std::to_string(st.st_gid) + " (mode 0664); run: chmod g-w " + file_;
  EXPECT_EQ(refusal_of(file_), said);
  policy_.refuse_group = false;
  EXPECT_EQ(warnings_of(file_), std::vector<std::string>{said});

  chmod(file_.c_str(), 0644);
  chmod(folder_.c_str(), 0775);
  EXPECT_EQ(warnings_of(file_).size(), 1u);
  policy_.refuse_group = true;
  EXPECT_NE(refusal_of(file_).find("the folder " + folder_ + " is writable by group"), std::string::npos);
  // The core itself lies below it.
  ASSERT_EQ(stat(folder_.c_str(), &st), 0);
  policy_.above_core = {{st.st_dev, st.st_ino}};
  EXPECT_EQ(refusal_of(file_), "trusted");
  chmod(folder_.c_str(), 0777);
  EXPECT_NE(refusal_of(file_), "trusted") << "by everyone is another matter";
}

TEST_F(Trust, ForeignOwner) {
  std::string owner = std::to_string(geteuid());
  if (geteuid() == 0) {
    // Root stays trusted, so the file is given away.
    ASSERT_EQ(chown(file_.c_str(), 54321, 54321), 0);
    owner = "54321";
  } else {
    policy_.owners = {0};
  }
  const std::string said = refusal_of(file_);
  EXPECT_NE(said.find("belongs to user " + owner + ", who could replace it; run: chown "), std::string::npos) << said;
  policy_.owners.push_back(geteuid() == 0 ? 54321 : geteuid());
  EXPECT_EQ(refusal_of(file_), "trusted");
}

TEST_F(Trust, LinksAreJudgedByWhatTheyLeadTo) {
  const std::string open = root_ + "/open";
  fs::create_directory(open);
  chmod(open.c_str(), 0777);
  fs::create_symlink(file_, open + "/link.so");
  Result<TrustedFile> trusted = trust_file(open + "/link.so", policy_);
  ASSERT_TRUE(trusted.ok()) << trusted.status().message();
  EXPECT_EQ(trusted->path(), file_);

  std::ofstream(open + "/b.so") << "b";
  fs::create_symlink(open + "/b.so", folder_ + "/link.so");
  EXPECT_NE(refusal_of(folder_ + "/link.so").find("the folder " + open + " is writable by everyone"),
            std::string::npos);
  fs::create_symlink(root_ + "/round", root_ + "/round");
  EXPECT_NE(refusal_of(root_ + "/round").find("Too many levels of symbolic links"), std::string::npos);
}

TEST_F(Trust, NotAFileAtAll) {
  EXPECT_NE(refusal_of("plugins/a.so").find("the path is relative"), std::string::npos);
  EXPECT_NE(refusal_of("").find("the path is relative"), std::string::npos);
  EXPECT_NE(refusal_of(folder_).find("a folder, expected a shared library"), std::string::npos);
  EXPECT_NE(refusal_of("/").find("a folder"), std::string::npos);
  EXPECT_NE(refusal_of(folder_ + "/b.so").find("No such file"), std::string::npos);
  EXPECT_NE(refusal_of(file_ + "/b.so").find("Not a directory"), std::string::npos);
}

TEST_F(Trust, PolicyOfThisProcess) {
  const TrustPolicy policy = TrustPolicy::of_process();
  EXPECT_EQ(policy.refuse_group, geteuid() == 0);
  const auto owns = [&](uid_t user) {
    return std::find(policy.owners.begin(), policy.owners.end(), user) != policy.owners.end();
  };
  EXPECT_TRUE(owns(0));
  EXPECT_TRUE(owns(geteuid()));
  struct stat st;
  ASSERT_EQ(stat("/", &st), 0);
  const FileId top{st.st_dev, st.st_ino};
  EXPECT_NE(std::find(policy.above_core.begin(), policy.above_core.end(), top), policy.above_core.end());
}

TEST(CoreFile, IsThisProgram) { EXPECT_EQ(core_file(), fs::canonical("/proc/self/exe").string()); }

TEST(Mappings, TellFilesApart) {
  const std::optional<Mapping> code = mapping_at(reinterpret_cast<const void *>(&core_file));
  ASSERT_TRUE(code.has_value());
  EXPECT_TRUE(code->same_file(*code));
  static int data = 0;
  const std::optional<Mapping> heap = mapping_at(std::make_unique<int>(data).get());
  ASSERT_TRUE(heap.has_value());
  EXPECT_FALSE(heap->same_file(*heap)) << "no file at all";
  EXPECT_FALSE(mapping_at(nullptr).has_value());
}

TEST(ShellWord, CanBePasted) {
  EXPECT_EQ(shell_word("/usr/lib/a.so"), "/usr/lib/a.so");
  EXPECT_EQ(shell_word("/a b"), "'/a b'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
}

}  // namespace
}  // namespace cachechain
