// Calls over a queue.
#ifndef CACHECHAIN_TESTS_FUZZ_API_ASYNC_H_
#define CACHECHAIN_TESTS_FUZZ_API_ASYNC_H_

#include <array>
#include <map>

#include "fuzz/api_many.h"

namespace cachechain::api_fuzz {

class Async : public Many {
 protected:
  using Many::Many;

  // Calls over a queue. Whatever else is done awaits first what is under way, so that what a key may hold is known.
  struct Pending {
    uint32_t kind = 0;
    Chain *chain = nullptr;
    uint64_t birth = 0;
    uint64_t family = 0;
    Bytes key;
  };

  void async() {
    switch (input_.pick(10)) {
      case 0:
        return open_queue();
      case 1:
        return free_queue();
      case 2:
      case 3:
        return take();
      case 4:
        return cancel();
      case 5:
        return watch();
      default:
        return submit();
    }
  }

  void open_queue() {
    static constexpr uint64_t kCapacities[] = {1, 2, 3, 64, 0, (1 << 20) + 1, UINT64_MAX};
    const uint64_t capacity = kCapacities[input_.pick(std::size(kCapacities))];
    Error error(input_);
    Output<cachechain_queue *> queue;
    const int32_t status = cachechain_queue_open(capacity, queue.out(), error.out());
    error.check(status);
    CHECK((status == CACHECHAIN_OK) == (capacity >= 1 && capacity <= 64));
    CHECK((queue.get() != nullptr) == (status == CACHECHAIN_OK));
    if (queue.get() == nullptr) return;
    free_queue();
    queue_ = queue.get();
    capacity_ = capacity;
  }

  // A lease that nobody took stays out until its time.
  void free_queue() {
    for (auto &[token, one] : pending_) {
      if (one.kind == CACHECHAIN_EVENT_LOAD) ++leases_out_[one.family];
    }
    pending_.clear();
    cachechain_queue_free(queue_);
    queue_ = nullptr;
    if (input_.coin()) CHECK(cachechain_queue_fd(queue_) < 0);
  }

  void cancel() {
    cachechain_cancel *&token = tokens_[input_.pick(tokens_.size())];
    if (token == nullptr) {
      Error error(input_);
      const int32_t status = cachechain_cancel_create(&token, error.out());
      error.check(status);
      CHECK(status == CACHECHAIN_OK && token != nullptr);
    } else if (input_.coin()) {
      cachechain_cancel_fire(token);
    } else {
      cachechain_cancel_free(token);
      token = nullptr;
    }
  }

  void watch() {
    Chain &chain = any_chain();
    const uint32_t kinds = input_.byte() % 5;
    const int32_t level = static_cast<int32_t>(input_.byte() % 8) - 1;
    Error error(input_);
    const int32_t status = cachechain_queue_watch(queue_, chain.handle, kinds, level, error.out());
    error.check(status);
    const bool good = kinds < 4 && level >= CACHECHAIN_LOG_TRACE && level <= CACHECHAIN_LOG_OFF;
    CHECK((status == CACHECHAIN_OK) == (good && queue_ != nullptr && chain.handle != nullptr && !chain.closed));
  }

  void submit() {
    Chain &chain = any_chain();
    const Key key = make_key(input_);
    const uint32_t kind = CACHECHAIN_EVENT_GET + static_cast<uint32_t>(input_.pick(4));
    const uint64_t token = ++submitted_;
    const size_t which = input_.pick(tokens_.size() + 1);
    cachechain_cancel *const cancel = which == tokens_.size() ? nullptr : tokens_[which];
    Data value;
    Error error(input_);
    int32_t status;
    if (kind == CACHECHAIN_EVENT_LOAD) {
      cachechain_get_options options = get_wish();
      options.struct_size = sizeof(options);
      options.cancel = cancel;
      options.timeout_ns = 1'000'000;  // who waits for a lease that is out here waits in vain
      status = cachechain_submit_load(chain.handle, &options, key.data, key.size, queue_, token, error.out());
    } else if (kind == CACHECHAIN_EVENT_GET) {
      cachechain_get_options wish = get_wish();
      wish.cancel = cancel;
      const Options<cachechain_get_options> options(input_, wish);
      status = cachechain_submit_get(chain.handle, options.get(), key.data, key.size, queue_, token, error.out());
      if (options.must_be_refused()) CHECK(status < 0);
    } else {
      cachechain_put_options wish = put_wish();
      wish.cancel = cancel;
      const Options<cachechain_put_options> options(input_, wish);
      if (kind == CACHECHAIN_EVENT_SET) value = make_data();
      status = kind == CACHECHAIN_EVENT_SET ? cachechain_submit_set(chain.handle, options.get(), key.data, key.size,
                                                                    value.data, value.size, queue_, token, error.out())
                                            : cachechain_submit_delete(chain.handle, options.get(), key.data, key.size,
                                                                       queue_, token, error.out());
      if (options.must_be_refused() || !value.legal()) CHECK(status < 0);
    }
    error.check(status);
    check_refusals(chain, key, status);
    if (queue_ == nullptr || pending_.size() == capacity_) CHECK(status < 0);
    if (status < 0) return;
    CHECK(status == CACHECHAIN_OK);
    pending_[token] = {kind, &chain, chain.birth, chain.family, key.bytes};
    if (kind == CACHECHAIN_EVENT_GET || kind == CACHECHAIN_EVENT_LOAD) return;
    Known &known = chain.known[key.bytes];
    known.certain = false;
    if (kind == CACHECHAIN_EVENT_SET) known.possible.push_back(std::move(value.bytes));
    overtake(chain, key.bytes);
  }

