// Calls whose answer comes as an event of a queue.
#include "abi/arguments.h"
#include "abi/error.h"
#include "abi/handle.h"

namespace cachechain {
namespace {

int32_t check_both(const uint8_t *key, uint64_t key_size, const cachechain_queue *queue, cachechain_error **error) {
  if (queue == nullptr) return fail(error, CACHECHAIN_INVALID_ARGUMENT, "queue is NULL");
  return check_key(key, key_size, error);
}

int32_t submit_read(uint32_t kind, cachechain_chain *handle, const cachechain_get_options *options, const uint8_t *key,
                    uint64_t key_size, cachechain_queue *queue, uint64_t token, cachechain_error **error) {
  if (const int32_t bad = check_both(key, key_size, queue, error); bad != 0) return bad;
  ReadOptions read;
  if (options != nullptr) {
    if (const int32_t bad = check_get_options(options, read, error); bad != 0) return bad;
  }
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    const std::span<const uint8_t> bytes(key, static_cast<size_t>(key_size));
    CompletionQueue &to = *CompletionQueue::of(queue);
    if (chain.calls().submit_hit(caller, kind, bytes, read, token, to)) return int32_t{CACHECHAIN_OK};
    AsyncCalls::Wish wish;
    wish.kind = kind;
    wish.token = token;
    wish.key = bytes;
    wish.read = read;
    return answer(error, chain.calls().submit(caller, wish, to));
  });
}

int32_t submit_mutation(uint32_t kind, cachechain_chain *handle, const cachechain_put_options *options,
                        const uint8_t *key, uint64_t key_size, std::span<const uint8_t> data, cachechain_queue *queue,
                        uint64_t token, cachechain_error **error) {
  if (const int32_t bad = check_both(key, key_size, queue, error); bad != 0) return bad;
  AsyncCalls::Wish wish;
  if (const int32_t bad = check_put_options(options, wish.mutation, error); bad != 0) return bad;
  wish.kind = kind;
  wish.token = token;
  wish.key = {key, static_cast<size_t>(key_size)};
  wish.mutation.data = data;
  return inside(handle, error, [&](Chain &chain, const Caller &caller) {
    return answer(error, chain.calls().submit(caller, wish, *CompletionQueue::of(queue)));
  });
}

}  // namespace
}  // namespace cachechain

using namespace cachechain;  // NOLINT: each function below is a few lines over these

extern "C" {

int32_t cachechain_submit_get(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *key,
                              uint64_t key_size, cachechain_queue *queue, uint64_t token, cachechain_error **error) {
  return guard(error,
               [&] { return submit_read(CACHECHAIN_EVENT_GET, chain, options, key, key_size, queue, token, error); });
}

int32_t cachechain_submit_load(cachechain_chain *chain, const cachechain_get_options *options, const uint8_t *key,
                               uint64_t key_size, cachechain_queue *queue, uint64_t token, cachechain_error **error) {
  return guard(error,
               [&] { return submit_read(CACHECHAIN_EVENT_LOAD, chain, options, key, key_size, queue, token, error); });
}

int32_t cachechain_submit_set(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                              uint64_t key_size, const uint8_t *data, uint64_t data_size, cachechain_queue *queue,
                              uint64_t token, cachechain_error **error) {
  return guard(error, [&] {
    if (const int32_t bad = check_data(data, data_size, error); bad != 0) return bad;
    return submit_mutation(CACHECHAIN_EVENT_SET, chain, options, key, key_size, {data, static_cast<size_t>(data_size)},
                           queue, token, error);
  });
}

int32_t cachechain_submit_delete(cachechain_chain *chain, const cachechain_put_options *options, const uint8_t *key,
                                 uint64_t key_size, cachechain_queue *queue, uint64_t token, cachechain_error **error) {
  return guard(error, [&] {
    return submit_mutation(CACHECHAIN_EVENT_DELETE, chain, options, key, key_size, {}, queue, token, error);
  });
}

}  // extern "C"
