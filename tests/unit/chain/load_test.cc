// Loads: leases, their endings, and those who wait for them, through a chain over fakes.
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

class LoadTest : public ChainTest {
 protected:
  struct Loaded : Got {
    cachechain_lease lease{};
    bool granted() const { return lease.id != 0 && (lease.flags & CACHECHAIN_LEASE_SIDE) == 0; }
    bool side() const { return lease.id != 0 && (lease.flags & CACHECHAIN_LEASE_SIDE) != 0; }
  };

  Loaded load(const std::string &key, int64_t timeout_ms = 0) {
    Loaded got;
    std::vector<uint8_t> buffer(64);
    ReadOptions options;
    options.timeout_ns = timeout_ms * 1'000'000;
    got.status = chain_->loads().get(caller(), bytes(key), options, buffer, got.value, got.lease, &got.failure);
    got.data.assign(reinterpret_cast<const char *>(got.value.data), got.value.size);
    if (got.value.release != nullptr) got.value.release(got.value.owner);
    return got;
  }
  Status fulfil(const cachechain_lease &lease, const std::string &data, Mutation loaded = {}) {
    loaded.data = bytes(data);
    write_ = {};
    return chain_->loads().fulfilment().one(caller(), lease, loaded, write_);
  }
  Status absent(const cachechain_lease &lease, int64_t ttl_ms = 0) {
    Mutation absence;
    absence.kind = CACHECHAIN_KIND_ABSENT;
    absence.ttl_ms = ttl_ms;
    return chain_->loads().fulfilment().one(caller(), lease, absence, write_);
  }
  Status fail(const cachechain_lease &lease, const std::string &why, int64_t hold_off_ms = 0) {
    return chain_->loads().fail(caller(), lease, why, hold_off_ms);
  }
  Status abandon(const cachechain_lease &lease) { return chain_->loads().abandon(caller(), lease); }
  uint64_t waiting(const std::string &key) { return chain_->look(chain_->home().key(bytes(key))).waiting; }

  // Starts threads that load `key`; answers() joins them.
  void start(int count, const std::string &key, int64_t timeout_ms = 0) {
    answers_.resize(static_cast<size_t>(count));
    answered_ = 0;
    for (int i = 0; i < count; ++i) {
      threads_.emplace_back([this, i, key, timeout_ms] {
        const Loaded got = load(key, timeout_ms);
        std::lock_guard<std::mutex> lock(answers_mutex_);
        answers_[static_cast<size_t>(i)] = got;
        ++answered_;
      });
    }
  }
  void wait_for_waiting(const std::string &key, uint64_t count) {
    while (waiting(key) < count) std::this_thread::yield();
  }
  bool all_answered() {
    std::lock_guard<std::mutex> lock(answers_mutex_);
    return answered_ == answers_.size();
  }
  // The lease that one of the threads was granted, as soon as it is.
  cachechain_lease granted_lease() {
    for (;; std::this_thread::yield()) {
      std::lock_guard<std::mutex> lock(answers_mutex_);
      for (const Loaded &got : answers_) {
        if (got.granted()) return got.lease;
      }
    }
  }
  const std::vector<Loaded> &answers() {
    for (std::thread &thread : threads_) thread.join();
    threads_.clear();
    return answers_;
  }

  std::vector<std::thread> threads_;
  std::mutex answers_mutex_;
  std::vector<Loaded> answers_;
  size_t answered_ = 0;
};

TEST_F(LoadTest, OneLoadsAndAllHaveTheValue) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded first = load("k");
  EXPECT_EQ(first.status, CACHECHAIN_MISS);
  ASSERT_TRUE(first.granted());
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_LEASE});
  const size_t calls = l2->calls.size();
  start(63, "k");
  wait_for_waiting("k", 63);
  EXPECT_EQ(l2->calls.size(), calls);  // who waits does not look again
  Mutation loaded;
  loaded.fresh_ms = 5'000;
  ASSERT_EQ(fulfil(first.lease, "value", loaded).code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0b11u);
  for (const Loaded &got : answers()) {
    EXPECT_EQ(got.status, CACHECHAIN_OK);
    EXPECT_EQ(got.data, "value");
    EXPECT_EQ(got.lease.id, 0u);
    EXPECT_EQ(got.value.version, first.lease.version);
  }
  EXPECT_EQ(l1->entries.at("k").version, first.lease.version);
  EXPECT_EQ(l2->entries.at("k").data, "value");
  EXPECT_EQ(l2->entries.at("k").fresh_until_ms, clock_.unix_ms() + 5'000);
  EXPECT_EQ(count(ChainCounter::kLeases), 1u);
  EXPECT_EQ(count(ChainCounter::kLoaded), 63u);
  EXPECT_EQ(get("k").value.layer, 0);
  EXPECT_FALSE(chain_->look(chain_->home().key(bytes("k"))).known);
}

