// Slices: the keys or the values of a batch, as slices or packed into one run of bytes. Borrowed for the call; checked
// where they come in.
#ifndef CACHECHAIN_CHAIN_SLICES_H_
#define CACHECHAIN_CHAIN_SLICES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "cachechain/cachechain.h"

namespace cachechain {

class Slices {
 public:
  Slices() = default;
  Slices(const cachechain_slice *slices, size_t count) : size_(count), slices_(slices) {}
  // Slice i is bytes[offsets[i] .. offsets[i + 1]).
  Slices(const uint8_t *bytes, const uint64_t *offsets, size_t count)
      : size_(count), bytes_(bytes), offsets_(offsets) {}

  size_t size() const { return size_; }
  std::span<const uint8_t> operator[](size_t i) const {
    if (slices_ != nullptr) return {slices_[i].data, static_cast<size_t>(slices_[i].size)};
    return {bytes_ + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])};
  }

 private:
  size_t size_ = 0;
  const cachechain_slice *slices_ = nullptr;
  const uint8_t *bytes_ = nullptr;
  const uint64_t *offsets_ = nullptr;
};

}  // namespace cachechain

#endif  // CACHECHAIN_CHAIN_SLICES_H_
