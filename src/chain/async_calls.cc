#include "chain/async_calls.h"

#include <atomic>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "chain/chain.h"
#include "chain/walk.h"

namespace cachechain {

// One call from submit() to its event, in one allocation with copies of its bytes. It belongs to the group that it
// waits in; whoever is first to take it completes it: the thread whose turn it is, the one that drops it, or the one
// that cancels it. In the last case an empty shell stays in the group until its turn.
class AsyncCalls::Call final : private Task, private CancelWatcher {
 public:
  // Takes token and slot, unless there is no memory: then NULL.
  static Call *make(AsyncCalls &calls, const Caller &caller, const Wish &wish, CancelRef &token,
                    CompletionQueue::Slot &slot) {
    const std::span<const uint8_t> trace = wish.reads() ? wish.read.trace : wish.mutation.trace;
    const uint64_t bytes = wish.key.size() + trace.size() + wish.mutation.data.size();
    void *memory = calls.core_.parts.allocator->alloc(sizeof(Call) + bytes, alignof(Call));
    if (memory == nullptr) return nullptr;
    Call *call = new (memory) Call(calls, caller.space, wish, bytes);
    call->token_ = std::move(token);
    call->slot_ = std::move(slot);
    return call;
  }

  // Gives it to the group. If it is refused there, and was not complete before that, there is no event.
  Status start(WorkerGroup &group) {
    if (!token_->watch(*this)) {
      cancelled();
      destroy();
      return CACHECHAIN_OK;
    }
    Status refusal = group.run(*this);
    if (refusal.ok()) return refusal;
    const bool own = take();
    destroy();
    return own ? refusal : Status(CACHECHAIN_OK);
  }

 private:
  Call(AsyncCalls &calls, Namespace &space, const Wish &wish, uint64_t bytes)
      : calls_(calls),
        space_(space),
        allocator_(*calls.core_.parts.allocator),
        bytes_(bytes),
        deadline_ns_(calls.core_.deadline_after(wish.reads() ? wish.read.timeout_ns : wish.mutation.timeout_ns)),
        wish_(wish) {
    uint8_t *at = reinterpret_cast<uint8_t *>(this + 1);
    const auto copy = [&at](std::span<const uint8_t> &from) {
      if (!from.empty()) std::memcpy(at, from.data(), from.size());
      from = {at, from.size()};
      at += from.size();
    };
    copy(wish_.key);
    copy(wish_.reads() ? wish_.read.trace : wish_.mutation.trace);
    copy(wish_.mutation.data);
  }
  ~Call() = default;

  bool take() { return !taken_.exchange(true, std::memory_order_acq_rel); }
  // Only when it is in no group. Whoever is just cancelling it is waited for.
  void destroy() {
    token_->unwatch(*this);
    Allocator &allocator = allocator_;
    const uint64_t size = sizeof(Call) + bytes_;
    this->~Call();
    allocator.free(this, size, alignof(Call));
  }

  void run() noexcept override {
    if (take()) {
      cachechain_event event = empty_event();
      const Status status = perform(event);
      complete(event, status);
    }
    destroy();
  }
  void drop() noexcept override {
    if (take()) complete_unasked(CACHECHAIN_CLOSED, "the chain was closed before this call had begun");
    destroy();
  }
  void cancelled() noexcept override {
    if (take()) complete_unasked(CACHECHAIN_CANCELLED, "the call was cancelled before it had begun");
  }

  cachechain_event empty_event() const {
    cachechain_event event{};
    event.token = wish_.token;
    event.kind = wish_.kind;
    return event;
  }
  Status failure(int32_t code, const char *text) const {
    return Status(code, calls_.core_.settings.chain + ": " + text);
  }
  void complete_unasked(int32_t code, const char *text) {
    Status status = code;
    try {
      status = failure(code, text);
    } catch (const std::bad_alloc &) {
    }
    cachechain_event event = empty_event();
    complete(event, status);
  }
  // The last that this does to the queue.
  void complete(cachechain_event &event, const Status &status) {
    event.status = status.code();
    if (status.code() < 0) {
      cachechain::drop(event.value);
      const MakeError make_error = calls_.core_.parts.make_error;
      if (make_error != nullptr) event.status = make_error(&event.error, status);
    }
    slot_.complete(event);
  }

