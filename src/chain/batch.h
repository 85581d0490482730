// Batch: the answers to the keys of one call, in their order: a status each, with a value, a lease or a failure's text.
// It is one block of memory and owns the values, most of which are views into layers: they are released when it goes,
// which may be after the chain was closed.
//
// Filled by the thread that makes it; from then on immutable, and readable by any thread.
#ifndef CACHECHAIN_CHAIN_BATCH_H_
#define CACHECHAIN_CHAIN_BATCH_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "base/allocator.h"
#include "base/status.h"
#include "cachechain/cachechain.h"

namespace cachechain {

class Batch {
 public:
  struct Free {
    void operator()(Batch *batch) const noexcept;
  };
  using Ptr = std::unique_ptr<Batch, Free>;

  // Every answer is OK without a value at first. NULL if there is no memory. The allocator outlives the batch.
  static Ptr create(Allocator &allocator, size_t count, bool with_leases) noexcept;
  Batch(const Batch &) = delete;
  Batch &operator=(const Batch &) = delete;

  size_t size() const { return count_; }
  std::span<cachechain_value> values() { return {values_, count_}; }
  std::span<int32_t> statuses() { return {statuses_, count_}; }
  // Empty unless it was made with leases.
  std::span<cachechain_lease> leases() { return {leases_, leases_ == nullptr ? 0 : count_}; }
  std::span<const cachechain_value> values() const { return {values_, count_}; }
  std::span<const int32_t> statuses() const { return {statuses_, count_}; }
  std::span<const cachechain_lease> leases() const { return {leases_, leases_ == nullptr ? 0 : count_}; }

  // The key's answer is this failure; its text is kept if there is memory for it.
  void fail(size_t index, const Status &failure) noexcept;
  // The answer is that of another key, which the batch holds once for both.
  void repeat(size_t index, size_t of) noexcept;
  // "" unless the key failed. NUL-terminated; lives as long as the batch.
  std::string_view message(size_t index) const;

  // OK if every key's answer is OK, else PARTIAL.
  int32_t overall() const;

 private:
  Batch(Allocator &allocator, size_t count) : allocator_(allocator), count_(count) {}
  ~Batch();
  static uint64_t bytes_for(size_t count, bool with_leases);

  Allocator &allocator_;
  const size_t count_;
  cachechain_value *values_ = nullptr;  // behind this object, and so are the two others
  cachechain_lease *leases_ = nullptr;
  int32_t *statuses_ = nullptr;
  std::map<size_t, Status> failures_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_BATCH_H_
