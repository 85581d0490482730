// Submitting with an operator new that fails, on the submitting thread alone, at each allocation in its turn: what is
// refused gives no event, what is accepted gives one, and nothing is lost. A program of its own, because it replaces
// the operators for everything in it.
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>

#include "chain_harness.h"

namespace {

thread_local int64_t allocations_left = -1;  // -1: as many as it likes

void *allocate(std::size_t size, std::size_t align) {
  if (allocations_left == 0) return nullptr;
  if (allocations_left > 0) --allocations_left;
  return std::aligned_alloc(align, (size + align - 1) / align * align);
}
void *allocate_or_throw(std::size_t size, std::size_t align) {
  if (void *memory = allocate(size, align)) return memory;
  throw std::bad_alloc();
}
constexpr std::size_t kAlign = alignof(std::max_align_t);

}  // namespace

void *operator new(std::size_t size) { return allocate_or_throw(size, kAlign); }
void *operator new[](std::size_t size) { return allocate_or_throw(size, kAlign); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return allocate(size, kAlign); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return allocate(size, kAlign); }
void *operator new(std::size_t size, std::align_val_t align) {
  return allocate_or_throw(size, static_cast<std::size_t>(align));
}
void *operator new[](std::size_t size, std::align_val_t align) {
  return allocate_or_throw(size, static_cast<std::size_t>(align));
}
void *operator new(std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept {
  return allocate(size, static_cast<std::size_t>(align));
}
void *operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept {
  return allocate(size, static_cast<std::size_t>(align));
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete[](void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void *memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace cachechain {
namespace {

class NoMemorySubmit : public ApiTest {
 protected:
  NoMemorySubmit() {
    // Two layers, so that a miss in the first needs a thread.
    const std::string_view config = R"({"chain": "test", "deadline_ms": "1h", "layers": [
        {"name": "L1", "plugin": "memory"}, {"name": "L2", "plugin": "memory"}]})";
    EXPECT_EQ(open(config), CACHECHAIN_OK) << error_.message();
    EXPECT_EQ(cachechain_queue_open(256, &queue_, error_.out()), CACHECHAIN_OK);
    EXPECT_EQ(set("hit", "value"), CACHECHAIN_OK);
  }
  ~NoMemorySubmit() override { cachechain_queue_free(queue_); }

  // Fails each allocation of submit() in its turn, each time on a thread that the chain does not know yet.
  void fail_each(const std::function<int32_t(cachechain_error **)> &submit) {
    uint64_t accepted = 0;
    int64_t most = 0;
    for (bool reached = true; reached; ++most) {
      int32_t status = 0;
      cachechain_error *error = nullptr;
      std::thread([&] {
        allocations_left = most;
        status = submit(&error);
        reached = allocations_left == 0;
        allocations_left = -1;
      }).join();
      EXPECT_TRUE(status == CACHECHAIN_OK || status == CACHECHAIN_NO_MEMORY) << status;
      EXPECT_EQ(cachechain_error_status(error), status);
      cachechain_error_free(error);
      accepted += status == CACHECHAIN_OK;
    }
    EXPECT_GT(most, 3);
    EXPECT_GT(accepted, 0u);
    uint64_t taken = 0;
    while (taken < accepted) {
      cachechain_event event;
      uint64_t count = 0;
      ASSERT_EQ(cachechain_queue_wait(queue_, CACHECHAIN_TIMEOUT_NONE, &event, 1, &count, nullptr), CACHECHAIN_OK);
      EXPECT_GE(event.status, 0) << cachechain_error_message(event.error, nullptr);
      if (event.lease.id != 0) (void)cachechain_lease_abandon(chain_, &event.lease, nullptr);
      cachechain_value_release(&event.value);
      cachechain_error_free(event.error);
      taken += count;
    }
    EXPECT_EQ(cachechain_chain_stats(chain_, nullptr, 0, &taken, nullptr), CACHECHAIN_BUFFER_TOO_SMALL);
    cachechain_event event;
    EXPECT_EQ(cachechain_queue_wait(queue_, 0, &event, 1, &taken, nullptr), CACHECHAIN_OK);
    EXPECT_EQ(taken, 0u);
  }

  cachechain_queue *queue_ = nullptr;
};

TEST_F(NoMemorySubmit, OfAHit) {
  fail_each([this](cachechain_error **error) {
    return cachechain_submit_get(chain_, nullptr, data_of("hit"), 3, queue_, 1, error);
  });
}

TEST_F(NoMemorySubmit, OfWhatNeedsAThread) {
  fail_each([this](cachechain_error **error) {
    return cachechain_submit_get(chain_, nullptr, data_of("miss"), 4, queue_, 1, error);
  });
  fail_each([this](cachechain_error **error) {
    return cachechain_submit_load(chain_, nullptr, data_of("miss"), 4, queue_, 1, error);
  });
}

TEST_F(NoMemorySubmit, OfMutations) {
  fail_each([this](cachechain_error **error) {
    return cachechain_submit_set(chain_, nullptr, data_of("s"), 1, data_of("value"), 5, queue_, 1, error);
  });
  fail_each([this](cachechain_error **error) {
    return cachechain_submit_delete(chain_, nullptr, data_of("s"), 1, queue_, 1, error);
  });
}

TEST_F(NoMemorySubmit, OfAWatch) {
  fail_each([this](cachechain_error **error) {
    const int32_t watched = cachechain_queue_watch(queue_, chain_, CACHECHAIN_WATCH_LAYER, CACHECHAIN_LOG_WARN, error);
    if (watched != CACHECHAIN_OK) return watched;
    allocations_left = -1;
    EXPECT_EQ(cachechain_queue_watch(queue_, chain_, 0, CACHECHAIN_LOG_WARN, nullptr), CACHECHAIN_OK);
    return cachechain_submit_get(chain_, nullptr, data_of("hit"), 3, queue_, 1, error);
  });
}

TEST_F(NoMemorySubmit, OfAQueueAndAToken) {
  for (bool reached = true; int64_t most : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    if (!reached) break;
    cachechain_queue *queue = nullptr;
    cachechain_cancel *token = nullptr;
    allocations_left = most;
    const int32_t opened = cachechain_queue_open(8, &queue, nullptr);
    const int32_t created = cachechain_cancel_create(&token, nullptr);
    reached = allocations_left == 0;
    allocations_left = -1;
    EXPECT_EQ(opened, queue != nullptr ? CACHECHAIN_OK : CACHECHAIN_NO_MEMORY);
    EXPECT_EQ(created, token != nullptr ? CACHECHAIN_OK : CACHECHAIN_NO_MEMORY);
    cachechain_queue_free(queue);
    cachechain_cancel_free(token);
  }
}

}  // namespace
}  // namespace cachechain
