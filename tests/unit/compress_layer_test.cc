// What is stored compressed, how it comes back, and every way in which stored bytes can be no value.
#include "plugin/compress_layer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zstd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "plugin/envelope_layer.h"
#include "plugin/report.h"
#include "support/counting_allocator.h"
#include "support/fake_layer.h"
#include "support/virtual_clock.h"

namespace cachechain {
namespace {

using testing::HasSubstr;

constexpr uint32_t kZstd = CACHECHAIN_CODEC_ZSTD << 8;
constexpr uint64_t kAbove = 100;
constexpr uint64_t kMost = 1 << 20;

// Text that compresses to about a third.
std::string text_of(size_t size) {
  std::string text;
  for (unsigned n = 1; text.size() < size; n = n * 1'103'515'245u + 12'345u) text += std::to_string(n % 1000) + ";";
  text.resize(size);
  return text;
}

std::string noise_of(size_t size) {
  std::string noise(size, '\0');
  uint64_t state = 42;
  for (char &byte : noise) {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    byte = static_cast<char>(state >> 56);
  }
  return noise;
}

std::string frame_of(std::string_view value, bool with_size = true) {
  ZSTD_CCtx *const context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, with_size ? 1 : 0);
  std::string frame(ZSTD_compressBound(value.size()), '\0');
  const size_t size = ZSTD_compress2(context, frame.data(), frame.size(), value.data(), value.size());
  ZSTD_freeCCtx(context);
  EXPECT_EQ(ZSTD_isError(size), 0u);
  frame.resize(size);
  return frame;
}

// A frame of one block that repeats a byte 131,072 times, and claims to become `size` bytes.
std::string bomb_of(uint64_t size) {
  std::string frame = "\x28\xb5\x2f\xfd\xe0";
  for (int i = 0; i < 8; ++i) frame += static_cast<char>(size >> (8 * i));
  return frame + std::string("\x03\x00\x10x", 4);
}

// Each look takes a millisecond.
class TickingClock final : public Clock {
 public:
  int64_t mono_ns() override { return now_ns += 1'000'000; }
  int64_t unix_ms() override { return VirtualClock::kStartUnixMs; }
  int64_t coarse_unix_ms() override { return unix_ms(); }
  void wait(Condition &, std::unique_lock<std::mutex> &, int64_t) override {}
  int64_t now_ns = 0;
};

class CompressLayerTest : public testing::Test {
 protected:
  CompressLayerTest() { make({kAbove, 3, kMost}); }

