// Forks: what happens to chains in a fork child. Every open chain is listed here; the child's handler marks them all,
// so that each call on a handle of the parent answers FORKED. Thread-safe.
#ifndef CACHECHAIN_CHAIN_FORKS_H_
#define CACHECHAIN_CHAIN_FORKS_H_

namespace cachechain {

class Chain;

class Forks {
 public:
  static void add(Chain *chain);
  static void remove(Chain *chain);

 private:
  struct List;
  static List &list();
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_FORKS_H_
