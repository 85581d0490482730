// Plugins that are functions of this file: what open_layer() hands them, what it makes of their answers, and how it
// wraps them.
#include "plugin/open_layer.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <pthread.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/cancel_token.h"
#include "plugin/negotiate.h"
#include "plugin/report.h"
#include "support/virtual_clock.h"

namespace cachechain {
namespace {

constexpr uint64_t kConcurrent =
    CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_NEWER | CACHECHAIN_CAP_BUMP | CACHECHAIN_CAP_KINDS;

// What the plugin under test does; set by each test before it opens.
struct Script {
  const cachechain_host *host = nullptr;
  uint64_t caps = kConcurrent;
  std::string endpoint = "10.0.3.7:6379";
  uint64_t max_key_size = 0;
  uint64_t max_value_size = 0;
  std::function<int32_t(const cachechain_layer_config &, cachechain_report *)> opened;
  std::function<int32_t(cachechain_value &, uint8_t *, uint64_t)> get;
  std::function<int32_t(const cachechain_put &, cachechain_put_result &)> put;
  std::function<int32_t(const char *slot)> other;
  std::string stats;
  int calls = 0;
  int closed = 0;
  std::vector<uintptr_t> words;
};
Script *script = nullptr;

int32_t open(const cachechain_host *host, const cachechain_layer_config *config, cachechain_layer_info *info,
             cachechain_report *report, void **instance) {
  script->host = host;
  info->caps = script->caps;
  info->endpoint = reinterpret_cast<const uint8_t *>(script->endpoint.data());
  info->endpoint_size = script->endpoint.size();
  info->max_key_size = script->max_key_size;
  info->max_value_size = script->max_value_size;
  const int32_t status = script->opened ? script->opened(*config, report) : CACHECHAIN_OK;
  if (status >= 0) *instance = script;
  return status;
}
int32_t close(void *, const cachechain_call *) {
  ++script->closed;
  return script->other ? script->other("close") : CACHECHAIN_OK;
}
int32_t get(void *, const cachechain_call *, const cachechain_key *, uint8_t *buf, uint64_t cap,
            cachechain_value *value) {
  ++script->calls;
  return script->get ? script->get(*value, buf, cap) : CACHECHAIN_MISS;
}
int32_t get_many(void *, const cachechain_call *, const cachechain_key *, uint64_t count, cachechain_value *values,
                 int32_t *statuses) {
  ++script->calls;
  for (uint64_t i = 0; i < count; ++i) {
    const int32_t status = script->get ? script->get(values[i], nullptr, 0) : CACHECHAIN_MISS;
    if (status < 0) return status;
    statuses[i] = status;
  }
  return CACHECHAIN_OK;
}
int32_t put(void *, const cachechain_call *, const cachechain_put *put, cachechain_put_result *result) {
  ++script->calls;
  *result = {CACHECHAIN_OK, 0, put->version};
  return script->put ? script->put(*put, *result) : CACHECHAIN_OK;
}
int32_t put_many(void *instance, const cachechain_call *call, const cachechain_put *puts, uint64_t count,
                 cachechain_put_result *results) {
  for (uint64_t i = 0; i < count; ++i) {
    const int32_t status = put(instance, call, &puts[i], &results[i]);
    if (status < 0) return status;
  }
  return CACHECHAIN_OK;
}
int32_t erase_many(void *, const cachechain_call *, const cachechain_key *, uint64_t) {
  return script->other("erase_many");
}
int32_t ping(void *, const cachechain_call *) { return script->other("ping"); }
int32_t maintain(void *, const cachechain_call *) { return script->other("maintain"); }
int32_t stats(void *, uint8_t *buf, uint64_t cap, uint64_t *needed) {
  *needed = script->stats.size();
  if (cap < *needed) return CACHECHAIN_BUFFER_TOO_SMALL;
  std::memcpy(buf, script->stats.data(), script->stats.size());
  return CACHECHAIN_OK;
}
void thread_exit(void *, uintptr_t word) { script->words.push_back(word); }

class Lines final : public Logger {
 public:
  bool enabled(int32_t level) const override { return level >= CACHECHAIN_LOG_INFO; }
  void log(int32_t, std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
};

class ScarceAllocator final : public Allocator {
 public:
  void *alloc(uint64_t size, uint64_t align) noexcept override {
    if (left == 0) return nullptr;
    --left;
    ++live;
    return Allocator::system().alloc(size, align);
  }
  void free(void *memory, uint64_t size, uint64_t align) noexcept override {
    if (memory != nullptr) --live;
    Allocator::system().free(memory, size, align);
  }
  int left = 1000;
  int live = 0;
};

class OpenLayer : public testing::Test {
 public:
  OpenLayer() {
    script = &script_;
    api_.struct_size = sizeof api_;
    api_.open = &cachechain::open;
    api_.close = &cachechain::close;
    api_.get = &cachechain::get;
    api_.put = &cachechain::put;
  }
  ~OpenLayer() override {
    opened_.reset();
    script = nullptr;
  }

