// ZstdCodec: stored values as zstd frames, and back. A frame tells the size of its value, so a reader knows what it has
// to make room for, and can refuse, before it has allocated anything. Frames may come from anybody: reading is total.
//
// Thread-safe. Contexts are reused; a few small ones are kept while nobody uses them, all others are freed at once.
#ifndef CACHECHAIN_ENTRY_ZSTD_CODEC_H_
#define CACHECHAIN_ENTRY_ZSTD_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/clock.h"

namespace cachechain {

class ZstdCodec {
 public:
  // `level` is 1 to 19.
  explicit ZstdCodec(int level);
  ~ZstdCodec();
  ZstdCodec(const ZstdCodec &) = delete;
  ZstdCodec &operator=(const ZstdCodec &) = delete;

  // The size of the frame that was written to `room`; 0 if it does not fit, there is no memory for a context, or the
  // clock came to `until_ns` first (0: no end), which is looked at after each kCompressStep bytes.
  size_t compress(std::span<const uint8_t> value, std::span<uint8_t> room, Clock &clock, int64_t until_ns);

  // NULL if `frame` has the shape of one frame of at most `most` bytes, then `size` is how many; else what is wrong, a
  // static text, and `size` is what it claims, if anything. Allocates nothing.
  static const char *frame_problem(std::span<const uint8_t> frame, uint64_t most, uint64_t &size);

  // Fills `room`, which has the size that frame_problem() told. OK, NO_MEMORY, or CORRUPT with a static text.
  int32_t decompress(std::span<const uint8_t> frame, std::span<uint8_t> room, const char *&problem);

  static constexpr size_t kCompressStep = 128 << 10;  // a block of zstd's

 private:
  struct Contexts;
  const int level_;
  const std::unique_ptr<Contexts> contexts_;
};

}  // namespace cachechain

#endif  // CACHECHAIN_ENTRY_ZSTD_CODEC_H_
