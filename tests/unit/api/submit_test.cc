// Submitted calls as a user writes them: memory over sqlite, queues, descriptors, and every order of ends.
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "chain_harness.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW_BUILD 1
#endif

namespace cachechain {
namespace {

#ifdef SLOW_BUILD
constexpr uint64_t kMany = 20'000;
#else
constexpr uint64_t kMany = 1'000'000;
#endif
constexpr int64_t kSecondNs = 1'000'000'000;

class SubmitTest : public ApiTest {
 protected:
  SubmitTest() {
    folder_ = (std::filesystem::temp_directory_path() / "cachechain_submit_XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("mkdtemp");
  }
  ~SubmitTest() override {
    cachechain_queue_free(queue_);
    cachechain_chain_free(chain_);
    chain_ = nullptr;
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  // Memory over a table that is the truth.
  void open_both(uint64_t capacity) {
    ASSERT_EQ(open(config("test")), CACHECHAIN_OK) << error_.message();
    ASSERT_EQ(cachechain_queue_open(capacity, &queue_, error_.out()), CACHECHAIN_OK) << error_.message();
  }
  std::string config(const std::string &name) const {
    return R"({"chain": ")" + name + R"(", "source": "last_layer", "deadline_ms": "1h",
               "layers": [{"name": "L1", "plugin": "memory", "ttl_ms": "7d", "options": {"max_bytes": "64MiB"}},
                         {"name": "L2", "plugin": "sqlite", "options": {"path": ")" +
           folder_ + "/" + name + R"(.db"}}]})";
  }

  int32_t submit_get(std::string_view key, uint64_t token, const cachechain_get_options *options = nullptr) {
    return cachechain_submit_get(chain_, options, data_of(key), key.size(), queue_, token, error_.out());
  }
  int32_t submit_load(std::string_view key, uint64_t token, const cachechain_get_options *options = nullptr) {
    return cachechain_submit_load(chain_, options, data_of(key), key.size(), queue_, token, error_.out());
  }
  int32_t submit_set(std::string_view key, std::string_view value, uint64_t token,
                     const cachechain_put_options *options = nullptr) {
    return cachechain_submit_set(chain_, options, data_of(key), key.size(), data_of(value), value.size(), queue_, token,
                                 error_.out());
  }
  int32_t submit_delete(std::string_view key, uint64_t token) {
    return cachechain_submit_delete(chain_, nullptr, data_of(key), key.size(), queue_, token, error_.out());
  }

  // Takes what is there, or waits for the first; what each holds is given back by look(), or else here.
  template <class Look>
  uint64_t take(int64_t timeout_ns, Look &&look) {
    cachechain_event events[64];
    uint64_t count = 0;
    EXPECT_EQ(cachechain_queue_wait(queue_, timeout_ns, events, 64, &count, nullptr), CACHECHAIN_OK);
    for (uint64_t i = 0; i < count; ++i) {
      look(events[i]);
      cachechain_value_release(&events[i].value);
      cachechain_error_free(events[i].error);
    }
    return count;
  }
  // The status of the next event, whose text goes to found_.
  int32_t next() {
    cachechain_event event;
    uint64_t count = 0;
    EXPECT_EQ(cachechain_queue_wait(queue_, CACHECHAIN_TIMEOUT_NONE, &event, 1, &count, nullptr), CACHECHAIN_OK);
    EXPECT_EQ(count, 1u);
    found_.assign(reinterpret_cast<const char *>(event.value.data), event.value.size);
    lease_ = event.lease;
    write_ = event.write;
    cachechain_value_release(&event.value);
    cachechain_error_free(event.error);
    return event.status;
  }
  bool readable() {
    pollfd one{cachechain_queue_fd(queue_), POLLIN, 0};
    return poll(&one, 1, 0) == 1;
  }

