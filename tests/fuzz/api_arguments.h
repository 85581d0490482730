// Arguments that no reasonable program hands over: options of any size, keys of no size, numbers at their ends.
#ifndef CACHECHAIN_TESTS_FUZZ_API_ARGUMENTS_H_
#define CACHECHAIN_TESTS_FUZZ_API_ARGUMENTS_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>

#include "cachechain/cachechain.h"
#include "fuzz/api_outputs.h"
#include "fuzz/input.h"

namespace cachechain {

// An options struct of the fuzzer's own size, in an allocation of exactly that size.
template <class T>
class Options {
 public:
  // What is set in `wish` stands in the struct as far as it reaches.
  Options(Input &input, T wish) {
    static constexpr size_t kSizes[] = {sizeof(T),     16,   4,    0,    1,     15,        sizeof(T) - 8, sizeof(T) + 1,
                                        sizeof(T) + 8, 1024, 4096, 4097, 65536, UINT32_MAX};
    if (input.coin()) return;  // NULL
    const size_t size = kSizes[input.pick(std::size(kSizes))];
    // A size that is garbage is garbage: no such memory stands behind it.
    const size_t real = size > 4096 ? sizeof(T) : std::max<size_t>(size, sizeof(uint32_t));
    bytes_ = std::make_unique<uint8_t[]>(real);
    wish.struct_size = static_cast<uint32_t>(size);
    std::memcpy(bytes_.get(), &wish, std::min(real, sizeof(T)));
    if (real > sizeof(T) && input.coin()) {
      bytes_[real - 1] = input.byte();
      tail_is_set_ = bytes_[real - 1] != 0;
    }
    size_ = size;
  }

  const T *get() const { return reinterpret_cast<const T *>(bytes_.get()); }
  bool is_null() const { return bytes_ == nullptr; }
  // The whole struct was handed over, and nothing that a library could refuse for its size.
  bool is_whole() const { return size_ >= sizeof(T) && size_ <= 4096 && !tail_is_set_; }
  bool must_be_refused() const { return tail_is_set_; }

 private:
  std::unique_ptr<uint8_t[]> bytes_;
  size_t size_ = 0;
  bool tail_is_set_ = false;
};

inline int64_t wild_number(Input &input) {
  static constexpr int64_t kNumbers[] = {0, 0, 0, 1, -1, 60'000, 1'000'000'000, INT64_MAX, INT64_MIN, INT64_MAX - 1};
  const size_t which = input.pick(std::size(kNumbers) + 1);
  return which == std::size(kNumbers) ? static_cast<int64_t>(input.number()) : kNumbers[which];
}

struct Key {
  Bytes bytes;
  const uint8_t *data = nullptr;
  uint64_t size = 0;
  bool legal() const { return data != nullptr && size >= 1 && size <= CACHECHAIN_MAX_KEY_SIZE; }
};

inline Key make_key(Input &input) {
  Key key;
  const size_t kind = input.pick(16);
  const uint8_t fill = static_cast<uint8_t>(input.byte() % 4);
  key.bytes.assign(kind == 0 ? 1024 : kind == 1 ? 1025 : kind == 2 ? 100 : 1, fill);
  key.data = key.bytes.data();
  key.size = key.bytes.size();
  if (kind == 3) key.size = 0;
  if (kind == 4) key.size = SIZE_MAX;
  if (kind == 5) key.data = nullptr;
  if (kind == 6) {
    key.data = nullptr;
    key.size = 0;
  }
  return key;
}

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_FUZZ_API_ARGUMENTS_H_
