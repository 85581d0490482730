// Namespaces and clears, seen through a chain over fakes.
#include <nlohmann/json.hpp>
#include <thread>

#include "unit/chain/chain_fixture.h"

namespace cachechain {
namespace {

// The same layer in two chains, as two processes share one.
class Shared final : public Layer {
 public:
  explicit Shared(FakeLayer &layer) : layer_(layer) {}
  const LayerTraits &traits() const override { return layer_.traits(); }
  int32_t get(const cachechain_call &call, const cachechain_key &key, std::span<uint8_t> buffer,
              cachechain_value &value) override {
    return layer_.get(call, key, buffer, value);
  }
  int32_t put(const cachechain_call &call, const cachechain_put &put, cachechain_put_result &result) override {
    return layer_.put(call, put, result);
  }
  int32_t get_many(const cachechain_call &call, std::span<const cachechain_key> keys,
                   std::span<cachechain_value> values, std::span<int32_t> statuses) override {
    return layer_.get_many(call, keys, values, statuses);
  }
  int32_t put_many(const cachechain_call &call, std::span<const cachechain_put> puts,
                   std::span<cachechain_put_result> results) override {
    return layer_.put_many(call, puts, results);
  }
  int32_t erase_many(const cachechain_call &call, std::span<const cachechain_key> keys) override {
    return layer_.erase_many(call, keys);
  }
  int32_t ping(const cachechain_call &call) override { return layer_.ping(call); }
  int32_t maintain(const cachechain_call &call) override { return layer_.maintain(call); }
  int32_t sweep(const cachechain_call &call) override { return layer_.sweep(call); }
  std::string stats() override { return layer_.stats(); }
  void thread_exit(uintptr_t) override {}
  Status close(const cachechain_call &) override { return CACHECHAIN_OK; }