  Status open() {
    const cachechain_plugin descriptor = {sizeof descriptor, 0, 0, 0, "fake", "1.0", nullptr, &api_, nullptr};
    Result<LoadedPlugin> plugin = negotiate("/fake.so", {}, &descriptor);
    EXPECT_TRUE(plugin.ok()) << plugin.status().message();
    plugin_ = plugin.take();
    LayerOpening opening;
    opening.name = "L2";
    opening.chain = "shop";
    opening.options = R"({"url":"x"})";
    opening.clock = &clock_;
    opening.log = log_;
    opening.allocator = &allocator_;
    opening.compress = compress_;
    Result<OpenedLayer> opened = open_layer(plugin_, opening);
    if (!opened.ok()) return opened.status();
    opened_ = std::make_unique<OpenedLayer>(opened.take());
    return CACHECHAIN_OK;
  }
  Layer &layer() { return *opened_->layer; }
  int32_t get(size_t cap = sizeof buffer_) {
    report_ = {};
    return layer().get(call_, key_, std::span(buffer_, cap), value_);
  }
  cachechain_put a_put(uint32_t condition = CACHECHAIN_PUT_NEWER) {
    cachechain_put put{};
    put.key = &key_;
    put.data = reinterpret_cast<const uint8_t *>("data");
    put.size = 4;
    put.version = 101;
    put.condition = condition;
    return put;
  }
  int32_t put(const cachechain_put &put) {
    report_ = {};
    return layer().put(call_, put, result_);
  }
  std::string said() const { return std::string(report_text(report_)); }

