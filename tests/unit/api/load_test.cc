// Loads as a user writes them: a get that brings a lease, and the lease's endings; and the mutations that only change
// what is known of a value. Over the real plugins: memory alone, and memory over sqlite as a cache and as the truth.
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "chain_harness.h"

namespace cachechain {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kHourMs = 3'600'000;

class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "cachechain_load_XXXXXX").string();
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string &path() const { return path_; }

 private:
  std::string path_;
};

int64_t unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <class T>
bool is_zero(const T &output) {
  const T zero{};
  return std::memcmp(&output, &zero, sizeof(zero)) == 0;
}

cachechain_put_options lives(int64_t ttl_ms, int64_t fresh_ms = 0) {
  cachechain_put_options options{};
  options.struct_size = sizeof(options);
  options.ttl_ms = ttl_ms;
  options.fresh_ms = fresh_ms;
  return options;
}

cachechain_get_options within(int64_t timeout_ns) {
  cachechain_get_options options{};
  options.struct_size = sizeof(options);
  options.timeout_ns = timeout_ns;
  return options;
}

class LoadApiTest : public ApiTest {
 protected:
  // `settings` stand in the chain's object and end with a comma.
  int32_t open_memory(const std::string &settings = "") {
    return open(R"({"chain": "test", )" + settings + R"("layers": [{"name": "L1", "plugin": "memory"}]})");
  }
  int32_t open_over_sqlite(const std::string &source, const std::string &settings = "") {
    return open(R"({"chain": "test", "source": ")" + source + R"(", )" + settings +
                R"("layers": [{"name": "L1", "plugin": "memory", "ttl_ms": "7d"},
                    {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
                folder_.path() + R"(/values.db"}}]})");
  }

  int32_t load(std::string_view key, const cachechain_get_options *options = nullptr) {
    cachechain_value value;
    const int32_t status =
        cachechain_get_load(chain_, options, data_of(key), key.size(), nullptr, 0, &value, &lease_, error_.out());
    found_.assign(reinterpret_cast<const char *>(value.data), value.size);
    cachechain_value_release(&value);
    return status;
  }
  // With little time, until it was enough: a call that the machine kept waiting past its time learns only that.
  int32_t load_while_pending(std::string_view key) {
    // So much that the layers are asked in time on a busy machine.
    const cachechain_get_options hurried = within(5'000 * kNsPerMs);
    int32_t status;
    do {
      status = load(key, &hurried);
    } while (status == CACHECHAIN_LOAD_PENDING);
    return status;
  }
  bool granted() const { return lease_.id != 0 && lease_.flags == 0; }
  int32_t fulfil(const cachechain_lease &lease, std::string_view value,
                 const cachechain_put_options *options = nullptr) {
    return cachechain_lease_fulfil(chain_, &lease, options, data_of(value), value.size(), &write_, error_.out());
  }
  int32_t absent(const cachechain_lease &lease, int64_t ttl_ms = 0) {
    return cachechain_lease_absent(chain_, &lease, ttl_ms, error_.out());
  }
  int32_t unchanged(const cachechain_lease &lease, int64_t ttl_ms = 0) {
    return cachechain_lease_unchanged(chain_, &lease, ttl_ms, error_.out());
  }
  int32_t fail(const cachechain_lease &lease, std::string_view message, int64_t hold_off_ms = 0) {
    return cachechain_lease_fail(chain_, &lease, data_of(message), message.size(), hold_off_ms, error_.out());
  }
  int32_t abandon(const cachechain_lease &lease) { return cachechain_lease_abandon(chain_, &lease, error_.out()); }
  int32_t renew(cachechain_lease &lease, int64_t lease_ms = 0) {
    return cachechain_lease_renew(chain_, &lease, lease_ms, error_.out());
  }
  int32_t invalidate(std::string_view key) {
    return cachechain_invalidate(chain_, nullptr, data_of(key), key.size(), &write_, error_.out());
  }
  int32_t touch(std::string_view key, const cachechain_put_options *options = nullptr) {
    return cachechain_touch(chain_, options, data_of(key), key.size(), &write_, error_.out());
  }
  int32_t reject(std::string_view key, uint64_t version) {
    return cachechain_reject(chain_, nullptr, data_of(key), key.size(), version, error_.out());
  }
  cachechain_value described(std::string_view key) {
    cachechain_value value{};
    EXPECT_GE(cachechain_exists(chain_, nullptr, data_of(key), key.size(), &value, error_.out()), 0);
    return value;
  }
  int32_t get_at_least(std::string_view key, uint64_t version) {
    cachechain_get_options options = within(0);
    options.min_version = version;
    return get(key, &options);
  }
  // Stores a value and waits until it is past its fresh time.
  void set_stale(std::string_view key, std::string_view value) {
    const cachechain_put_options short_fresh = lives(0, 1);
    ASSERT_EQ(set(key, value, &short_fresh), CACHECHAIN_OK) << error_.message();
    while (described(key).fresh_until_ms == 0 || get(key) == CACHECHAIN_OK) std::this_thread::yield();
  }

  TempFolder folder_;
  cachechain_lease lease_{};
};

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