 private:
  FakeLayer &layer_;
};

class ClearTest : public ChainTest {
 protected:
  Namespace &space(const std::string &name) { return *chain_->space(name).value(); }
  Status set_in(Namespace &where, const std::string &key, const std::string &data, uint64_t created = 0) {
    Mutation mutation;
    mutation.data = bytes(data);
    mutation.created = created;
    write_ = {};
    return chain_->writes().mutate(Caller(where), bytes(key), mutation, write_);
  }
  Got get_in(Namespace &where, const std::string &key) { return get_of(*chain_, where, key); }
  static Got get_of(Chain &chain, Namespace &where, const std::string &key) {
    Got got;
    std::vector<uint8_t> buffer(64);
    got.status = chain.reads().get(Caller(where), bytes(key), {}, buffer, got.value, &got.failure);
    got.data.assign(reinterpret_cast<const char *>(got.value.data), got.value.size);
    if (got.value.release != nullptr) got.value.release(got.value.owner);
    return got;
  }
  Status clear() { return clear(chain_->home()); }
  Status clear(Namespace &where) {
    write_ = {};
    return chain_->clears().clear(Caller(where), {}, write_);
  }
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
  // A second chain over the last fake.
  std::unique_ptr<Chain> other_process() {
    ChainSettings settings = settings_;
    settings.layers.erase(settings.layers.begin(), settings.layers.end() - 1);
    ChainParts parts;
    parts.clock = &clock_;
    parts.random = &random_;
    parts.log = Logger::to_sink([](void *, int32_t, const uint8_t *, uint64_t) {}, nullptr, CACHECHAIN_LOG_INFO);
    OpenedLayer layer;
    layer.layer = std::make_unique<Shared>(*fakes_.back());
    std::vector<OpenedLayer> layers;
    layers.push_back(std::move(layer));
    return Chain::open(std::move(settings), std::move(parts), {}, std::move(layers)).take();
  }
};

TEST_F(ClearTest, KeysOfEqualNameAreApart) {
  fake(kFakeInline);
  fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Namespace &users = space("users");
  EXPECT_EQ(&users, &space("users"));
  EXPECT_EQ(&chain_->home(), &space("default"));
  ASSERT_TRUE(set_in(users, "k", "user").ok());
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  ASSERT_TRUE(set("k", "home").ok());
  EXPECT_EQ(get_in(users, "k").data, "user");
  EXPECT_EQ(get("k").data, "home");
  EXPECT_EQ(users.threads().total(counter_index(0, LayerCounter::kHits)), 1u);
  EXPECT_EQ(count(0, LayerCounter::kHits), 1u);
}

TEST_F(ClearTest, PrefixesAndNamesCarryTheSchema) {
  fake(kFakeShared);
  NamespaceSettings users;
  users.name = "users";
  users.schema = 3;
  settings_.namespaces.push_back(users);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const auto text = [](const uint8_t *data, uint32_t size) {
    return std::string(reinterpret_cast<const char *>(data), size);
  };
  const cachechain_space &with = space("users").raw();
  EXPECT_EQ(text(with.prefix, with.prefix_size), "test/users/3:");
  EXPECT_EQ(text(with.name, with.name_size), "users/3");
  const cachechain_space &without = space("other").raw();
  EXPECT_EQ(text(without.prefix, without.prefix_size), "test/other/0:");
  EXPECT_EQ(text(without.name, without.name_size), "other");
  EXPECT_NE(with.id, without.id);
  const cachechain_key record = space("users").record_key();
  EXPECT_EQ(text(record.data, static_cast<uint32_t>(record.size)), "users/3");
  EXPECT_EQ(text(record.space->prefix, record.space->prefix_size), "test//0:");
}

TEST_F(ClearTest, NamesAreCheckedAndTheirNumberIsBounded) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  for (const std::string &name : {std::string(), std::string("a/b"), std::string("a:b"), std::string(65, 'a'),
                                  std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_EQ(chain_->space(name).status().code(), CACHECHAIN_INVALID_ARGUMENT) << name;
  }
  EXPECT_TRUE(chain_->space(std::string(64, 'a')).ok());
  for (size_t i = 2; i < kMostNamespaces; ++i) ASSERT_TRUE(chain_->space("n" + std::to_string(i)).ok()) << i;
  const auto more = chain_->space("one_more");
  EXPECT_EQ(more.status().code(), CACHECHAIN_OVERLOADED);
  EXPECT_NE(more.status().message().find("1024 namespaces"), std::string_view::npos) << more.status().message();
  EXPECT_TRUE(chain_->space("n2").ok());
}

TEST_F(ClearTest, NamespacesHaveTheirOwnLives) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  NamespaceSettings users;
  users.name = "users";
  users.ttl_ms = 300'000;
  users.life = LifeStrategy::kDecaying;
  settings_.namespaces.push_back(users);
  NamespaceSettings all;
  all.name = "default";
  all.max_ttl_ms = 5'000;
  settings_.namespaces.push_back(all);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const int64_t now = clock_.unix_ms();
  ASSERT_TRUE(set_in(space("users"), "k", "v").ok());
  EXPECT_EQ(l2->entries.at("users:k").expires_ms, now + 300'000);
  EXPECT_EQ(l1->entries.at("users:k").expires_ms, now + 150'000);
  ASSERT_TRUE(set_in(space("unnamed"), "k", "v").ok());
  EXPECT_EQ(l2->entries.at("unnamed:k").expires_ms, now + 5'000);
  const auto explained = nlohmann::json::parse(chain_->explain(space("users")));
  EXPECT_EQ(explained["namespace"]["name"], "users");
  EXPECT_EQ(explained["layers"][0]["life"], "decaying");
  EXPECT_EQ(explained["layers"][0]["life_share"], 0.5);
  EXPECT_EQ(explained["layers"][1]["ttl_ms"], 300'000);
}

TEST_F(ClearTest, StatsAreOfOneOrOfAll) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  (void)get("k");
  (void)get_in(space("users"), "k");
  const auto all = nlohmann::json::parse(chain_->stats());
  EXPECT_EQ(all["requests"], 2);
  EXPECT_EQ(all["layers"][0]["hits"], 1);
  EXPECT_EQ(all["namespaces"]["default"]["hits"], 1);
  EXPECT_EQ(all["namespaces"]["users"]["misses"], 1);
  EXPECT_EQ(all["namespaces"].size(), 2u);
  const auto users = nlohmann::json::parse(chain_->stats(space("users")));
  EXPECT_EQ(users["namespace"], "users");
  EXPECT_EQ(users["requests"], 1);
  EXPECT_EQ(users["layers"][0]["hits"], 0);
}

TEST_F(ClearTest, TouchesNoEntryAndVoidsAllOfOneNamespace) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  ASSERT_TRUE(set_in(space("users"), "k", "user").ok());
  const auto calls = l1->calls.size() + l2->calls.size();
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(l1->calls.size() + l2->calls.size(), calls);
  EXPECT_EQ(write_.done, 2u);
  EXPECT_EQ(write_.owed, 0u);
  EXPECT_EQ(l2->records.at("default").version, write_.version);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  EXPECT_EQ(get_in(space("users"), "k").data, "user");
  EXPECT_GT(count(0, LayerCounter::kVoid), 0u);
  EXPECT_GT(count(1, LayerCounter::kVoid), 0u);
  const auto explained = nlohmann::json::parse(chain_->explain(caller(), bytes("k")));
  EXPECT_EQ(explained["cleared"], write_.version);
  EXPECT_EQ(explained["answer"], "NOT_FOUND");
  EXPECT_EQ(explained["layers"][0]["verdict"], "void: the namespace was cleared since");
  // To conditions it is as if nothing were there.
  Mutation mutation;
  mutation.expects = true;
  ASSERT_EQ(set("k", "new", mutation).code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").data, "new");
  cachechain_write write{};
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(chain_->writes().touch(caller(), bytes("k"), {}, write).code(), CACHECHAIN_NOT_FOUND);
}

TEST_F(ClearTest, WhatIsVoidIsNeverServedStale) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Mutation mutation;
  mutation.fresh_ms = 10;
  ASSERT_TRUE(set("k", "v", mutation).ok());
  clock_.advance_ms(20);
  EXPECT_EQ(get("k").status, CACHECHAIN_STALE);
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  l2->step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_TRUE(l1->entries.contains("k"));
}

TEST_F(ClearTest, AVoidCopyGivesWayToAnyOther) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  const uint64_t cleared = write_.version;
  // A bump lifted its version above what is in the layer below.
  l1->entries["k"] = {"void", cleared + 4096, cleared - 4096, 0, 0, 0};
  l2->entries["k"] = {"good", cleared + 2048, cleared + 2048, 0, 0, 0};
  EXPECT_EQ(get("k").data, "good");
  EXPECT_EQ(l1->entries.at("k").data, "good");
}

TEST_F(ClearTest, ABrokenClocksEntriesAreVoidOnceThereWasAClear) {
  FakeLayer *l1 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const uint64_t future = stamp_ceiling(clock_.unix_ms() + 3'600'000);
  l1->entries["k"] = {"v", future, future, 0, 0, 0};
  EXPECT_EQ(get("k").status, CACHECHAIN_OK);
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  const auto explained = nlohmann::json::parse(chain_->explain(caller(), bytes("k")));
  EXPECT_EQ(explained["answer"], "MISS");
  EXPECT_EQ(explained["layers"][0]["verdict"], "void: the namespace was cleared since");
  // And a record of such a clock is none.
  l1->records["default"] = {"", future, future, 0, 0, 0};
  clock_.advance_ms(1'000);
  ASSERT_TRUE(set("k", "w").ok());
  EXPECT_EQ(get("k").data, "w");
  EXPECT_LT(l1->records.at("default").version, future);
}

TEST_F(ClearTest, WhatWasMadeBeforeIsNotStored) {
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("a", "1").ok());
  const uint64_t before = write_.version;
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  const uint64_t stamp = write_.version;
  for (const uint64_t created : {before, stamp}) {
    EXPECT_EQ(set_in(chain_->home(), "k", "old", created).code(), CACHECHAIN_VOID);
    EXPECT_EQ(write_.version, 0u);
  }
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
  // And nothing claims to be made after it was written, to outlive the next clear.
  ASSERT_EQ(set_in(chain_->home(), "k", "new", kStampMax).code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").data, "new");
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
}

// What was begun before a clear and comes to the truth after what was begun behind it replaces that one, so it must not
// be void; what another process has put so is not either.
TEST_F(ClearTest, WhatReplacesTheNewIsNew) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("early", "stamp").ok());
  const uint64_t early = write_.version;
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  ASSERT_TRUE(set("k", "behind").ok());
  const std::string name = "k";
  const std::string data = "late";
  const cachechain_key key = chain_->home().key(bytes(name));
  cachechain_put put{};
  put.key = &key;
  put.data = bytes(data).data();
  put.size = data.size();
  put.version = put.created = early;
  put.condition = CACHECHAIN_PUT_BUMP;
  cachechain_put_result result{};
  ASSERT_EQ(l2->put(cachechain_call{}, put, result), CACHECHAIN_OK);
  l1->entries.clear();
  EXPECT_EQ(get("k").data, "late");
  EXPECT_EQ(l1->entries.at("k").data, "late");
  // The copies of a set that was raised are raised as well.
  l2->entries.at("k").version = l2->entries.at("k").created = write_.version + (uint64_t{1} << kStampTimeShift);
  ASSERT_TRUE(set("k", "raised").ok());
  EXPECT_EQ(l2->entries.at("k").created, write_.version);
  EXPECT_EQ(l1->entries.at("k").created, write_.version);
}

TEST_F(ClearTest, ABatchThatWasMadeBeforeIsStoredNowhere) {
  fake(kFakeInline);
  fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("a", "1").ok());
  Mutation old;
  old.created = write_.version;
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  const uint8_t bytes_of_it[] = {'k'};
  const cachechain_slice one{bytes_of_it, 1};
  const Slices keys(&one, 1);
  Batch::Ptr batch = Batch::create(Allocator::system(), 1, false);
  ASSERT_TRUE(chain_->writes().mutate_many(caller(), keys, keys, old, *batch).ok());
  EXPECT_EQ(batch->statuses()[0], CACHECHAIN_VOID);
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
}