  std::string folder_;
  cachechain_queue *queue_ = nullptr;
  cachechain_lease lease_{};
};

TEST_F(SubmitTest, WhatAQueueMayBe) {
  EXPECT_EQ(cachechain_queue_open(0, &queue_, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(queue_, nullptr);
  EXPECT_EQ(cachechain_queue_open((uint64_t{1} << 20) + 1, &queue_, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_open(1, nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  ASSERT_EQ(cachechain_queue_open(1, &queue_, error_.out()), CACHECHAIN_OK);
  cachechain_event event;
  uint64_t count = 7;
  EXPECT_EQ(cachechain_queue_wait(queue_, 0, &event, 1, &count, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(count, 0u);
  count = 7;
  EXPECT_EQ(cachechain_queue_wait(nullptr, 0, &event, 1, &count, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(cachechain_queue_wait(queue_, 0, &event, 0, &count, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_wait(queue_, 0, nullptr, 1, &count, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_wait(queue_, 0, &event, 1, nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_wait(queue_, -1, &event, 1, &count, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_fd(nullptr), CACHECHAIN_INVALID_ARGUMENT);
  cachechain_queue_free(nullptr);
  cachechain_cancel_fire(nullptr);
  cachechain_cancel_free(nullptr);
  EXPECT_EQ(cachechain_cancel_create(nullptr, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
}

TEST_F(SubmitTest, WhatIsRefusedGivesNoEvent) {
  open_both(8);
  EXPECT_EQ(submit_get("", 1), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(submit_get(std::string(1025, 'k'), 1), CACHECHAIN_KEY_TOO_LONG);
  EXPECT_EQ(cachechain_submit_get(nullptr, nullptr, data_of("k"), 1, queue_, 1, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_submit_get(chain_, nullptr, data_of("k"), 1, nullptr, 1, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_submit_set(chain_, nullptr, data_of("k"), 1, nullptr, 5, queue_, 1, error_.out()),
            CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_submit_set(chain_, nullptr, data_of("k"), 1, data_of("v"), UINT32_MAX, queue_, 1, error_.out()),
            CACHECHAIN_VALUE_TOO_LARGE);  // refused before it is copied
  cachechain_get_options options{};
  options.struct_size = sizeof(options);
  options.timeout_ns = -1;
  EXPECT_EQ(submit_get("k", 1, &options), CACHECHAIN_DEADLINE);
  EXPECT_EQ(cachechain_queue_watch(nullptr, chain_, 1, CACHECHAIN_LOG_WARN, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_watch(queue_, nullptr, 1, CACHECHAIN_LOG_WARN, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_watch(queue_, chain_, 4, CACHECHAIN_LOG_WARN, error_.out()), CACHECHAIN_UNSUPPORTED);
  EXPECT_EQ(cachechain_queue_watch(queue_, chain_, 1, 6, error_.out()), CACHECHAIN_INVALID_ARGUMENT);
  EXPECT_EQ(cachechain_queue_watch(queue_, chain_, 3, CACHECHAIN_LOG_TRACE, error_.out()), CACHECHAIN_OK);
  ASSERT_EQ(cachechain_chain_close(chain_, CACHECHAIN_TIMEOUT_NONE, nullptr, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(submit_get("k", 1), CACHECHAIN_CLOSED);
  EXPECT_EQ(cachechain_queue_watch(queue_, chain_, 1, CACHECHAIN_LOG_WARN, error_.out()), CACHECHAIN_CLOSED);
  EXPECT_EQ(take(0, [](const cachechain_event &) {}), 0u);
}

TEST_F(SubmitTest, EachCallFromEndToEnd) {
  open_both(8);
  ASSERT_EQ(submit_set("k", "value", 1), CACHECHAIN_OK);
  ASSERT_EQ(next(), CACHECHAIN_OK);
  EXPECT_EQ(write_.done, 0b11u);
  ASSERT_EQ(submit_get("k", 2), CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  ASSERT_EQ(submit_delete("k", 3), CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_OK);
  ASSERT_EQ(submit_load("k", 4), CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_NOT_FOUND);
  ASSERT_NE(lease_.id, 0u);
  ASSERT_EQ(submit_load("k", 5), CACHECHAIN_OK);
  EXPECT_EQ(cachechain_lease_fulfil(chain_, &lease_, nullptr, data_of("loaded"), 6, &write_, error_.out()),
            CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_OK);
  EXPECT_EQ(found_, "loaded");
}

TEST_F(SubmitTest, OneThreadSubmitsAndTakesMany) {
  open_both(256);
  constexpr uint64_t kKeys = 1000;
  const auto key_of = [](uint64_t i) { return "key " + std::to_string(i % kKeys); };
  for (uint64_t i = 0; i < kKeys; i += 2) ASSERT_EQ(set(key_of(i), key_of(i)), CACHECHAIN_OK);
  // Each hundredth is a key that only the table could know, the rest are hits.
  std::vector<bool> seen(kMany);
  uint64_t taken = 0;
  const auto look = [&](const cachechain_event &event) {
    const bool hit = event.token % 100 != 99;
    EXPECT_EQ(event.status, hit ? CACHECHAIN_OK : CACHECHAIN_NOT_FOUND);
    EXPECT_EQ(event.kind, uint32_t{CACHECHAIN_EVENT_GET});
    if (hit) {
      const std::string_view text(reinterpret_cast<const char *>(event.value.data), event.value.size);
      EXPECT_EQ(text, key_of(2 * event.token));
    }
    EXPECT_FALSE(seen[event.token]);
    seen[event.token] = true;
  };
  for (uint64_t i = 0; i < kMany;) {
    const int32_t status = submit_get(i % 100 != 99 ? key_of(2 * i) : "missing " + std::to_string(i), i);
    if (status == CACHECHAIN_OK) {
      ++i;
    } else {
      ASSERT_EQ(status, CACHECHAIN_QUEUE_FULL);
      taken += take(kSecondNs, look);
    }
    ASSERT_FALSE(HasFailure());
  }
  while (taken < kMany) taken += take(CACHECHAIN_TIMEOUT_NONE, look);
  EXPECT_EQ(taken, kMany);
  EXPECT_EQ(take(0, look), 0u);
}

TEST_F(SubmitTest, AHitIsThereBeforeAnybodyWaitsAndTheDescriptorSaysSo) {
  open_both(2);
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  EXPECT_FALSE(readable());
  ASSERT_EQ(submit_get("k", 1), CACHECHAIN_OK);
  EXPECT_TRUE(readable());
  ASSERT_EQ(submit_get("k", 2), CACHECHAIN_OK);
  EXPECT_EQ(submit_get("k", 3), CACHECHAIN_QUEUE_FULL);
  EXPECT_EQ(error_.message(), "test: the queue is full: take events, or open a larger one");
  std::vector<uint64_t> tokens;
  EXPECT_EQ(take(0, [&](const cachechain_event &event) { tokens.push_back(event.token); }), 2u);
  EXPECT_EQ(tokens, (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(readable());
  ASSERT_EQ(submit_get("missing", 4), CACHECHAIN_OK);
  pollfd one{cachechain_queue_fd(queue_), POLLIN, 0};
  EXPECT_EQ(poll(&one, 1, -1), 1);
  EXPECT_EQ(next(), CACHECHAIN_NOT_FOUND);
  EXPECT_FALSE(readable());
}

TEST_F(SubmitTest, WhatFindsNoRoomIsNotDone) {
  open_both(1);
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  ASSERT_EQ(submit_get("k", 1), CACHECHAIN_OK);
  EXPECT_EQ(submit_get("k", 2), CACHECHAIN_QUEUE_FULL);
  EXPECT_EQ(submit_load("missing", 3), CACHECHAIN_QUEUE_FULL);
  EXPECT_EQ(submit_set("k", "other", 4), CACHECHAIN_QUEUE_FULL);
  EXPECT_EQ(submit_delete("k", 5), CACHECHAIN_QUEUE_FULL);
  EXPECT_EQ(next(), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
  ASSERT_EQ(submit_load("missing", 6), CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_NOT_FOUND);
  EXPECT_NE(lease_.id, 0u);  // the one that was refused holds none
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
  EXPECT_EQ(found_, "value");
}

TEST_F(SubmitTest, ACallThatWaitsForALoadIsCancelled) {
  open_both(8);
  cachechain_get_options options{};
  options.struct_size = sizeof(options);
  ASSERT_EQ(cachechain_cancel_create(&options.cancel, error_.out()), CACHECHAIN_OK);
  ASSERT_EQ(submit_load("k", 1), CACHECHAIN_OK);
  ASSERT_EQ(next(), CACHECHAIN_NOT_FOUND);
  ASSERT_NE(lease_.id, 0u);
  ASSERT_EQ(submit_load("k", 2, &options), CACHECHAIN_OK);
  cachechain_cancel_fire(options.cancel);
  cachechain_event event;
  uint64_t count = 0;
  ASSERT_EQ(cachechain_queue_wait(queue_, CACHECHAIN_TIMEOUT_NONE, &event, 1, &count, error_.out()), CACHECHAIN_OK);
  EXPECT_EQ(event.token, 2u);
  EXPECT_EQ(event.status, CACHECHAIN_CANCELLED);
  EXPECT_EQ(cachechain_error_status(event.error), CACHECHAIN_CANCELLED);
  EXPECT_EQ(event.lease.id, 0u);
  cachechain_error_free(event.error);
  cachechain_cancel_free(options.cancel);
}

// Another program holds the table's lock for a while.
TEST_F(SubmitTest, ALayersFailureIsInTheCallsEventAndInThoseOfTheWatch) {
  open_both(8);
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  ASSERT_EQ(cachechain_queue_watch(queue_, chain_, CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG, CACHECHAIN_LOG_WARN,
                                   error_.out()),
            CACHECHAIN_OK);
  sqlite3 *other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_ + "/test.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_busy_timeout(other, 10'000), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  std::vector<int32_t> states;
  uint64_t lines = 0;
  uint64_t under_way = 0;
  const auto look = [&](const cachechain_event &event) {
    const std::string_view text(reinterpret_cast<const char *>(event.value.data), event.value.size);
    if (event.kind == CACHECHAIN_EVENT_SET) {
      --under_way;
      EXPECT_EQ(cachechain_error_status(event.error), event.status < 0 ? event.status : CACHECHAIN_OK);
      return;
    }
    EXPECT_EQ(text.substr(0, 8), "test/L2 ");
    if (event.kind == CACHECHAIN_EVENT_LAYER) {
      states.push_back(event.status);
      EXPECT_EQ(event.value.layer, 1);
      EXPECT_EQ(cachechain_error_status(event.error), event.status < 0 ? event.status : CACHECHAIN_OK);
    } else {
      EXPECT_EQ(event.kind, uint32_t{CACHECHAIN_EVENT_LOG});
      EXPECT_EQ(event.status, CACHECHAIN_LOG_WARN);
      ++lines;
    }
  };
  const auto set_until = [&](auto &&reached, int64_t timeout_ns) {
    cachechain_put_options options{};
    options.struct_size = sizeof(options);
    options.timeout_ns = timeout_ns;
    while (!reached() || under_way != 0) {
      if (under_way == 0) {
        ASSERT_EQ(submit_set("k", "new", 1, &options), CACHECHAIN_OK);
        ++under_way;
      }
      take(CACHECHAIN_TIMEOUT_NONE, look);
    }
  };
  set_until([&] { return states.size() == 1 && lines == 1; }, 20'000'000);
  EXPECT_LT(states[0], 0);
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_close(other), SQLITE_OK);
  set_until([&] { return states.size() == 2 && lines == 2; }, CACHECHAIN_TIMEOUT_NONE);
  EXPECT_EQ(states[1], CACHECHAIN_OK);
}

TEST_F(SubmitTest, WhatNobodyTookIsGivenBack) {
  open_both(64);
  ASSERT_EQ(set("k", std::string(100'000, 'v')), CACHECHAIN_OK);
  for (uint64_t i = 0; i < 16; ++i) {
    ASSERT_EQ(submit_get("k", i), CACHECHAIN_OK);
    ASSERT_EQ(submit_get("missing", i), CACHECHAIN_OK);
    ASSERT_EQ(submit_set("s" + std::to_string(i), "v", i), CACHECHAIN_OK);
  }
  cachechain_queue_free(queue_);
  queue_ = nullptr;
  EXPECT_EQ(get("k"), CACHECHAIN_OK);
}

TEST_F(SubmitTest, EventsOutliveTheChain) {
  open_both(64);
  ASSERT_EQ(set("k", "value"), CACHECHAIN_OK);
  for (uint64_t i = 0; i < 8; ++i) {
    ASSERT_EQ(submit_get("k", i), CACHECHAIN_OK);
    ASSERT_EQ(submit_get("missing", i), CACHECHAIN_OK);
  }
  cachechain_chain_free(chain_);
  chain_ = nullptr;
  uint64_t hits = 0;
  const uint64_t count = take(0, [&](const cachechain_event &event) {
    EXPECT_TRUE(event.status == CACHECHAIN_OK || event.status == CACHECHAIN_NOT_FOUND ||
                event.status == CACHECHAIN_CLOSED);
    if (event.status != CACHECHAIN_OK) return;
    ++hits;
    EXPECT_EQ(std::string_view(reinterpret_cast<const char *>(event.value.data), event.value.size), "value");
  });
  EXPECT_EQ(count, 16u);
  EXPECT_EQ(hits, 8u);
}

TEST_F(SubmitTest, OneQueueServesTwoChains) {
  open_both(1024);
  cachechain_chain *first = std::exchange(chain_, nullptr);
  ASSERT_EQ(open(config("other")), CACHECHAIN_OK) << error_.message();
  ASSERT_EQ(set("k", "other"), CACHECHAIN_OK);
  std::swap(first, chain_);
  ASSERT_EQ(set("k", "test"), CACHECHAIN_OK);
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(submit_get("k", 2 * i), CACHECHAIN_OK);
    std::swap(first, chain_);
    ASSERT_EQ(submit_get("k", 2 * i + 1), CACHECHAIN_OK);
    ASSERT_EQ(submit_set("s", "v", 1000 + i), CACHECHAIN_OK);
    std::swap(first, chain_);
  }
  std::swap(first, chain_);
  cachechain_chain_free(first);
  uint64_t taken = 0;
  while (taken < 300) {
    taken += take(CACHECHAIN_TIMEOUT_NONE, [](const cachechain_event &event) {
      EXPECT_EQ(event.status, CACHECHAIN_OK);
      const std::string_view text(reinterpret_cast<const char *>(event.value.data), event.value.size);
      if (event.token < 1000) {
        EXPECT_EQ(text, event.token % 2 == 0 ? "test" : "other");
      }
    });
  }
  EXPECT_EQ(taken, 300u);
}

TEST_F(SubmitTest, WaitersOfManyThreadsAndAnEnd) {
  open_both(64);
  std::atomic<uint64_t> taken{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 3; ++i) {
    waiters.emplace_back([&] {
      cachechain_event events[4];
      uint64_t count = 0;
      while (cachechain_queue_wait(queue_, CACHECHAIN_TIMEOUT_NONE, events, 4, &count, nullptr) == CACHECHAIN_OK) {
        for (uint64_t j = 0; j < count; ++j) cachechain_value_release(&events[j].value);
        taken += count;
      }
    });
  }
  for (uint64_t i = 0; i < 500;) i += submit_get("k" + std::to_string(i % 5), i) == CACHECHAIN_OK;
  while (taken < 500) std::this_thread::yield();
  cachechain_queue_free(queue_);
  for (std::thread &waiter : waiters) waiter.join();
  queue_ = nullptr;
}

TEST_F(SubmitTest, AForkedChildIsRefusedAndMayOpenItsOwn) {
  open_both(8);
  ASSERT_EQ(submit_get("missing", 1), CACHECHAIN_OK);  // the threads are there
  EXPECT_EQ(next(), CACHECHAIN_NOT_FOUND);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int failed = 0;
    cachechain_event event;
    uint64_t count = 0;
    if (submit_get("k", 1) != CACHECHAIN_FORKED) failed |= 1;
    if (cachechain_queue_wait(queue_, 0, &event, 1, &count, nullptr) != CACHECHAIN_FORKED) failed |= 2;
    cachechain_queue *inherited = std::exchange(queue_, nullptr);
    cachechain_chain_free(std::exchange(chain_, nullptr));
    if (open(kMemory) != CACHECHAIN_OK) failed |= 4;
    if (set("k", "mine") != CACHECHAIN_OK) failed |= 8;
    std::swap(inherited, queue_);
    if (submit_get("k", 1) != CACHECHAIN_FORKED || submit_set("k", "v", 1) != CACHECHAIN_FORKED) failed |= 16;
    std::swap(inherited, queue_);
    cachechain_queue_free(inherited);
    if (cachechain_queue_open(8, &queue_, nullptr) != CACHECHAIN_OK) failed |= 32;
    if (submit_get("k", 1) != CACHECHAIN_OK || next() != CACHECHAIN_OK) failed |= 64;
#ifndef __SANITIZE_THREAD__  // which lets no fork child start threads
    if (submit_set("s", "v", 1) != CACHECHAIN_OK || next() != CACHECHAIN_OK) failed |= 128;
#endif
    _exit(failed);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ASSERT_EQ(submit_get("missing", 2), CACHECHAIN_OK);
  EXPECT_EQ(next(), CACHECHAIN_NOT_FOUND);
}

}  // namespace
}  // namespace cachechain
