#include "plugin/serial_layer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "support/fake_layer.h"
#include "support/virtual_clock.h"

namespace cachechain {
namespace {

// Lets a test hold a call inside the layer.
class Gate {
 public:
  void shut() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = false;
  }
  void open() {
    std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --waiting_;
  }
  void wait_for_somebody() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  int waiting_ = 0;
};

class SerialLayerTest : public testing::Test {
 protected:
  SerialLayerTest() : fake_(new FakeLayer("L2", CACHECHAIN_CAP_KINDS)), layer_(std::unique_ptr<Layer>(fake_), clock_) {
    fake_->step = [this](const char *) {
      gate_.pass();
      return 0;
    };
  }
  int32_t get(int64_t deadline_ns, cachechain_report *report = nullptr, CancelToken *cancel = nullptr) {
    cachechain_call call = {sizeof call, 0, 0, deadline_ns, nullptr, report, nullptr, nullptr, 0};
    if (cancel != nullptr) call.cancel = cancel->handle();
    cachechain_value value;
    return layer_.get(call, key_, {}, value);
  }

  VirtualClock clock_;
  Gate gate_;
  FakeLayer *fake_;
  SerialLayer layer_;
  cachechain_key key_ = {reinterpret_cast<const uint8_t *>("k"), 1, 0, nullptr};
};

// Without a lock of its own: more than one caller inside is seen.
class Unprotected final : public Layer {
 public:
  const LayerTraits &traits() const override { return traits_; }
  int32_t get(const cachechain_call &, const cachechain_key &, std::span<uint8_t>, cachechain_value &) override {
    return visit();
  }
  int32_t put(const cachechain_call &, const cachechain_put &, cachechain_put_result &result) override {
    return result.status = visit();
  }
  int32_t get_many(const cachechain_call &, std::span<const cachechain_key>, std::span<cachechain_value>,
                   std::span<int32_t>) override {
    return visit();
  }
  int32_t put_many(const cachechain_call &, std::span<const cachechain_put>,
                   std::span<cachechain_put_result>) override {
    return visit();
  }
  int32_t erase_many(const cachechain_call &, std::span<const cachechain_key>) override { return visit(); }
  int32_t ping(const cachechain_call &) override { return visit(); }
  int32_t maintain(const cachechain_call &) override { return visit(); }
  int32_t sweep(const cachechain_call &) override { return visit(); }
  std::string stats() override {
    (void)visit();
    return "{}";
  }
  void thread_exit(uintptr_t) override { (void)visit(); }
  Status close(const cachechain_call &) override { return CACHECHAIN_OK; }

  int visits = 0;  // plain: only a thread that has the layer to itself may count
  std::atomic<bool> crowded{false};