TEST_F(ClearTest, ALeaseOfBeforeIsVoid) {
  for (const Source source : {Source::kApplication, Source::kLastLayer}) {
    SCOPED_TRACE(static_cast<int>(source));
    settings_ = {};
    fakes_.clear();
    fake(kFakeInline);
    fake(source == Source::kApplication ? kFakeShared : kFakeTable);
    ASSERT_TRUE(open(source).ok());
    cachechain_lease lease;
    (void)load("k", lease);
    ASSERT_NE(lease.id, 0u);
    ASSERT_EQ(clear().code(), CACHECHAIN_OK);
    // Nobody waits for it.
    cachechain_lease next;
    (void)load("k", next);
    ASSERT_NE(next.id, 0u);
    EXPECT_EQ(next.flags, 0u);
    EXPECT_EQ(fulfil(lease, "old").code(), CACHECHAIN_VOID);
    EXPECT_NE(get("k").status, CACHECHAIN_OK);
    EXPECT_EQ(fulfil(next, "new").code(), CACHECHAIN_OK);
    EXPECT_EQ(get("k").data, "new");
    // A void value is no expectation of the next lease.
    ASSERT_EQ(clear().code(), CACHECHAIN_OK);
    (void)load("k", next);
    ASSERT_NE(next.id, 0u);
    EXPECT_EQ(next.seen_version, 0u);
    EXPECT_EQ(fulfil(next, "newer").code(), CACHECHAIN_OK);
    EXPECT_EQ(get("k").data, "newer");
  }
}

