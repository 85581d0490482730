#include "chain/watchers.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>
#include <utility>

namespace cachechain {
namespace {

// An event that owns a copy of its text, or has none if there is no memory.
cachechain_event with_text(uint32_t kind, int32_t status, std::string_view text) {
  cachechain_event event{};
  event.kind = kind;
  event.status = status;
  event.value.layer = -1;
  void *copy = text.empty() ? nullptr : ::operator new(text.size(), std::nothrow);
  if (copy == nullptr) return event;
  std::memcpy(copy, text.data(), text.size());
  event.value.data = static_cast<const uint8_t *>(copy);
  event.value.size = text.size();
  event.value.owner = copy;
  event.value.release = [](void *owner) { ::operator delete(owner); };
  return event;
}

}  // namespace

// The queue stays alive while the watch's lock is held and `queue_` is not NULL: free() fires its token first, and is
// not done with that before cancelled() has come back.
class Watchers::Watch final : private CancelWatcher {
 public:
  Watch(CompletionQueue &its_queue, uint32_t its_kinds, int32_t its_level)
      : kinds(its_kinds), log_level(its_level), queue_(&its_queue), token_(its_queue.cancel().ref()) {}

  // Nothing is left to be ended after a failure.
  Status begin(uint32_t layers) {
    Status added = queue_->add_source(this, layers);
    if (!added.ok() || token_->watch(*this)) return added;
    queue_->remove_source(this);
    return CACHECHAIN_CLOSED;
  }
  void end() {
    (void)with_queue([this](CompletionQueue &queue) {
      queue.remove_source(this);
      queue_ = nullptr;
    });
    token_->unwatch(*this);
  }
  bool is_of(const CompletionQueue *queue) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return queue_ == queue;
  }
  // False if the queue was freed.
  template <class Body>
  bool with_queue(Body &&body) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (queue_ == nullptr) return false;
    body(*queue_);
    return true;
  }

  // Guarded by the list's lock.
  uint32_t kinds;
  int32_t log_level;

 private:
  void cancelled() noexcept override {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_ = nullptr;
  }

  std::mutex mutex_;
  CompletionQueue *queue_;
  const CancelRef token_;
};

Watchers::Watchers(std::shared_ptr<Logger> log, MakeError make_error)
    : log_(std::move(log)), make_error_(make_error), least_level_(CACHECHAIN_LOG_OFF) {}

Watchers::~Watchers() { end(); }

Status Watchers::watch(CompletionQueue &queue, uint32_t kinds, int32_t log_level, uint32_t layers) {
  const std::lock_guard<std::mutex> changing(changing_);
  Watches ended;
  bool known = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto &one : watches_) {
      if (!one->is_of(&queue)) continue;
      one->kinds = kinds;
      one->log_level = log_level;
      known = true;
    }
    const auto kept = std::stable_partition(watches_.begin(), watches_.end(),
                                            [](auto &one) { return one->kinds != 0 && !one->is_of(nullptr); });
    ended.assign(std::make_move_iterator(kept), std::make_move_iterator(watches_.end()));
    watches_.erase(kept, watches_.end());
    settle_level();
  }
  for (auto &one : ended) one->end();
  return known || kinds == 0 ? Status(CACHECHAIN_OK) : add(queue, kinds, log_level, layers);
}

Status Watchers::add(CompletionQueue &queue, uint32_t kinds, int32_t log_level, uint32_t layers) {
  auto watch = std::make_unique<Watch>(queue, kinds, log_level);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    watches_.reserve(watches_.size() + 1);
  }
  if (Status begun = watch->begin(layers); !begun.ok()) return begun;
  const std::lock_guard<std::mutex> lock(mutex_);
  watches_.push_back(std::move(watch));
  settle_level();
  return CACHECHAIN_OK;
}

void Watchers::end() {
  const std::lock_guard<std::mutex> changing(changing_);
  Watches ended;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(watches_);
    settle_level();
  }
  for (auto &one : ended) one->end();
}

void Watchers::settle_level() {
  int32_t least = CACHECHAIN_LOG_OFF;
  for (const auto &one : watches_) {
    if ((one->kinds & CACHECHAIN_WATCH_LOG) != 0 && !one->is_of(nullptr)) least = std::min(least, one->log_level);
  }
  least_level_.store(least, std::memory_order_relaxed);
}

void Watchers::layer_failed(const Level &level, const Status &failure) {
  post_layer(level, failure.code(), failure.message(), &failure);
}

void Watchers::layer_answered(const Level &level, std::string_view text) {
  post_layer(level, CACHECHAIN_OK, text, nullptr);
}

// Of two threads that saw the level fail and answer again, the one whose news is old by now keeps silent: the other
// posts, or has posted.
void Watchers::post_layer(const Level &level, int32_t status, std::string_view text, const Status *failure) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (level.health.failing() != (failure != nullptr)) return;
  for (auto &one : watches_) {
    if ((one->kinds & CACHECHAIN_WATCH_LAYER) == 0) continue;
    (void)one->with_queue([&](CompletionQueue &queue) {
      cachechain_event event = with_text(CACHECHAIN_EVENT_LAYER, status, text);
      event.value.layer = static_cast<int32_t>(level.index);
      if (failure != nullptr && make_error_ != nullptr) (void)make_error_(&event.error, *failure);
      queue.post_layer(one.get(), level.index, event);
    });
  }
}

bool Watchers::enabled(int32_t level) const {
  return log_->enabled(level) || (level >= least_level_.load(std::memory_order_relaxed) && level < CACHECHAIN_LOG_OFF);
}

void Watchers::log(int32_t level, std::string_view text) {
  log_->log(level, text);
  if (level < least_level_.load(std::memory_order_relaxed) || level >= CACHECHAIN_LOG_OFF) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  bool some_left = false;
  for (auto &one : watches_) {
    if ((one->kinds & CACHECHAIN_WATCH_LOG) == 0 || level < one->log_level) continue;
    const bool there = one->with_queue([&](CompletionQueue &queue) {
      const cachechain_event event = with_text(CACHECHAIN_EVENT_LOG, level, text);
      if (event.value.data != nullptr) queue.post_log(event);
    });
    some_left = some_left || !there;
  }
  if (some_left) settle_level();
}

}  // namespace cachechain
