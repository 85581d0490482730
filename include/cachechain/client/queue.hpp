// Queue: calls that one thread submits and others do, and the Events by which they answer.
//
//   auto queue = Queue::open(1024);
//   queue->submit_get(*chain, "user:42", 7);
//   Event events[16];
//   auto came = queue->wait(events);                    // Result<size_t>; events[0].token() is 7
//   if (came) use(std::move(events[0]).lookup());        // Result<Lookup>, as chain->get() would have answered
//
// Each accepted submit gives exactly one Event with its token; a refused one is an Error and gives none. Keys, values
// and options are copied. A hit in memory completes inside submit. See cachechain.h for what runs where and in what
// order. async.hpp makes coroutines of this.
//
// A Queue can be moved and not copied. Every method that is const may be called by any thread at any time; moving and
// destroying belong to one thread while no other call is inside. Destroying it cancels what is under way and waits for
// it. Chain and Queue may go in any order, but for the leases of loads, which must go before their Chain.
#ifndef CACHECHAIN_CLIENT_QUEUE_HPP_
#define CACHECHAIN_CLIENT_QUEUE_HPP_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "cachechain/cachechain.h"
#include "cachechain/client/chain.hpp"
#include "cachechain/client/lease.hpp"
#include "cachechain/client/options.hpp"
#include "cachechain/client/result.hpp"
#include "cachechain/client/value.hpp"

namespace cachechain::client {

// An answer, or what a chain tells unasked. Owns its value and its error, can be moved and not copied, may outlive
// Queue and Chain. A lease in it is only ended by leased(): one that goes with the Event ends by its time.
class Event {
 public:
  Event() = default;
  explicit Event(const cachechain_event &raw) : raw_(raw) {}  // takes over what `raw` holds
  Event(Event &&other) noexcept : raw_(std::exchange(other.raw_, {})) {}
  Event &operator=(Event &&other) noexcept {
    Event taken(std::move(other));
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~Event() {
    cachechain_value_release(&raw_.value);
    cachechain_error_free(raw_.error);
  }

  uint64_t token() const { return raw_.token; }
  uint32_t kind() const { return raw_.kind; }     // CACHECHAIN_EVENT_GET and so on; 0 for none
  int32_t status() const { return raw_.status; }  // as the call would have answered
  bool failed() const { return raw_.status < 0; }
  const cachechain_event &raw() const { return raw_; }

  // What the call would have answered; each once, and of its own kind of Event.
  Result<Lookup> lookup() && noexcept {
    if (failed()) return error();
    return Lookup{raw_.status, value()};
  }
  // `chain` is the one that was submitted to.
  Result<Leased> leased(const Chain &chain) && noexcept { return std::move(*this).leased(chain.raw()); }
  Result<Leased> leased(cachechain_chain *chain) && noexcept {
    if (failed()) return error();
    return Leased{{raw_.status, value()}, Lease(chain, std::exchange(raw_.lease, {}))};
  }
  Result<Written> written() && noexcept {
    if (failed()) return error();
    return Written{raw_.status, raw_.write.version, raw_.write.done, raw_.write.owed};
  }

  // Of LAYER and LOG: the line of text, which lives as long as the Event. Of LAYER: the layer's index.
  std::string_view text() const {
    return {reinterpret_cast<const char *>(raw_.value.data), static_cast<size_t>(raw_.value.size)};
  }
  int layer() const { return raw_.value.layer; }

 private:
  Value value() { return Value(std::exchange(raw_.value, {})); }
  Error error() { return Error(raw_.status, std::exchange(raw_.error, nullptr)); }

  cachechain_event raw_{};
};

class Queue {
 public:
  // For at most `capacity` calls under way plus events not yet taken, whose memory is taken here.
  static Result<Queue> open(uint64_t capacity) noexcept {
    cachechain_queue *queue = nullptr;
    cachechain_error *error = nullptr;
    const int32_t status = cachechain_queue_open(capacity, &queue, &error);
    if (status < 0) return Error(status, error);
    return Queue(queue);
  }

