// WarmQueue: copies of entries on their way up into one layer that is not inline, so that no reader waits for it. What
// waits may be lost: the layer can be warmed again. Per key only the newest version waits; when the queue is full the
// oldest goes; what waited too long is dropped, because a tombstone that it lost against may be forgotten by then.
//
// The queue copies what it is offered and holds nothing of the layer that it came from. Its puts go out in batches, one
// after the other, on a strand of the layer's worker group; so those of one key keep their order.
//
// A mutation bars its key from before its first put until its fence is up: then nothing that was read before it comes
// after it.
// [any] thread. The sink and the clock outlive the queue, and it outlives the group's stop().
#ifndef CACHECHAIN_QUEUE_WARM_QUEUE_H_
#define CACHECHAIN_QUEUE_WARM_QUEUE_H_

#include <cstdint>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "async/strand.h"
#include "async/task.h"
#include "async/worker_group.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/link.h"
#include "cachechain/plugin.h"

namespace cachechain {

class WarmQueue : private Task {
 private:
  // A key, by the bytes that an item or a caller holds.
  struct Name {
    const cachechain_space *space;
    std::string_view key;
    uint64_t hash;
    bool operator==(const Name &other) const { return space == other.space && key == other.key; }
  };

 public:
  struct Bounds {
    uint64_t entries = 0;
    uint64_t bytes = 0;  // of keys and values
    int64_t longest_wait_ms = 0;
  };

  // Where the puts go.
  class Sink {
   public:
    virtual void warm(std::span<const cachechain_put> puts) noexcept = 0;

   protected:
    ~Sink() = default;
  };

  WarmQueue(const Bounds &bounds, Clock &clock, WorkerGroup &group, Sink &sink);
  WarmQueue(const WarmQueue &) = delete;
  WarmQueue &operator=(const WarmQueue &) = delete;

  // Copies the put with its key and value. False if it was dropped: its key is barred, or its version below its fence,
  // which is read under the queue's lock; it is larger than the queue; there is no memory or no thread; or the queue is
  // closed.
  bool offer(const cachechain_put &put);

  // While it lives no put of the key is taken. What waits of it is dropped, and a put of it that is under way is waited
  // for until the deadline (0: none). The key outlives it. Several may bar one key.
  class Bar : private Link {
   public:
    Bar(WarmQueue &queue, const cachechain_key &key, int64_t deadline_ns);
    ~Bar();
    // False: the put is still under way, so what the layer will hold is not certain.
    bool quiet() const { return quiet_; }

   private:
    friend class WarmQueue;
    WarmQueue &queue_;
    const Name name_;
    bool quiet_;
  };

  // Whether a put of the key is under way.
  bool under_way(const cachechain_key &key) const;
  // Whether any put is.
  bool at_work() const;

  // Waits until nothing waits and nothing is under way. False at the deadline (0: none).
  bool flush(int64_t deadline_ns);
  // Drops what waits and takes no more. Then as flush().
  bool close(int64_t deadline_ns);

  struct Numbers {
    uint64_t waiting = 0;
    uint64_t bytes = 0;
    uint64_t dropped_full = 0;  // the oldest, or what was larger than the queue
    uint64_t dropped_old = 0;   // waited too long
    uint64_t dropped = 0;       // no memory, no thread, or closed
    uint64_t overtaken = 0;     // a mutation came
  };
  Numbers numbers() const;

 private:
  using Lock = std::unique_lock<std::mutex>;
  static constexpr size_t kBarBuckets = 64;

  struct Item {
    std::string key;
    std::string data;
    cachechain_key raw{};
    cachechain_put put{};
    int64_t since_ns = 0;

    uint64_t bytes() const { return key.size() + data.size(); }
    void point();  // raw and put to where key and data are
  };
  using Items = std::list<Item>;

  struct NameHash {
    size_t operator()(const Name &name) const { return static_cast<size_t>(name.hash); }
  };
  static Name name_of(const cachechain_key &key);

  void run() noexcept override;
  void drop() noexcept override;

  // With the lock held.
  bool is_under_way(const Name &name) const;
  bool is_barred(const Name &name) const;
  void remove(Items::iterator item);
  void drop_all(uint64_t &counter);
  void take_batch(int64_t now_ns);
  bool start(Lock &lock);
  bool wait_until_idle(Lock &lock, int64_t deadline_ns);

  const Bounds bounds_;
  Clock &clock_;
  Sink &sink_;
  Strand strand_;

  mutable std::mutex mutex_;
  Condition idle_;  // a batch has ended
  Items waiting_;   // the oldest first
  std::unordered_map<Name, Items::iterator, NameHash> by_name_;
  Items batch_;  // under way
  Link bars_[kBarBuckets];
  bool scheduled_ = false;
  bool closed_ = false;
  Numbers numbers_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_QUEUE_WARM_QUEUE_H_