class BadLoadTest : public LoadApiTest {
 protected:
  void SetUp() override { ASSERT_EQ(open_memory(R"("max_loads": 1000, )"), CACHECHAIN_OK) << error_.message(); }

  // Ends a lease by each of the functions; a chain that is not NULL is not always one.
  std::vector<int32_t> end_in_every_way(cachechain_chain *chain, const cachechain_lease *lease) {
    cachechain_lease copy = lease == nullptr ? cachechain_lease{} : *lease;
    std::memset(&write_, 0xab, sizeof(write_));
    std::vector<int32_t> statuses = {
        cachechain_lease_renew(chain, lease == nullptr ? nullptr : &copy, 0, nullptr),
        cachechain_lease_fulfil(chain, lease, nullptr, data_of("value"), 5, &write_, nullptr),
        cachechain_lease_absent(chain, lease, 0, nullptr),
        cachechain_lease_unchanged(chain, lease, 0, nullptr),
        cachechain_lease_fail(chain, lease, data_of("no"), 2, 0, nullptr),
        cachechain_lease_abandon(chain, lease, nullptr),
    };
    EXPECT_TRUE(is_zero(write_));
    if (lease != nullptr) {
      EXPECT_EQ(std::memcmp(&copy, lease, sizeof(copy)), 0);
    }
    return statuses;
  }
  static std::vector<int32_t> every(int32_t status) { return std::vector<int32_t>(6, status); }
};