// This process learns of the clear only when it stores.
TEST_F(ClearTest, ALeaseOfBeforeAClearOfAnotherProcessIsVoid) {
  for (const Source source : {Source::kApplication, Source::kLastLayer}) {
    SCOPED_TRACE(static_cast<int>(source));
    settings_ = {};
    fakes_.clear();
    FakeLayer *l1 = fake(kFakeInline);
    FakeLayer *l2 = fake(source == Source::kApplication ? kFakeShared : kFakeTable);
    ASSERT_TRUE(open(source).ok());
    const std::unique_ptr<Chain> other = other_process();
    std::vector<cachechain_lease> leases(3);
    for (size_t i = 0; i < leases.size(); ++i) {
      (void)load("k" + std::to_string(i), leases[i]);
      ASSERT_NE(leases[i].id, 0u);
    }
    clock_.advance_ms(1);  // else nobody can tell which stamp of two processes came first
    cachechain_write write{};
    ASSERT_EQ(other->clears().clear(Caller(other->home()), {}, write).code(), CACHECHAIN_OK);
    clock_.advance_ms(1'000);
    const std::string data = "old";
    const std::vector<cachechain_slice> values(2, {bytes(data).data(), data.size()});
    const Batch::Ptr ended = Batch::create(Allocator::system(), 2, false);
    ASSERT_TRUE(
        chain_->loads().fulfilment().many(caller(), {leases.data(), 2}, Slices(values.data(), 2), {}, *ended).ok());
    EXPECT_EQ(ended->statuses()[0], CACHECHAIN_VOID);
    EXPECT_EQ(ended->statuses()[1], CACHECHAIN_VOID);
    EXPECT_EQ(fulfil(leases[2], "old").code(), CACHECHAIN_VOID);
    for (const FakeLayer *layer : {l1, l2}) {
      for (const auto &[key, entry] : layer->entries) EXPECT_NE(entry.data, "old") << key;
    }
  }
}

TEST_F(ClearTest, WhoWaitsForALoadOfBeforeLoadsHimself) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  cachechain_lease lease;
  ASSERT_EQ(load("k", lease), CACHECHAIN_MISS);
  std::thread waiter([&] {
    cachechain_lease own;
    EXPECT_EQ(load("k", own), CACHECHAIN_MISS);
    EXPECT_NE(own.id, 0u);
    const std::string data = "new";
    Mutation loaded;
    loaded.data = bytes(data);
    cachechain_write write{};
    EXPECT_EQ(chain_->loads().fulfilment().one(caller(), own, loaded, write).code(), CACHECHAIN_OK);
  });
  while (chain_->look(chain_->home().key(bytes("k"))).waiting < 1) std::this_thread::yield();
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  waiter.join();
  EXPECT_EQ(fulfil(lease, "old").code(), CACHECHAIN_VOID);
  EXPECT_EQ(get("k").data, "new");
}