  void take() {
    const int64_t timeout_ns = pending_.empty() ? static_cast<int64_t>(input_.byte()) - 10 : CACHECHAIN_TIMEOUT_NONE;
    take(timeout_ns, input_.byte() % 8);
  }

  void take(int64_t timeout_ns, uint64_t cap) {
    std::vector<cachechain_event> events(cap);
    Error error(input_);
    Output<uint64_t> count;
    const int32_t status = cachechain_queue_wait(queue_, timeout_ns, events.data(), cap, count.out(), error.out());
    error.check(status);
    CHECK((status == CACHECHAIN_OK) == (queue_ != nullptr && timeout_ns >= 0 && cap != 0));
    CHECK(count.get() <= cap && (status == CACHECHAIN_OK || count.get() == 0));
    for (uint64_t i = 0; i < count.get(); ++i) settle(events[i]);
  }

  void await_all() {
    while (!pending_.empty()) take(CACHECHAIN_TIMEOUT_NONE, 8);
  }

  void settle(cachechain_event &event) {
    const bool told = event.kind == CACHECHAIN_EVENT_LAYER || event.kind == CACHECHAIN_EVENT_LOG;
    if (!told) {
      CHECK((event.error != nullptr) == (event.status < 0));
      CHECK(cachechain_error_status(event.error) == (event.status < 0 ? event.status : CACHECHAIN_OK));
      settle_call(event);
    }
    cachechain_value_release(&event.value);
    cachechain_error_free(event.error);
  }

  void settle_call(cachechain_event &event) {
    const auto found = pending_.find(event.token);
    CHECK(found != pending_.end());
    const Pending one = std::move(found->second);
    pending_.erase(found);
    CHECK(event.kind == one.kind);
    const bool reads = one.kind == CACHECHAIN_EVENT_GET || one.kind == CACHECHAIN_EVENT_LOAD;
    const bool hit = reads && (event.status == CACHECHAIN_OK || event.status == CACHECHAIN_STALE);
    if (!hit) CHECK(event.value.data == nullptr && event.value.size == 0 && event.value.release == nullptr);
    if (!reads) CHECK((event.write.version != 0) == (event.status >= 0));
    CHECK(event.lease.id == 0 || (one.kind == CACHECHAIN_EVENT_LOAD && event.status >= 0));
    Chain &chain = *one.chain;
    if (chain.birth != one.birth) {
      if (event.lease.id != 0) ++leases_out_[one.family];
      return;
    }
    if (hit) {
      const std::vector<Bytes> &possible = chain.known[one.key].possible;
      CHECK(std::find(possible.begin(), possible.end(), copy_of(event.value)) != possible.end());
    }
    if (event.lease.id != 0) (void)cachechain_lease_abandon(chain.handle, &event.lease, nullptr);
  }

  cachechain_queue *queue_ = nullptr;
  uint64_t capacity_ = 0;
  std::map<uint64_t, Pending> pending_;  // by token
  std::array<cachechain_cancel *, 2> tokens_{};
  uint64_t submitted_ = 0;
};

}  // namespace cachechain::api_fuzz

#endif  // CACHECHAIN_TESTS_FUZZ_API_ASYNC_H_