TEST_F(LoadTest, ManyAtOnceReadTheBottomOnceAndGetOneLease) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  start(64, "k");
  wait_for_waiting("k", 63);
  EXPECT_EQ(fulfil(granted_lease(), "value").code(), CACHECHAIN_OK);
  int leases = 0;
  for (const Loaded &got : answers()) {
    leases += got.lease.id != 0;
    EXPECT_EQ(got.status, got.lease.id != 0 ? CACHECHAIN_NOT_FOUND : CACHECHAIN_OK);
  }
  EXPECT_EQ(leases, 1);
  EXPECT_EQ(l2->calls, (std::vector<std::string>{"get k", "put k"}));
  EXPECT_EQ(l2->entries.at("k").data, "value");
}

TEST_F(LoadTest, TheNextTakesOverFromOneWhoGivesUp) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded first = load("k");
  ASSERT_TRUE(first.granted());
  start(1, "k");
  wait_for_waiting("k", 1);
  EXPECT_EQ(abandon(first.lease).code(), CACHECHAIN_OK);
  const Loaded second = answers().front();
  ASSERT_TRUE(second.granted());
  EXPECT_GT(second.lease.version, first.lease.version);
  EXPECT_EQ(fulfil(first.lease, "late").code(), CACHECHAIN_VOID);
  EXPECT_EQ(fulfil(second.lease, "value").code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").data, "value");
  EXPECT_EQ(fulfil(second.lease, "twice").code(), CACHECHAIN_VOID);
}

TEST_F(LoadTest, TheNextTakesOverFromOneWhoIsGone) {
  fake(kFakeInline);
  settings_.lease_ms = 3'000;
  settings_.lease_wait_ms = 60'000;
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(load("k").granted());
  start(2, "k", 100'000);
  wait_for_waiting("k", 2);
  clock_.advance_ms(3'000);
  while (count(ChainCounter::kLeases) < 2) std::this_thread::yield();
  wait_for_waiting("k", 1);
  EXPECT_EQ(fulfil(granted_lease(), "value").code(), CACHECHAIN_OK);
  (void)answers();
  EXPECT_EQ(count(ChainCounter::kLeases), 2u);
  EXPECT_EQ(count(ChainCounter::kLoaded), 1u);
}

TEST_F(LoadTest, AFailedLoadIsToldToAllAndHeldOff) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded first = load("k");
  start(63, "k");
  wait_for_waiting("k", 63);
  EXPECT_EQ(fail(first.lease, "no connection").code(), CACHECHAIN_OK);
  for (const Loaded &got : answers()) {
    EXPECT_EQ(got.status, CACHECHAIN_LOAD_FAILED);
    EXPECT_EQ(got.failure.message(), "test/source: the load failed: no connection");
  }
  clock_.advance_ms(999);
  EXPECT_EQ(load("k").status, CACHECHAIN_LOAD_FAILED);
  EXPECT_EQ(count(ChainCounter::kLeases), 1u);
  clock_.advance_ms(1);
  EXPECT_TRUE(load("k").granted());
}

TEST_F(LoadTest, AStaleValueIsForAllAndTheLeaseForOne) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("k", "old", mutation).ok());
  clock_.advance_ms(1'000);
  const Loaded first = load("k");
  EXPECT_EQ(first.status, CACHECHAIN_STALE);
  EXPECT_EQ(first.data, "old");
  ASSERT_TRUE(first.granted());
  EXPECT_EQ(first.lease.seen_version, write_.version);
  for (int i = 0; i < 63; ++i) {
    const Loaded other = load("k");
    EXPECT_EQ(other.status, CACHECHAIN_STALE);
    EXPECT_EQ(other.data, "old");
    EXPECT_EQ(other.lease.id, 0u);
  }
  EXPECT_EQ(fulfil(first.lease, "new").code(), CACHECHAIN_OK);
  EXPECT_EQ(load("k").data, "new");
}