  Script script_;
  CompressRule compress_;
  cachechain_layer_api api_{};
  LoadedPlugin plugin_;
  VirtualClock clock_;
  ScarceAllocator allocator_;
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  std::unique_ptr<OpenedLayer> opened_;
  cachechain_report report_{};
  cachechain_call call_ = {sizeof call_, 0, 0, 0, nullptr, &report_, nullptr, nullptr, 0};
  cachechain_space space_{};
  cachechain_key key_ = {reinterpret_cast<const uint8_t *>("key"), 3, 0, &space_};
  uint8_t buffer_[16];
  cachechain_value value_{};
  cachechain_put_result result_{};
};

int32_t hand_out(cachechain_value &value, uint8_t *buf, uint64_t cap, std::string_view held) {
  value.data = reinterpret_cast<const uint8_t *>(held.data());
  value.size = held.size();
  value.version = 7;
  if (buf != nullptr && held.size() <= cap) {
    std::memcpy(buf, held.data(), held.size());
    value.data = buf;
  }
  return CACHECHAIN_OK;
}

int32_t hand_out_plain(cachechain_value &value, uint8_t *buf, uint64_t cap) {
  (void)hand_out(value, buf, cap, "user");
  value.version = 0;
  return CACHECHAIN_OK;
}

// ---- Opening ----

TEST_F(OpenLayer, WhatThePluginIsGivenAndSays) {
  script_.max_key_size = 250;
  script_.max_value_size = 1000;
  script_.opened = [](const cachechain_layer_config &config, cachechain_report *) {
    EXPECT_EQ(config.struct_size, sizeof config);
    const auto text = [](const uint8_t *data, uint64_t size) {
      return std::string(reinterpret_cast<const char *>(data), size);
    };
    EXPECT_EQ(text(config.name, config.name_size), "L2");
    EXPECT_EQ(text(config.chain, config.chain_size), "shop");
    EXPECT_EQ(text(config.options, config.options_size), R"({"url":"x"})");
    return CACHECHAIN_OK;
  };
  ASSERT_TRUE(open().ok());
  const LayerTraits &traits = layer().traits();
  EXPECT_EQ(traits.name, "L2");
  EXPECT_EQ(traits.plugin, "fake");
  EXPECT_EQ(traits.version, "1.0");
  EXPECT_EQ(traits.file, "/fake.so");
  EXPECT_EQ(traits.endpoint, "10.0.3.7:6379");
  EXPECT_EQ(traits.caps, kConcurrent);
  EXPECT_EQ(traits.max_key_size, 250u);
  EXPECT_EQ(traits.max_value_size, 1000u);
  EXPECT_EQ(opened_->degraded.code(), CACHECHAIN_OK);
  EXPECT_EQ(opened_->direct.api, nullptr) << "not inline";
}

TEST_F(OpenLayer, FailureCarriesTheText) {
  script_.opened = [](const cachechain_layer_config &, cachechain_report *report) {
    script->host->report(script->host, report, 17, 1, "the option \"url\" is missing", 27);
    return CACHECHAIN_CONFIG;
  };
  const Status failed = open();
  EXPECT_EQ(failed.code(), CACHECHAIN_CONFIG);
  EXPECT_EQ(failed.message(), "shop/L2 fake: the option \"url\" is missing");
  EXPECT_EQ(failed.layer(), "L2");
  EXPECT_EQ(failed.native_code(), 17);
  EXPECT_TRUE(failed.retryable());
  script_.opened = [](const cachechain_layer_config &, cachechain_report *) { return CACHECHAIN_AUTH; };
  EXPECT_EQ(open().message(), "shop/L2 fake: AUTH") << "a plugin without words";
}

TEST_F(OpenLayer, Degraded) {
  script_.opened = [](const cachechain_layer_config &, cachechain_report *report) {
    script->host->report(script->host, report, 111, 1, "connection refused", 18);
    return CACHECHAIN_DEGRADED;
  };
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(opened_->degraded.code(), CACHECHAIN_DEGRADED);
  EXPECT_EQ(opened_->degraded.message(), "shop/L2 fake: connection refused");
}

TEST_F(OpenLayer, RefusedCapsCloseTheInstance) {
  script_.caps = CACHECHAIN_CAP_CONCURRENT;
  EXPECT_EQ(open().code(), CACHECHAIN_PLUGIN_REFUSED);
  EXPECT_EQ(script_.closed, 1);
}

TEST_F(OpenLayer, ARuleToCompressWhereThatCannotBeIsRefused) {
  compress_.above_bytes = 1;
  script_.caps = kConcurrent | CACHECHAIN_CAP_INLINE;
  Status refused = open();
  EXPECT_EQ(refused.code(), CACHECHAIN_CONFIG);
  EXPECT_EQ(refused.layer(), "L2");
  EXPECT_EQ(refused.message(),
            "shop/L2 fake: compress_above_bytes is not for this layer: it is read in nanoseconds, and each hit would "
            "have to decompress");
  EXPECT_EQ(script_.closed, 1);
  script_.caps = CACHECHAIN_CAP_CONCURRENT | CACHECHAIN_CAP_PLAIN;
  refused = open();
  EXPECT_EQ(refused.code(), CACHECHAIN_CONFIG);
  EXPECT_EQ(refused.message(),
            "shop/L2 fake: compress_above_bytes is not for this layer: it keeps values as they are, in a table of the "
            "user's own");
  EXPECT_EQ(script_.closed, 2);
  compress_.above_bytes = 0;
  EXPECT_TRUE(open().ok());
}

TEST_F(OpenLayer, ValuesAreCompressedAsTheRuleSays) {
  compress_.above_bytes = 100;
  script_.max_value_size = 1000;
  std::string stored;
  uint32_t flags = 0;
  script_.put = [&](const cachechain_put &put, cachechain_put_result &) {
    stored.assign(reinterpret_cast<const char *>(put.data), put.size);
    flags = put.flags;
    return CACHECHAIN_OK;
  };
  script_.get = [&](cachechain_value &value, uint8_t *buf, uint64_t cap) {
    value.flags = flags;
    return hand_out(value, buf, cap, stored);
  };
  ASSERT_TRUE(open().ok());
  const std::string large(5000, 'a');
  cachechain_put large_put = a_put();
  large_put.data = reinterpret_cast<const uint8_t *>(large.data());
  large_put.size = large.size();
  ASSERT_EQ(put(large_put), CACHECHAIN_OK);
  EXPECT_LT(stored.size(), 100u);
  EXPECT_EQ(flags, CACHECHAIN_CODEC_ZSTD << 8);
  ASSERT_EQ(get(), CACHECHAIN_OK);
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(value_.data), value_.size), large);
  value_.release(value_.owner);
  compress_.max_value_bytes = large.size() - 1;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(get(), CACHECHAIN_CORRUPT);
}

TEST_F(OpenLayer, SlowOpenIsTold) {
  script_.opened = [this](const cachechain_layer_config &, cachechain_report *) {
    clock_.advance_ms(101);
    return CACHECHAIN_OK;
  };
  ASSERT_TRUE(open().ok());
  ASSERT_EQ(log_->lines.size(), 1u);
  EXPECT_EQ(log_->lines[0], "shop/L2 fake: open took 101 ms, more than the 100 ms that a plugin may take");
}

TEST_F(OpenLayer, AnExporterIsNoLayer) {
  ASSERT_TRUE(open().ok());
  plugin_.has_layer = false;
  const Result<OpenedLayer> opened = open_layer(plugin_, {});
  EXPECT_EQ(opened.status().code(), CACHECHAIN_CONFIG);
}

TEST_F(OpenLayer, ClosesOnceAndByItself) {
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(layer().close(call_).code(), CACHECHAIN_OK);
  EXPECT_EQ(layer().close(call_).code(), CACHECHAIN_CLOSED);
  opened_.reset();
  EXPECT_EQ(script_.closed, 1);
  ASSERT_TRUE(open().ok());
  opened_.reset();
  EXPECT_EQ(script_.closed, 2);
}

TEST_F(OpenLayer, CloseTellsItsFailure) {
  script_.other = [](const char *) { return CACHECHAIN_TIMEOUT; };
  ASSERT_TRUE(open().ok());
  const Status closed = layer().close(call_);
  EXPECT_EQ(closed.code(), CACHECHAIN_TIMEOUT);
  EXPECT_EQ(closed.message(), "shop/L2 fake: TIMEOUT");
}

// ---- The host ----

TEST_F(OpenLayer, HostLogsTimeAndServices) {
  ASSERT_TRUE(open().ok());
  const cachechain_host *host = script_.host;
  EXPECT_EQ(host->struct_size, sizeof *host);
  EXPECT_EQ(host->abi_minor, static_cast<uint32_t>(CACHECHAIN_ABI_MINOR));
  EXPECT_EQ(host->log_enabled(host, CACHECHAIN_LOG_DEBUG), 0);
  EXPECT_EQ(host->log_enabled(host, CACHECHAIN_LOG_INFO), 1);
  host->log(host, CACHECHAIN_LOG_DEBUG, "unheard", 7);
  host->log(host, CACHECHAIN_LOG_WARN, "hello", 5);
  EXPECT_EQ(log_->lines, std::vector<std::string>{"shop/L2 fake: hello"});
  EXPECT_EQ(host->now_mono_ns(host), clock_.mono_ns());
  EXPECT_EQ(host->now_unix_ms(host), clock_.unix_ms());
  EXPECT_EQ(host->cancelled(host, nullptr), 0);
  EXPECT_EQ(host->cancel_fd(host, nullptr), -1);
  const CancelRef token = CancelToken::create();
  EXPECT_EQ(host->cancelled(host, token->handle()), 0);
  const int fd = host->cancel_fd(host, token->handle());
  pollfd one{fd, POLLIN, 0};
  EXPECT_EQ(poll(&one, 1, 0), 0);
  token->fire();
  EXPECT_EQ(host->cancelled(host, token->handle()), 1);
  EXPECT_EQ(poll(&one, 1, 0), 1);
  EXPECT_EQ(host->service(host, "cachechain.observe/1"), nullptr);
  EXPECT_EQ(host->service(host, nullptr), nullptr);
  const auto *layers = static_cast<const cachechain_layers_service *>(host->service(host, CACHECHAIN_SERVICE_LAYERS));
  ASSERT_NE(layers, nullptr);
  EXPECT_EQ(layers->struct_size, sizeof *layers);
}

TEST_F(OpenLayer, HostMemoryCanFailAndOutlivesClose) {
  ASSERT_TRUE(open().ok());
  const cachechain_host *host = script_.host;
  void *memory = host->alloc(host, 100, 64);
  ASSERT_NE(memory, nullptr);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % 64, 0u);
  EXPECT_EQ(allocator_.live, 1);
  allocator_.left = 0;
  EXPECT_EQ(host->alloc(host, 1, 1), nullptr);
  allocator_.left = 1000;
  EXPECT_EQ(host->alloc(host, 8, 3), nullptr) << "no power of two";
  --allocator_.live;
  EXPECT_EQ(host->alloc(host, UINT64_MAX, 8), nullptr);
  --allocator_.live;

