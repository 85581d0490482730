// What a cachechain_chain is, and how a C function gets from one to the Chain, or to a refusal.
#ifndef CACHECHAIN_ABI_HANDLE_H_
#define CACHECHAIN_ABI_HANDLE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "abi/error.h"
#include "chain/chain.h"

// The magic tells a handle from a pointer to something else; it is overwritten when the handle is freed, which catches
// most uses after that, though the header promises nothing about them.
struct cachechain_chain {
  static constexpr uint64_t kMagic = 0x6368636163686131;

  cachechain_chain(std::shared_ptr<cachechain::Chain> its_chain, cachechain::Namespace &its_space, bool is_whole)
      : chain(std::move(its_chain)), space(its_space), whole(is_whole) {}

  uint64_t magic = kMagic;
  std::shared_ptr<cachechain::Chain> chain;  // with all other handles of it; the last one closes it
  cachechain::Namespace &space;              // of the chain
  const bool whole;                          // the chain's own handle: to close it closes the chain
  std::atomic<bool> closed{false};           // of one that is not
};

namespace cachechain {

inline bool is_chain(const cachechain_chain *handle) {
  return handle != nullptr && handle->magic == cachechain_chain::kMagic;
}

inline int32_t no_chain(cachechain_error **error) {
  return fail(error, CACHECHAIN_INVALID_ARGUMENT, "chain is NULL, or no handle of a chain");
}

inline int32_t refused(cachechain_error **error, int32_t code) {
  return fail(error, code,
              code == CACHECHAIN_FORKED ? "this chain belongs to the parent process: open one of the child's own"
                                        : "the chain is closed");
}

// Runs body(chain, caller) inside the chain, or answers CLOSED or FORKED.
template <class Body>
int32_t inside(cachechain_chain *handle, cachechain_error **error, Body &&body) {
  if (!is_chain(handle)) return no_chain(error);
  Chain &chain = *handle->chain;
  if (const int32_t refusal = chain.entered(); refusal != CACHECHAIN_OK) return refused(error, refusal);
  if (handle->closed.load(std::memory_order_relaxed)) return refused(error, CACHECHAIN_CLOSED);
  const Caller caller(handle->space);
  Inside entered(caller.block);
  if (const int32_t refusal = chain.entered(); refusal != CACHECHAIN_OK) return refused(error, refusal);
  return body(chain, caller);
}

}  // namespace cachechain

#endif  // CACHECHAIN_ABI_HANDLE_H_
