// Lease: every way that it ends, who hears of it, and that none is forgotten.
#include <gtest/gtest.h>

#include <thread>
#include <type_traits>
#include <utility>

#include "cachechain/cachechain.hpp"
#include "support.h"

namespace cachechain::client {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<Lease> && std::is_nothrow_move_constructible_v<Lease>);

Lease lease_of(const Chain &chain, Bytes key) {
  auto found = chain.get_load(key);
  EXPECT_TRUE(found) << found.error().message();
  EXPECT_TRUE(found->lease);
  return std::move(found->lease);
}

TEST(Lease, ItsHolderLoadsAndAllHaveTheValue) {
  const Folder folder;
  const Chain chain = open_sqlite(folder);
  Lease lease = lease_of(chain, "k");
  EXPECT_FALSE(lease.side());
  EXPECT_EQ(lease.seen_version(), 0u);
  auto written = lease.fulfil("loaded", {.ttl = 1h, .fresh = 30min});
  ASSERT_TRUE(written) << written.error().message();
  EXPECT_EQ(written->outcome, CACHECHAIN_OK);
  EXPECT_EQ(written->done, 3u);
  EXPECT_FALSE(lease) << "it ended";
  EXPECT_EQ(lease.fulfil("again").value().outcome, CACHECHAIN_VOID);

  auto found = chain.get_load("k");
  ASSERT_TRUE(found && found->hit());
  EXPECT_FALSE(found->lease);
  EXPECT_EQ(found->value.view(), "loaded");
  EXPECT_EQ(found->value.version(), written->version);
  EXPECT_EQ(*found->value.expires() - *found->value.fresh_until(), 30min);
}

TEST(Lease, WhatGoesWithoutAnEndIsAbandoned) {
  const Chain chain = open_memory();
  { const Lease dropped = lease_of(chain, "k"); }
  Lease next = lease_of(chain, "k");
  next = Lease();
  Lease moved = lease_of(chain, "k");
  Lease holder = std::move(moved);
  EXPECT_FALSE(moved.held());
  moved = Lease();  // gives nothing back: it holds nothing
  EXPECT_EQ(holder.abandon().value(), CACHECHAIN_OK);
  EXPECT_EQ(holder.abandon().value(), CACHECHAIN_VOID);
  EXPECT_TRUE(lease_of(chain, "k").held());
}

TEST(Lease, AMutationMakesItVoid) {
  const Chain chain = open_memory();
  Lease lease = lease_of(chain, "k");
  ASSERT_TRUE(chain.remove("k"));
  EXPECT_EQ(lease.fulfil("too late").value().outcome, CACHECHAIN_VOID);
  EXPECT_FALSE(chain.get("k").value().hit());
}

TEST(Lease, AbsentIsRemembered) {
  const Chain chain = open_memory();
  EXPECT_EQ(lease_of(chain, "k").absent(1h).value(), CACHECHAIN_OK);
  auto found = chain.get_load("k");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_FALSE(found->lease);
  EXPECT_EQ(found->outcome, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(lease_of(chain, "other").absent(kForever).value(), CACHECHAIN_OK);
  EXPECT_EQ(chain.get_load("other").value().outcome, CACHECHAIN_NOT_FOUND);
}

TEST(Lease, AFailureIsToldToWhoComesWithinTheHoldOff) {
  const Chain chain = open_memory();
  EXPECT_EQ(lease_of(chain, "k").fail("the database is on fire", 1h).value(), CACHECHAIN_OK);
  auto found = chain.get_load("k");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().status(), CACHECHAIN_LOAD_FAILED);
  EXPECT_NE(found.error().message().find("the database is on fire"), std::string_view::npos);
  Lease other = lease_of(chain, "other");
  EXPECT_EQ(other.fail("", 0ms).error().status(), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_TRUE(other) << "what was refused ended nothing";
}

TEST(Lease, UnchangedAndRenewed) {
  const Chain chain = open_memory(R"(, "refresh_ms": "24h")");
  const uint64_t version = chain.set("k", "v", {.ttl = 1h, .fresh = 1min}).value().version;
  auto found = chain.get_load("k");
  ASSERT_TRUE(found && found->hit());
  ASSERT_TRUE(found->lease) << "within refresh_ms of its fresh time";
  EXPECT_EQ(found->lease.seen_version(), version);
  const Time before = found->lease.expires();
  ASSERT_EQ(found->lease.renew(1h).value(), CACHECHAIN_OK);
  EXPECT_GT(found->lease.expires(), before);
  EXPECT_EQ(found->lease.unchanged(2h).value(), CACHECHAIN_OK);
  auto refreshed = chain.get("k");
  ASSERT_TRUE(refreshed && refreshed->hit());
  EXPECT_EQ(refreshed->value.view(), "v");
  EXPECT_FALSE(refreshed->stale());
}

TEST(Lease, AnotherThreadMayEndIt) {
  const Chain chain = open_memory();
  Lease lease = lease_of(chain, "k");
  std::thread loader([lease = std::move(lease)]() mutable { EXPECT_TRUE(lease.fulfil("from afar")); });
  auto found = chain.get_load("k", {.timeout = kNoTimeout});  // waits for him, or comes after
  loader.join();
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->lease.held(), found->lease.side());
  EXPECT_EQ(chain.get("k").value().value.view(), "from afar");
}

TEST(Lease, ASideLeaseLoadsForItsHolderAlone) {
  const Chain chain = open_memory(R"(, "lease_wait_ms": 1)");
  Lease lease = lease_of(chain, "k");
  Lease side = lease_of(chain, "k");
  ASSERT_TRUE(side.side());
  EXPECT_EQ(side.fulfil("his own").value().outcome, CACHECHAIN_VOID);
  EXPECT_EQ(lease.fulfil("for all").value().outcome, CACHECHAIN_OK);
  EXPECT_EQ(chain.get("k").value().value.view(), "for all");
}

}  // namespace
}  // namespace cachechain::client