  Status perform(cachechain_event &event) {
    try {
      const Caller caller(space_);
      const Inside inside(caller.block);
      if (const int32_t refusal = calls_.chain_.entered(); refusal != CACHECHAIN_OK) {
        return failure(refusal, "the chain was closed before this call had begun");
      }
      const int64_t left_ns =
          deadline_ns_ == 0 ? CACHECHAIN_TIMEOUT_NONE : deadline_ns_ - calls_.core_.parts.clock->mono_ns();
      return wish_.reads() ? read(caller, left_ns, event) : mutate(caller, left_ns, event);
    } catch (const std::bad_alloc &) {
      return CACHECHAIN_NO_MEMORY;
    } catch (const std::exception &thrown) {
      return Status(CACHECHAIN_INTERNAL, std::string(thrown.what()));
    }
  }
  Status too_late() const {
    return failure(CACHECHAIN_DEADLINE, "the time was over before a thread was free for this call (async_threads)");
  }
  Status read(const Caller &caller, int64_t left_ns, cachechain_event &event) {
    if (left_ns <= 0) {
      caller.add(ChainCounter::kGetErrors);
      return too_late();
    }
    wish_.read.timeout_ns = left_ns;
    wish_.read.cancel = token_.get();
    Status failed;
    Chain &chain = calls_.chain_;
    const int32_t status = wish_.kind == CACHECHAIN_EVENT_LOAD
                               ? chain.loads().get(caller, wish_.key, wish_.read, {}, event.value, event.lease, &failed)
                               : chain.reads().get(caller, wish_.key, wish_.read, {}, event.value, &failed);
    return status < 0 ? failed : Status(status);
  }
  Status mutate(const Caller &caller, int64_t left_ns, cachechain_event &event) {
    const bool sets = wish_.kind == CACHECHAIN_EVENT_SET;
    Mutation &mutation = wish_.mutation;
    mutation.timeout_ns = left_ns;
    mutation.cancel = token_.get();
    mutation.kind = sets ? CACHECHAIN_KIND_VALUE : CACHECHAIN_KIND_TOMBSTONE;
    Status done = left_ns <= 0 ? too_late() : calls_.chain_.writes().mutate(caller, wish_.key, mutation, event.write);
    caller.add(sets ? (done.ok() ? ChainCounter::kSets : ChainCounter::kSetErrors)
                    : (done.ok() ? ChainCounter::kDeletes : ChainCounter::kDeleteErrors));
    return done;
  }

  AsyncCalls &calls_;
  Namespace &space_;
  Allocator &allocator_;
  const uint64_t bytes_;  // behind this object
  const int64_t deadline_ns_;
  Wish wish_;  // of the copies
  CancelRef token_;
  CompletionQueue::Slot slot_;
  std::atomic<bool> taken_{false};
};

AsyncCalls::AsyncCalls(Chain &chain, Core &core)
    : chain_(chain),
      core_(core),
      calls_("calls " + core.settings.chain, core.settings.async_threads, *core.parts.threads),
      loads_("loads " + core.settings.chain, core.settings.async_threads, *core.parts.threads) {}

// As ReadPath::get() and LoadPath::get() begin.
bool AsyncCalls::submit_hit(const Caller &caller, uint32_t kind, std::span<const uint8_t> key,
                            const ReadOptions &options, uint64_t token, CompletionQueue &queue) {
  if (core_.leading_inline == 0 || queue.full()) return false;
  cachechain_value value{};
  if (chain_.reads().ask_first(caller, caller.space.key(key), {}, value) != CACHECHAIN_OK) return false;
  const bool refreshes = kind == CACHECHAIN_EVENT_LOAD && chain_.loads().wants_refresh(value);
  if (value.version >= options.min_version && !refreshes &&
      queue.post(ValueEvent{token, CACHECHAIN_OK, kind, value}) == CACHECHAIN_OK) {
    caller.add(core_.levels.front()->index, LayerCounter::kHits);
    return true;
  }
  drop(value);
  return false;
}

Status AsyncCalls::submit(const Caller &caller, const Wish &wish, CompletionQueue &queue) {
  if (!wish.reads()) {
    // Nothing that will be refused for its size is copied.
    if (Status checked = chain_.writes().check(wish.mutation); !checked.ok()) return checked;
  }
  CompletionQueue::Slot slot;
  if (const int32_t reserved = queue.reserve(slot); reserved != CACHECHAIN_OK) return refused(reserved);
  CancelRef token = CancelToken::create_under(wish.cancel(), &queue.cancel());
  Call *call = token == nullptr ? nullptr : Call::make(*this, caller, wish, token, slot);
  if (call == nullptr) return Status(CACHECHAIN_NO_MEMORY, core_.settings.chain + ": no memory for one more call");
  return call->start(wish.kind == CACHECHAIN_EVENT_LOAD ? loads_ : calls_);
}

Status AsyncCalls::refused(int32_t status) const {
  const char *text = status == CACHECHAIN_QUEUE_FULL ? "the queue is full: take events, or open a larger one"
                     : status == CACHECHAIN_FORKED
                         ? "this queue belongs to the parent process: open one of the child's own"
                         : "the queue is being freed";
  return Status(status, core_.settings.chain + ": " + text);
}

void AsyncCalls::shut() {
  calls_.shut();
  loads_.shut();
}

void AsyncCalls::stop() {
  calls_.stop();
  loads_.stop();
}

}  // namespace cachechain