TEST_F(ClearTest, TraversalsUnderWayAreDetached) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(kFakeShared);
  settings_.layers[2].write = WritePolicy::kNone;  // the record is in L2, and L3 is where the get is at work
  ASSERT_TRUE(open(Source::kApplication).ok());
  l3->entries["k"] = {"old", 7, 7, 0, 0, 0};
  std::atomic<bool> asked{false};
  std::atomic<bool> go_on{false};
  l3->step = [&](const char *) {
    if (asked.exchange(true)) return 0;
    while (!go_on) std::this_thread::yield();
    return 0;
  };
  std::thread first([&] { (void)get("k"); });
  while (!asked) std::this_thread::yield();
  const std::string name = "k";
  const cachechain_key key = chain_->home().key(bytes(name));
  EXPECT_TRUE(chain_->look(key).traversed);
  EXPECT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(l2->records.count("default"), 1u);
  EXPECT_FALSE(chain_->look(key).traversed);
  go_on = true;
  first.join();
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(count(ChainCounter::kJoined), 0u);
}

TEST_F(ClearTest, ALeaseIsEndedInItsNamespaceOnly) {
  fake(kFakeInline);
  ASSERT_TRUE(open(Source::kApplication).ok());
  cachechain_lease lease;
  ASSERT_EQ(load("k", lease), CACHECHAIN_MISS);
  const std::string data = "v";
  Mutation loaded;
  loaded.data = bytes(data);
  EXPECT_EQ(chain_->loads().fulfilment().one(Caller(space("users")), lease, loaded, write_).code(), CACHECHAIN_VOID);
  EXPECT_EQ(fulfil(lease, "v").code(), CACHECHAIN_OK);
}

TEST_F(ClearTest, ATableOfTheUsersOwnIsNotCleared) {
  FakeLayer *l1 = fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  fake(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_PERSISTENT);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  fakes_[2]->entries["k"] = {"row", 0, 0, 0, 0, 0};
  EXPECT_EQ(get("k").data, "row");
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 2u);
  EXPECT_EQ(l2->records.count("default"), 1u);
  const uint64_t cleared = write_.version;
  fakes_[2]->entries["k"].data = "new row";
  EXPECT_EQ(get("k").data, "new row");
  EXPECT_GT(l1->entries.at("k").created, cleared);
  EXPECT_GT(l2->entries.at("k").created, cleared);
}

// A clear while the table is being written must not take the mark that keeps what was read before out of the cache.
TEST_F(ClearTest, TheMarkOfARowWrittenBesideAClearStands) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  FakeLayer *l3 = fake(CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_PERSISTENT);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  uint64_t cleared = 0;
  l3->wait_step = [&](const char *, const cachechain_call &) {
    cachechain_write write{};
    EXPECT_EQ(chain_->clears().clear(caller(), {}, write).code(), CACHECHAIN_OK);
    cleared = write.version;
    return 0;
  };
  ASSERT_EQ(set("k", "row").code(), CACHECHAIN_OK);
  l3->wait_step = nullptr;
  ASSERT_NE(cleared, 0u);
  EXPECT_EQ(l2->entries.at("k").flags, uint32_t{CACHECHAIN_KIND_INVALIDATED});
  EXPECT_GT(l2->entries.at("k").created, cleared);
  EXPECT_EQ(get("k").data, "row");
}

