// Completion queues: opening, taking events, and what a chain sends to one unasked.
#include "abi/error.h"
#include "abi/handle.h"
#include "async/completion_queue.h"

namespace cachechain {
namespace {

constexpr uint32_t kWatchable = CACHECHAIN_WATCH_LAYER | CACHECHAIN_WATCH_LOG;

int32_t no_queue(cachechain_error **error) { return fail(error, CACHECHAIN_INVALID_ARGUMENT, "queue is NULL"); }

}  // namespace
}  // namespace cachechain

using namespace cachechain;  // NOLINT: each function below is a few lines over these

extern "C" {

int32_t cachechain_queue_open(uint64_t capacity, cachechain_queue **queue, cachechain_error **error) {
  return guard(error, [&] {
    if (queue == nullptr) return no_queue(error);
    *queue = nullptr;
    CompletionQueue::Options options;
    options.capacity = capacity;
    options.free_error = cachechain_error_free;
    Result<CompletionQueue *> opened = CompletionQueue::open(options);
    if (!opened.ok()) return fail(error, opened.status());
    *queue = opened.value()->handle();
    return int32_t{CACHECHAIN_OK};
  });
}

int32_t cachechain_queue_fd(cachechain_queue *queue) {
  if (queue == nullptr) return CACHECHAIN_INVALID_ARGUMENT;
  return guard(nullptr, [&] { return CompletionQueue::of(queue)->fd(); });
}

int32_t cachechain_queue_wait(cachechain_queue *queue, int64_t timeout_ns, cachechain_event *events, uint64_t cap,
                              uint64_t *count, cachechain_error **error) {
  return guard(error, [&] {
    if (count != nullptr) *count = 0;
    if (queue == nullptr) return no_queue(error);
    if (count == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "count is NULL");
    if (events == nullptr || cap == 0) {
      return fail(error, CACHECHAIN_INVALID_ARGUMENT, "there is no room for an event");
    }
    if (timeout_ns < 0) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "timeout_ns is below 0");
    const int32_t status = CompletionQueue::of(queue)->wait(timeout_ns, events, cap, *count);
    if (status >= 0) return status;
    return fail(error, status,
                status == CACHECHAIN_FORKED ? "this queue belongs to the parent process" : "the queue is being freed");
  });
}

int32_t cachechain_queue_watch(cachechain_queue *queue, cachechain_chain *chain, uint32_t kinds, int32_t log_level,
                               cachechain_error **error) {
  return guard(error, [&] {
    if (queue == nullptr) return no_queue(error);
    if ((kinds & ~kWatchable) != 0) {
      return fail(error, CACHECHAIN_UNSUPPORTED, "kinds has a bit that this version of the library does not know");
    }
    if (log_level < CACHECHAIN_LOG_TRACE || log_level > CACHECHAIN_LOG_OFF) {
      return fail(error, CACHECHAIN_INVALID_ARGUMENT, "log_level is none of the levels");
    }
    return inside(chain, error, [&](Chain &c, const Caller &) {
      return answer(error, c.watch(*CompletionQueue::of(queue), kinds, log_level));
    });
  });
}

void cachechain_queue_free(cachechain_queue *queue) {
  if (queue == nullptr) return;
  (void)guard(nullptr, [&] {
    CompletionQueue::of(queue)->free();
    return int32_t{CACHECHAIN_OK};
  });
}

}  // extern "C"
