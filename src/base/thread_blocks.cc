#include "base/thread_blocks.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <vector>

namespace cachechain {
namespace {

std::atomic<uint64_t> next_owner{1};
std::atomic<uint32_t> fork_generation{0};

void free_block(ThreadBlocks::Block *block) {
  block->~Block();
  ::operator delete(block, std::align_val_t(alignof(ThreadBlocks::Block)));
}

bool register_membarrier() { return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0; }

}  // namespace

constinit thread_local ThreadBlocks::Directory *ThreadBlocks::t_directory __attribute__((tls_model("initial-exec"))) =
    nullptr;
std::atomic<bool> Inside::asymmetric_{false};

// What outlives the owner for the sake of threads that end later.
struct ThreadBlocks::Shared {
  std::mutex mutex;
  std::vector<Block *> blocks;
  std::vector<uint64_t> retired;  // sums of the threads that are gone
  ExitFn on_exit;
  uint32_t words = 0;

  ~Shared() {
    for (Block *block : blocks) free_block(block);
  }

  // With the mutex held.
  void exit_words(Block &block) {
    const std::span<uintptr_t> words_of_block(block.words(), block.word_count);
    const bool used = std::any_of(words_of_block.begin(), words_of_block.end(), [](uintptr_t w) { return w != 0; });
    if (used && on_exit) on_exit(words_of_block);
    std::fill(words_of_block.begin(), words_of_block.end(), 0);
  }

  void retire(Block *block) {
    std::lock_guard<std::mutex> lock(mutex);
    for (uint32_t i = 0; i < block->counter_count; ++i) {
      retired[i] += block->counters()[i].load(std::memory_order_relaxed);
    }
    exit_words(*block);
    blocks.erase(std::remove(blocks.begin(), blocks.end(), block), blocks.end());
    free_block(block);
  }
};

// Every owner that a thread has worked for, in the order of their ids.
struct ThreadBlocks::Directory::Entries {
  struct One {
    uint64_t owner;
    Block *block;
    std::weak_ptr<Shared> shared;
  };
  std::vector<One> all;
  uint32_t generation = 0;

  // Where it is, or belongs.
  std::vector<One>::iterator place_of(uint64_t owner) {
    return std::lower_bound(all.begin(), all.end(), owner, [](const One &one, uint64_t id) { return one.owner < id; });
  }
};

ThreadBlocks::ThreadBlocks(uint32_t counters, uint32_t words, ExitFn on_exit)
    : id_(next_owner.fetch_add(1, std::memory_order_relaxed)), shared_(std::make_shared<Shared>()) {
  shared_->retired.resize(counters);
  shared_->words = words;
  shared_->on_exit = std::move(on_exit);
  if (register_membarrier()) Inside::asymmetric_.store(true, std::memory_order_relaxed);
}

ThreadBlocks::~ThreadBlocks() = default;

ThreadBlocks::Directory &ThreadBlocks::directory() {
  static const pthread_key_t key = [] {
    pthread_key_t made;
    if (pthread_key_create(&made, &ThreadBlocks::thread_ends) != 0) throw std::bad_alloc();
    return made;
  }();
  if (t_directory == nullptr) {
    auto made = std::make_unique<Directory>();
    auto entries = std::make_unique<Directory::Entries>();
    entries->generation = fork_generation.load(std::memory_order_relaxed);
    if (pthread_setspecific(key, made.get()) != 0) throw std::bad_alloc();
    made->entries = entries.release();
    t_directory = made.release();
  }
  return *t_directory;
}

void ThreadBlocks::thread_ends(void *ended) {
  Directory *directory = static_cast<Directory *>(ended);
  t_directory = nullptr;
  // After a fork the locks of before may be held by threads that the child does not have: those blocks are leaked.
  if (directory->entries->generation == fork_generation.load(std::memory_order_relaxed)) {
    for (Directory::Entries::One &one : directory->entries->all) {
      if (std::shared_ptr<Shared> shared = one.shared.lock()) shared->retire(one.block);
    }
  }
  delete directory->entries;
  delete directory;
}

ThreadBlocks::Block &ThreadBlocks::find_or_make() {
  Directory &mine = directory();
  std::vector<Directory::Entries::One> &all = mine.entries->all;
  auto found = mine.entries->place_of(id_);
  if (found == all.end() || found->owner != id_) {
    all.erase(std::remove_if(all.begin(), all.end(), [](const auto &one) { return one.shared.expired(); }), all.end());
    all.reserve(all.size() + 1);
    const uint32_t counters = static_cast<uint32_t>(shared_->retired.size());
    const size_t used = sizeof(Block) + sizeof(std::atomic<uint64_t>) * counters + sizeof(uintptr_t) * shared_->words;
    const size_t size = (used + kApart - 1) / kApart * kApart;
    void *memory = ::operator new(size, std::align_val_t(alignof(Block)));
    Block *block = new (memory) Block;
    block->counter_count = counters;
    block->word_count = shared_->words;
    for (uint32_t i = 0; i < counters; ++i) new (block->counters() + i) std::atomic<uint64_t>(0);
    std::fill_n(block->words(), shared_->words, 0);
    std::unique_ptr<Block, void (*)(Block *)> owned(block, &free_block);
    {
      std::lock_guard<std::mutex> lock(shared_->mutex);
      shared_->blocks.push_back(block);
    }
    owned.release();
    found = all.insert(mine.entries->place_of(id_), {id_, block, shared_});
  }
  mine.last_owner = id_;
  mine.last_block = found->block;
  return *found->block;
}

uint64_t ThreadBlocks::total(uint32_t counter) const {
  std::lock_guard<std::mutex> lock(shared_->mutex);
  uint64_t sum = shared_->retired[counter];
  for (Block *block : shared_->blocks) sum += block->counters()[counter].load(std::memory_order_relaxed);
  return sum;
}

void ThreadBlocks::order_with_entries() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (Inside::asymmetric_.load(std::memory_order_relaxed)) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
  }
}

bool ThreadBlocks::others_inside() const {
  const Block *own = nullptr;
  if (const Directory *mine = t_directory; mine != nullptr) {
    const auto place = mine->entries->place_of(id_);
    if (place != mine->entries->all.end() && place->owner == id_) own = place->block;
  }
  std::lock_guard<std::mutex> lock(shared_->mutex);
  return std::any_of(shared_->blocks.begin(), shared_->blocks.end(),
                     [&](Block *block) { return block != own && block->inside.load(std::memory_order_acquire) != 0; });
}

void ThreadBlocks::end() {
  std::lock_guard<std::mutex> lock(shared_->mutex);
  for (Block *block : shared_->blocks) shared_->exit_words(*block);
  shared_->on_exit = nullptr;
}

void ThreadBlocks::after_fork_child() {
  fork_generation.fetch_add(1, std::memory_order_relaxed);
  t_directory = nullptr;
}

}  // namespace cachechain
