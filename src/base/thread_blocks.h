// ThreadBlocks: one block of counters and words for each thread that works for an owner (a chain), found through one
// thread-local pointer. A thread writes its own block only, by plain relaxed stores, so counting costs no shared write.
// The sum over all threads, gone ones included, is read under a lock.
//
// The block also says whether its thread is inside the owner. With the kernel's help (membarrier) a thread enters by a
// plain store, and who closes pays for the order between that store and the owner's state; without it, entering costs
// a full fence.
#ifndef CACHECHAIN_BASE_THREAD_BLOCKS_H_
#define CACHECHAIN_BASE_THREAD_BLOCKS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace cachechain {

class ThreadBlocks {
 public:
  // Two cache lines, because processors fetch lines in pairs: what one thread writes is near nothing that others use.
  static constexpr size_t kApart = 128;

  // Followed in memory by the counters, then the words.
  struct alignas(kApart) Block {
    std::atomic<uint32_t> inside{0};  // depth of calls under way; written by the owning thread only
    uint32_t counter_count = 0;
    uint32_t word_count = 0;

    std::atomic<uint64_t> *counters() { return reinterpret_cast<std::atomic<uint64_t> *>(this + 1); }
    uintptr_t *words() { return reinterpret_cast<uintptr_t *>(counters() + counter_count); }
    void add(uint32_t counter, uint64_t by = 1) {
      std::atomic<uint64_t> &c = counters()[counter];
      c.store(c.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
  };

  // `on_exit` is given the words of a thread that ends, if any is not 0, on that thread.
  using ExitFn = std::function<void(std::span<const uintptr_t> words)>;

  ThreadBlocks(uint32_t counters, uint32_t words, ExitFn on_exit);
  ~ThreadBlocks();
  ThreadBlocks(const ThreadBlocks &) = delete;
  ThreadBlocks &operator=(const ThreadBlocks &) = delete;

  // The calling thread's block; made at its first call. Throws std::bad_alloc.
  Block &mine() {
    Directory *directory = t_directory;
    if (directory != nullptr && directory->last_owner == id_) return *directory->last_block;
    return find_or_make();
  }

  uint64_t total(uint32_t counter) const;

  // Makes every store to `inside` of before visible to the caller, and the caller's stores to whoever enters later.
  static void order_with_entries();
  // True while another thread is inside.
  bool others_inside() const;

  // Gives every thread's words to `on_exit`, which is not called again. With nobody inside.
  void end();

  // In a fork child: blocks of before belong to nobody, and no lock of before is ever taken again.
  static void after_fork_child();

 private:
  struct Shared;
  struct alignas(kApart) Directory {
    uint64_t last_owner = 0;
    Block *last_block = nullptr;
    struct Entries;
    Entries *entries = nullptr;
  };
  friend struct Shared;

  Block &find_or_make();
  static Directory &directory();
  static void thread_ends(void *directory);

  static constinit thread_local Directory *t_directory __attribute__((tls_model("initial-exec")));

  const uint64_t id_;  // never used twice, so a stale cache entry cannot match
  std::shared_ptr<Shared> shared_;
};

// The calling thread is inside from construction to destruction. The owner's state is to be read after it.
class Inside {
 public:
  explicit Inside(ThreadBlocks::Block &block) : block_(block) {
    block_.inside.store(block_.inside.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (asymmetric_.load(std::memory_order_relaxed)) {
      std::atomic_signal_fence(std::memory_order_seq_cst);
    } else {
      std::atomic_thread_fence(std::memory_order_seq_cst);
    }
  }
  ~Inside() { block_.inside.store(block_.inside.load(std::memory_order_relaxed) - 1, std::memory_order_release); }
  Inside(const Inside &) = delete;
  Inside &operator=(const Inside &) = delete;

 private:
  friend class ThreadBlocks;
  static std::atomic<bool> asymmetric_;  // set once, before the first owner is used

  ThreadBlocks::Block &block_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_BASE_THREAD_BLOCKS_H_
