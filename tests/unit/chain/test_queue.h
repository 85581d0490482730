// TestQueue: a completion queue for a test that wants plain values out of it.
#ifndef CACHECHAIN_TESTS_UNIT_CHAIN_TEST_QUEUE_H_
#define CACHECHAIN_TESTS_UNIT_CHAIN_TEST_QUEUE_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "abi/error.h"
#include "async/completion_queue.h"

namespace cachechain {

// An event whose value and error were taken out of it.
struct Event {
  uint64_t token = 0;
  int32_t status = 0;
  uint32_t kind = 0;
  std::string data;
  int32_t layer = -1;
  cachechain_lease lease{};
  cachechain_write write{};
  bool has_error = false;
  std::string message;
};

class TestQueue {
 public:
  explicit TestQueue(uint64_t capacity = 256) {
    CompletionQueue::Options options;
    options.capacity = capacity;
    options.free_error = cachechain_error_free;
    queue_ = CompletionQueue::open(options).value();
  }
  ~TestQueue() { free(); }
  CompletionQueue &operator*() const { return *queue_; }

  void free() {
    if (queue_ != nullptr) std::exchange(queue_, nullptr)->free();
  }
  // Those that are there, up to 16.
  std::vector<Event> events() { return take(0); }
  // As soon as there are so many.
  std::vector<Event> await(size_t count) {
    std::vector<Event> all;
    while (all.size() < count) {
      for (Event &event : take(CACHECHAIN_TIMEOUT_NONE)) all.push_back(std::move(event));
    }
    return all;
  }

 private:
  std::vector<Event> take(int64_t timeout_ns) {
    cachechain_event raw[16];
    uint64_t count = 0;
    EXPECT_EQ(queue_->wait(timeout_ns, raw, 16, count), CACHECHAIN_OK);
    std::vector<Event> events;
    for (uint64_t i = 0; i < count; ++i) {
      const cachechain_event &one = raw[i];
      Event event;
      event.token = one.token;
      event.status = one.status;
      event.kind = one.kind;
      event.data.assign(reinterpret_cast<const char *>(one.value.data), one.value.size);
      event.layer = one.value.layer;
      event.lease = one.lease;
      event.write = one.write;
      event.has_error = one.error != nullptr;
      event.message = cachechain_error_message(one.error, nullptr);
      if (one.kind != CACHECHAIN_EVENT_LOG) {
        EXPECT_EQ(event.has_error, one.status < 0);
        EXPECT_EQ(cachechain_error_status(one.error), one.status < 0 ? one.status : CACHECHAIN_OK);
      }
      if (one.value.release != nullptr) one.value.release(one.value.owner);
      cachechain_error_free(one.error);
      events.push_back(std::move(event));
    }
    return events;
  }

  CompletionQueue *queue_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_UNIT_CHAIN_TEST_QUEUE_H_
