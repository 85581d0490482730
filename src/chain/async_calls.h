// AsyncCalls: calls that one thread submits and others of the chain's own do. A hit of the leading inline layer is
// complete before it is ever under way; everything else takes its turn on a group of threads, which are started when
// they are needed:
//
//   calls  gets, sets and deletes
//   loads  gets that may come back with a lease. They may wait for as long as somebody else loads the key, so they have
//          as many threads of their own: however many wait, no get waits for them.
//
// Each accepted call completes exactly once into its queue: with what it came to; with CANCELLED or CLOSED as soon as
// it is cancelled, or the chain closes, before its turn; with DEADLINE if its time is over when its turn comes. A
// refused one does not. What is submitted is copied; its time counts from submit(). Calls under way have no order among
// each other.
//
// [any] thread.
#ifndef CACHECHAIN_CHAIN_ASYNC_CALLS_H_
#define CACHECHAIN_CHAIN_ASYNC_CALLS_H_

#include <cstdint>
#include <span>

#include "async/completion_queue.h"
#include "async/worker_group.h"
#include "chain/core.h"
#include "chain/request.h"

namespace cachechain {

class Chain;

class AsyncCalls {
 public:
  // What is to be done. Borrowed for submit().
  struct Wish {
    uint32_t kind = CACHECHAIN_EVENT_GET;  // or of a load, a set, a delete
    uint64_t token = 0;
    std::span<const uint8_t> key;
    ReadOptions read;
    Mutation mutation;

    bool reads() const { return kind == CACHECHAIN_EVENT_GET || kind == CACHECHAIN_EVENT_LOAD; }
    CancelToken *cancel() const { return reads() ? read.cancel : mutation.cancel; }
  };

  // `chain` is the one that this is part of. Throws std::bad_alloc.
  AsyncCalls(Chain &chain, Core &core);

  // Both inside the chain.

  // True: a get, or a load, was a hit, and its event is in the queue. False: submit() it.
  bool submit_hit(const Caller &caller, uint32_t kind, std::span<const uint8_t> key, const ReadOptions &options,
                  uint64_t token, CompletionQueue &queue);
  // Refused with QUEUE_FULL, CLOSED, FORKED, NO_MEMORY, OVERLOADED, and what a mutation is refused with that no layer
  // need be asked for. The queue's free() cancels the call and waits for it.
  Status submit(const Caller &caller, const Wish &wish, CompletionQueue &queue);

  // Every call that has not begun completes with CLOSED, and none is accepted any more. Waits for nothing.
  void shut();
  // The same, and waits for the calls that have begun. Not on a thread of the two groups.
  void stop();

 private:
  class Call;

  Status refused(int32_t status) const;

  Chain &chain_;
  Core &core_;
  WorkerGroup calls_;
  WorkerGroup loads_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_ASYNC_CALLS_H_