  (void)layer().close(call_);
  host->log(host, CACHECHAIN_LOG_ERROR, "too late", 8);
  EXPECT_TRUE(log_->lines.empty());
  EXPECT_GT(host->now_mono_ns(host), 0);
  host->free(host, memory, 100, 64);
  EXPECT_EQ(allocator_.live, 0);
}

TEST_F(OpenLayer, HostsAreUsedAgain) {
  ASSERT_TRUE(open().ok());
  const cachechain_host *first = script_.host;
  (void)layer().close(call_);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(open().ok());
    EXPECT_EQ(script_.host, first);
    (void)layer().close(call_);
  }
}

TEST_F(OpenLayer, ReportsAreCutAtACharacter) {
  ASSERT_TRUE(open().ok());
  const std::string text = std::string(495, 'x') + "\xc3\xa9\xc3\xa9";
  cachechain_report report{};
  script_.host->report(script_.host, &report, 5, 2, text.data(), text.size());
  EXPECT_EQ(report.size, 495u);
  EXPECT_EQ(report.retryable, 1u);
  EXPECT_EQ(report.native_code, 5);
  script_.host->report(script_.host, nullptr, 0, 0, "x", 1);
  script_.host->report(script_.host, &report, 0, 0, nullptr, 9);
  EXPECT_EQ(report.size, 0u);
  report.size = 100'000;
  EXPECT_EQ(report_text(report).size(), sizeof report.text);
}

