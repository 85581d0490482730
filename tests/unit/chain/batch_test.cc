// The answers to many keys, and how C reads them.
#include "abi/batch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cachechain {
namespace {

class NoMemory final : public Allocator {
 public:
  void *alloc(uint64_t, uint64_t) noexcept override { return nullptr; }
  void free(void *, uint64_t, uint64_t) noexcept override {}
};

class BatchTest : public ::testing::Test {
 protected:
  cachechain_batch make(size_t count, bool with_leases = false) {
    return {Batch::create(Allocator::system(), count, with_leases)};
  }
  // A value that counts how often it is released.
  cachechain_value view(const std::string &text) {
    cachechain_value value{};
    value.data = reinterpret_cast<const uint8_t *>(text.data());
    value.size = text.size();
    value.release = [](void *owner) { ++*static_cast<int *>(owner); };
    value.owner = &released_;
    return value;
  }

  int released_ = 0;
};

TEST_F(BatchTest, OwnsItsValues) {
  const std::string text = "value";
  cachechain_batch batch = make(3, true);
  EXPECT_EQ(cachechain_batch_size(&batch), 3u);
  batch.answers->values()[0] = view(text);
  batch.answers->values()[2] = view(text);
  batch.answers->leases()[1].id = 7;
  cachechain_value value;
  cachechain_lease lease;
  EXPECT_EQ(cachechain_batch_item(&batch, 2, &value, &lease), CACHECHAIN_OK);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(value.data), value.size), "value");
  EXPECT_EQ(value.release, nullptr);
  EXPECT_EQ(lease.id, 0u);
  EXPECT_EQ(cachechain_batch_item(&batch, 1, nullptr, &lease), CACHECHAIN_OK);
  EXPECT_EQ(lease.id, 7u);
  EXPECT_EQ(released_, 0);
  batch.answers.reset();
  EXPECT_EQ(released_, 2);
}

TEST_F(BatchTest, TellsWhyAKeyFailed) {
  cachechain_batch batch = make(3);
  EXPECT_EQ(batch.answers->overall(), CACHECHAIN_OK);
  batch.answers->fail(1, Status(CACHECHAIN_UNAVAILABLE, "nobody there"));
  batch.answers->fail(2, CACHECHAIN_DEADLINE);
  EXPECT_EQ(batch.answers->overall(), CACHECHAIN_PARTIAL);
  uint64_t size = 0;
  EXPECT_STREQ(cachechain_batch_message(&batch, 1, &size), "nobody there");
  EXPECT_EQ(size, 12u);
  EXPECT_STREQ(cachechain_batch_message(&batch, 0, &size), "");
  EXPECT_EQ(size, 0u);
  EXPECT_STREQ(cachechain_batch_message(&batch, 2, nullptr), "");
  EXPECT_STREQ(cachechain_batch_message(&batch, 3, &size), "");
  EXPECT_STREQ(cachechain_batch_message(nullptr, 0, &size), "");
  EXPECT_EQ(cachechain_batch_item(&batch, 1, nullptr, nullptr), CACHECHAIN_UNAVAILABLE);
}

TEST_F(BatchTest, CopiesAllInOneCrossing) {
  const std::string one = "one";
  const std::string two = "second";
  cachechain_batch batch = make(4);
  batch.answers->values()[0] = view(one);
  batch.answers->statuses()[1] = CACHECHAIN_MISS;
  batch.answers->values()[3] = view(two);
  uint64_t needed = 0;
  EXPECT_EQ(cachechain_batch_copy(&batch, nullptr, nullptr, nullptr, 0, &needed), CACHECHAIN_BUFFER_TOO_SMALL);
  ASSERT_EQ(needed, 9u);
  std::vector<int32_t> statuses(4, -99);
  std::vector<uint64_t> offsets(5, 99);
  std::vector<uint8_t> bytes(9);
  EXPECT_EQ(cachechain_batch_copy(&batch, statuses.data(), offsets.data(), bytes.data(), 8, &needed),
            CACHECHAIN_BUFFER_TOO_SMALL);
  EXPECT_EQ(statuses[0], -99);
  EXPECT_EQ(cachechain_batch_copy(&batch, statuses.data(), offsets.data(), bytes.data(), 9, &needed), CACHECHAIN_OK);
  EXPECT_EQ(statuses, (std::vector<int32_t>{0, CACHECHAIN_MISS, 0, 0}));
  EXPECT_EQ(offsets, (std::vector<uint64_t>{0, 3, 3, 3, 9}));
  EXPECT_EQ(std::string(bytes.begin(), bytes.end()), "onesecond");
  EXPECT_EQ(cachechain_batch_copy(&batch, nullptr, nullptr, bytes.data(), 9, &needed), CACHECHAIN_OK);
}

TEST_F(BatchTest, RefusesWhatIsNoBatchOrNoIndex) {
  cachechain_batch empty = make(0);
  EXPECT_EQ(empty.answers->overall(), CACHECHAIN_OK);
  cachechain_value value{};
  cachechain_lease lease{};
  value.size = lease.id = 1;
  EXPECT_EQ(cachechain_batch_item(&empty, 0, &value, &lease), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(value.size, 0u);
  EXPECT_EQ(lease.id, 0u);
  EXPECT_EQ(cachechain_batch_item(nullptr, 0, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_batch_size(nullptr), 0u);
  uint64_t needed = 1;
  uint64_t offset = 1;
  EXPECT_EQ(cachechain_batch_copy(&empty, nullptr, &offset, nullptr, 0, &needed), CACHECHAIN_OK);
  EXPECT_EQ(needed, 0u);
  EXPECT_EQ(offset, 0u);
  EXPECT_EQ(cachechain_batch_copy(&empty, nullptr, nullptr, nullptr, 1, &needed), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_batch_copy(&empty, nullptr, nullptr, nullptr, 0, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_batch_copy(nullptr, nullptr, nullptr, nullptr, 0, &needed), CACHECHAIN_INVALID_ARGUMENT);
  cachechain_batch_free(nullptr);
}

TEST_F(BatchTest, WithoutMemoryThereIsNone) {
  NoMemory none;
  EXPECT_EQ(Batch::create(none, 1, true), nullptr);
}

}  // namespace
}  // namespace cachechain
