#include "payload.h"

#include <gtest/gtest.h>

#include <set>

namespace cachechain::tool {
namespace {

TEST(Payload, IsItsOwnAndNoOther) {
  std::set<std::string> seen;
  for (size_t size : {8u, 9u, 100u, 1000u}) {
    for (const char *key : {"a", "b", "ab", "ba", "a "}) {
      std::string value;
      make_payload(key, size, value);
      EXPECT_EQ(value.size(), size);
      EXPECT_TRUE(is_payload(key, value));
      EXPECT_FALSE(is_payload(std::string(key) + "x", value));
      EXPECT_TRUE(seen.insert(value).second);
    }
  }
}

TEST(Payload, NoticesEveryDamagedByteAndEveryCut) {
  std::string value;
  make_payload("key", 37, value);
  for (size_t i = 0; i < value.size(); ++i) {
    std::string damaged = value;
    damaged[i] ^= 1;
    EXPECT_FALSE(is_payload("key", damaged)) << i;
  }
  for (size_t size = 4; size < value.size(); ++size) EXPECT_FALSE(is_payload("key", value.substr(0, size))) << size;
}

TEST(Payload, EmptyIsEveryKeys) {
  std::string value = "left over";
  make_payload("key", 0, value);
  EXPECT_EQ(value, "");
  EXPECT_TRUE(is_payload("key", value));
}

}  // namespace
}  // namespace cachechain::tool