// ---- Answers ----

TEST_F(OpenLayer, GetCopiesOrViews) {
  script_.get = [](cachechain_value &value, uint8_t *buf, uint64_t cap) { return hand_out(value, buf, cap, "hello"); };
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(get(), CACHECHAIN_OK);
  EXPECT_EQ(value_.data, buffer_);
  EXPECT_EQ(get(4), CACHECHAIN_OK);
  EXPECT_NE(value_.data, buffer_);
  EXPECT_EQ(get(0), CACHECHAIN_OK);
  script_.get = nullptr;
  EXPECT_EQ(get(), CACHECHAIN_MISS);
}

TEST_F(OpenLayer, FailuresOfAGet) {
  ASSERT_TRUE(open().ok());
  for (int32_t status : {CACHECHAIN_UNAVAILABLE, CACHECHAIN_TIMEOUT, CACHECHAIN_CORRUPT, CACHECHAIN_NODE_DOWN,
                         CACHECHAIN_UNSUPPORTED, CACHECHAIN_NO_MEMORY}) {
    script_.get = [=](cachechain_value &value, uint8_t *, uint64_t) {
      value.size = 3;  // a plugin that gave up half way
      return status;
    };
    EXPECT_EQ(get(), status);
    EXPECT_EQ(value_.size, 0u);
  }
  EXPECT_EQ(layer().stats(), "{}") << "no faults";
}

TEST_F(OpenLayer, StatusesThatGetDoesNotHave) {
  for (int32_t status : std::initializer_list<int32_t>{CACHECHAIN_STALE, CACHECHAIN_NOT_FOUND, CACHECHAIN_SUPERSEDED,
                                                       CACHECHAIN_CONFLICT, CACHECHAIN_UNKNOWN_OUTCOME,
                                                       CACHECHAIN_PLUGIN_REFUSED, -1234, INT32_MIN}) {
    ASSERT_TRUE(open().ok());
    script_.get = [=](cachechain_value &, uint8_t *, uint64_t) { return status; };
    EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT) << status;
  }
}

TEST_F(OpenLayer, ValuesThatCannotBe) {
  const std::function<void(cachechain_value &, uint8_t *, uint64_t)> kBreaches[] = {
      [](cachechain_value &v, uint8_t *, uint64_t) { v.data = nullptr; },
      [](cachechain_value &v, uint8_t *buf, uint64_t cap) { v.data = buf, v.size = cap + 1; },
      [](cachechain_value &v, uint8_t *buf, uint64_t) { v.data = buf + 1; },
      [](cachechain_value &v, uint8_t *, uint64_t) { v.flags = CACHECHAIN_KIND_LEASE + 1; },
      [](cachechain_value &v, uint8_t *, uint64_t) { v.flags = 0xff, v.size = 0; },
  };
  for (const auto &breach : kBreaches) {
    ASSERT_TRUE(open().ok());
    script_.get = [&](cachechain_value &value, uint8_t *buf, uint64_t cap) {
      (void)hand_out(value, buf, cap, "hello");
      breach(value, buf, cap);
      return CACHECHAIN_OK;
    };
    EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT);
    EXPECT_EQ(value_.size, 0u);
    EXPECT_NE(said().find("(fault 1 of 3)"), std::string::npos);
  }
}