TEST_F(ClearTest, AnotherProcessLearnsOfItWithinASecondAndAtItsFirstContact) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  const std::unique_ptr<Chain> other = other_process();
  EXPECT_EQ(get_of(*other, other->home(), "k").data, "v");
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  clock_.advance_ms(1'000);
  EXPECT_EQ(get_of(*other, other->home(), "k").status, CACHECHAIN_NOT_FOUND);
  const std::unique_ptr<Chain> late = other_process();
  EXPECT_EQ(get_of(*late, late->home(), "k").status, CACHECHAIN_NOT_FOUND);
  const int gets = l2->record_gets;
  for (int i = 0; i < 10; ++i) (void)get_of(*late, late->home(), "k");
  EXPECT_EQ(l2->record_gets, gets);
  // What it sets is above a clear that it had not heard of.
  const std::unique_ptr<Chain> writer = other_process();
  const std::string data = "w";
  Mutation mutation;
  mutation.data = bytes(data);
  cachechain_write write{};
  ASSERT_TRUE(writer->writes().mutate(Caller(writer->home()), bytes("k"), mutation, write).ok());
  EXPECT_EQ(get("k").data, "w");
}

TEST_F(ClearTest, UntilTheRecordWasReadItsLayerIsNotBelieved) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  l2->entries["k"] = {"v", 7, 7, 0, 0, 0};
  l2->record_step = [](const char *) { return CACHECHAIN_TIMEOUT; };
  EXPECT_EQ(get("k").status, CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(set("k", "w").code(), CACHECHAIN_UNAVAILABLE);
  EXPECT_EQ(l2->entries.at("k").data, "v");
  l2->record_step = nullptr;
  EXPECT_EQ(get("k").data, "v");
  // Later it does without.
  l2->record_step = [](const char *) { return CACHECHAIN_TIMEOUT; };
  fakes_[0]->entries.clear();
  clock_.advance_ms(1'000);
  EXPECT_EQ(get("k").data, "v");
}

TEST_F(ClearTest, ARecordThatIsLostIsWrittenAgain) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  const auto old = l2->entries.at("k");
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  l2->records.clear();
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  clock_.advance_ms(1'000);
  l2->entries["k"] = old;
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  EXPECT_EQ(l2->records.at("default").version, write_.version);
}

TEST_F(ClearTest, ARecordThatCouldNotBeWrittenIsOwed) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l2->record_step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0u);
  EXPECT_EQ(write_.owed, 2u);
  EXPECT_EQ(get("k").status, CACHECHAIN_MISS);
  l2->record_step = nullptr;
  clock_.advance_ms(1'000);
  (void)get("k");
  EXPECT_EQ(l2->records.at("default").version, write_.version);
}

TEST_F(ClearTest, AClearThatTheTruthDidNotAcknowledgeHasNotHappened) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  l2->record_step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  const Status refused = clear();
  EXPECT_EQ(refused.code(), CACHECHAIN_UNAVAILABLE);
  EXPECT_NE(refused.message().find("nothing was changed"), std::string_view::npos) << refused.message();
  EXPECT_EQ(write_.version, 0u);
  EXPECT_EQ(get("k").data, "v");
  l2->record_step = [](const char *) { return CACHECHAIN_UNKNOWN_OUTCOME; };
  EXPECT_EQ(clear().code(), CACHECHAIN_UNKNOWN_OUTCOME);
  l2->record_step = nullptr;
  EXPECT_EQ(get("k").status, CACHECHAIN_NOT_FOUND);
}