TEST_F(BadLoadTest, ArgumentsOfGetLoad) {
  cachechain_value value;
  cachechain_lease lease;
  const auto ask = [&](cachechain_chain *chain, const cachechain_get_options *options, uint64_t key_size, uint8_t *buf,
                       uint64_t cap) {
    std::memset(&value, 0xab, sizeof(value));
    std::memset(&lease, 0xab, sizeof(lease));
    const int32_t status =
        cachechain_get_load(chain, options, data_of("k"), key_size, buf, cap, &value, &lease, error_.out());
    EXPECT_TRUE(is_zero(value));
    EXPECT_TRUE(is_zero(lease));
    EXPECT_EQ(cachechain_error_status(error_.get()), status);
    return status;
  };
  EXPECT_EQ(ask(nullptr, nullptr, 1, nullptr, 0), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(chain_, nullptr, 0, nullptr, 0), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(ask(chain_, nullptr, 1025, nullptr, 0), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(ask(chain_, nullptr, 1, nullptr, 1), CACHECHAIN_INVALID_ARGUMENT);
  cachechain_get_options options = within(-1);
  EXPECT_EQ(ask(chain_, &options, 1, nullptr, 0), CACHECHAIN_DEADLINE);
  options = within(0);
  options.min_version = UINT64_C(1) << 63;
  EXPECT_EQ(ask(chain_, &options, 1, nullptr, 0), CACHECHAIN_INVALID_ARGUMENT);
  options = within(0);
  options.must_flags = 1;
  EXPECT_EQ(ask(chain_, &options, 1, nullptr, 0), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(cachechain_get_load(chain_, nullptr, nullptr, 1, nullptr, 0, &value, &lease, nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  std::memset(&value, 0xab, sizeof(value));
  EXPECT_EQ(cachechain_get_load(chain_, nullptr, data_of("k"), 1, nullptr, 0, &value, nullptr, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_TRUE(is_zero(value));
  EXPECT_EQ(error_.message(), "lease is NULL");
  std::memset(&lease, 0xab, sizeof(lease));
  EXPECT_EQ(cachechain_get_load(chain_, nullptr, data_of("k"), 1, nullptr, 0, nullptr, &lease, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_TRUE(is_zero(lease));
  EXPECT_EQ(error_.message(), "value is NULL");
  uint8_t both[16] = "k";
  EXPECT_EQ(cachechain_get_load(chain_, nullptr, both, 1, both, sizeof(both), &value, &lease, nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  // No refused call has left a lease behind.
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_TRUE(granted());
  EXPECT_EQ(cachechain_chain_close(chain_, 0, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(ask(chain_, nullptr, 1, nullptr, 0), CACHECHAIN_CLOSED);
}

TEST_F(BadLoadTest, LeasesThatAreNone) {
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  const cachechain_lease good = lease_;
  EXPECT_EQ(end_in_every_way(chain_, nullptr), every(CACHECHAIN_INVALID_ARGUMENT));
  EXPECT_EQ(end_in_every_way(nullptr, &good), every(CACHECHAIN_INVALID_ARGUMENT));
  for (const uint64_t id : {UINT64_C(0), UINT64_C(1), good.id + 1, good.id - 1, good.id + 64, good.id << 32,
                            UINT64_C(1) << 63, UINT64_MAX}) {
    cachechain_lease bad = good;
    bad.id = id;
    EXPECT_EQ(end_in_every_way(chain_, &bad), every(CACHECHAIN_VOID)) << id;
  }
  cachechain_lease garbage;
  std::memset(&garbage, 0xab, sizeof(garbage));
  EXPECT_EQ(end_in_every_way(chain_, &garbage), every(CACHECHAIN_VOID));
  EXPECT_EQ(fulfil(good, "value"), CACHECHAIN_OK);
  EXPECT_EQ(load("closed"), CACHECHAIN_MISS);
  EXPECT_EQ(cachechain_chain_close(chain_, 0, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(end_in_every_way(chain_, &lease_), every(CACHECHAIN_CLOSED));
}

// Two chains count their leases alike, and still tell them apart.
TEST_F(BadLoadTest, ALeaseOfAnotherChainIsVoid) {
  constexpr int kLeases = 300;
  std::vector<cachechain_lease> foreign;
  for (int i = 0; i < kLeases; ++i) {
    EXPECT_EQ(load("theirs " + std::to_string(i)), CACHECHAIN_MISS);
    foreign.push_back(lease_);
  }
  cachechain_chain *other = chain_;
  SetUp();
  for (int i = 0; i < kLeases; ++i) EXPECT_EQ(load("ours " + std::to_string(i)), CACHECHAIN_MISS);
  int taken = 0;
  for (const cachechain_lease &lease : foreign) {
    const std::vector<int32_t> statuses = end_in_every_way(chain_, &lease);
    taken += statuses != every(CACHECHAIN_VOID);
  }
  EXPECT_EQ(taken, 0);
  for (int i = 0; i < kLeases; ++i) EXPECT_EQ(get("ours " + std::to_string(i)), CACHECHAIN_MISS);
  cachechain_chain_free(other);
}

TEST_F(BadLoadTest, ArgumentsOfTheEndingsLeaveTheLeaseAsItIs) {
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  const cachechain_lease before = lease_;
  for (const int64_t below : {INT64_C(-1), INT64_MIN}) {
    EXPECT_EQ(absent(lease_, below), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(unchanged(lease_, below), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(fail(lease_, "no", below), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(renew(lease_, below), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_FALSE(error_.message().empty());
  }
  EXPECT_EQ(cachechain_lease_fail(chain_, &lease_, nullptr, 2, 0, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  const auto fulfil_raw = [&](const cachechain_put_options *options, const uint8_t *data, uint64_t size) {
    std::memset(&write_, 0xab, sizeof(write_));
    const int32_t status = cachechain_lease_fulfil(chain_, &lease_, options, data, size, &write_, error_.out());
    EXPECT_TRUE(is_zero(write_));
    return status;
  };
  EXPECT_EQ(fulfil_raw(nullptr, nullptr, 5), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(fulfil_raw(nullptr, data_of("x"), SIZE_MAX), CACHECHAIN_VALUE_TOO_LARGE);
  cachechain_put_options options = lives(-2);
  EXPECT_EQ(fulfil_raw(&options, data_of("x"), 1), CACHECHAIN_INVALID_ARGUMENT);
  options = lives(0, -2);
  EXPECT_EQ(fulfil_raw(&options, data_of("x"), 1), CACHECHAIN_INVALID_ARGUMENT);
  options = lives(0);
  options.must_flags = CACHECHAIN_PUT_EXPECT;
  EXPECT_EQ(fulfil_raw(&options, data_of("x"), 1), CACHECHAIN_UNSUPPORTED);
  options.must_flags = 0x80000000u;
  EXPECT_EQ(fulfil_raw(&options, data_of("x"), 1), CACHECHAIN_UNSUPPORTED);
  options = lives(0);
  options.struct_size = 0;
  EXPECT_EQ(fulfil_raw(&options, data_of("x"), 1), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
  EXPECT_EQ(std::memcmp(&lease_, &before, sizeof(before)), 0);
  EXPECT_EQ(cachechain_lease_fail(chain_, &lease_, nullptr, 0, 0, nullptr), CACHECHAIN_OK);
}

TEST_F(BadLoadTest, AMessageOfAnyBytesBecomesOneLineOfText) {
  const std::string wild("first\0second\nthird \xff\xfe", 21);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_EQ(fail(lease_, wild, kHourMs), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_LOAD_FAILED);
  uint64_t size = 0;
  const std::string_view told = cachechain_error_message(error_.get(), &size);
  EXPECT_EQ(told.size(), size);
  EXPECT_NE(told.find("first"), std::string_view::npos) << told;
  EXPECT_NE(told.find("third"), std::string_view::npos) << told;
  EXPECT_EQ(told.find('\n'), std::string_view::npos) << told;
  EXPECT_EQ(told.find('\xff'), std::string_view::npos) << told;
  uint64_t needed = 0;
  EXPECT_EQ(cachechain_error_json(error_.get(), nullptr, 0, &needed), CACHECHAIN_BUFFER_TOO_SMALL);

  EXPECT_EQ(load("long"), CACHECHAIN_MISS);
  EXPECT_EQ(fail(lease_, std::string(1 << 20, 'x'), kHourMs), CACHECHAIN_OK);
  EXPECT_EQ(load("long"), CACHECHAIN_LOAD_FAILED);
  EXPECT_LT(error_.message().size(), 10'000u);
}

// What no layer can hold was not stored, and must not be said to be.
TEST_F(BadLoadTest, AValueThatNoLayerTakesIsAFailureThatEndsTheLease) {
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open(kMemory), CACHECHAIN_OK);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  const std::string large(9 << 20, 'x');
  EXPECT_EQ(fulfil(lease_, large), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(get("k"), CACHECHAIN_MISS);
  EXPECT_EQ(fulfil(lease_, "small"), CACHECHAIN_VOID);
}

TEST_F(BadLoadTest, AChainThatTakesNoWritesEndsTheLeaseThatItCannotFulfil) {
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open(R"({"chain": "test", "lease_wait_ms": "1h",
                     "layers": [{"name": "L1", "plugin": "memory", "write": "none"}]})"),
            CACHECHAIN_OK)
      << error_.message();
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_EQ(fulfil(lease_, "value"), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(fulfil(lease_, "value"), CACHECHAIN_VOID);
  EXPECT_EQ(load("k"), CACHECHAIN_MISS);
  EXPECT_TRUE(granted());
}

TEST_F(BadLoadTest, AChainThatTakesNoWritesIsNotMutated) {
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  ASSERT_EQ(open(R"({"chain": "test", "layers": [{"name": "L1", "plugin": "memory", "write": "none"}]})"),
            CACHECHAIN_OK);
  EXPECT_EQ(touch("k"), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(reject("k", 1), CACHECHAIN_OK);  // no copy that it could be answered from
  EXPECT_EQ(invalidate("k"), CACHECHAIN_UNSUPPORTED);
}

TEST_F(BadLoadTest, ArgumentsOfInvalidateTouchAndReject) {
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  const uint64_t version = write_.version;
  using Call = int32_t (*)(cachechain_chain *, const cachechain_put_options *, const uint8_t *, uint64_t,
                           cachechain_write *, cachechain_error **);
  for (const Call call : {Call{&cachechain_invalidate}, Call{&cachechain_touch}}) {
    const auto ask = [&](cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                         uint64_t key_size) {
      std::memset(&write_, 0xab, sizeof(write_));
      const int32_t status = call(chain, options, key, key_size, &write_, error_.out());
      EXPECT_TRUE(is_zero(write_));
      return status;
    };
    EXPECT_EQ(ask(nullptr, nullptr, data_of("k"), 1), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(ask(chain_, nullptr, nullptr, 1), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(ask(chain_, nullptr, data_of("k"), 0), CACHECHAIN_INVALID_ARGUMENT);
    EXPECT_EQ(ask(chain_, nullptr, data_of("k"), 1025), CACHECHAIN_KEY_TOO_LONG);
    cachechain_put_options options = lives(-2);
    EXPECT_EQ(ask(chain_, &options, data_of("k"), 1), CACHECHAIN_INVALID_ARGUMENT);
    options = lives(0, -2);
    EXPECT_EQ(ask(chain_, &options, data_of("k"), 1), CACHECHAIN_INVALID_ARGUMENT);
    options = lives(0);
    options.timeout_ns = -1;
    EXPECT_EQ(ask(chain_, &options, data_of("k"), 1), CACHECHAIN_DEADLINE);
    options = lives(0);
    options.expect_version = version;
    EXPECT_EQ(ask(chain_, &options, data_of("k"), 1), CACHECHAIN_INVALID_ARGUMENT);
  }
  cachechain_put_options expecting = lives(0);
  expecting.must_flags = CACHECHAIN_PUT_EXPECT;
  expecting.expect_version = version;
  EXPECT_EQ(touch("k", &expecting), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(reject("k", 0), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(reject("k", UINT64_C(1) << 63), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(reject("k", UINT64_MAX), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(reject("", version), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(reject(std::string(1025, 'k'), version), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(cachechain_reject(nullptr, nullptr, data_of("k"), 1, version, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(described("k").version, version);
  EXPECT_EQ(cachechain_chain_close(chain_, 0, nullptr, nullptr), CACHECHAIN_OK);
  EXPECT_EQ(invalidate("k"), CACHECHAIN_CLOSED);
  EXPECT_EQ(touch("k"), CACHECHAIN_CLOSED);
  EXPECT_EQ(reject("k", version), CACHECHAIN_CLOSED);
}

}  // namespace
}  // namespace cachechain