TEST_F(OpenLayer, ThreeFaultsAndItIsNotAsked) {
  ASSERT_TRUE(open().ok());
  script_.get = [](cachechain_value &, uint8_t *, uint64_t) -> int32_t { throw std::runtime_error("boom"); };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(said(), "get threw std::runtime_error: boom (fault 3 of 3)");
  EXPECT_EQ(script_.calls, 3);
  EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(put(a_put()), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(layer().ping(call_), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(script_.calls, 3);
  EXPECT_EQ(said(), "quarantined after 3 answers that break the plugin's contract; ask who wrote it");
  EXPECT_TRUE(layer().close(call_).ok());
  EXPECT_EQ(script_.closed, 1) << "a quarantined layer is closed like any other";
}

// What plugin.hpp makes of an exception on its side counts like one that crossed over.
TEST_F(OpenLayer, FaultsThatThePluginCaughtItself) {
  ASSERT_TRUE(open().ok());
  script_.get = [this](cachechain_value &, uint8_t *, uint64_t) {
    script->host->report(script->host, &report_, 0, 0, "bad index", 9);
    return CACHECHAIN_PLUGIN_FAULT;
  };
  EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT);
  EXPECT_EQ(said(), "get failed: bad index (fault 1 of 3)");
}

// pthread_cancel unwinds by an exception that nobody may swallow.
TEST_F(OpenLayer, TheEndOfAThreadPassesThrough) {
  script_.get = [](cachechain_value &, uint8_t *, uint64_t) -> int32_t { pthread_exit(reinterpret_cast<void *>(42)); };
  ASSERT_TRUE(open().ok());
  pthread_t thread;
  ASSERT_EQ(pthread_create(
                &thread, nullptr,
                [](void *self) -> void * {
                  (void)static_cast<OpenLayer *>(self)->get();
                  return nullptr;
                },
                this),
            0);
  void *result = nullptr;
  ASSERT_EQ(pthread_join(thread, &result), 0);
  EXPECT_EQ(result, reinterpret_cast<void *>(42));
  EXPECT_EQ(layer().stats(), "{}");
}

TEST_F(OpenLayer, PutAnswers) {
  const uint64_t fence = 0;
  const struct {
    uint32_t condition;
    bool fenced;
    int32_t status;
    uint64_t version;
    bool sound;
  } kCases[] = {
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_OK, 101, true},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_OK, 103, false},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_SUPERSEDED, 101, true},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_SUPERSEDED, 99, false},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_CONFLICT, 99, false},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_FENCED, 0, false},
      {CACHECHAIN_PUT_NEWER, true, CACHECHAIN_FENCED, 0, true},
      {CACHECHAIN_PUT_BUMP, false, CACHECHAIN_OK, 101, true},
      {CACHECHAIN_PUT_BUMP, false, CACHECHAIN_OK, 203, true},
      {CACHECHAIN_PUT_BUMP, false, CACHECHAIN_OK, 99, false},
      {CACHECHAIN_PUT_BUMP, false, CACHECHAIN_OK, uint64_t{1} << 63, false},
      {CACHECHAIN_PUT_BUMP, false, CACHECHAIN_SUPERSEDED, 203, false},
      {CACHECHAIN_PUT_EXACT, false, CACHECHAIN_OK, 101, true},
      {CACHECHAIN_PUT_EXACT, false, CACHECHAIN_OK, 0, false},
      {CACHECHAIN_PUT_EXACT, false, CACHECHAIN_CONFLICT, 0, true},
      {CACHECHAIN_PUT_EXACT, false, CACHECHAIN_UNKNOWN_OUTCOME, 5, true},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_UNAVAILABLE, 5, true},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_MISS, 101, false},
      {CACHECHAIN_PUT_NEWER, false, CACHECHAIN_ACCEPTED, 101, false},
  };
  for (const auto &one : kCases) {
    ASSERT_TRUE(open().ok());
    script_.put = [&](const cachechain_put &, cachechain_put_result &result) {
      result = {one.status, 0, one.version};
      return one.status;
    };
    cachechain_put put = a_put(one.condition);
    if (one.fenced) put.fence = &fence;
    EXPECT_EQ(this->put(put), one.sound ? one.status : CACHECHAIN_PLUGIN_FAULT)
        << one.condition << " " << one.status << " " << one.version << " " << said();
    EXPECT_EQ(result_.status, one.sound ? one.status : CACHECHAIN_PLUGIN_FAULT);
    EXPECT_EQ(result_.version, one.sound && one.status >= 0 ? one.version : 0);
  }
}

