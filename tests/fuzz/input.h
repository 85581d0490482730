// Input: the bytes of a fuzzer, taken one thing after the other. Past the end everything is zero, so that any bytes are
// a whole story.
#ifndef CACHECHAIN_TESTS_FUZZ_INPUT_H_
#define CACHECHAIN_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cachechain {

class Input {
 public:
  Input(const uint8_t *data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const uint8_t first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }
  uint64_t number() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value;
  }
  // One of 0 .. count - 1.
  size_t pick(size_t count) { return byte() % count; }
  bool coin() { return (byte() & 1) != 0; }
  std::span<const uint8_t> bytes(size_t size) {
    const std::span<const uint8_t> taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  std::span<const uint8_t> rest() const { return rest_; }

 private:
  std::span<const uint8_t> rest_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_TESTS_FUZZ_INPUT_H_
