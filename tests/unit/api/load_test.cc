// Loads as a user writes them: a get that brings a lease, and the lease's endings; and the mutations that only change
// what is known of a value. Over the real plugins: memory alone, and memory over sqlite as a cache and as the truth.
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "load_harness.h"

namespace cachechain {
namespace {

enum class Kind { kMemory, kCache, kTruth };

class EveryChainTest : public LoadApiTest, public ::testing::WithParamInterface<Kind> {
 protected:
  void SetUp() override { ASSERT_EQ(open_chain(), CACHECHAIN_OK) << error_.message(); }
  int32_t open_chain(const std::string &settings = "") {
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    switch (GetParam()) {
      case Kind::kMemory:
        return open_memory(settings);
      case Kind::kCache:
        return open_over_sqlite("application", settings);
      default:
        return open_over_sqlite("last_layer", settings);
    }
  }
  bool truth() const { return GetParam() == Kind::kTruth; }
  int32_t nothing() const { return truth() ? CACHECHAIN_NOT_FOUND : CACHECHAIN_MISS; }
};

INSTANTIATE_TEST_SUITE_P(Chains, EveryChainTest, ::testing::Values(Kind::kMemory, Kind::kCache, Kind::kTruth),
                         [](const auto &chain) {
                           return std::string(chain.param == Kind::kMemory  ? "Memory"
                                              : chain.param == Kind::kCache ? "OverSqlite"
                                                                            : "SqliteIsTheTruth");
                         });

TEST_P(EveryChainTest, WhatIsMissingComesWithALeaseAndWhatWasLoadedIsForAll) {
  EXPECT_EQ(load("k"), nothing());
  ASSERT_TRUE(granted());
  EXPECT_EQ(found_, "");
  EXPECT_NE(lease_.version, 0u);
  EXPECT_EQ(lease_.version >> 63, 0u);
  EXPECT_EQ(lease_.seen_version, 0u);
  const cachechain_lease lease = lease_;
  ASSERT_EQ(fulfil(lease, "value"), CACHECHAIN_OK) << error_.message();
  EXPECT_GE(write_.version, lease.version);
  EXPECT_NE(write_.done, 0u);
  EXPECT_EQ(write_.owed, 0u);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  EXPECT_EQ(described("k").version, write_.version);
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  EXPECT_TRUE(is_zero(lease_));
  // The lease is over: whatever ends it again does nothing.
  EXPECT_EQ(fulfil(lease, "other"), CACHECHAIN_VOID);
  EXPECT_TRUE(is_zero(write_));
  EXPECT_EQ(absent(lease), CACHECHAIN_VOID);
  EXPECT_EQ(unchanged(lease), CACHECHAIN_VOID);
  EXPECT_EQ(fail(lease, "no"), CACHECHAIN_VOID);
  EXPECT_EQ(abandon(lease), CACHECHAIN_VOID);
  cachechain_lease ended = lease;
  EXPECT_EQ(renew(ended), CACHECHAIN_VOID);
  EXPECT_EQ(ended.expires_ms, lease.expires_ms);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

TEST_P(EveryChainTest, AnEmptyValueIsAValue) {
  EXPECT_EQ(load("k"), nothing());
  EXPECT_EQ(cachechain_lease_fulfil(chain_, &lease_, nullptr, nullptr, 0, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "");
  EXPECT_EQ(lease_.id, 0u);
}

TEST_P(EveryChainTest, WhatWasLoadedHasTheTimesOfTheOptions) {
  EXPECT_EQ(load("k"), nothing());
  const int64_t before_ms = unix_ms();
  const cachechain_put_options times = lives(kHourMs, 60'000);
  ASSERT_EQ(fulfil(lease_, "value", &times), CACHECHAIN_OK);
  const cachechain_value value = described("k");
  EXPECT_GE(value.expires_ms, before_ms + kHourMs);
  EXPECT_LE(value.expires_ms, unix_ms() + kHourMs);
  EXPECT_GE(value.fresh_until_ms, before_ms + 60'000);
  EXPECT_LE(value.fresh_until_ms, unix_ms() + 60'000);
}

TEST_P(EveryChainTest, WhatWasDeletedOrHasExpiredIsLoadedAnew) {
  ASSERT_EQ(set("deleted", "old"), CACHECHAIN_OK);
  ASSERT_EQ(remove("deleted"), CACHECHAIN_OK);
  EXPECT_EQ(load("deleted"), nothing());
  ASSERT_TRUE(granted());
  EXPECT_EQ(fulfil(lease_, "new"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("deleted"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "new");

  const cachechain_put_options short_life = lives(1);
  ASSERT_EQ(set("expired", "old", &short_life), CACHECHAIN_OK);
  while (get("expired") == CACHECHAIN_OK) std::this_thread::yield();
  EXPECT_EQ(load("expired"), nothing());
  ASSERT_TRUE(granted());
  EXPECT_EQ(fulfil(lease_, "new"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("expired"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "new");
}

TEST_P(EveryChainTest, AbsenceIsRememberedByACacheButNotByTheTruth) {
  EXPECT_EQ(load("k"), nothing());
  EXPECT_EQ(absent(lease_, kHourMs), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(load("k"), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(granted(), truth());
  EXPECT_EQ(set("k", "there"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "there");
}

TEST_P(EveryChainTest, AStaleValueIsForAllAndItsLeaseForOne) {
  set_stale("k", "old");
  EXPECT_EQ(load("k"), CACHECHAIN_STALE);
  EXPECT_EQ(found_, "old");
  ASSERT_TRUE(granted());
  EXPECT_EQ(lease_.seen_version, write_.version);
  const cachechain_lease lease = lease_;
  EXPECT_EQ(load("k"), CACHECHAIN_STALE);
  EXPECT_EQ(lease_.id, 0u);
  ASSERT_EQ(fulfil(lease, "new"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "new");
}

TEST_P(EveryChainTest, WhatIsUnchangedIsFreshAgain) {
  set_stale("k", "old");
  const uint64_t version = write_.version;
  EXPECT_EQ(load("k"), CACHECHAIN_STALE);
  ASSERT_TRUE(granted());
  ASSERT_EQ(unchanged(lease_, kHourMs), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "old");
  EXPECT_EQ(lease_.id, 0u);
  EXPECT_GT(described("k").version, version);
  EXPECT_GT(described("k").fresh_until_ms, unix_ms());

  EXPECT_EQ(load("nothing to be unchanged"), nothing());
  EXPECT_EQ(unchanged(lease_), CACHECHAIN_VOID);
  EXPECT_EQ(get("nothing to be unchanged"), nothing());
}

TEST_P(EveryChainTest, AFailedLoadIsHeldOffAndItsMessageIsToldToAll) {
  EXPECT_EQ(load("k"), nothing());
  EXPECT_EQ(fail(lease_, "the database is away", kHourMs), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_LOAD_FAILED);
  EXPECT_NE(error_.message().find("the database is away"), std::string::npos) << error_.message();
  EXPECT_EQ(cachechain_error_retryable(error_.get()), 1);
  EXPECT_TRUE(is_zero(lease_));
  EXPECT_EQ(get("k"), nothing());
  EXPECT_EQ(load("other"), nothing());
  EXPECT_TRUE(granted());
  EXPECT_EQ(set("k", "there"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_OK);

  set_stale("s", "old");
  EXPECT_EQ(load("s"), CACHECHAIN_STALE);
  EXPECT_EQ(fail(lease_, "", INT64_MAX), CACHECHAIN_OK);
  EXPECT_EQ(load("s"), CACHECHAIN_STALE);
  EXPECT_EQ(found_, "old");
  EXPECT_EQ(lease_.id, 0u);
}

TEST_P(EveryChainTest, WhoeverComesAfterAnAbandonedLoadLoads) {
  EXPECT_EQ(load("k"), nothing());
  const cachechain_lease first = lease_;
  EXPECT_EQ(abandon(first), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), nothing());
  ASSERT_TRUE(granted());
  EXPECT_NE(lease_.id, first.id);
  EXPECT_EQ(fulfil(first, "late"), CACHECHAIN_VOID);
  EXPECT_EQ(fulfil(lease_, "value"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

TEST_P(EveryChainTest, ARenewedLeaseTellsItsNewTimeAndStillFulfils) {
  EXPECT_EQ(load("k"), nothing());
  const cachechain_lease granted = lease_;
  EXPECT_EQ(renew(lease_, kHourMs), CACHECHAIN_OK);
  EXPECT_GT(lease_.expires_ms, granted.expires_ms);
  EXPECT_EQ(lease_.id, granted.id);
  EXPECT_EQ(lease_.version, granted.version);
  EXPECT_EQ(renew(lease_), CACHECHAIN_OK);
  EXPECT_LT(lease_.expires_ms, unix_ms() + kHourMs);
  EXPECT_EQ(renew(lease_, INT64_MAX), CACHECHAIN_OK);
  EXPECT_GT(lease_.expires_ms, unix_ms() + kHourMs);
  EXPECT_EQ(fulfil(lease_, "value"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
}

TEST_P(EveryChainTest, WhoWaitsTooLongLoadsForHimselfAlone) {
  ASSERT_EQ(open_chain(R"("lease_wait_ms": 1, "lease_ms": "1h", )"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), nothing());
  const cachechain_lease first = lease_;
  const cachechain_get_options patient = within(CACHECHAIN_TIMEOUT_NONE);
  EXPECT_EQ(load("k", &patient), nothing());
  const cachechain_lease side = lease_;
  ASSERT_NE(side.id, 0u);
  EXPECT_NE(side.id, first.id);
  EXPECT_EQ(side.flags, CACHECHAIN_LEASE_SIDE);
  EXPECT_EQ(fulfil(side, "his own"), CACHECHAIN_VOID);
  EXPECT_TRUE(is_zero(write_));
  EXPECT_EQ(get("k"), nothing());
  EXPECT_EQ(fulfil(first, "for all"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "for all");
}

TEST_P(EveryChainTest, AMutationBetweenGrantAndFulfilmentWins) {
  EXPECT_EQ(load("deleted"), nothing());
  ASSERT_EQ(remove("deleted"), CACHECHAIN_OK);
  EXPECT_EQ(fulfil(lease_, "overtaken"), CACHECHAIN_VOID);
  EXPECT_TRUE(is_zero(write_));
  EXPECT_EQ(get("deleted"), nothing());
  EXPECT_EQ(load("deleted"), nothing());
  EXPECT_TRUE(granted());

  EXPECT_EQ(load("set"), nothing());
  ASSERT_EQ(set("set", "newer"), CACHECHAIN_OK);
  EXPECT_EQ(fulfil(lease_, "overtaken"), CACHECHAIN_VOID);
  EXPECT_EQ(get("set"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "newer");

  EXPECT_EQ(load("absent"), nothing());
  ASSERT_EQ(set("absent", "newer"), CACHECHAIN_OK);
  EXPECT_EQ(absent(lease_), CACHECHAIN_VOID);
  EXPECT_EQ(get("absent"), CACHECHAIN_OK);

  set_stale("unchanged", "old");
  EXPECT_EQ(load("unchanged"), CACHECHAIN_STALE);
  ASSERT_EQ(set("unchanged", "newer"), CACHECHAIN_OK);
  EXPECT_EQ(unchanged(lease_), CACHECHAIN_VOID);
  EXPECT_EQ(get("unchanged"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "newer");

  EXPECT_EQ(load("failed"), nothing());
  ASSERT_EQ(remove("failed"), CACHECHAIN_OK);
  EXPECT_EQ(fail(lease_, "overtaken", kHourMs), CACHECHAIN_VOID);
  EXPECT_EQ(load("failed"), nothing());
  EXPECT_TRUE(granted());

  EXPECT_EQ(load("abandoned"), nothing());
  ASSERT_EQ(remove("abandoned"), CACHECHAIN_OK);
  cachechain_lease renewed = lease_;
  EXPECT_EQ(renew(renewed), CACHECHAIN_VOID);
  EXPECT_EQ(abandon(lease_), CACHECHAIN_VOID);

  if (truth()) return;
  EXPECT_EQ(load("invalidated"), nothing());
  ASSERT_EQ(invalidate("invalidated"), CACHECHAIN_OK);
  EXPECT_EQ(fulfil(lease_, "overtaken"), CACHECHAIN_VOID);
  EXPECT_EQ(get("invalidated"), CACHECHAIN_MISS);
}

TEST_P(EveryChainTest, AValueThatIsTooLargeEndsTheLease) {
  ASSERT_EQ(open_chain(R"("max_value_bytes": 10, "lease_wait_ms": "1h", )"), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), nothing());
  const cachechain_lease lease = lease_;
  EXPECT_EQ(fulfil(lease, "more than ten bytes"), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_TRUE(is_zero(write_));
  EXPECT_EQ(get("k"), nothing());
  EXPECT_EQ(load("k"), nothing()) << error_.message();
  EXPECT_TRUE(granted());
  EXPECT_EQ(fulfil(lease, "small"), CACHECHAIN_VOID);
}

TEST_P(EveryChainTest, OfManyWhoMissOneLoads) {
  ASSERT_EQ(open_chain(R"("lease_wait_ms": "1h", "lease_ms": "1h", )"), CACHECHAIN_OK);
  constexpr int kThreads = 64;
  std::atomic<int> loads{0};
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const cachechain_get_options patient = within(CACHECHAIN_TIMEOUT_NONE);
      cachechain_value value;
      cachechain_lease lease;
      const int32_t status =
          cachechain_get_load(chain_, &patient, data_of("k"), 1, nullptr, 0, &value, &lease, nullptr);
      if (lease.id != 0) {
        ++loads;
        EXPECT_EQ(status, nothing());
        EXPECT_EQ(cachechain_lease_fulfil(chain_, &lease, nullptr, data_of("value"), 5, nullptr, nullptr),
                  CACHECHAIN_OK);
        return;
      }
      EXPECT_EQ(status, CACHECHAIN_OK);
      served += value.size == 5 && std::memcmp(value.data, "value", 5) == 0;
      cachechain_value_release(&value);
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(loads, 1);
  EXPECT_EQ(served, kThreads - 1);
}

TEST_P(EveryChainTest, InvalidateSparesOnlyTheTruth) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  EXPECT_EQ(invalidate("k"), CACHECHAIN_OK) << error_.message();
  EXPECT_NE(write_.version, 0u);
  EXPECT_EQ(get("k"), truth() ? CACHECHAIN_OK : CACHECHAIN_MISS);
  EXPECT_EQ(invalidate("nothing"), CACHECHAIN_OK);
  EXPECT_EQ(get("nothing"), nothing());
  ASSERT_EQ(set("k", "again"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "again");
}

TEST_P(EveryChainTest, TouchGivesNewTimesAndKeepsTheValue) {
  const cachechain_put_options minute = lives(60'000, 30'000);
  ASSERT_EQ(set("k", "value", &minute), CACHECHAIN_OK);
  const cachechain_value before = described("k");
  const cachechain_put_options hour = lives(kHourMs, kHourMs / 2);
  ASSERT_EQ(touch("k", &hour), CACHECHAIN_OK) << error_.message();
  EXPECT_GT(write_.version, before.version);
  const cachechain_value after = described("k");
  EXPECT_EQ(after.version, write_.version);
  EXPECT_GT(after.expires_ms, before.expires_ms);
  EXPECT_GT(after.fresh_until_ms, before.fresh_until_ms);
  EXPECT_EQ(after.created, before.created);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  ASSERT_EQ(touch("k", &minute), CACHECHAIN_OK);
  EXPECT_LT(described("k").expires_ms, after.expires_ms);

  set_stale("stale", "value");
  ASSERT_EQ(touch("stale"), CACHECHAIN_OK);
  EXPECT_EQ(get("stale"), CACHECHAIN_OK);
  EXPECT_EQ(described("stale").fresh_until_ms, 0);

  EXPECT_EQ(touch("nothing", &hour), nothing());
  EXPECT_TRUE(is_zero(write_));
  EXPECT_EQ(get("nothing"), nothing());
}

TEST_P(EveryChainTest, RejectStopsTheBadVersionOnly) {
  ASSERT_EQ(set("k", "bad"), CACHECHAIN_OK);
  EXPECT_EQ(reject("k", write_.version), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(get("k"), truth() ? CACHECHAIN_OK : CACHECHAIN_MISS);
  EXPECT_EQ(load("k"), truth() ? CACHECHAIN_OK : CACHECHAIN_MISS);
  EXPECT_EQ(granted(), !truth());
  ASSERT_EQ(set("k", "good"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "good");

  ASSERT_EQ(set("k2", "bad"), CACHECHAIN_OK);
  const uint64_t bad = write_.version;
  ASSERT_EQ(set("k2", "good"), CACHECHAIN_OK);
  EXPECT_EQ(reject("k2", bad), CACHECHAIN_OK);
  EXPECT_EQ(get("k2"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "good");
  EXPECT_EQ(reject("nothing", bad), CACHECHAIN_OK);
}

// A version that no clock has reached must not leave a mark that no later write is above.
TEST_P(EveryChainTest, RejectOfAVersionFromFarAheadDoesNotSpoilTheKey) {
  const uint64_t far = (UINT64_C(1) << 63) - 1;
  EXPECT_EQ(reject("k", far), CACHECHAIN_FUTURE_VERSION) << error_.message();
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(write_.version >> 63, 0u);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

TEST_P(EveryChainTest, ACopyOlderThanTheLeastVersionIsNoAnswer) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  const uint64_t version = write_.version;
  EXPECT_EQ(get_at_least("k", version), CACHECHAIN_OK);
  EXPECT_EQ(get_at_least("k", version + 1), truth() ? CACHECHAIN_STALE : CACHECHAIN_MISS);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  cachechain_get_options newer = within(0);
  newer.min_version = version + 1;
  EXPECT_EQ(load("k", &newer), truth() ? CACHECHAIN_STALE : CACHECHAIN_MISS);
  ASSERT_TRUE(granted());
  ASSERT_EQ(fulfil(lease_, "newer"), CACHECHAIN_OK) << error_.message();
  EXPECT_GT(write_.version, version);
  EXPECT_EQ(get_at_least("k", version + 1), CACHECHAIN_OK);
  EXPECT_EQ(found_, "newer");
}

class SharedFileTest : public LoadApiTest {};

TEST_F(SharedFileTest, InvalidateLetsTheNextGetSeeWhatAnotherHasWritten) {
  ASSERT_EQ(open_over_sqlite("last_layer"), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", "old"), CACHECHAIN_OK);
  cachechain_chain *first = chain_;
  ASSERT_EQ(open_over_sqlite("last_layer"), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", "new"), CACHECHAIN_OK);
  std::swap(first, chain_);
  EXPECT_EQ(invalidate("k"), CACHECHAIN_OK);
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "new");
  cachechain_chain_free(first);
}

TEST_F(SharedFileTest, OneOfTwoChainsLoadsAndBothHaveTheValue) {
  ASSERT_EQ(open_over_sqlite("application"), CACHECHAIN_OK) << error_.message();
  cachechain_chain *first = chain_;
  ASSERT_EQ(open_over_sqlite("application"), CACHECHAIN_OK) << error_.message();
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  ASSERT_TRUE(granted());
  const cachechain_lease lease = lease_;
  std::swap(first, chain_);
  EXPECT_EQ(load_while_pending("k"), CACHECHAIN_MISS);
  EXPECT_EQ(lease_.flags, CACHECHAIN_LEASE_SIDE);
  EXPECT_EQ(fulfil(lease_, "his own"), CACHECHAIN_VOID);
  std::swap(first, chain_);
  EXPECT_EQ(fulfil(lease, "value"), CACHECHAIN_OK) << error_.message();
  std::swap(first, chain_);
  EXPECT_EQ(load("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  cachechain_chain_free(first);
}

}  // namespace
}  // namespace cachechain
