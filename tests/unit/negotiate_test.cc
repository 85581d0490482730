#include "plugin/negotiate.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace cachechain {
namespace {

int32_t open(const cachechain_host *, const cachechain_layer_config *, cachechain_layer_info *, cachechain_report *,
             void **) {
  return CACHECHAIN_OK;
}
int32_t close(void *, const cachechain_call *) { return CACHECHAIN_OK; }
int32_t get(void *, const cachechain_call *, const cachechain_key *, uint8_t *, uint64_t, cachechain_value *) {
  return CACHECHAIN_MISS;
}
int32_t put_many(void *, const cachechain_call *, const cachechain_put *, uint64_t, cachechain_put_result *) {
  return CACHECHAIN_OK;
}
int32_t ping(void *, const cachechain_call *) { return CACHECHAIN_OK; }

class Negotiate : public testing::Test {
 protected:
  Negotiate() {
    layer_.struct_size = sizeof layer_;
    layer_.open = &open;
    layer_.close = &close;
    layer_.get = &get;
    layer_.put_many = &put_many;
    layer_.ping = &ping;
    plugin_ = {sizeof plugin_, CACHECHAIN_ABI_MINOR, 0, 0, "some-thing_1", "1.2", "text", &layer_, nullptr};
  }
  std::string refusal(std::string_view wanted = {}, uint32_t minor = CACHECHAIN_ABI_MINOR) {
    const Result<LoadedPlugin> made = negotiate("/f.so", wanted, &plugin_, minor);
    if (made.ok()) return "accepted";
    EXPECT_EQ(made.status().code(), CACHECHAIN_PLUGIN_REFUSED);
    return std::string(made.status().message());
  }
  cachechain_layer_api layer_{};
  cachechain_exporter_api exporter_{};
  cachechain_plugin plugin_{};
};

TEST_F(Negotiate, CopiesWhatIsSaid) {
  const Result<LoadedPlugin> made = negotiate("/f.so", "some-thing_1", &plugin_);
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(made->file, "/f.so");
  EXPECT_EQ(made->name, "some-thing_1");
  EXPECT_EQ(made->version, "1.2");
  EXPECT_EQ(made->description, "text");
  EXPECT_TRUE(made->has_layer);
  EXPECT_FALSE(made->has_exporter);
  EXPECT_EQ(made->layer.get, &get);
}

TEST_F(Negotiate, MarksOwnSlotsAndFillsTheOthers) {
  const Result<LoadedPlugin> made = negotiate("/f.so", {}, &plugin_);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->layer_slots, CACHECHAIN_SLOT_BIT(open) | CACHECHAIN_SLOT_BIT(close) | CACHECHAIN_SLOT_BIT(get) |
                                   CACHECHAIN_SLOT_BIT(put_many) | CACHECHAIN_SLOT_BIT(ping));
  EXPECT_EQ(CACHECHAIN_SLOT_BIT(open), 1u);
  EXPECT_EQ(CACHECHAIN_SLOT_BIT(thread_exit), uint64_t{1} << 13);

