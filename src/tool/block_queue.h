// BlockQueue: carries blocks of operations from the thread that reads them to the threads that run them, and the empty
// ones back. It owns a fixed number of blocks, so a reader that is ahead waits. Any thread may call anything.
#ifndef CACHECHAIN_TOOL_BLOCK_QUEUE_H_
#define CACHECHAIN_TOOL_BLOCK_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "operations.h"

namespace cachechain::tool {

class BlockQueue {
 public:
  explicit BlockQueue(size_t count) : blocks_(count) {
    for (Block &block : blocks_) empty_.push_back(&block);
  }

  // Wait for an empty block, and for a full one; null once the queue has ended, and for full ones is also drained.
  Block *take_empty() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !empty_.empty(); });
    return ended_ ? nullptr : pop(empty_);
  }
  Block *take_full() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ended_ || !full_.empty(); });
    return full_.empty() ? nullptr : pop(full_);
  }
  // The same without waiting: null if there is none now.
  Block *try_take_full() {
    std::lock_guard lock(mutex_);
    return full_.empty() ? nullptr : pop(full_);
  }

  void give_full(Block *block) { push(full_, block); }
  void give_empty(Block *block) {
    block->clear();
    push(empty_, block);
  }

  // No full block comes any more.
  void end() {
    std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

 private:
  static Block *pop(std::deque<Block *> &blocks) {
    Block *block = blocks.front();
    blocks.pop_front();
    return block;
  }
  void push(std::deque<Block *> &blocks, Block *block) {
    std::lock_guard lock(mutex_);
    blocks.push_back(block);
    changed_.notify_all();
  }

  std::vector<Block> blocks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Block *> empty_;
  std::deque<Block *> full_;
  bool ended_ = false;
};

}  // namespace cachechain::tool

#endif  // CACHECHAIN_TOOL_BLOCK_QUEUE_H_
