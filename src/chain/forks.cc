#include "chain/forks.h"

#include <pthread.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "base/thread_blocks.h"
#include "chain/chain.h"
#include "plugin/registry.h"

namespace cachechain {

// Held from before a fork until after it, so that the child finds the list whole. Nothing blocks under it.
struct Forks::List {
  std::mutex mutex;
  std::vector<Chain *> chains;
};

Forks::List &Forks::list() {
  static List *const list = [] {
    List *made = new List;
    pthread_atfork([] { Forks::list().mutex.lock(); }, [] { Forks::list().mutex.unlock(); },
                   [] {
                     for (Chain *chain : Forks::list().chains) chain->mark_forked();
                     ThreadBlocks::after_fork_child();
                     registry_after_fork_child();
                     Forks::list().mutex.unlock();
                   });
    return made;
  }();
  return *list;
}

void Forks::add(Chain *chain) {
  std::lock_guard<std::mutex> lock(list().mutex);
  list().chains.push_back(chain);
}

void Forks::remove(Chain *chain) {
  std::lock_guard<std::mutex> lock(list().mutex);
  std::vector<Chain *> &chains = list().chains;
  chains.erase(std::remove(chains.begin(), chains.end(), chain), chains.end());
}

}  // namespace cachechain
