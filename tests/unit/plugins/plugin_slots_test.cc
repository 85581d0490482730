// What plugin.hpp makes of a class, where the class misbehaves.
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "cachechain/plugin.hpp"
#include "fake_host.h"

namespace cachechain::plugin {
namespace {

// Throws in the middle of a batch.
class Half {
 public:
  static int32_t open(const Opening &, cachechain_layer_info &, std::unique_ptr<Half> &layer) {
    layer = std::make_unique<Half>();
    return CACHECHAIN_OK;
  }
  int32_t get(const Call &, const cachechain_key &, Buffer, cachechain_value &) { return CACHECHAIN_MISS; }
  int32_t get_many(const Call &, std::span<const cachechain_key> keys, std::span<cachechain_value> values,
                   std::span<int32_t> statuses) {
    for (size_t i = 0; i < keys.size() / 2; ++i) {
      values[i].owner = &released;
      values[i].release = [](void *owner) { ++*static_cast<int *>(owner); };
      statuses[i] = CACHECHAIN_OK;
    }
    if (throws) throw std::runtime_error("half way");
    return CACHECHAIN_OK;
  }
  int32_t put(const Call &, const cachechain_put &, cachechain_put_result &) { return CACHECHAIN_OK; }

  static inline int released = 0;
  static inline bool throws = true;
};

TEST(PluginSlots, ABatchThatThrowsTakesBackWhatItHandedOut) {
  static constexpr cachechain_layer_api kApi = layer_api<Half>();
  FakeHost host;
  cachechain_layer_config config{};
  cachechain_layer_info info{};
  cachechain_report report{};
  void *instance = nullptr;
  ASSERT_EQ(kApi.open(host.table(), &config, &info, &report, &instance), CACHECHAIN_OK);
  cachechain_call call{};
  call.struct_size = sizeof(call);
  call.report = &report;
  cachechain_key keys[4] = {};
  cachechain_value values[4] = {};
  int32_t statuses[4] = {};  // as if all had been answered
  EXPECT_EQ(kApi.get_many(instance, &call, keys, 4, values, statuses), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(report.text), report.size), "half way");
  EXPECT_EQ(Half::released, 2);
  EXPECT_EQ(values[0].release, nullptr);

  Half::throws = false;
  EXPECT_EQ(kApi.get_many(instance, &call, keys, 4, values, statuses), CACHECHAIN_OK);
  EXPECT_EQ(Half::released, 2) << "what was answered is the caller's";
  EXPECT_EQ(kApi.close(instance, &call), CACHECHAIN_OK);
}

TEST(PluginCall, TellsItsCircumstances) {
  cachechain_host table{};
  table.cancel_fd = [](const cachechain_host *, cachechain_cancel *) -> int32_t { return 7; };
  const Call none(Host(&table), nullptr);
  EXPECT_EQ(none.cancel_fd(), -1);
  EXPECT_EQ(none.hint_flags(), 0u);
  EXPECT_EQ(none.trace(), "");

  cachechain_call raw{};
  raw.struct_size = sizeof(raw);
  const Call call(Host(&table), &raw);
  EXPECT_EQ(call.cancel_fd(), -1) << "nobody may cancel it";
  EXPECT_EQ(call.trace(), "");
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  int token = 0;
  raw.cancel = reinterpret_cast<cachechain_cancel *>(&token);
  raw.hint_flags = uint64_t{1} << 40;
  raw.trace = reinterpret_cast<const uint8_t *>(trace.data());
  raw.trace_size = trace.size();
  EXPECT_EQ(call.cancel_fd(), 7);
  EXPECT_EQ(call.hint_flags(), uint64_t{1} << 40);
  EXPECT_EQ(call.trace(), trace);
}

}  // namespace
}  // namespace cachechain::plugin
