// The record of a key without memory: each allocation fails in its turn, and nothing leaks, nobody is left waiting.
#include <array>
#include <atomic>
#include <thread>

#include "unit/chain/chain_fixture.h"
#include "unit/chain/failing_allocator.h"

namespace cachechain {
namespace {

class NoMemoryTest : public ChainTest {
 protected:
  NoMemoryTest() { allocator_ = &failing_; }

  int32_t load(const std::string &key, cachechain_lease &lease, std::string *found = nullptr) {
    cachechain_value value{};
    lease = {};
    const int32_t status = chain_->loads().get(caller(), bytes(key), {}, {}, value, lease, nullptr);
    if (found != nullptr) found->assign(reinterpret_cast<const char *>(value.data), value.size);
    if (value.release != nullptr) value.release(value.owner);
    return status;
  }
  Status fulfil(const cachechain_lease &lease, const std::string &data) {
    Mutation loaded;
    loaded.data = bytes(data);
    return chain_->loads().fulfilment().one(caller(), lease, loaded, write_);
  }

  // A batch of gets, one of loads, and the fulfilment of what was granted.
  void many() {
    const std::array<std::string, 4> keys{"a", "e", "f", "e"};
    std::array<cachechain_slice, 4> slices;
    for (size_t i = 0; i < keys.size(); ++i) slices[i] = {bytes(keys[i]).data(), keys[i].size()};
    const Slices all(slices.data(), slices.size());
    Batch::Ptr answers;
    if (chain_->read_many().get(caller(), all, {}, answers).code() == CACHECHAIN_NO_MEMORY) {
      EXPECT_EQ(answers, nullptr);
    }
    if (!chain_->load_many().get(caller(), all, {}, answers).ok()) return;
    for (const cachechain_lease &lease : answers->leases()) {
      if (lease.id == 0) continue;
      Batch::Ptr ended;
      if (!chain_->load_many().fulfil(caller(), {&lease, 1}, Slices(slices.data(), 1), {}, ended).ok()) {
        (void)chain_->loads().abandon(caller(), lease);
      }
    }
    (void)remove("e");
    (void)remove("f");
  }

  FailingAllocator failing_;
};

TEST_F(NoMemoryTest, EachAllocationOfACallMayFail) {
  fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const auto everything = [&] {
    cachechain_lease lease;
    (void)get("a");
    (void)set("a", "value");
    (void)load("b", lease);
    if (lease.id != 0) (void)fulfil(lease, "value");
    (void)load("c", lease);
    if (lease.id != 0) (void)chain_->loads().fail(caller(), lease, "no", 1);
    (void)load("c", lease);
    if (lease.id != 0) (void)chain_->loads().abandon(caller(), lease);
    (void)load("d", lease);
    if (lease.id != 0) (void)chain_->loads().abandon(caller(), lease);
    (void)chain_->writes().touch(caller(), bytes("a"), {}, write_);
    many();
    (void)remove("a");
    clock_.advance_ms(2);
  };
  everything();
  failing_.fail_at(0);
  everything();
  const int64_t allocations = failing_.asked();
  ASSERT_GT(allocations, 5);
  for (int64_t i = 1; i <= allocations; ++i) {
    failing_.fail_at(i);
    everything();
    // What is still out are failed loads that are held off; the next call that passes by drops them.
    EXPECT_LE(failing_.out(), 2) << i;
  }
  chain_.reset();
  EXPECT_EQ(failing_.out(), 0);
}

TEST_F(NoMemoryTest, AMutationWithoutARecordChangesNothing) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  failing_.fail_at(1);
  const Status refused = set("k", "v");
  EXPECT_EQ(refused.code(), CACHECHAIN_NO_MEMORY);
  EXPECT_NE(refused.message().find("nothing was changed"), std::string::npos);
  EXPECT_TRUE(l1->calls.empty());
  EXPECT_TRUE(l2->calls.empty());
  // A get answers all the same, but warms nothing: nobody would fence it.
  ASSERT_TRUE(set("k", "v").ok());
  l1->entries.clear();
  failing_.fail_at(1);
  EXPECT_EQ(get("k").data, "v");
  EXPECT_TRUE(l1->entries.empty());
}

TEST_F(NoMemoryTest, AFollowerLeadsIfTheAnswerCannotBeShared) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"value", 7, 7, 0, 0, 0};
  std::atomic<bool> first{true};
  l2->step = [&](const char *) {
    if (!first.exchange(false)) return 0;
    while (chain_->look(chain_->home().key(bytes("k"))).waiting < 3) std::this_thread::yield();
    failing_.fail_at(1);
    return 0;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { EXPECT_EQ(get("k").data, "value"); });
  for (std::thread &thread : threads) thread.join();
  EXPECT_FALSE(chain_->look(chain_->home().key(bytes("k"))).known);
  EXPECT_EQ(failing_.out(), 0);
}

TEST_F(NoMemoryTest, WhoWaitedForALoadLooksAgainIfTheAnswerCannotBeShared) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  cachechain_lease lease;
  ASSERT_EQ(load("k", lease), CACHECHAIN_MISS);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      cachechain_lease none;
      std::string found;
      EXPECT_EQ(load("k", none, &found), CACHECHAIN_OK);
      EXPECT_EQ(found, "value");
    });
  }
  while (chain_->look(chain_->home().key(bytes("k"))).waiting < 3) std::this_thread::yield();
  failing_.fail_at(1);
  EXPECT_EQ(fulfil(lease, "value").code(), CACHECHAIN_OK);
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(failing_.out(), 0);
}

}  // namespace
}  // namespace cachechain
