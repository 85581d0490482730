// Namespaces as a user sees them: handles, their ends, real layers.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "spaces_harness.h"

namespace cachechain {
namespace {

using NamespaceTest = SpacesTest;

TEST_F(NamespaceTest, KeysOfEqualNameAreApartInMemoryAndInSqlite) {
  for (const char *source : {R"("source": "last_layer")", R"("source": "application")"}) {
    ASSERT_EQ(open(over_sqlite(source)), CACHECHAIN_OK) << error_.message();
    cachechain_chain *users = space("users");
    ASSERT_EQ(set("k", "home"), CACHECHAIN_OK);
    ASSERT_EQ(set_in(users, "k", "user"), CACHECHAIN_OK);
    EXPECT_EQ(get_in(chain_, "k"), "home");
    EXPECT_EQ(get_in(users, "k"), "user");
    EXPECT_EQ(get_in(space("users"), "k"), "user");
    for (cachechain_chain *one : spaces_) cachechain_chain_free(one);
    spaces_.clear();
    cachechain_chain_free(chain_);
    // From the file alone.
    ASSERT_EQ(open(over_sqlite(source)), CACHECHAIN_OK) << error_.message();
    EXPECT_EQ(get_in(chain_, "k"), "home");
    EXPECT_EQ(get_in(space("users"), "k"), "user");
    EXPECT_EQ(remove("k"), CACHECHAIN_OK);
    EXPECT_EQ(get_in(space("users"), "k"), "user");
    for (cachechain_chain *one : spaces_) cachechain_chain_free(one);
    spaces_.clear();
    cachechain_chain_free(chain_);
    chain_ = nullptr;
  }
}

TEST_F(NamespaceTest, TwoSchemasShareAStoreWithoutSeeingEachOther) {
  const auto with_schema = [this](int schema) {
    return over_sqlite(R"("source": "last_layer", "namespaces": {"users": {"schema": )" + std::to_string(schema) +
                       "}}");
  };
  ASSERT_EQ(open(with_schema(0)), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set_in(space("users"), "k", "old form"), CACHECHAIN_OK);
  cachechain_chain *old_form = chain_;
  ASSERT_EQ(open(with_schema(1)), CACHECHAIN_OK) << error_.message();
  cachechain_chain *users = space("users");
  EXPECT_EQ(get_in(users, "k"), "NOT_FOUND");
  ASSERT_EQ(set_in(users, "k", "new form"), CACHECHAIN_OK);
  ASSERT_EQ(clear(users), CACHECHAIN_OK);
  EXPECT_EQ(get_in(users, "k"), "NOT_FOUND");
  EXPECT_EQ(get_in(space("users", old_form), "k"), "old form");
  cachechain_chain_free(old_form);
}

TEST_F(NamespaceTest, TheChainLivesUntilItsLastHandleIsFreed) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  cachechain_chain *users = space("users");
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  EXPECT_EQ(set_in(users, "k", "v"), CACHECHAIN_OK);
  EXPECT_EQ(get_in(users, "k"), "v");
  EXPECT_EQ(get_in(space("default", users), "k"), "MISS");
}

TEST_F(NamespaceTest, ClosingAHandleOfANamespaceEndsThatHandleAlone) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  cachechain_chain *one = space("users");
  cachechain_chain *two = space("users");
  ASSERT_EQ(set_in(one, "k", "v"), CACHECHAIN_OK);
  uint64_t unwritten = 7;
  EXPECT_EQ(cachechain_chain_close(one, 0, &unwritten, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(unwritten, 0u);
  EXPECT_EQ(cachechain_chain_close(one, 0, nullptr, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(get_in(one, "k"), "CLOSED");
  EXPECT_EQ(clear(one), CACHECHAIN_CLOSED);
  EXPECT_EQ(get_in(two, "k"), "v");
  EXPECT_EQ(set("k", "home"), CACHECHAIN_OK);
  EXPECT_EQ(cachechain_chain_close(chain_, 0, nullptr, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(get_in(two, "k"), "CLOSED");
  cachechain_chain *late = nullptr;
  EXPECT_EQ(cachechain_chain_namespace(two, data_of("n"), 1, &late, error_.out()), CACHECHAIN_CLOSED);
  EXPECT_EQ(late, nullptr);
}

TEST_F(NamespaceTest, BadNamesAndArguments) {
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  cachechain_chain *made = chain_;
  EXPECT_EQ(cachechain_chain_namespace(chain_, data_of("a/b"), 3, &made, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  EXPECT_NE(error_.message().find("1 to 64 of A-Z"), std::string::npos) << error_.message();
  EXPECT_EQ(cachechain_chain_namespace(chain_, nullptr, 0, &made, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_namespace(chain_, data_of("n"), 1, nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_chain_namespace(nullptr, data_of("n"), 1, &made, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_clear(nullptr, nullptr, nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  options.must_flags = CACHECHAIN_PUT_EXPECT;
  write_.version = 7;
  EXPECT_EQ(cachechain_clear(chain_, &options, &write_, error_.out()), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(write_.version, 0u);
  EXPECT_EQ(cachechain_clear(chain_, nullptr, nullptr, error_.out()), CACHECHAIN_OK);
}

TEST_F(NamespaceTest, StatsAndExplainTellOfTheNamespace) {
  ASSERT_EQ(open(over_sqlite(R"("source": "last_layer", "namespaces": {"users": {"ttl_ms": "5min", "schema": 3}})")),
            CACHECHAIN_OK);
  cachechain_chain *users = space("users");
  ASSERT_EQ(set_in(users, "k", "v"), CACHECHAIN_OK);
  EXPECT_EQ(get_in(users, "k"), "v");
  ASSERT_EQ(clear(users), CACHECHAIN_OK);
  const auto whole = nlohmann::json::parse(text_of(cachechain_chain_stats, chain_));
  EXPECT_EQ(whole["sets"], 1);
  EXPECT_EQ(whole["clears"], 1);
  EXPECT_EQ(whole["namespaces"]["users"]["hits"], 1);
  EXPECT_EQ(whole["namespaces"]["default"]["sets"], 0);
  const auto own = nlohmann::json::parse(text_of(cachechain_chain_stats, users));
  EXPECT_EQ(own["namespace"], "users");
  EXPECT_EQ(own["hits"], 1);
  const uint8_t *no_key = nullptr;
  const auto shape = nlohmann::json::parse(text_of(cachechain_chain_explain, users, no_key, uint64_t{0}));
  EXPECT_EQ(shape["namespace"]["name"], "users");
  EXPECT_EQ(shape["namespace"]["schema"], 3);
  EXPECT_EQ(shape["namespace"]["cleared"], write_.version);
  EXPECT_EQ(shape["namespace"]["cleared_is_shared_by"], "L2");
  EXPECT_EQ(shape["layers"][1]["ttl_ms"], 300'000);
}

// Each thread works in many namespaces of both layers and ends; what the plugins keep for it is given back, which the
// sanitizers look after.
TEST_F(NamespaceTest, ThreadsOfManyNamespacesComeAndGo) {
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  for (int s = 0; s < 8; ++s) (void)space("n" + std::to_string(s));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        cachechain_chain *one = spaces_[static_cast<size_t>(i + t) % 8];
        const std::string key = "k" + std::to_string(i % 4);
        if (i % 10 == 0) (void)cachechain_clear(one, nullptr, nullptr, nullptr);
        (void)cachechain_set(one, nullptr, data_of(key), key.size(), data_of(key), key.size(), nullptr, nullptr);
        cachechain_value value{};
        const int32_t status = cachechain_get(one, nullptr, data_of(key), key.size(), nullptr, 0, &value, nullptr);
        if (status != CACHECHAIN_OK && status != CACHECHAIN_NOT_FOUND && status != CACHECHAIN_STALE) ++wrong;
        if (value.data != nullptr && std::string(reinterpret_cast<const char *>(value.data), value.size) != key)
          ++wrong;
        cachechain_value_release(&value);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(cachechain_chain_close(chain_, CACHECHAIN_TIMEOUT_NONE, nullptr, error_.out()), CACHECHAIN_OK);
}

TEST_F(NamespaceTest, AForkChildIsRefusedByEveryHandle) {
  ASSERT_EQ(open(over_sqlite()), CACHECHAIN_OK) << error_.message();
  cachechain_chain *users = space("users");
  ASSERT_EQ(set_in(users, "k", "v"), CACHECHAIN_OK);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int failed = 0;
    for (cachechain_chain *one : {chain_, users}) {
      failed += get_in(one, "k") != "FORKED";
      failed += cachechain_clear(one, nullptr, nullptr, nullptr) != CACHECHAIN_FORKED;
      failed += cachechain_chain_close(one, 0, nullptr, nullptr) != CACHECHAIN_FORKED;
      cachechain_chain *made = nullptr;
      failed += cachechain_chain_namespace(one, data_of("n"), 1, &made, nullptr) != CACHECHAIN_FORKED;
      cachechain_chain_free(one);
    }
    _exit(failed);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(get_in(users, "k"), "v");
}

}  // namespace
}  // namespace cachechain