  const cachechain_layer_api &api = made->layer;
  cachechain_put_result result{};
  uint64_t number = 9;
  EXPECT_EQ(api.get_many(nullptr, nullptr, nullptr, 0, nullptr, nullptr), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.put(nullptr, nullptr, nullptr, &result), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(result.status, CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.erase_many(nullptr, nullptr, nullptr, 0), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.sweep(nullptr, nullptr, nullptr, &number), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(number, 0u);
  EXPECT_EQ(api.maintain(nullptr, nullptr), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.notify(nullptr, nullptr, nullptr, 0), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.watch(nullptr, nullptr, nullptr, nullptr), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(api.stats(nullptr, nullptr, 0, &number), CACHECHAIN_UNSUPPORTED);
  api.thread_exit(nullptr, 0);
}

// A plugin of an older minor: its table ends earlier, and what lies behind it is not ours to read.
TEST_F(Negotiate, ShorterTableOfAnOlderPlugin) {
  alignas(8) unsigned char memory[sizeof layer_];
  std::memset(memory, 0xa5, sizeof memory);
  const size_t size = offsetof(cachechain_layer_api, ping);
  layer_.struct_size = static_cast<uint32_t>(size);
  std::memcpy(memory, &layer_, size);
  plugin_.layer = reinterpret_cast<const cachechain_layer_api *>(memory);
  const Result<LoadedPlugin> made = negotiate("/f.so", {}, &plugin_);
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(made->layer_slots & CACHECHAIN_SLOT_BIT(ping), 0u);
  EXPECT_EQ(made->layer.ping(nullptr, nullptr), CACHECHAIN_UNSUPPORTED);
}

// A plugin of a newer minor: what we do not know is left out.
TEST_F(Negotiate, LongerTableOfANewerPlugin) {
  struct {
    cachechain_plugin known;
    uint64_t more[4];
  } newer = {plugin_, {1, 2, 3, 4}};
  newer.known.struct_size = sizeof newer;
  newer.known.abi_minor = CACHECHAIN_ABI_MINOR + 3;
  EXPECT_TRUE(negotiate("/f.so", {}, &newer.known).ok());
  newer.known.min_host_minor = CACHECHAIN_ABI_MINOR + 3;
  EXPECT_FALSE(negotiate("/f.so", {}, &newer.known).ok());
  EXPECT_TRUE(negotiate("/f.so", {}, &newer.known, CACHECHAIN_ABI_MINOR + 3).ok());
}

TEST_F(Negotiate, Sizes) {
  for (uint32_t size : {0u, 8u, 48u, 57u, 4104u, 0xffffffffu}) {
    plugin_.struct_size = size;
    EXPECT_NE(refusal().find("the struct_size of its descriptor is " + std::to_string(size)), std::string::npos);
  }
  plugin_.struct_size = sizeof plugin_;
  for (uint32_t size : {0u, 48u, 60u, 4104u}) {
    layer_.struct_size = size;
    EXPECT_NE(refusal().find("the struct_size of its layer table is " + std::to_string(size)), std::string::npos);
  }
}

// Several things are wrong: the first step of the order is the one that is told.
TEST_F(Negotiate, Order) {
  layer_.open = nullptr;
  layer_.struct_size = 0;
  plugin_ = {0, 0, 9, 0, "Bad", nullptr, nullptr, &layer_, nullptr};
  const auto begins = [&](const char *text) { EXPECT_EQ(refusal("good").rfind(text, 0), 0u) << refusal("good"); };
  begins("/f.so: the struct_size of its descriptor");
  plugin_.struct_size = sizeof plugin_;
  begins("/f.so: it needs plugin ABI 1.9, and this is 1.0");
  plugin_.min_host_minor = 0;
  begins("/f.so: it calls itself \"Bad\", expected [a-z0-9_-]{1,32}");
  plugin_.name = "bad";
  begins("/f.so: it calls itself \"bad\", expected \"good\"");
  plugin_.name = "good";
  begins("/f.so: its descriptor has no version");
  plugin_.version = "1";
  begins("/f.so: the struct_size of its layer table");
  layer_.struct_size = sizeof layer_;
  begins("/f.so: its layer table has no open");
  layer_.open = &open;
  EXPECT_EQ(refusal("good"), "accepted");
}

TEST_F(Negotiate, Names) {
  const std::string longest(32, 'a');
  const std::string longer(33, 'a');
  plugin_.name = longest.c_str();
  EXPECT_EQ(refusal(), "accepted");
  for (const char *name : {"", "UPPER", "a b", "a/b", "a.b", "\xc3\xa9", longer.c_str()}) {
    plugin_.name = name;
    EXPECT_NE(refusal().find("expected [a-z0-9_-]{1,32}"), std::string::npos) << name;
  }
  plugin_.name = nullptr;
  EXPECT_EQ(refusal(), "/f.so: its descriptor has no name; set `name` to [a-z0-9_-]{1,32}");
  plugin_.name = "line\nbreak";
  EXPECT_NE(refusal().find("\"line?break\""), std::string::npos);
}

TEST_F(Negotiate, ExporterAlone) {
  exporter_.struct_size = sizeof exporter_;
  plugin_.layer = nullptr;
  plugin_.exporter = &exporter_;
  EXPECT_NE(refusal().find("its exporter table has no open"), std::string::npos);
  exporter_.open = [](const cachechain_host *, const cachechain_layer_config *, cachechain_report *, void **) {
    return int32_t{CACHECHAIN_OK};
  };
  exporter_.close = &close;
  const Result<LoadedPlugin> made = negotiate("/f.so", {}, &plugin_);
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_TRUE(made->has_exporter);
  EXPECT_FALSE(made->has_layer);
}

}  // namespace
}  // namespace cachechain