TEST_F(ClearTest, ACancelledClearHasNotHappened) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeTable);
  ASSERT_TRUE(open(Source::kLastLayer).ok());
  ASSERT_TRUE(set("k", "v").ok());
  const CancelRef token = CancelToken::create();
  Mutation options;
  options.cancel = token.get();
  const auto cancelled = [&] {
    write_ = {};
    return chain_->clears().clear(caller(), options, write_).code();
  };
  // Who says so of himself has failed.
  l2->record_step = [](const char *) { return CACHECHAIN_CANCELLED; };
  EXPECT_EQ(cancelled(), CACHECHAIN_UNAVAILABLE);
  l2->record_step = [&](const char *) {
    token->fire();
    return CACHECHAIN_CANCELLED;
  };
  EXPECT_EQ(cancelled(), CACHECHAIN_CANCELLED);
  l2->record_step = nullptr;
  EXPECT_EQ(cancelled(), CACHECHAIN_CANCELLED);
  EXPECT_EQ(write_.version, 0u);
  EXPECT_FALSE(l2->records.contains("default"));
  EXPECT_EQ(get("k").data, "v");
}

TEST_F(ClearTest, TheNewestOfTwoClearsWins) {
  FakeLayer *l1 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  const std::unique_ptr<Chain> other = other_process();
  const uint64_t ahead = stamp_ceiling(clock_.unix_ms() + 5'000);
  l1->records["default"] = {"", ahead, ahead, 0, 0, 0};
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  EXPECT_EQ(l1->records.at("default").version, ahead);
  EXPECT_EQ(chain_->home().cleared(), ahead);
  ASSERT_TRUE(set("k", "v").ok());
  EXPECT_GT(write_.version, ahead);
  EXPECT_EQ(get("k").data, "v");
}

TEST_F(ClearTest, WithoutALayerThatTakesWritesThereIsNothingToClear) {
  fake(kFakeInline);
  settings_.layers[0].write = WritePolicy::kNone;
  ASSERT_TRUE(open(Source::kApplication).ok());
  EXPECT_EQ(clear().code(), CACHECHAIN_UNSUPPORTED);
}

TEST_F(ClearTest, ALayerThatOwedTooMuchIsAskedAgain) {
  fake(kFakeInline);
  FakeLayer *l2 = fake(kFakeShared);
  ASSERT_TRUE(open(Source::kApplication).ok());
  Namespace &users = space("users");
  ASSERT_TRUE(set_in(users, "k", "user").ok());
  l2->step = [](const char *) { return CACHECHAIN_UNAVAILABLE; };
  for (size_t i = 0; i <= Debts::kMostKeys; ++i) ASSERT_TRUE(set("k" + std::to_string(i), "v").ok());
  l2->step = nullptr;
  fakes_[0]->entries.clear();
  // What it owes to whom is not known, so nothing that it holds is believed.
  EXPECT_TRUE(get_in(users, "k").value.flags & CACHECHAIN_FLAG_DEGRADED);
  ASSERT_EQ(clear(users).code(), CACHECHAIN_OK);
  EXPECT_TRUE(get("k").value.flags & CACHECHAIN_FLAG_DEGRADED);
  ASSERT_EQ(clear().code(), CACHECHAIN_OK);
  ASSERT_TRUE(set_in(users, "k", "new").ok());
  fakes_[0]->entries.clear();
  const Got found = get_in(users, "k");
  EXPECT_EQ(found.data, "new");
  EXPECT_EQ(found.value.flags & CACHECHAIN_FLAG_DEGRADED, 0u);
  EXPECT_EQ(get("k" + std::to_string(Debts::kMostKeys)).value.flags & CACHECHAIN_FLAG_DEGRADED, 0u);
}

TEST_F(ClearTest, ALayerIsBelievedAgainWhenAllThatItForgotIsVoid) {
  Debts debts(1);
  const auto key = [](const std::string &text, const cachechain_space &space) {
    return cachechain_key{reinterpret_cast<const uint8_t *>(text.data()), text.size(), 1, &space};
  };
  cachechain_space a{};
  cachechain_space b{};
  b.id = 1;
  const std::string one = "1";
  const std::string two = "2";
  debts.add(key(one, a), {10}, 0);
  debts.add(key(two, a), {20}, 0);
  debts.add(key(two, b), {30}, 0);
  ASSERT_TRUE(debts.overdue());
  debts.forgive(a.id, 19);
  debts.forgive(b.id, 30);
  EXPECT_TRUE(debts.overdue());
  debts.forgive(a.id, 20);
  EXPECT_FALSE(debts.overdue());
  EXPECT_TRUE(debts.any()) << "a debt that is kept stays";
}

}  // namespace
}  // namespace cachechain
