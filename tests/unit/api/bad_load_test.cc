// Loads and their endings with arguments that are wrong, leases that are none, and chains that take no writes.
#include <cstring>
#include <utility>
#include <vector>

#include "load_harness.h"

namespace cachechain {
namespace {

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