TEST_F(OpenLayer, TooLongAndTooLargeAreNotAsked) {
  script_.max_key_size = 2;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(get(), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(put(a_put()), CACHECHAIN_KEY_TOO_LONG);
  script_.max_key_size = 0;
  script_.max_value_size = 3;
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(put(a_put()), CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(result_.status, CACHECHAIN_VALUE_TOO_LARGE);
  EXPECT_EQ(script_.calls, 0);
}

TEST_F(OpenLayer, OtherSlots) {
  api_.erase_many = &cachechain::erase_many;
  api_.ping = &cachechain::ping;
  api_.maintain = &cachechain::maintain;
  api_.thread_exit = &cachechain::thread_exit;
  ASSERT_TRUE(open().ok());
  int32_t answer = CACHECHAIN_OK;
  script_.other = [&](const char *) { return answer; };
  const auto all = [&] {
    return std::vector<int32_t>{layer().erase_many(call_, {&key_, 1}), layer().ping(call_), layer().maintain(call_)};
  };
  EXPECT_EQ(all(), (std::vector<int32_t>{0, 0, 0}));
  answer = CACHECHAIN_UNAVAILABLE;
  EXPECT_EQ(all(), std::vector<int32_t>(3, CACHECHAIN_UNAVAILABLE));
  answer = CACHECHAIN_UNKNOWN_OUTCOME;
  EXPECT_EQ(all(), (std::vector<int32_t>{answer, CACHECHAIN_PLUGIN_FAULT, CACHECHAIN_PLUGIN_FAULT}));
  answer = CACHECHAIN_PARTIAL;
  EXPECT_EQ(layer().maintain(call_), answer);
  layer().thread_exit(77);
  EXPECT_EQ(script_.words, std::vector<uintptr_t>{77});
  EXPECT_EQ(layer().stats(), R"({"plugin_faults":2,"quarantined":false})");
  script_.other = nullptr;  // it looks at this frame, and the layer is closed after it
}

TEST_F(OpenLayer, SlotsThatAreNotThere) {
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(layer().erase_many(call_, {&key_, 1}), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer().ping(call_), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer().maintain(call_), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(layer().stats(), "{}");
  layer().thread_exit(1);
}

TEST_F(OpenLayer, StatsOfAnySize) {
  api_.stats = &cachechain::stats;
  ASSERT_TRUE(open().ok());
  script_.stats = R"({"entries":3})";
  EXPECT_EQ(layer().stats(), script_.stats);
  script_.stats = "{\"text\":\"" + std::string(10'000, 'x') + "\"}";
  EXPECT_EQ(layer().stats(), script_.stats);
  script_.stats = "{\"text\":\"" + std::string(3 << 20, 'x') + "\"}";
  EXPECT_EQ(layer().stats(), "{}") << "beyond reason";
  script_.stats = "[1]";
  EXPECT_EQ(layer().stats(), R"({"plugin_faults":1,"quarantined":false})");
}

// ---- What is made up for ----

TEST_F(OpenLayer, GetOutOfGetManyAndPutOutOfPutMany) {
  api_.get = nullptr;
  api_.get_many = &cachechain::get_many;
  api_.put = nullptr;
  api_.put_many = &cachechain::put_many;
  static int released = 0;
  released = 0;
  script_.get = [](cachechain_value &value, uint8_t *, uint64_t) {
    value.release = [](void *) { ++released; };
    return hand_out(value, nullptr, 0, "hello");
  };
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(get(), CACHECHAIN_OK);
  EXPECT_EQ(value_.data, buffer_) << "it fits, so it is copied";
  EXPECT_EQ(std::memcmp(buffer_, "hello", 5), 0);
  EXPECT_EQ(value_.version, 7u);
  EXPECT_EQ(value_.release, nullptr);
  EXPECT_EQ(released, 1);
  EXPECT_EQ(get(4), CACHECHAIN_OK);
  ASSERT_NE(value_.release, nullptr);
  value_.release(value_.owner);
  EXPECT_EQ(released, 2);
  script_.get = nullptr;
  EXPECT_EQ(get(), CACHECHAIN_MISS);
  script_.get = [](cachechain_value &, uint8_t *, uint64_t) { return CACHECHAIN_TIMEOUT; };
  EXPECT_EQ(get(), CACHECHAIN_TIMEOUT) << "of the whole batch";

  EXPECT_EQ(put(a_put()), CACHECHAIN_OK);
  EXPECT_EQ(result_.version, 101u);
  script_.put = [](const cachechain_put &, cachechain_put_result &) { return CACHECHAIN_OVERLOADED; };
  EXPECT_EQ(put(a_put()), CACHECHAIN_OVERLOADED);
  script_.get = [](cachechain_value &value, uint8_t *, uint64_t) {
    value.size = 5;
    return CACHECHAIN_OK;
  };
  EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT) << "bytes of nothing are not copied";
  EXPECT_TRUE(layer().close(call_).ok());
}

TEST_F(OpenLayer, DirectSlotsOfAnInlineLayer) {
  script_.caps = kConcurrent | CACHECHAIN_CAP_INLINE;
  ASSERT_TRUE(open().ok());
  ASSERT_NE(opened_->direct.api, nullptr);
  EXPECT_EQ(opened_->direct.api->get, &cachechain::get) << "the plugin's own function, without a detour";
  EXPECT_EQ(opened_->direct.instance, &script_);

  api_.get = nullptr;
  api_.get_many = &cachechain::get_many;
  ASSERT_TRUE(open().ok());
  cachechain_value value{};
  EXPECT_EQ(opened_->direct.api->get(opened_->direct.instance, &call_, &key_, nullptr, 0, &value), CACHECHAIN_MISS);
  EXPECT_EQ(script_.calls, 1);
}

TEST_F(OpenLayer, APlainStoreIsLeftAsItIs) {
  script_.caps = CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_CONCURRENT;
  script_.put = [](const cachechain_put &, cachechain_put_result &result) {
    result.version = 0;
    return CACHECHAIN_OK;
  };
  script_.get = [](cachechain_value &value, uint8_t *buf, uint64_t cap) {
    value.fresh_until_ms = 9;
    return hand_out_plain(value, buf, cap);
  };
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(opened_->direct.api, nullptr);
  EXPECT_EQ(put(a_put()), CACHECHAIN_OK);
  EXPECT_EQ(result_.version, 0u);
  EXPECT_EQ(get(), CACHECHAIN_OK);
  EXPECT_EQ(value_.version, 0u);
  EXPECT_EQ(value_.fresh_until_ms, 9);
}

TEST_F(OpenLayer, APlainStoreHasNoStampsOfItsOwn) {
  script_.caps = CACHECHAIN_CAP_PLAIN | CACHECHAIN_CAP_CONCURRENT;
  using Spoil = void (*)(cachechain_value &value);
  for (const Spoil spoil : {Spoil([](cachechain_value &value) { value.version = 1; }),
                            Spoil([](cachechain_value &value) { value.created = 1; }),
                            Spoil([](cachechain_value &value) { value.expires_ms = 1; }),
                            Spoil([](cachechain_value &value) { value.flags = UINT32_C(1) << 8; })}) {
    ASSERT_TRUE(open().ok());
    script_.get = [spoil](cachechain_value &value, uint8_t *buf, uint64_t cap) {
      (void)hand_out_plain(value, buf, cap);
      spoil(value);
      return CACHECHAIN_OK;
    };
    EXPECT_EQ(get(), CACHECHAIN_PLUGIN_FAULT);
    EXPECT_EQ(value_.size, 0u);
  }
  script_.put = nullptr;  // answers the put's own version
  EXPECT_EQ(put(a_put()), CACHECHAIN_PLUGIN_FAULT);
  script_.put = [](const cachechain_put &, cachechain_put_result &result) {
    result.version = 0;
    return result.status = CACHECHAIN_SUPERSEDED;
  };
  EXPECT_EQ(put(a_put()), CACHECHAIN_PLUGIN_FAULT);
}

TEST_F(OpenLayer, AStoreOfBytesGetsAnEnvelope) {
  script_.caps = CACHECHAIN_CAP_BYTES | CACHECHAIN_CAP_CONCURRENT;
  std::string held;
  script_.put = [&](const cachechain_put &put, cachechain_put_result &) {
    held.assign(reinterpret_cast<const char *>(put.data), put.size);
    return CACHECHAIN_OK;
  };
  script_.get = [&](cachechain_value &value, uint8_t *buf, uint64_t cap) { return hand_out(value, buf, cap, held); };
  ASSERT_TRUE(open().ok());
  EXPECT_TRUE(layer().traits().can(CACHECHAIN_CAP_KINDS));
  EXPECT_EQ(put(a_put()), CACHECHAIN_OK);
  EXPECT_GT(held.size(), 4u);
  EXPECT_EQ(get(), CACHECHAIN_OK);
  EXPECT_EQ(value_.size, 4u);
  EXPECT_EQ(value_.version, 101u);
}

}  // namespace
}  // namespace cachechain