  // Each fails with QUEUE_FULL, and as the call would for what can be told at once. Otherwise there will be an Event.
  Result<int32_t> submit_get(const Chain &chain, Bytes key, uint64_t token,
                             const GetOptions &options = {}) const noexcept {
    return read(cachechain_submit_get, chain, key, token, options);
  }
  Result<int32_t> submit_load(const Chain &chain, Bytes key, uint64_t token,
                              const GetOptions &options = {}) const noexcept {
    return read(cachechain_submit_load, chain, key, token, options);
  }
  Result<int32_t> submit_set(const Chain &chain, Bytes key, Bytes value, uint64_t token,
                             const SetOptions &options = {}) const noexcept {
    const cachechain_put_options raw = internal::raw(options);
    return done([&](cachechain_error **error) {
      return cachechain_submit_set(chain.raw(), &raw, key.data(), key.size(), value.data(), value.size(), queue_.get(),
                                   token, error);
    });
  }
  Result<int32_t> submit_remove(const Chain &chain, Bytes key, uint64_t token,
                                const RemoveOptions &options = {}) const noexcept {
    const cachechain_put_options raw = internal::raw(options);
    return done([&](cachechain_error **error) {
      return cachechain_submit_delete(chain.raw(), &raw, key.data(), key.size(), queue_.get(), token, error);
    });
  }

  // Waits for the first event, takes as many as there are and room for, at most kAtOnce, and answers how many. What was
  // in the room before is released. 0 if none came within the time-out; zero or less does not wait.
  static constexpr size_t kAtOnce = 64;
  Result<size_t> wait(std::span<Event> room, std::chrono::nanoseconds timeout = kNoTimeout) const noexcept {
    std::array<cachechain_event, kAtOnce> raw;
    uint64_t count = 0;
    cachechain_error *error = nullptr;
    const int32_t status = cachechain_queue_wait(queue_.get(), std::max<int64_t>(timeout.count(), 0), raw.data(),
                                                 std::min(room.size(), raw.size()), &count, &error);
    if (status < 0) return Error(status, error);
    for (size_t i = 0; i < count; ++i) room[i] = Event(raw[i]);
    return static_cast<size_t>(count);
  }

  // Readable while events wait, for poll() and its kin; the Queue's, and for nobody else to read.
  Result<int> fd() const noexcept {
    const int32_t fd = cachechain_queue_fd(queue_.get());
    if (fd < 0) return Error(fd, nullptr);
    return fd;
  }

  // From now on what `chain` has to tell unasked comes here too: CACHECHAIN_WATCH_LAYER, CACHECHAIN_WATCH_LOG, or 0 for
  // nothing any more. Lines of log come from `log_level` on; their status is their level.
  Result<int32_t> watch(const Chain &chain, uint32_t kinds, int32_t log_level = CACHECHAIN_LOG_WARN) const noexcept {
    return done([&](cachechain_error **error) {
      return cachechain_queue_watch(queue_.get(), chain.raw(), kinds, log_level, error);
    });
  }

  cachechain_queue *raw() const { return queue_.get(); }

 private:
  struct Free {
    void operator()(cachechain_queue *queue) const { cachechain_queue_free(queue); }
  };
  explicit Queue(cachechain_queue *queue) : queue_(queue) {}

  template <class Submit>
  Result<int32_t> read(Submit submit, const Chain &chain, Bytes key, uint64_t token,
                       const GetOptions &options) const noexcept {
    const cachechain_get_options raw = internal::raw(options);
    return done([&](cachechain_error **error) {
      return submit(chain.raw(), &raw, key.data(), key.size(), queue_.get(), token, error);
    });
  }
  template <class Call>
  static Result<int32_t> done(Call call) noexcept {
    cachechain_error *error = nullptr;
    const int32_t status = call(&error);
    if (status < 0) return Error(status, error);
    return status;
  }

  std::unique_ptr<cachechain_queue, Free> queue_;
};

}  // namespace cachechain::client

#endif  // CACHECHAIN_CLIENT_QUEUE_HPP_
