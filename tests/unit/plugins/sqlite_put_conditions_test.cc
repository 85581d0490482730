// The put conditions in SQL give the verdicts of plugin::judge(), and store what it says.
#include <map>
#include <optional>
#include <random>

#include "sqlite_test_support.h"

namespace cachechain::sqlite {
namespace {

struct Case {
  plugin::Stored stored;
  cachechain_put put;
};

// Numbers from a small range, so that equal, next and far ones are all common.
Case random_case(std::mt19937_64 &random, const cachechain_key &key) {
  const auto pick = [&](uint64_t most) { return random() % (most + 1); };
  const auto big = [&](uint64_t number) { return number == 0 || pick(3) != 0 ? number : number + (uint64_t{1} << 62); };
  Case made{};
  if (pick(4) != 0) made.stored = {big(pick(9)), pick(6), pick(2)};
  made.put = put_of(key, "new", big(1 + pick(9)), static_cast<uint32_t>(pick(2)));
  made.put.created = pick(6);
  made.put.token = pick(2) == 0 ? random() : pick(2);
  made.put.expect_version = pick(1) == 0 ? made.stored.version : pick(9);
  made.put.expect_token = pick(3) != 0 ? made.stored.token : pick(2);
  made.put.horizon = pick(1) == 0 ? 0 : big(1 + pick(9));
  made.put.cleared = pick(1) == 0 ? 0 : pick(6);
  made.put.flags = static_cast<uint32_t>(pick(4) | pick(255) << 8);
  made.put.fresh_until_ms = static_cast<int64_t>(pick(1000));
  made.put.expires_ms = static_cast<int64_t>(pick(1) == 0 ? 0 : uint64_t{1} << 50);
  return made;
}

TEST(SqlitePutConditions, AgreeWithTheReference) {
  TestHost host;
  TestFolder folder;
  TestLayer layer(host, {{"path", folder.file("a.db")}});
  ASSERT_EQ(layer.opened, CACHECHAIN_OK) << layer.message;
  std::mt19937_64 random(20240601);
  std::map<int32_t, int> seen;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = "key" + std::to_string(i);
    const cachechain_key key = key_of(name);
    const Case made = random_case(random, key);
    TestCall call;
    cachechain_put_result result{};
    // A row of version 0 cannot be told from none by the reference, so such a case starts without a row.
    const bool present = made.stored.version != 0;
    const plugin::Stored stored = present ? made.stored : plugin::Stored{};
    if (present) {
      cachechain_put before = put_of(key, "old", stored.version);
      before.created = stored.created;
      before.token = stored.token;
      ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &before, &result), CACHECHAIN_OK);
    }
    const cachechain_put_result expected = plugin::judge(made.put, stored);
    SCOPED_TRACE(testing::Message() << "case " << i << ": condition " << made.put.condition << " version "
                                    << made.put.version << " stored " << stored.version << "/" << stored.created << "/"
                                    << stored.token << " expects " << made.put.expect_version << "/"
                                    << made.put.expect_token << " horizon " << made.put.horizon << " cleared "
                                    << made.put.cleared);
    ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &made.put, &result), expected.status);
    ASSERT_EQ(result.status, expected.status);
    ASSERT_EQ(result.version, expected.version);
    ++seen[expected.status];

    cachechain_value value{};
    uint8_t buffer[16];
    const int32_t got = layer.api.get(layer.instance, call.raw(), &key, buffer, sizeof(buffer), &value);
    if (expected.status != CACHECHAIN_OK && !present) {
      ASSERT_EQ(got, CACHECHAIN_MISS);
      continue;
    }
    ASSERT_EQ(got, CACHECHAIN_OK);
    const bool applied = expected.status == CACHECHAIN_OK;
    ASSERT_EQ(value.version, applied ? expected.version : stored.version);
    ASSERT_EQ(value.created, applied ? plugin::created_at(made.put, expected.version) : stored.created);
    ASSERT_EQ(std::string(buffer, buffer + value.size), applied ? "new" : "old");
    if (applied) {
      ASSERT_EQ(value.flags, made.put.flags);
      ASSERT_EQ(value.fresh_until_ms, made.put.fresh_until_ms);
      ASSERT_EQ(value.expires_ms, made.put.expires_ms);
    }
  }
  EXPECT_GT(seen[CACHECHAIN_OK], 1000);
  EXPECT_GT(seen[CACHECHAIN_SUPERSEDED], 500);
  EXPECT_GT(seen[CACHECHAIN_CONFLICT], 500);
}

TEST(SqlitePutConditions, BumpStopsAtTheLargestNumberInsteadOfWrapping) {
  TestHost host;
  TestFolder folder;
  TestLayer layer(host, {{"path", folder.file("a.db")}});
  const uint64_t largest = (uint64_t{1} << 63) - 1;
  ASSERT_EQ(layer.put("k", "a", largest), CACHECHAIN_OK);
  const cachechain_key key = key_of("k");
  const cachechain_put put = put_of(key, "b", 7, CACHECHAIN_PUT_BUMP);
  cachechain_put_result result{};
  TestCall call;
  ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &put, &result), CACHECHAIN_OK);
  EXPECT_EQ(result.version, largest);
  EXPECT_EQ(layer.get("k"), "b");
}

TEST(SqlitePutConditions, RefusesWhatItCannotKeep) {
  TestHost host;
  TestFolder folder;
  TestLayer layer(host, {{"path", folder.file("a.db")}});
  EXPECT_EQ(layer.put("k", "a", uint64_t{1} << 63), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(layer.put("k", "a", 5, 9), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer.get("k"), kMiss);
}

// A token is 64 bits of anything.
TEST(SqlitePutConditions, TokensOfAllBits) {
  TestHost host;
  TestFolder folder;
  TestLayer layer(host, {{"path", folder.file("a.db")}});
  const cachechain_key key = key_of("k");
  TestCall call;
  cachechain_put_result result{};
  cachechain_put lease = put_of(key, "", 5);
  lease.flags = CACHECHAIN_KIND_LEASE;
  lease.token = ~uint64_t{0};
  ASSERT_EQ(layer.api.put(layer.instance, call.raw(), &lease, &result), CACHECHAIN_OK);
  cachechain_put fulfil = put_of(key, "loaded", 7, CACHECHAIN_PUT_EXACT);
  fulfil.expect_version = 5;
  fulfil.expect_token = ~uint64_t{0} - 1;
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &fulfil, &result), CACHECHAIN_CONFLICT);
  EXPECT_EQ(result.version, 5u);
  fulfil.expect_token = ~uint64_t{0};
  EXPECT_EQ(layer.api.put(layer.instance, call.raw(), &fulfil, &result), CACHECHAIN_OK);
  EXPECT_EQ(layer.get("k"), "loaded");
}

}  // namespace
}  // namespace cachechain::sqlite
