// What the configuration's keys of loads do: stale values, limits and times.
#include <thread>
#include <vector>

#include "load_harness.h"

namespace cachechain {
namespace {

class LoadKeysTest : public LoadApiTest {};

TEST_F(LoadKeysTest, ServeStale) {
  ASSERT_EQ(open_memory(), CACHECHAIN_OK);
  set_stale("k", "old");
  EXPECT_EQ(get("k"), CACHECHAIN_STALE);
  EXPECT_EQ(found_, "old");
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open_memory(R"("serve_stale": false, )"), CACHECHAIN_OK) << error_.message();
  const cachechain_put_options short_fresh = lives(0, 1);
  ASSERT_EQ(set("k", "old", &short_fresh), CACHECHAIN_OK);
  while (get("k") == CACHECHAIN_OK) std::this_thread::yield();
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_TRUE(granted());
  EXPECT_EQ(fulfil(lease_, "new"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
}

TEST_F(LoadKeysTest, MaxLoads) {
  ASSERT_EQ(open_memory(R"("max_loads": 2, "lease_ms": "1h", )"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(load("a"), CACHECHAIN_MISS);
  const cachechain_lease first = lease_;
  EXPECT_EQ(load("b"), CACHECHAIN_MISS);
  ASSERT_TRUE(granted());
  const cachechain_get_options hurried = within(kNsPerMs);
  EXPECT_EQ(load("c", &hurried), CACHECHAIN_OVERLOADED);
  EXPECT_NE(error_.message().find("max_loads"), std::string::npos) << error_.message();
  EXPECT_TRUE(is_zero(lease_));
  EXPECT_EQ(get("c"), CACHECHAIN_MISS);
  EXPECT_EQ(fulfil(first, "value"), CACHECHAIN_OK);
  EXPECT_EQ(load("c", &hurried), CACHECHAIN_MISS);
  EXPECT_TRUE(granted());
}

TEST_F(LoadKeysTest, ALeaseThatIsOverByItsTimeIsNoLoadUnderWay) {
  ASSERT_EQ(open_memory(R"("max_loads": 4, "lease_ms": 1, )"), CACHECHAIN_OK) << error_.message();
  for (const char *key : {"a", "b", "c", "d"}) EXPECT_EQ(load(key), CACHECHAIN_MISS);
  // Nobody asks for these keys again, and still their time runs out.
  while (unix_ms() <= lease_.expires_ms + 10) std::this_thread::yield();
  const cachechain_get_options hurried = within(kNsPerMs);
  EXPECT_EQ(load("e", &hurried), CACHECHAIN_MISS) << error_.message();
  EXPECT_TRUE(granted());
}

TEST_F(LoadKeysTest, LeaseMs) {
  ASSERT_EQ(open_memory(R"("lease_ms": "1h", )"), CACHECHAIN_OK);
  const int64_t before_ms = unix_ms();
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_GE(lease_.expires_ms, before_ms + kHourMs);
  EXPECT_LE(lease_.expires_ms, unix_ms() + kHourMs);
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open_memory(R"("lease_ms": 1, "lease_wait_ms": "1h", )"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  const cachechain_lease first = lease_;
  const cachechain_get_options patient = within(CACHECHAIN_TIMEOUT_NONE);
  EXPECT_EQ(load("k", &patient), CACHECHAIN_MISS);
  ASSERT_TRUE(granted());
  EXPECT_EQ(fulfil(first, "late"), CACHECHAIN_VOID);
}

TEST_F(LoadKeysTest, LeaseWaitMs) {
  ASSERT_EQ(open_memory(R"("lease_wait_ms": "1h", "lease_ms": "2h", )"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  // Half of the time-out comes first, and the next who waits is not yet due.
  EXPECT_EQ(load_while_pending("k"), CACHECHAIN_MISS);
  EXPECT_EQ(lease_.flags, CACHECHAIN_LEASE_SIDE);
  const cachechain_get_options hurried = within(kNsPerMs);
  EXPECT_EQ(load("k", &hurried), CACHECHAIN_LOAD_PENDING);
  EXPECT_TRUE(is_zero(lease_));
  EXPECT_FALSE(error_.message().empty());
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open_memory(R"("lease_wait_ms": 1, "lease_ms": "2h", )"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  const cachechain_get_options patient = within(CACHECHAIN_TIMEOUT_NONE);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(load("k", &patient), CACHECHAIN_MISS);
    EXPECT_EQ(lease_.flags, CACHECHAIN_LEASE_SIDE);
  }
}

TEST_F(LoadKeysTest, RefreshMs) {
  const cachechain_put_options minute = lives(60'000);
  for (const std::string settings : {"", R"("refresh_ms": "1h", )"}) {
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    ASSERT_EQ(open_memory(settings), CACHECHAIN_OK) << error_.message();
    ASSERT_EQ(set("k", "old", &minute), CACHECHAIN_OK);
    EXPECT_EQ(load("k"), CACHECHAIN_OK);
    EXPECT_EQ(found_, "old");
    EXPECT_EQ(granted(), !settings.empty());
  }
  const cachechain_lease lease = lease_;
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(lease_.id, 0u);
  EXPECT_EQ(fulfil(lease, "new"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "new");
}

}  // namespace
}  // namespace cachechain