  void make(const CompressRule &rule, uint64_t max_value_size = 0) {
    fake_ = new FakeLayer("L2", kFakeShared);
    fake_->traits_.max_value_size = max_value_size;
    layer_ = std::make_unique<CompressLayer>(std::unique_ptr<Layer>(fake_), rule, allocator_, clock_);
  }
  cachechain_put a_put(std::string_view data, uint32_t flags = CACHECHAIN_KIND_VALUE) {
    cachechain_put put{};
    put.key = &key_;
    put.data = reinterpret_cast<const uint8_t *>(data.data());
    put.size = data.size();
    put.version = version_ += 2;
    put.created = 7;
    put.fresh_until_ms = 8;
    put.expires_ms = 9;
    put.flags = flags;
    return put;
  }
  int32_t store(std::string_view data, uint32_t flags = CACHECHAIN_KIND_VALUE) {
    report_ = {};
    return layer_->put(call_, a_put(data, flags), result_);
  }
  // Puts bytes where a stored value was.
  void plant(std::string_view data, uint32_t flags) {
    fake_->entries["user:7"] = {std::string(data), 5, 7, 8, 9, flags};
  }
  // The value as text; "MISS" and so on for other statuses.
  std::string get(size_t cap) {
    report_ = {};
    value_ = {};
    buffer_.assign(cap, '#');
    const int32_t status =
        layer_->get(call_, key_, {reinterpret_cast<uint8_t *>(buffer_.data()), buffer_.size()}, value_);
    if (status != CACHECHAIN_OK) return status_name(status);
    return std::string(reinterpret_cast<const char *>(value_.data), value_.size);
  }
  void release() {
    if (value_.release != nullptr) value_.release(value_.owner);
    value_ = {};
  }
  // What is planted is CORRUPT however it is read, says why, hands out nothing and leaks nothing.
  void expect_corrupt(std::string_view data, std::string_view why, uint32_t flags = kZstd) {
    plant(data, flags);
    for (size_t cap : {size_t{0}, size_t{1}, size_t{300}, size_t{100'000}}) {
      EXPECT_EQ(get(cap), "CORRUPT") << why << ", " << cap;
      EXPECT_THAT(std::string(report_text(report_)), HasSubstr(std::string(why)));
      EXPECT_EQ(value_.data, nullptr);
      EXPECT_EQ(value_.size, 0u);
      EXPECT_EQ(value_.release, nullptr);
      EXPECT_EQ(allocator_.live, 0);
    }
  }
  bool in_buffer() const { return value_.data == reinterpret_cast<const uint8_t *>(buffer_.data()); }
  const FakeLayer::Entry &stored() { return fake_->entries.at("user:7"); }
  uint64_t number(const char *name) {
    return nlohmann::json::parse(layer_->stats()).at("compression").at(name).get<uint64_t>();
  }

  CountingAllocator allocator_;
  TickingClock clock_;
  FakeLayer *fake_ = nullptr;
  std::unique_ptr<CompressLayer> layer_;
  cachechain_report report_{};
  cachechain_call call_ = {sizeof call_, 0, 0, 0, nullptr, &report_, nullptr, nullptr, 0};
  cachechain_space space_{};
  cachechain_key key_ = {reinterpret_cast<const uint8_t *>("user:7"), 6, 0, &space_};
  cachechain_value value_{};
  cachechain_put_result result_{};
  std::string buffer_;
  uint64_t version_ = 1;
};

// ---- Writing ----

TEST_F(CompressLayerTest, OnlyWhatIsLargerThanTheRuleIsCompressed) {
  ASSERT_EQ(store(std::string(kAbove, 'a')), CACHECHAIN_OK);
  EXPECT_EQ(stored().data, std::string(kAbove, 'a'));
  EXPECT_EQ(stored().flags, 0u);
  ASSERT_EQ(store(std::string(kAbove + 1, 'a')), CACHECHAIN_OK);
  EXPECT_LT(stored().data.size(), kAbove);
  EXPECT_EQ(stored().flags, kZstd);
  EXPECT_EQ(result_.version, version_);
  EXPECT_EQ(number("compressed"), 1u);
  EXPECT_EQ(number("left_plain"), 0u);
  EXPECT_EQ(number("saved_bytes"), kAbove + 1 - stored().data.size());
  EXPECT_TRUE(nlohmann::json::parse(layer_->stats()).at("fake").get<bool>()) << "beside the layer's own numbers";
  EXPECT_EQ(allocator_.live, 0);
}

TEST_F(CompressLayerTest, WhatDoesNotGetSmallerIsLeftAlone) {
  for (size_t size : {size_t{kAbove + 1}, size_t{1000}, ZstdCodec::kCompressStep + 1, size_t{300'000}}) {
    const std::string noise = noise_of(size);
    ASSERT_EQ(store(noise), CACHECHAIN_OK);
    EXPECT_EQ(stored().data, noise);
    EXPECT_EQ(stored().flags, 0u);
    EXPECT_EQ(get(0), noise);
    release();
  }
  EXPECT_EQ(number("compressed"), 0u);
  EXPECT_EQ(number("left_plain"), 4u);
  EXPECT_EQ(allocator_.live, 0);
}

TEST_F(CompressLayerTest, EmptyValuesAndTheLeastRule) {
  make({1, 3, kMost});
  ASSERT_EQ(store(""), CACHECHAIN_OK);
  EXPECT_EQ(get(16), "");
  EXPECT_EQ(value_.flags, 0u);
  release();
  for (size_t size : {size_t{1}, size_t{2}, size_t{3}, size_t{50}}) {
    ASSERT_EQ(store(std::string(size, 'a')), CACHECHAIN_OK);
    EXPECT_EQ(get(64), std::string(size, 'a'));
    release();
  }
}

TEST_F(CompressLayerTest, KindsWithoutAValue) {
  for (uint32_t kind :
       {CACHECHAIN_KIND_ABSENT, CACHECHAIN_KIND_TOMBSTONE, CACHECHAIN_KIND_INVALIDATED, CACHECHAIN_KIND_LEASE}) {
    fake_->entries.clear();
    ASSERT_EQ(store("", kind), CACHECHAIN_OK);
    EXPECT_EQ(get(16), "");
    EXPECT_EQ(value_.flags, kind);
    release();
    plant("", kind | kZstd);
    EXPECT_EQ(get(16), "") << "a mark is believed, whatever its codec";
    EXPECT_EQ(value_.flags, kind);
    EXPECT_EQ(value_.version, 5u);
    release();
  }
}

TEST_F(CompressLayerTest, WhatHasACodecAlreadyIsStoredAsItIs) {
  const std::string value = text_of(1000);
  const std::string frame = frame_of(value);
  ASSERT_GT(frame.size(), kAbove);
  ASSERT_EQ(store(frame, kZstd), CACHECHAIN_OK);
  EXPECT_EQ(stored().data, frame);
  EXPECT_EQ(stored().flags, kZstd);
  EXPECT_EQ(get(0), value);
  release();
}

TEST_F(CompressLayerTest, TheLevelIsThatOfTheRule) {
  const std::string value = text_of(100'000);
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  const size_t fast = stored().data.size();
  make({kAbove, 19, kMost});
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_LT(stored().data.size(), fast);
  EXPECT_EQ(get(0), value);
  release();
}

TEST_F(CompressLayerTest, ALimitOfTheLayerIsOneOfStoredBytes) {
  make({kAbove, 3, kMost}, 1000);
  EXPECT_EQ(layer_->traits().max_value_size, 0u) << "it depends on the value";
  ASSERT_EQ(store(std::string(5000, 'a')), CACHECHAIN_OK);
  EXPECT_LT(stored().data.size(), 1000u);
  ASSERT_EQ(store(noise_of(1000)), CACHECHAIN_OK);
  EXPECT_EQ(store(noise_of(1001)), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(result_.status, CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(report_text(report_), "larger than the layer takes");
  EXPECT_EQ(store(text_of(50'000)), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(report_text(report_), "larger than the layer takes, also compressed");
  EXPECT_EQ(stored().data.size(), 1000u) << "nothing was changed";
  EXPECT_EQ(allocator_.live, 0);
  make({0, 3, kMost}, 1000);
  EXPECT_EQ(layer_->traits().max_value_size, 1000u);
}

TEST_F(CompressLayerTest, CompressingTakesHalfOfWhatIsLeftOfTheCall) {
  const std::string value(10 * ZstdCodec::kCompressStep, 'a');  // ten looks at the clock
  call_.deadline_ns = clock_.now_ns + 15'000'000;
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_EQ(stored().flags, 0u);
  EXPECT_EQ(stored().data, value);
  EXPECT_EQ(number("left_plain"), 1u);
  call_.deadline_ns = clock_.now_ns + 30'000'000;
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_EQ(stored().flags, kZstd) << "what was given up before leaves nothing behind";
  call_.deadline_ns = clock_.now_ns - 1;
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_EQ(stored().flags, 0u);
  call_.deadline_ns = 0;
  const int64_t before_ns = clock_.now_ns;
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_EQ(stored().flags, kZstd);
  EXPECT_EQ(clock_.now_ns, before_ns) << "without a deadline nobody asks for the time";
}

TEST_F(CompressLayerTest, FailuresPassThrough) {
  fake_->step = [](const char *) { return CACHECHAIN_TIMEOUT; };
  EXPECT_EQ(store(std::string(1000, 'a')), CACHECHAIN_TIMEOUT);
  EXPECT_EQ(get(16), "TIMEOUT");
  fake_->step = nullptr;
  EXPECT_EQ(get(16), "MISS");
  ASSERT_EQ(store(std::string(1000, 'a')), CACHECHAIN_OK);
  version_ = 1;
  EXPECT_EQ(store(std::string(2000, 'b')), CACHECHAIN_SUPERSEDED);
  EXPECT_EQ(allocator_.live, 0);
}

// ---- Reading ----

// Values and frames on both sides of the room that was given.
TEST_F(CompressLayerTest, CopyOrView) {
  for (size_t size : {size_t{101}, size_t{4000}, ZstdCodec::kCompressStep, ZstdCodec::kCompressStep + 1,
                      3 * ZstdCodec::kCompressStep, size_t{kMost}}) {
    const std::string value = text_of(size);
    ASSERT_EQ(store(value), CACHECHAIN_OK);
    ASSERT_EQ(stored().flags, kZstd);
    const size_t frame = stored().data.size();
    for (size_t cap : {size_t{0}, size_t{1}, frame - 1, frame, frame + 1, size - 1, size, size + 1}) {
      ASSERT_EQ(get(cap), value) << size << " into " << cap;
      EXPECT_EQ(in_buffer(), size <= cap) << size << " into " << cap;
      EXPECT_EQ(value_.release != nullptr, size > cap);
      EXPECT_EQ(value_.flags, 0u);
      EXPECT_EQ(value_.version, version_);
      EXPECT_EQ(value_.created, 7u);
      EXPECT_EQ(value_.fresh_until_ms, 8);
      EXPECT_EQ(value_.expires_ms, 9);
      release();
      EXPECT_EQ(allocator_.live, 0);
    }
  }
}

TEST_F(CompressLayerTest, ViewsOutliveTheLayer) {
  const std::string value = text_of(1000);
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  ASSERT_EQ(get(0), value);
  EXPECT_EQ(layer_->close(call_).code(), CACHECHAIN_OK);
  layer_.reset();
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(value_.data), value_.size), value);
  release();
  EXPECT_EQ(allocator_.live, 0);
}

TEST_F(CompressLayerTest, WhoCompressesNothingReadsWhatOthersCompressed) {
  make({0, 3, kMost});
  const std::string value = text_of(1000);
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  EXPECT_EQ(stored().data, value);
  EXPECT_EQ(stored().flags, 0u);
  plant(frame_of(value), kZstd);
  EXPECT_EQ(get(0), value);
  release();
  EXPECT_EQ(get(2000), value);
  plant(frame_of("a"), kZstd);
  EXPECT_EQ(get(1), "a") << "below anybody's rule, larger than its value";
  EXPECT_EQ(layer_->stats(), "{\"fake\":true}") << "nothing to tell";
  plant("raw", kZstd);
  EXPECT_EQ(get(1), "CORRUPT");
  EXPECT_EQ(number("corrupt"), 1u);
}

TEST_F(CompressLayerTest, ValuesWithoutACodecAreTheInnerLayersOwn) {
  plant("hello", 0);
  EXPECT_EQ(get(16), "hello");
  EXPECT_EQ(value_.release, nullptr);
  EXPECT_EQ(get(0), "hello");
  release();
  EXPECT_EQ(allocator_.asked, 0);
}

TEST_F(CompressLayerTest, BytesThatAreNoFrameOfAValue) {
  const std::string frame = frame_of(text_of(300));
  const std::string other = frame_of(std::string(300, 'b'));
  expect_corrupt("", "no zstd frame (0 bytes stored");
  expect_corrupt("raw bytes", "no zstd frame");
  expect_corrupt("\x28\xb5\x2f\xfd", "header of the frame is broken");
  expect_corrupt(std::string("\x50\x2a\x4d\x18\x01\x00\x00\x00x", 9), "no zstd frame");     // one to be skipped
  expect_corrupt(std::string("\x27\xb5\x2f\xfd\x00\x00\x00\x00\x00", 9), "no zstd frame");  // of an older format
  expect_corrupt(frame_of(""), "a frame of nothing");
  expect_corrupt(frame_of(text_of(300), false), "does not tell the size");
  expect_corrupt(frame + "x", "bytes follow the frame");
  expect_corrupt(frame + other, "bytes follow the frame");
  expect_corrupt(std::string("\x50\x2a\x4d\x18\x00\x00\x00\x00", 8) + frame, "no zstd frame");
  EXPECT_EQ(allocator_.asked, 0);
  EXPECT_EQ(number("corrupt"), 40u);
}

TEST_F(CompressLayerTest, FramesThatAreCutOff) {
  const std::string frame = frame_of(text_of(300));
  for (size_t size = 0; size < frame.size(); ++size) expect_corrupt(frame.substr(0, size), "cannot be read");
  EXPECT_EQ(allocator_.asked, 0);
}

TEST_F(CompressLayerTest, FramesThatClaimTooMuchAreRefusedBeforeThereIsRoomForThem) {
  for (uint64_t claimed : {uint64_t{kMost} + 1, uint64_t{4} << 30, uint64_t{1} << 62, UINT64_MAX - 2}) {
    expect_corrupt(bomb_of(claimed), "would be too large (17 bytes stored, " + std::to_string(claimed) +
                                         " claimed, max_value_bytes 1048576)");
  }
  EXPECT_EQ(allocator_.asked, 0);
  plant(frame_of(std::string(kMost, 'a')), kZstd);
  EXPECT_EQ(get(0), std::string(kMost, 'a'));
  release();
  expect_corrupt(frame_of(std::string(kMost + 1, 'a')), "would be too large");
}

TEST_F(CompressLayerTest, FramesThatLieAboutTheirSize) {
  plant(bomb_of(131'072), kZstd);
  EXPECT_EQ(get(0), std::string(131'072, 'x'));
  release();
  expect_corrupt(bomb_of(131'073), "cannot be read");
  expect_corrupt(bomb_of(131'071), "cannot be read");
  expect_corrupt(bomb_of(1), "cannot be read");
  expect_corrupt(bomb_of(kMost), "cannot be read");
}

// No checksum is in a frame: another value may come back, but never more than was claimed, and nothing stays behind.
TEST_F(CompressLayerTest, EveryChangedByteIsAValueOrCorrupt) {
  const std::string frame = frame_of(text_of(300));
  int corrupt = 0;
  for (size_t at = 0; at < frame.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = frame;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      plant(changed, kZstd);
      const std::string got = get(at % 2 == 0 ? 0 : 4096);
      corrupt += got == "CORRUPT" ? 1 : 0;
      EXPECT_LE(value_.size, kMost);
      release();
      EXPECT_EQ(allocator_.live, 0);
    }
  }
  EXPECT_GT(corrupt, 32) << "all of the magic at least";
}

TEST_F(CompressLayerTest, CodecsThatAreNotKnown) {
  for (uint32_t codec : {2u, 9u, 255u}) {
    expect_corrupt(frame_of(text_of(300)), "codec " + std::to_string(codec) + " is not known to this version",
                   codec << 8);
  }
}

TEST_F(CompressLayerTest, NoMemory) {
  const std::string value = text_of(1000);
  ASSERT_EQ(store(value), CACHECHAIN_OK);
  ASSERT_EQ(stored().flags, kZstd);
  allocator_.failing = true;
  for (size_t cap : {size_t{0}, size_t{10}, size_t{999}, size_t{2000}}) {
    EXPECT_EQ(get(cap), "NO_MEMORY") << cap;
    EXPECT_EQ(value_.data, nullptr);
    EXPECT_EQ(value_.release, nullptr);
  }
  EXPECT_EQ(store(value), CACHECHAIN_OK) << "it need not be compressed";
  EXPECT_EQ(stored().data, value);
  EXPECT_EQ(stored().flags, 0u);
  EXPECT_EQ(allocator_.live, 0);
}

// More of them than there are contexts kept.
TEST_F(CompressLayerTest, Threads) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const std::string name = "user:" + std::to_string(t);
      const cachechain_key key = {reinterpret_cast<const uint8_t *>(name.data()), name.size(), 0, &space_};
      const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
      for (uint64_t i = 1; i <= 50; ++i) {
        const std::string value = name + text_of(200 + i * 40);
        cachechain_put put{};
        put.key = &key;
        put.data = reinterpret_cast<const uint8_t *>(value.data());
        put.size = value.size();
        put.version = i;
        cachechain_put_result result{};
        cachechain_value found{};
        if (layer_->put(call, put, result) != CACHECHAIN_OK) continue;
        if (layer_->get(call, key, {}, found) != CACHECHAIN_OK) continue;
        if (std::string_view(reinterpret_cast<const char *>(found.data), found.size) == value) ++right;
        if (found.release != nullptr) found.release(found.owner);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(right, 8 * 50);
  EXPECT_EQ(number("compressed"), 8u * 50u);
  EXPECT_EQ(allocator_.live, 0);
}

// ---- Over the envelope ----

TEST_F(CompressLayerTest, OverAStoreOfBytesTheEnvelopeHasTheCodec) {
  constexpr uint64_t kBytes = CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP;
  fake_ = new FakeLayer("L2", kBytes);
  layer_ = std::make_unique<CompressLayer>(std::make_unique<EnvelopeLayer>(std::unique_ptr<Layer>(fake_), allocator_),
                                           CompressRule{kAbove, 3, kMost}, allocator_, clock_);
  const std::string value = text_of(20'000);
  cachechain_put put = a_put(value);
  put.fresh_until_ms = put.expires_ms = 0;
  put.condition = CACHECHAIN_PUT_BUMP;
  ASSERT_EQ(layer_->put(call_, put, result_), CACHECHAIN_OK);
  put.version = version_ - 2;
  ASSERT_EQ(layer_->put(call_, put, result_), CACHECHAIN_OK) << "above what is stored";
  EXPECT_LT(stored().data.size(), value.size() / 2);
  EXPECT_EQ(stored().data[13], CACHECHAIN_CODEC_ZSTD);
  EXPECT_EQ(stored().data[15], 0) << "the frame has the size, so no section repeats it";
  for (size_t cap : {size_t{0}, size_t{4096}, size_t{20'000}}) {
    EXPECT_EQ(get(cap), value);
    EXPECT_EQ(value_.version, result_.version);
    release();
    EXPECT_EQ(allocator_.live, 0);
  }
}

}  // namespace
}  // namespace cachechain
