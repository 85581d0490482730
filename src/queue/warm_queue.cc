#include "queue/warm_queue.h"

#include <new>
#include <utility>

namespace cachechain {
namespace {

// So much goes out at once. A batch of one slow put more keeps nobody waiting but a mutation of one of its keys.
constexpr size_t kBatchEntries = 64;
constexpr uint64_t kBatchBytes = 1 << 20;

}  // namespace

void WarmQueue::Item::point() {
  raw.data = reinterpret_cast<const uint8_t *>(key.data());
  raw.size = key.size();
  put.key = &raw;
  put.data = data.empty() ? nullptr : reinterpret_cast<const uint8_t *>(data.data());
  put.size = data.size();
  put.fence = nullptr;
}

WarmQueue::WarmQueue(const Bounds &bounds, Clock &clock, WorkerGroup &group, Sink &sink)
    : bounds_(bounds), clock_(clock), sink_(sink), strand_(group) {}

WarmQueue::Name WarmQueue::name_of(const cachechain_key &key) {
  return {key.space, {reinterpret_cast<const char *>(key.data), static_cast<size_t>(key.size)}, key.hash};
}

bool WarmQueue::offer(const cachechain_put &put) {
  Items made;  // outside of the lock: copying may take a while
  try {
    Item &item = made.emplace_back();
    item.key.assign(reinterpret_cast<const char *>(put.key->data), put.key->size);
    if (put.size != 0) item.data.assign(reinterpret_cast<const char *>(put.data), put.size);
    item.raw = *put.key;
    item.put = put;
    item.point();
  } catch (const std::bad_alloc &) {
    Lock lock(mutex_);
    ++numbers_.dropped;
    return false;
  }
  const Items::iterator item = made.begin();
  item->since_ns = clock_.mono_ns();
  Lock lock(mutex_);
  if (closed_) {
    ++numbers_.dropped;
    return false;
  }
  const bool overtaken = put.fence != nullptr && put.version < __atomic_load_n(put.fence, __ATOMIC_ACQUIRE);
  if (overtaken || is_barred(name_of(item->raw))) {
    ++numbers_.overtaken;
    return false;
  }
  if (item->bytes() > bounds_.bytes || bounds_.entries == 0) {
    ++numbers_.dropped_full;
    return false;
  }
  const auto same = by_name_.find(name_of(item->raw));
  if (same != by_name_.end()) {
    if (same->second->put.version >= put.version) return true;
    remove(same->second);
  }
  while (waiting_.size() >= bounds_.entries || numbers_.bytes + item->bytes() > bounds_.bytes) {
    remove(waiting_.begin());
    ++numbers_.dropped_full;
  }
  try {
    by_name_.emplace(name_of(item->raw), item);
  } catch (const std::bad_alloc &) {
    ++numbers_.dropped;
    return false;
  }
  numbers_.bytes += item->bytes();
  waiting_.splice(waiting_.end(), made);
  return start(lock);
}

void WarmQueue::remove(Items::iterator item) {
  numbers_.bytes -= item->bytes();
  by_name_.erase(name_of(item->raw));
  waiting_.erase(item);
}

void WarmQueue::drop_all(uint64_t &counter) {
  counter += waiting_.size();
  by_name_.clear();
  waiting_.clear();
  numbers_.bytes = 0;
}

// Gives the strand this queue to run, unless it has it.
bool WarmQueue::start(Lock &lock) {
  if (scheduled_) return true;
  scheduled_ = true;
  lock.unlock();
  const Status accepted = strand_.run(*this);
  if (accepted.ok()) return true;
  lock.lock();
  scheduled_ = false;
  drop_all(numbers_.dropped);
  idle_.notify_all();
  return false;
}

void WarmQueue::take_batch(int64_t now_ns) {
  uint64_t bytes = 0;
  while (!waiting_.empty() && batch_.size() < kBatchEntries && (bytes < kBatchBytes || batch_.empty())) {
    const Items::iterator oldest = waiting_.begin();
    if (now_ns - oldest->since_ns > bounds_.longest_wait_ms * 1'000'000) {
      remove(oldest);
      ++numbers_.dropped_old;
      continue;
    }
    bytes += oldest->bytes();
    numbers_.bytes -= oldest->bytes();
    by_name_.erase(name_of(oldest->raw));
    batch_.splice(batch_.end(), waiting_, oldest);
  }
}

// One batch; then others of the group have their turn.
void WarmQueue::run() noexcept {
  Lock lock(mutex_);
  take_batch(clock_.mono_ns());
  if (!batch_.empty()) {
    cachechain_put puts[kBatchEntries];
    size_t count = 0;
    for (const Item &item : batch_) puts[count++] = item.put;
    lock.unlock();
    sink_.warm({puts, count});
    lock.lock();
    batch_.clear();
  }
  scheduled_ = false;
  // Under the lock: once it is given up, an idle queue may be destroyed.
  idle_.notify_all();
  if (!waiting_.empty()) (void)start(lock);
}

void WarmQueue::drop() noexcept {
  Lock lock(mutex_);
  scheduled_ = false;
  closed_ = true;
  drop_all(numbers_.dropped);
  idle_.notify_all();
}

bool WarmQueue::is_under_way(const Name &name) const {
  for (const Item &item : batch_) {
    if (name_of(item.raw) == name) return true;
  }
  return false;
}

bool WarmQueue::under_way(const cachechain_key &key) const {
  Lock lock(mutex_);
  return is_under_way(name_of(key));
}

bool WarmQueue::at_work() const {
  Lock lock(mutex_);
  return !batch_.empty();
}

WarmQueue::Bar::Bar(WarmQueue &queue, const cachechain_key &key, int64_t deadline_ns)
    : queue_(queue), name_(name_of(key)) {
  Lock lock(queue_.mutex_);
  queue_.bars_[name_.hash % kBarBuckets].append(*this);
  const auto found = queue_.by_name_.find(name_);
  if (found != queue_.by_name_.end()) {
    queue_.remove(found->second);
    ++queue_.numbers_.overtaken;
  }
  for (;;) {
    quiet_ = !queue_.is_under_way(name_);
    if (quiet_ || (deadline_ns != 0 && queue_.clock_.mono_ns() >= deadline_ns)) return;
    queue_.clock_.wait(queue_.idle_, lock, deadline_ns);
  }
}

WarmQueue::Bar::~Bar() {
  Lock lock(queue_.mutex_);
  leave();
}

bool WarmQueue::is_barred(const Name &name) const {
  const Link &head = bars_[name.hash % kBarBuckets];
  for (const Link *link = head.next; link != &head; link = link->next) {
    if (static_cast<const Bar *>(link)->name_ == name) return true;
  }
  return false;
}

bool WarmQueue::wait_until_idle(Lock &lock, int64_t deadline_ns) {
  while (scheduled_ || !batch_.empty() || !waiting_.empty()) {
    if (deadline_ns != 0 && clock_.mono_ns() >= deadline_ns) return false;
    clock_.wait(idle_, lock, deadline_ns);
  }
  return true;
}

bool WarmQueue::flush(int64_t deadline_ns) {
  Lock lock(mutex_);
  return wait_until_idle(lock, deadline_ns);
}

bool WarmQueue::close(int64_t deadline_ns) {
  Lock lock(mutex_);
  closed_ = true;
  drop_all(numbers_.dropped);
  return wait_until_idle(lock, deadline_ns);
}

WarmQueue::Numbers WarmQueue::numbers() const {
  Lock lock(mutex_);
  Numbers now = numbers_;
  now.waiting = waiting_.size();
  return now;
}

}  // namespace cachechain