TEST_F(LoadTest, AFailedRefreshLeavesTheStaleValue) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("k", "old", mutation).ok());
  clock_.advance_ms(1'000);
  ASSERT_EQ(fail(load("k").lease, "no").code(), CACHECHAIN_OK);
  const Loaded got = load("k");
  EXPECT_EQ(got.status, CACHECHAIN_STALE);
  EXPECT_EQ(got.lease.id, 0u);
  clock_.advance_ms(1'000);
  EXPECT_TRUE(load("k").granted());
}

TEST_F(LoadTest, InsideTheRefreshWindowAHitComesWithALease) {
  fake(kFakeInline);
  settings_.refresh_ms = 200;
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 1'000;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  EXPECT_EQ(load("k").lease.id, 0u);
  clock_.advance_ms(800);
  const Loaded got = load("k");
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_TRUE(got.granted());
  EXPECT_EQ(load("k").lease.id, 0u);
  EXPECT_EQ(chain_->loads().unchanged(caller(), got.lease, 1'000).code(), CACHECHAIN_OK);
  EXPECT_EQ(load("k").value.fresh_until_ms, clock_.unix_ms() + 1'000);
  EXPECT_EQ(load("k").data, "v");
}

TEST_F(LoadTest, AMutationBetweenGrantAndFulfilmentWins) {
  for (const bool shared : {false, true}) {
    for (const bool deletes : {false, true}) {
      SCOPED_TRACE(testing::Message() << "shared " << shared << ", deletes " << deletes);
      fakes_.clear();
      settings_.layers.clear();
      FakeLayer *l1 = fake(kFakeInline);
      FakeLayer *l2 = shared ? fake(kFakeShared) : nullptr;
      ASSERT_TRUE(open(Source::kApplication).ok());
      const Loaded got = load("k");
      ASSERT_TRUE(got.granted());
      ASSERT_TRUE((deletes ? remove("k") : set("k", "set")).ok());
      l1->entries.clear();  // as if it had been evicted
      EXPECT_EQ(fulfil(got.lease, "loaded").code(), CACHECHAIN_VOID);
      EXPECT_EQ(l1->entries.count("k"), 0u);
      if (shared) {
        EXPECT_NE(l2->entries.at("k").data, "loaded");
      }
    }
  }
}

TEST_F(LoadTest, WhoWaitsLooksAgainAfterAMutation) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(load("k").granted());
  start(1, "k");
  wait_for_waiting("k", 1);
  ASSERT_TRUE(set("k", "set").ok());
  EXPECT_EQ(answers().front().data, "set");
}

TEST_F(LoadTest, ALoadThatTakesLongIsHelpedByOneAtATime) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded first = load("k");
  start(8, "k");
  wait_for_waiting("k", 8);
  clock_.advance_ms(500);
  while (count(ChainCounter::kSideLeases) < 1) std::this_thread::yield();
  clock_.advance_ms(499);
  EXPECT_EQ(count(ChainCounter::kSideLeases), 1u);
  clock_.advance_ms(1);
  int side = 0;
  int pending = 0;
  for (const Loaded &got : answers()) {
    side += got.side();
    pending += got.status == CACHECHAIN_LOAD_PENDING;
    if (got.side()) {
      EXPECT_EQ(got.status, CACHECHAIN_MISS);
      EXPECT_EQ(fulfil(got.lease, "theirs").code(), CACHECHAIN_VOID);
    }
  }
  EXPECT_EQ(side, 1);
  EXPECT_EQ(pending, 7);
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(fulfil(first.lease, "value").code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").data, "value");
}

TEST_F(LoadTest, ALoadLongerThanTheDeadlineIsDoneAFewTimesAndNobodyIsToldDeadline) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  constexpr int64_t kLoadNs = 1'500'000'000;
  constexpr int kCallers = 64;
  std::atomic<int> served{0};
  for (int i = 0; i < kCallers; ++i) {
    threads_.emplace_back([&] {
      for (;;) {
        const Loaded got = load("k");
        if (got.lease.id != 0) {
          const int64_t end = clock_.mono_ns() + kLoadNs;
          while (clock_.mono_ns() < end) std::this_thread::yield();
          {
            Mutation loaded;
            cachechain_write write{};
            const std::string data = "value";
            loaded.data = bytes(data);
            (void)chain_->loads().fulfilment().one(caller(), got.lease, loaded, write);
          }
          break;
        }
        if (got.status == CACHECHAIN_OK) break;
        EXPECT_EQ(got.status, CACHECHAIN_LOAD_PENDING);
      }
      ++served;
    });
  }
  while (served < kCallers) {
    clock_.advance_ms(1);
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // lets those who wait look at the clock
  }
  for (std::thread &thread : threads_) thread.join();
  threads_.clear();
  EXPECT_LE(count(ChainCounter::kLeases), 4u);
  EXPECT_EQ(get("k").data, "value");
}

TEST_F(LoadTest, AbsenceIsRememberedForItsTime) {
  fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded first = load("k");
  start(1, "k");
  wait_for_waiting("k", 1);
  EXPECT_EQ(absent(first.lease, 2'000).code(), CACHECHAIN_OK);
  EXPECT_EQ(answers().front().status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(load("k").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(load("k").lease.id, 0u);
  clock_.advance_ms(2'000);
  EXPECT_TRUE(load("k").granted());
}

TEST_F(LoadTest, ADeadSharedLayerKeepsNobodyFromTheSource) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  l2->step = [](const char *) { return int32_t{CACHECHAIN_UNAVAILABLE}; };
  const Loaded got = load("k");
  EXPECT_EQ(got.status, CACHECHAIN_MISS);
  EXPECT_EQ(got.value.flags, CACHECHAIN_FLAG_DEGRADED);
  ASSERT_TRUE(got.granted());
  l2->step = nullptr;
  // It never saw the lease, so it does not get the value: nobody knows what happened there meanwhile.
  EXPECT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_LOCAL_ONLY);
  EXPECT_EQ(l1->entries.at("k").data, "value");
  EXPECT_EQ(l2->entries.count("k"), 0u);
  EXPECT_EQ(get("k").data, "value");
}

TEST_F(LoadTest, AnotherProcessesLoadIsWaitedFor) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const uint64_t theirs = stamp_ceiling(clock_.unix_ms() - 1);
  const int64_t end = clock_.unix_ms() + 400;
  l2->entries["k"] = {"", theirs, theirs - 2, 0, end, CACHECHAIN_KIND_LEASE, theirs - 2};
  std::thread other([&] {
    while (chain_->look(chain_->home().key(bytes("k"))).leases == 0) std::this_thread::yield();
    l2->with_entries([&](auto &entries) { entries["k"] = {"value", theirs, theirs, 0, clock_.unix_ms() + 60'000, 0}; });
    while (chain_->look(chain_->home().key(bytes("k"))).known) clock_.advance_ms(1), std::this_thread::yield();
  });
  const Loaded got = load("k", 100'000);
  other.join();
  EXPECT_EQ(got.status, CACHECHAIN_OK);
  EXPECT_EQ(got.data, "value");
  EXPECT_EQ(l1->entries.at("k").data, "value");
  EXPECT_EQ(got.lease.id, 0u);
}

TEST_F(LoadTest, ALeaseThatAnotherProcessLeftBehindIsTakenOver) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const uint64_t theirs = stamp_ceiling(clock_.unix_ms() - 1);
  l2->entries["k"] = {"", theirs, theirs - 2, 0, clock_.unix_ms() - 1, CACHECHAIN_KIND_LEASE, theirs - 2};
  const Loaded got = load("k");
  ASSERT_TRUE(got.granted());
  EXPECT_EQ(l2->entries.at("k").version, got.lease.version);
  EXPECT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_OK);
  EXPECT_EQ(l2->entries.at("k").data, "value");
}

TEST_F(LoadTest, ARenewedLeaseLivesOn) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  settings_.lease_ms = 1'000;
  ASSERT_TRUE(open(Source::kApplication).ok());
  Loaded got = load("k");
  clock_.advance_ms(900);
  ASSERT_EQ(chain_->loads().renew(caller(), got.lease, 5'000).code(), CACHECHAIN_OK);
  EXPECT_EQ(got.lease.expires_ms, clock_.unix_ms() + 5'000);
  EXPECT_EQ(l2->entries.at("k").expires_ms, got.lease.expires_ms);
  clock_.advance_ms(4'000);
  (void)get("other");
  EXPECT_EQ(chain_->look(chain_->home().key(bytes("k"))).leases, 1u);
  EXPECT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_OK);
  ASSERT_TRUE(remove("k").ok());
  got = load("k");
  ASSERT_TRUE(remove("k").ok());
  EXPECT_EQ(chain_->loads().renew(caller(), got.lease, 0).code(), CACHECHAIN_VOID);
}

TEST_F(LoadTest, NoMoreLoadsThanAllowed) {
  fake(kFakeInline);
  settings_.max_loads = 2;
  settings_.lease_ms = 3'600'000;
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded a = load("a");
  const Loaded b = load("b");
  ASSERT_TRUE(a.granted() && b.granted());
  start(1, "c");
  for (; !all_answered(); std::this_thread::yield()) clock_.advance_ms(100);
  const Loaded refused = answers().front();
  EXPECT_EQ(refused.status, CACHECHAIN_OVERLOADED);
  EXPECT_EQ(refused.failure.message(), "test: source: 2 loads are under way (max_loads)");
  start(1, "c");
  while (!chain_->look(chain_->home().key(bytes("c"))).known) std::this_thread::yield();
  EXPECT_EQ(fulfil(a.lease, "value").code(), CACHECHAIN_OK);
  EXPECT_TRUE(answers().front().granted());
}

TEST_F(LoadTest, CloseLeavesNobodyWaiting) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(load("k").granted());
  std::atomic<bool> inside{false};
  std::thread waiter([&] {
    Inside entered(caller().block);
    inside = true;
    EXPECT_EQ(load("k", 3'600'000).status, CACHECHAIN_CLOSED);
  });
  wait_for_waiting("k", 1);
  EXPECT_TRUE(chain_->close(CACHECHAIN_TIMEOUT_NONE).ok());
  waiter.join();
}

// A level that forgets would take for news what a fulfilment brings after the mark of the delete.
TEST_F(LoadTest, ADeleteWaitsForWhatIsBeingStored) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const Loaded got = load("k");
  ASSERT_TRUE(got.granted());
  std::atomic<int> puts{0};
  std::atomic<int> deleted{0};
  std::atomic<bool> goes_on{false};
  l2->wait_step = [&](const char *call, const cachechain_call &) {
    if (std::string(call) == "put" && ++puts == 1) {
      while (!goes_on) std::this_thread::yield();
    }
    return 0;
  };
  std::thread storing([&] { EXPECT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_OK); });
  while (puts == 0) std::this_thread::yield();
  l3->wait_step = [&](const char *call, const cachechain_call &) {
    if (std::string(call) == "put") ++deleted;
    return 0;
  };
  std::thread deleting([&] {
    Mutation mutation;
    mutation.kind = CACHECHAIN_KIND_TOMBSTONE;
    cachechain_write write{};
    const Caller other(chain_->home());
    EXPECT_TRUE(chain_->writes().mutate(other, bytes("k"), mutation, write).ok());
  });
  while (deleted == 0) std::this_thread::yield();
  for (int i = 0; i < 1'000; ++i) std::this_thread::yield();
  EXPECT_EQ(puts, 1);
  goes_on = true;
  storing.join();
  deleting.join();
  EXPECT_EQ(puts, 2);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_TOMBSTONE});
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
}

TEST_F(LoadTest, FulfilmentInALastLayerChainIsASet) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  const Loaded got = load("k");
  EXPECT_EQ(got.status, CACHECHAIN_NOT_FOUND);
  ASSERT_TRUE(got.granted());
  EXPECT_EQ(l2->entries.count("k"), 0u);
  ASSERT_EQ(fulfil(got.lease, "value").code(), CACHECHAIN_OK);
  EXPECT_EQ(l2->entries.at("k").data, "value");
  EXPECT_EQ(l1->entries.at("k").data, "value");
  // Against another process's write, which this one has not heard of, it loses.
  ASSERT_TRUE(remove("k").ok());
  const Loaded again = load("k");
  ASSERT_TRUE(again.granted());
  l2->entries["k"] = {"theirs", again.lease.version, again.lease.version, 0, 0, 0};
  EXPECT_EQ(fulfil(again.lease, "late").code(), CACHECHAIN_VOID);
  EXPECT_EQ(l2->entries.at("k").data, "theirs");
}

}  // namespace
}  // namespace cachechain
