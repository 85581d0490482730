// Watchers: the completion queues that are told what becomes of a chain's layers, and what it logs. To a chain it is
// its logger: each line goes on to the one underneath, and to the queues that want lines of its level.
//
// A queue that is freed leaves by itself: its watch is told by the queue's own cancel token, before the queue is gone.
// [any] thread. In a fork child nothing here is called.
#ifndef CACHECHAIN_CHAIN_WATCHERS_H_
#define CACHECHAIN_CHAIN_WATCHERS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "async/completion_queue.h"
#include "base/log.h"
#include "base/status.h"
#include "chain/level.h"

namespace cachechain {

// Makes the error object of a failure and answers its status, which is NO_MEMORY if there can be none of its own.
using MakeError = int32_t (*)(cachechain_error **error, const Status &status) noexcept;

class Watchers final : public Logger {
 public:
  Watchers(std::shared_ptr<Logger> log, MakeError make_error);
  ~Watchers() override;

  // `kinds` are bits of CACHECHAIN_WATCH_...; 0 ends it, also if there was none. NO_MEMORY, CLOSED, FORKED. Throws
  // std::bad_alloc.
  Status watch(CompletionQueue &queue, uint32_t kinds, int32_t log_level, uint32_t layers);
  // Of every queue.
  void end();

  // After the level's health has changed.
  void layer_failed(const Level &level, const Status &failure);
  void layer_answered(const Level &level, std::string_view text);

  bool enabled(int32_t level) const override;
  void log(int32_t level, std::string_view text) override;

 private:
  class Watch;
  using Watches = std::vector<std::unique_ptr<Watch>>;

  Status add(CompletionQueue &queue, uint32_t kinds, int32_t log_level, uint32_t layers);
  // With the list's lock held.
  void settle_level();
  void post_layer(const Level &level, int32_t status, std::string_view text, const Status *failure);

  const std::shared_ptr<Logger> log_;
  const MakeError make_error_;
  std::atomic<int32_t> least_level_;
  std::mutex changing_;  // one change of the list at a time; never taken where something is posted
  std::mutex mutex_;     // the list
  Watches watches_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_WATCHERS_H_
