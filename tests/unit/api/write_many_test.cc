// Mutations of many keys, as a user sees them: memory over an SQLite file that outlives the chain, slices and the
// packed form, and what is refused before anything is changed.
#include <stdlib.h>

#include <filesystem>
#include <vector>

#include "chain_harness.h"

namespace cachechain {
namespace {

using Strings = std::vector<std::string>;

std::vector<cachechain_slice> slices_of(const Strings &texts) {
  std::vector<cachechain_slice> slices;
  for (const std::string &text : texts) slices.push_back({data_of(text), text.size()});
  return slices;
}

struct Packed {
  explicit Packed(const Strings &texts) {
    for (const std::string &text : texts) {
      bytes += text;
      offsets.push_back(bytes.size());
    }
  }
  std::string bytes;
  std::vector<uint64_t> offsets{0};
};

class WriteManyTest : public ApiTest {
 protected:
  WriteManyTest() {
    char name[] = "/tmp/cachechain-many-XXXXXX";
    folder_ = mkdtemp(name);
  }
  ~WriteManyTest() override {
    cachechain_batch_free(batch_);
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    std::filesystem::remove_all(folder_);
  }
  int32_t open_durable() {
    return open(R"({"chain": "shop", "source": "last_layer", "layers": [
      {"name": "L1", "plugin": "memory", "options": {"max_bytes": "8MiB"}, "ttl_ms": "1h"},
      {"name": "DB", "plugin": "sqlite", "options": {"path": ")" +
                folder_ + R"(/shop.db"}}]})");
  }
  void reopen() {
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  }
  cachechain_batch **batch_out() {
    cachechain_batch_free(batch_);
    batch_ = nullptr;
    return &batch_;
  }
  int32_t set_many(const Strings &keys, const Strings &values, const cachechain_put_options *options = nullptr) {
    return cachechain_set_many(chain_, options, slices_of(keys).data(), slices_of(values).data(), keys.size(),
                               batch_out(), error_.out());
  }
  cachechain_value item(uint64_t index) const {
    cachechain_value value;
    (void)cachechain_batch_item(batch_, index, &value, nullptr);
    return value;
  }
  int32_t status(uint64_t index) const { return cachechain_batch_item(batch_, index, nullptr, nullptr); }

  std::string folder_;
  cachechain_batch *batch_ = nullptr;
};

TEST_F(WriteManyTest, WhatWasSetAndDeletedOutlivesTheChain) {
  ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set_many({"a", "b", "c", "b"}, {"1", "2", "", "4"}), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(cachechain_batch_size(batch_), 4u);
  EXPECT_GT(item(3).version, item(1).version);
  EXPECT_EQ(item(0).flags, 0u);
  const uint64_t version = item(3).version;
  const Packed keys({"c", "d"});
  ASSERT_EQ(cachechain_delete_many_packed(chain_, nullptr, data_of(keys.bytes), keys.offsets.data(), 2, batch_out(),
                                          error_.out()),
            CACHECHAIN_OK)
      << error_.message();
  for (const bool reopened : {false, true}) {
    if (reopened) reopen();
    EXPECT_EQ(get("a"), CACHECHAIN_OK);
    EXPECT_EQ(found_, "1");
    EXPECT_EQ(cachechain_get(chain_, nullptr, data_of("b"), 1, nullptr, 0, &value_, nullptr), CACHECHAIN_OK);
    EXPECT_EQ(value_.version, version);
    EXPECT_EQ(std::string(reinterpret_cast<const char *>(value_.data), value_.size), "4");
    cachechain_value_release(&value_);
    EXPECT_EQ(get("c"), CACHECHAIN_NOT_FOUND);
    EXPECT_EQ(get("d"), CACHECHAIN_NOT_FOUND);
  }
}