 private:
  int32_t visit() {
    if (inside_.exchange(true)) crowded = true;
    std::this_thread::sleep_for(std::chrono::microseconds(1));  // long enough for another to come in
    ++visits;
    inside_ = false;
    return CACHECHAIN_OK;
  }
  LayerTraits traits_;
  std::atomic<bool> inside_{false};
};

TEST(SerialLayer, OneAtATime) {
  VirtualClock clock;
  auto *inner = new Unprotected;
  SerialLayer layer{std::unique_ptr<Layer>(inner), clock};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
      const cachechain_key key{};
      const cachechain_put put{};
      cachechain_value value{};
      cachechain_put_result result{};
      for (int j = 0; j < 100; ++j) {
        EXPECT_EQ(layer.get(call, key, {}, value), CACHECHAIN_OK);
        EXPECT_EQ(layer.put(call, put, result), CACHECHAIN_OK);
        EXPECT_EQ(layer.get_many(call, {}, {}, {}), CACHECHAIN_OK);
        EXPECT_EQ(layer.put_many(call, {}, {}), CACHECHAIN_OK);
        EXPECT_EQ(layer.erase_many(call, {}), CACHECHAIN_OK);
        EXPECT_EQ(layer.ping(call), CACHECHAIN_OK);
        EXPECT_EQ(layer.maintain(call), CACHECHAIN_OK);
        EXPECT_EQ(layer.sweep(call), CACHECHAIN_OK);
        layer.thread_exit(1);
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_FALSE(inner->crowded);
  EXPECT_EQ(inner->visits, 4 * 100 * 9);
}

TEST_F(SerialLayerTest, WhoCannotHaveItsTurnAnswersAtItsDeadline) {
  gate_.shut();
  std::thread first([&] { EXPECT_EQ(get(0), CACHECHAIN_MISS); });
  gate_.wait_for_somebody();
  const int64_t deadline = clock_.mono_ns() + 50'000'000;
  cachechain_report report{};
  std::thread second([&] { EXPECT_EQ(get(deadline, &report), CACHECHAIN_OVERLOADED); });
  clock_.advance_ms(49);
  std::thread third([&] { EXPECT_EQ(get(0), CACHECHAIN_MISS); });
  clock_.advance_ms(1);
  second.join();
  EXPECT_EQ(report.retryable, 1u);
  EXPECT_GT(report.size, 0u);
  EXPECT_EQ(get(clock_.mono_ns() - 1), CACHECHAIN_OVERLOADED) << "a deadline that is past";

  cachechain_call late = {sizeof late, 0, 0, clock_.mono_ns(), nullptr, nullptr, nullptr, nullptr, 0};
  cachechain_put put{};
  put.key = &key_;
  cachechain_put_result result{};
  EXPECT_EQ(layer_.put(late, put, result), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(result.status, CACHECHAIN_OVERLOADED);
  cachechain_value value{};
  int32_t status = CACHECHAIN_OK;
  EXPECT_EQ(layer_.get_many(late, {&key_, 1}, {&value, 1}, {&status, 1}), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(status, CACHECHAIN_OVERLOADED);
  result = {};
  EXPECT_EQ(layer_.put_many(late, {&put, 1}, {&result, 1}), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(result.status, CACHECHAIN_OVERLOADED);
  EXPECT_EQ(layer_.ping(late), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(layer_.maintain(late), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(layer_.sweep(late), CACHECHAIN_OVERLOADED);
  EXPECT_EQ(layer_.erase_many(late, {&key_, 1}), CACHECHAIN_OVERLOADED);

  gate_.open();
  first.join();
  third.join();
  EXPECT_EQ(get(clock_.mono_ns() - 1), CACHECHAIN_MISS) << "what is free needs no waiting";
  EXPECT_EQ(layer_.stats(), "{\"fake\":true}");
}

TEST_F(SerialLayerTest, WhoIsCancelledWaitsNoLonger) {
  gate_.shut();
  std::thread first([&] { EXPECT_EQ(get(0), CACHECHAIN_MISS); });
  gate_.wait_for_somebody();
  const CancelRef token = CancelToken::create();
  std::thread second([&] { EXPECT_EQ(get(0, nullptr, token.get()), CACHECHAIN_CANCELLED); });
  token->fire();
  second.join();
  cachechain_call call = {sizeof call, 0, 0, 0, token->handle(), nullptr, nullptr, nullptr, 0};
  cachechain_put put{};
  put.key = &key_;
  cachechain_put_result result{};
  EXPECT_EQ(layer_.put(call, put, result), CACHECHAIN_CANCELLED);
  EXPECT_EQ(result.status, CACHECHAIN_CANCELLED);
  int32_t status = 0;
  cachechain_value value{};
  EXPECT_EQ(layer_.get_many(call, {&key_, 1}, {&value, 1}, {&status, 1}), CACHECHAIN_CANCELLED);
  EXPECT_EQ(status, CACHECHAIN_CANCELLED);
  gate_.open();
  first.join();
  EXPECT_EQ(get(0, nullptr, token.get()), CACHECHAIN_MISS) << "nobody has it: nothing to wait for";
}

TEST_F(SerialLayerTest, StatsDoNotHangBehindAStuckCall) {
  gate_.shut();
  std::thread stuck([&] { EXPECT_EQ(get(0), CACHECHAIN_MISS); });
  gate_.wait_for_somebody();
  std::string stats;
  std::thread asks([&] { stats = layer_.stats(); });
  // However late the asking thread looks at the clock, it is over once it has.
  std::atomic<bool> answered{false};
  std::thread turns([&] {
    while (!answered) clock_.advance_ms(1000);
  });
  asks.join();
  answered = true;
  turns.join();
  EXPECT_EQ(stats, "{}");
  gate_.open();
  stuck.join();
}

TEST_F(SerialLayerTest, PassesTheRestThrough) {
  EXPECT_EQ(layer_.traits().name, "L2");
  layer_.thread_exit(1);
  const cachechain_call call = {sizeof call, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 0};
  EXPECT_TRUE(layer_.close(call).ok());
  EXPECT_EQ(fake_->closed, 1);
}

}  // namespace
}  // namespace cachechain