TEST_F(WriteManyTest, PackedIsTheSameWithoutPointers) {
  ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  const Packed keys({"a", "bb", "ccc"});
  const Packed values({"", "value", ""});
  ASSERT_EQ(cachechain_set_many_packed(chain_, nullptr, data_of(keys.bytes), keys.offsets.data(), data_of(values.bytes),
                                       values.offsets.data(), 3, batch_out(), error_.out()),
            CACHECHAIN_OK)
      << error_.message();
  EXPECT_EQ(get("bb"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  EXPECT_EQ(get("ccc"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "");
  // Bytes that nobody has need not be there.
  const uint64_t empty[] = {0, 0, 0, 0};
  ASSERT_EQ(cachechain_set_many_packed(chain_, nullptr, data_of(keys.bytes), keys.offsets.data(), nullptr, empty, 3,
                                       batch_out(), error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(get("bb"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "");
  ASSERT_EQ(cachechain_delete_many(chain_, nullptr, slices_of({"a", "bb"}).data(), 2, batch_out(), error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(get("a"), CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get("ccc"), CACHECHAIN_OK);
}

TEST_F(WriteManyTest, EachKeyHasItsOwnOutcome) {
  ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("b", "old"), CACHECHAIN_OK);
  cachechain_put_options create{};
  create.struct_size = sizeof(create);
  create.must_flags = CACHECHAIN_PUT_EXPECT;
  ASSERT_EQ(set_many({"a", "b", "c"}, {"new", "new", "new"}, &create), CACHECHAIN_PARTIAL);
  EXPECT_EQ(status(0), CACHECHAIN_OK);
  EXPECT_EQ(status(1), CACHECHAIN_CONFLICT);
  EXPECT_EQ(status(2), CACHECHAIN_OK);
  EXPECT_EQ(item(1).version, 0u);
  EXPECT_EQ(cachechain_batch_message(batch_, 1, nullptr),
            "shop/DB: version 0 was expected, stored is " + std::to_string(write_.version));
  EXPECT_EQ(get("b"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "old");
  create.expect_version = write_.version;
  EXPECT_EQ(set_many({"a"}, {"x"}, &create), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(batch_, nullptr);
}

TEST_F(WriteManyTest, ABatchThatIsRefusedChangesNothing) {
  ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  const std::string long_key(1025, 'k');
  EXPECT_EQ(set_many({"a", "b", long_key}, {"1", "2", "3"}), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(error_.message(), "key 2 has more than 1024 bytes");
  EXPECT_EQ(set_many({"a", ""}, {"1", "2"}), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(error_.message(), "key 1 is empty or NULL");
  std::vector<cachechain_slice> keys = slices_of({"a", "b"});
  std::vector<cachechain_slice> values = {{data_of("1"), 1}, {nullptr, 1}};
  const auto call = [&] {
    return cachechain_set_many(chain_, nullptr, keys.data(), values.data(), keys.size(), batch_out(), error_.out());
  };
  EXPECT_EQ(call(), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(error_.message(), "value 1 is NULL, but its size is not 0");
  values[1] = {data_of("2"), uint64_t{UINT32_MAX} + 1};
  EXPECT_EQ(call(), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(error_.message(), "value 1 has more than 4 GiB - 1 bytes");
  EXPECT_EQ(cachechain_delete_many(chain_, nullptr, slices_of({"a", long_key}).data(), 2, batch_out(), error_.out()),
            CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(error_.message(), "key 1 has more than 1024 bytes");
  const uint64_t backwards[] = {0, 2, 1};
  EXPECT_EQ(cachechain_delete_many_packed(chain_, nullptr, data_of("ab"), backwards, 2, batch_out(), error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(error_.message(), "key 1 ends before it begins");
  EXPECT_EQ(cachechain_delete_many_packed(chain_, nullptr, data_of("ab"), nullptr, 2, batch_out(), error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  keys.assign(CACHECHAIN_MAX_BATCH + 1, {data_of("a"), 1});
  values.assign(keys.size(), {nullptr, 0});
  EXPECT_EQ(call(), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_set_many(chain_, nullptr, nullptr, nullptr, 1, batch_out(), nullptr),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_set_many(chain_, nullptr, nullptr, nullptr, 0, nullptr, nullptr), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(batch_, nullptr);
  EXPECT_EQ(get("a"), CACHECHAIN_NOT_FOUND);
  // No key at all is no mistake.
  EXPECT_EQ(cachechain_set_many(chain_, nullptr, nullptr, nullptr, 0, batch_out(), nullptr), CACHECHAIN_OK);
  EXPECT_EQ(cachechain_batch_size(batch_), 0u);
  ASSERT_EQ(cachechain_chain_close(chain_, 0, nullptr, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(set_many({"a"}, {"1"}), CACHECHAIN_CLOSED);
  EXPECT_EQ(batch_, nullptr);
}

TEST_F(WriteManyTest, TheLargestBatchIsCountedKeyByKey) {
  ASSERT_EQ(open_durable(), CACHECHAIN_OK) << error_.message();
  Strings keys;
  for (int i = 0; i < CACHECHAIN_MAX_BATCH; ++i) keys.push_back("key-" + std::to_string(i));
  ASSERT_EQ(set_many(keys, keys), CACHECHAIN_OK);
  EXPECT_EQ(get("key-4095"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "key-4095");
  EXPECT_NE(text_of(cachechain_chain_stats, chain_).find(R"("sets":4096)"), std::string::npos);
}

}  // namespace
}  // namespace cachechain
